//! Warming up a new sending address: is it ready, how much may it send today, does it go well?
//!
//! - [`readiness`]: what must be in order before the first message leaves;
//! - [`schedule`]: how much may be sent on which sending day;
//! - [`settings`]: the Postfix settings that hold to it; [`ratio`]: the A records that bring it, [`exchangers`] and
//!   [`weights`]: the MX and SRV records that do; [`intake`]: what comes beyond;
//! - [`plan`]: all of these for one instance, as a value, and as the file that is kept of it;
//! - [`rules`], [`status`]: the days so far, judged; [`applied`]: what was put in force for them;
//! - [`render`]: one small module for each of these, and each format.
//!
//! Must not print, read a clock, a file or the DNS, or change anything: relay-warmup brings the facts, keeps the files
//! and runs postconf. Days of which nothing is known are never taken for good ones.
#![cfg_attr(
    test,
    allow(clippy::disallowed_methods, reason = "tests, on files of their own")
)]

pub mod applied;
pub mod exchangers;
pub mod intake;
pub mod limits;
pub mod plan;
pub mod ratio;
pub mod readiness;
pub mod render;
pub mod rules;
pub mod schedule;
pub mod settings;
pub mod status;
pub mod weights;
