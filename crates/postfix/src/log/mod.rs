//! Postfix's logs: where they are, how a line begins, what a delivery line says.

mod clock;
mod cursor;
mod delivery;
mod event;
mod header;
mod stamp;

pub use clock::Clock;
pub use event::{Agent, Delays, Delivery, Relay, Status};
pub use header::{Header, parse as parse_header};
pub use stamp::Stamp;
