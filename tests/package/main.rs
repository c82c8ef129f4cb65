//! What is shipped: the Debian package, and the manual pages.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests, on files of their own"
)]

mod debian;
mod guide;
mod install;
mod man;
