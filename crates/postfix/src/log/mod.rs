//! Postfix's logs: where they are, how a line begins, what a delivery line says.
//!
//! From the outside in: [`log_sets`] and [`siblings`] find the files, [`needed`] picks those of a window, [`read_file`]
//! turns one into [`Event`]s for a [`Sink`]. Inside, `lines` cuts bytes into lines and skips those that cannot matter,
//! `header` finds a line's tag, `delivery` and `filtered` read the message, `clock` and `timeline` know the time.
//! [`follow()`] reads a log on from where an earlier run stopped.

mod arrivals;
mod attempt;
mod claim;
mod clock;
mod complaint;
mod copies;
mod cursor;
mod delivery;
mod ends;
mod event;
mod events;
mod extract;
mod filtered;
mod follow;
mod header;
mod journal;
mod json;
mod lines;
mod lost;
mod month;
mod names;
mod open;
mod parts;
mod placed;
mod read;
mod seen;
mod siblings;
mod silence;
mod sources;
mod stamp;
mod timeline;
mod torn;
mod unread;
mod wanted;

pub use attempt::{Delays, Relay, Status};
pub use clock::Clock;
pub use complaint::{Complaint, Severity};
pub use copies::{Beginnings, is_copied, without_copies};
pub use ends::{first_time, hosts, last_time, needed, needed_with};
pub use event::{Agent, Delivery, Event, Expired, Sink};
pub use filtered::{Action, Filtered, Kind, Scan, Stage, Stop};
pub use follow::{Bookmark, Followed, Mark, StoredMark, at_end, follow};
pub use header::{Header, parse as parse_header};
pub use journal::{Journal, MAIL, Trust};
pub use lost::Dropped;
pub use names::Names;
pub use open::{Compression, is_packed_of};
pub use read::{
    Lost, Options, Reading, file as read_file, stream as read_stream, typed as read_typed,
};
pub use seen::{LostMessages, Seen};
pub use siblings::{all_siblings, blocks, gone_between, is_packed, siblings};
pub use silence::{SILENT, Silences};
pub use sources::{LogPlace, LogSet, Scope, log_sets, syslog_files};
pub use stamp::Stamp;
pub use unread::{Unread, UnreadLine, Why};
pub use wanted::Wanted;
