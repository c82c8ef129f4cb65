//! Postfix's logs: where they are, how a line begins, what a delivery line says.

mod event;

pub use event::{Agent, Delays, Delivery, Relay, Status};
