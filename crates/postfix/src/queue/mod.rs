//! Queue files and their logs, as they lie in an instance's queue directory.
//!
//! Knows names ([`QueueId`]), places ([`Layout`], [`Spool`]), the record format ([`Envelope`]), the logs of
//! bounce(8) ([`LogEntry`]) and what showq(8) makes of all this ([`Message`]). Reads only: it never changes,
//! locks or renames a file, and leaves access times unchanged where the kernel lets it.

mod address;
mod bounce_log;
mod collect;
mod content;
mod ctype;
mod envelope;
mod file;
mod id;
mod layout;
mod lifetime;
mod message;
mod names;
mod record;
mod scan;
mod select;
mod sender;

pub use address::{printable, quote_822_local};
pub use bounce_log::{LogEntry, read_log};
pub use collect::{damage, read_arrival, read_envelope};
pub use content::read_content;
pub use envelope::{Envelope, Recipient, RecipientState, SizeRecord};
pub use file::{FileInfo, Opened};
pub use id::{IdParts, QueueId};
pub use layout::{Layout, Log, Queue, Spool};
pub use lifetime::Lifetimes;
pub use message::{Deferral, Message, QueueFile, ShownRecipient, ShowqOptions};
pub use names::{ScanError, Tally};
pub use record::Source;
pub use scan::{Detail, ScanOptions};
pub use select::{AddressPattern, DomainPattern, DsnPattern, Judge, PatternError, Selector};
pub use sender::Sender;
