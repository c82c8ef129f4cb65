//! What root does beside users who are not root: files below directories that others own, locks, programs.
//!
//! Knows how a name is looked up so that whoever may write to a directory on its way leads nobody elsewhere, how a file
//! takes another's place, who holds a lock, and how a program is run so that it neither hangs nor floods. Must not know
//! Postfix, a terminal or the clock. It is the one place from which files are opened to be written to, made, renamed
//! and given away, and the one from which programs are started: `clippy.toml` holds the others to it.
//!
//! Three things are kept everywhere. A directory is held open, and names are looked up in it, so that its being renamed
//! leads nowhere else. No link is followed that anybody but root and the caller could have put in its place. What has
//! been opened is looked at (fstat(2)), and not what has its name by then.

pub mod at;
mod draft;
mod image;
mod kept;
mod lock;
mod place;
mod program;
mod read;
pub mod threads;
mod trust;
mod walk;

pub use draft::{Draft, Leftover};
pub use image::{confine, refuse_links};
pub use lock::{Lock, LockError, flock_holder};
pub use place::{Kind, Place, descriptor};
pub use program::{Ended, NO_ANSWER, Output, Program, Said};
pub use read::{list, open, open_typed, read, read_text, read_typed, read_typed_text};
pub use trust::{Refused, follow, is_refused, user};
pub use walk::{Links, is_absent};
