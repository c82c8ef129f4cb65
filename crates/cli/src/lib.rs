//! What the binaries share: common flags, exit status, terminal, progress, man pages.
//!
//! A tool is a [`Tool`] (its clap definition, its manual page's own sections) and a function from its arguments and
//! a [`Context`] to an [`Outcome`]; [`run`] does the rest. This is the one crate that reads the clock and the
//! environment, writes to stdout and stderr, and knows exit statuses.
//!
//! ```no_run
//! use cli::{Common, Context, Manual, Outcome, Tool};
//!
//! /// Say hello
//! #[derive(clap::Parser)]
//! #[command(name = "hello", version)]
//! struct Args {
//!     /// Whom to greet
//!     name: String,
//!     #[command(flatten)]
//!     common: Common,
//! }
//!
//! impl Tool for Args {
//!     const MANUAL: Manual = Manual { sections: &[], see_also: &[], checks: false };
//!     fn common(&self) -> &Common {
//!         &self.common
//!     }
//! }
//!
//! fn hello(args: &Args, cx: &Context) -> anyhow::Result<Outcome> {
//!     cx.print(format!("hello, {}\n", postfix::escape(&args.name)).as_bytes())?;
//!     Ok(Outcome::Done)
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     cli::run(hello)
//! }
//! ```
#![cfg_attr(
    test,
    allow(clippy::disallowed_methods, reason = "tests, on files of their own")
)]

mod args;
mod clock;
mod completions;
mod console;
mod context;
mod error;
mod examples;
mod exit;
mod generate;
mod given;
pub mod instances;
mod interrupt;
pub mod log_args;
pub mod lookups;
pub mod mail;
pub mod manner;
mod manual;
mod output;
mod panic;
pub mod person;
mod progress;
mod quantity;
mod run;
pub mod selectors;
pub mod syslog;
mod tool;
mod usage;
mod window;

pub use args::{ColorWhen, Common, Generate};
pub use context::Context;
pub use exit::Outcome;
pub use given::without_a_mode;
pub use host::{Failure, WithHint};
pub use interrupt::Interrupts;
pub use manual::{Block, Manual, Section};
pub use output::{Stream, cannot_write, create_file, replace_file};
pub use progress::Progress;
pub use quantity::{QuantityError, parse_size, parse_span};
pub use run::run;
pub use tool::Tool;
pub use window::{TIME_FORMS, WindowArgs, WindowError, to_come};
