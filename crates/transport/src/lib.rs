//! The transport map that sends each provider's mail to its relay: made from the provider table, judged, completed.
//!
//! - [`Domain`]: strangers' domain names, made harmless;
//! - [`Map`]: the lines that the provider table asks for; [`Route`]: a right-hand side;
//! - [`Source`]: a map's text as postmap reads it; [`TableName`]: what transport_maps names; [`listed`]: mynetworks;
//! - [`audit`]: is the map in use, complete and correct?
//! - [`discover`]: which domains also belong in it;
//! - [`render`]: one small module a thing shown.
//!
//! Must not print, read a clock or a file, ask the DNS or connect anywhere: callers bring what postmap, the DNS, the
//! relays and the logs say, and also that nobody could say, which is never taken for OK.
#![cfg_attr(
    test,
    allow(clippy::disallowed_methods, reason = "tests, on files of their own")
)]

pub mod audit;
pub mod discover;
mod domain;
mod map;
mod networks;
pub mod render;
mod route;
mod source;
mod tables;

pub use domain::{Domain, NoDomain};
pub use map::{Line, Map, table_name};
pub use networks::{Listed, Reference, listed};
pub use route::{Hop, Route, Style};
pub use source::{Source, TableEntry};
pub use tables::{Storage, TableName, split_list};
