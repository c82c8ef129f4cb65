//! The transport map that sends each provider's mail to its relay: made from the provider table, judged, completed.
//!
//! Pure: no output, no clock, no files, no DNS. Callers bring what postmap, the DNS and the logs say.
//!
//! - [`Domain`]: strangers' domain names, made harmless;
//! - [`Map`]: the lines that the provider table asks for; [`Route`]: a right-hand side;
//! - [`render`]: one small module a format.

mod domain;
mod map;
pub mod render;
mod route;

pub use domain::{Domain, NoDomain};
pub use map::{Line, Map, table_name};
pub use route::{Hop, Route, Style};
