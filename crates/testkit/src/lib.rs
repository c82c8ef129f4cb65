//! Real Postfix for the tests: whole hosts, thrown away afterwards.
//!
//! A [`Host`] is a private machine made of Linux namespaces: its own mounts, network, processes and host name. It
//! starts in well under a second, many run side by side on the same ports, and nothing on the machine is changed. In
//! it run [`Instance`]s of Postfix, rsyslogd, and the tools under test; a [`Sink`] plays the providers that the
//! instances deliver to.
//!
//! ```no_run
//! use testkit::{Answer, Mail};
//!
//! let host = testkit::host_or_skip!();
//! let sink = host.sink();
//! sink.on_rcpt(|rcpt| match rcpt.recipient.as_str() {
//!     "full@example.com" => Answer::text(452, "4.2.2 Over quota"),
//!     _ => Answer::ok(),
//! });
//! let aol = host.instance("postfix-aol-a").relay_to(&sink).start();
//! aol.submit([Mail::new("news@example.org", "full@example.com")]);
//! aol.wait_for("deferred", 1);
//! let out = host.command("mailq-distribution").arg("--counts-only").run().ok();
//! assert!(out.text().contains("postfix-aol-a"));
//! ```
//!
//! It needs root, and the Debian packages `postfix` and `rsyslog`; where they are missing, [`host_or_skip!`] says so
//! and ends the test. Starting a host returns an error; everything after that panics with the reason (and the tail of
//! the host's mail.log), since a test has nothing better to do with it.
#![allow(
    clippy::disallowed_methods,
    reason = "for tests, in hosts of their own"
)]

mod boot;
mod command;
mod config;
pub mod debian;
pub mod dns;
mod host;
mod inject;
mod instance;
pub mod journal;
mod journald;
mod mail;
pub mod maillog;
mod make;
mod milter;
mod namespace;
mod or_fail;
pub mod prometheus;
mod queue;
mod sink;
mod skip;
pub mod tools;
pub mod traced;
mod wait;

pub use boot::{Builder, Unavailable};
pub use command::{Cmd, Ran, Running};
pub use host::Host;
pub use instance::Instance;
pub use mail::Mail;
pub use make::InstanceBuilder;
pub use milter::{Asked, Milter, Said};
pub use sink::{Answer, Answered, Delivery, Features, Incoming, Message, Rcpt, Sink, hash_body};
pub use skip::{REQUIRE, skip};
pub use wait::{PATIENCE, in_time, wait_for_lock, wait_until};
