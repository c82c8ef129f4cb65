//! What waits in the queues ([`figures::distribution`]), one module a format.

pub mod csv;
pub mod json;
pub mod prom;
pub mod table;
pub mod text;

#[cfg(test)]
mod tests;
