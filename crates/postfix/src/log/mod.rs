//! Postfix's logs: where they are, how a line begins, what a delivery line says.

mod clock;
mod cursor;
mod delivery;
mod event;
mod extract;
mod header;
mod json;
mod lines;
mod open;
mod read;
mod stamp;
mod timeline;

pub use clock::Clock;
pub use event::{Agent, Delays, Delivery, Event, Expired, Relay, Sink, Status};
pub use extract::Wanted;
pub use header::{Header, parse as parse_header};
pub use open::Compression;
pub use read::{Options, Reading, file as read_file, first_time, stream as read_stream};
pub use stamp::Stamp;
