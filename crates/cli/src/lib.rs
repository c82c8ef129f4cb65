//! What the binaries share: common flags, exit status, terminal, progress, man pages.
//!
//! A tool is a [`Tool`] (its clap definition, its manual page's own sections) and a function from its arguments and
//! a [`Context`] to an [`Outcome`]; [`run`] does the rest. This is the one crate that reads the clock and the
//! environment, writes to stdout and stderr, and knows exit statuses.

mod args;
pub mod check;
mod console;
mod context;
mod error;
mod exit;
mod generate;
mod host;
pub mod instances;
mod interrupt;
mod manual;
mod output;
mod panic;
mod progress;
mod quantity;
mod run;
mod usage;
mod window;

pub use args::{ColorWhen, Common, Generate};
pub use context::Context;
pub use error::{Failure, WithHint};
pub use exit::Outcome;
pub use interrupt::Interrupts;
pub use manual::{Block, Manual, Section};
pub use output::Stream;
pub use progress::Progress;
pub use quantity::{QuantityError, parse_size, parse_span};
pub use run::{Tool, run};
pub use window::{TIME_FORMS, Window, WindowArgs, WindowError};
