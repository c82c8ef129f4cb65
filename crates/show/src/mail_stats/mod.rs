//! Delivery figures, a file a format.

pub mod csv;
pub mod events;
pub mod json;
pub mod jsonl;
pub mod prom;
pub mod table;
pub mod text;

#[cfg(test)]
mod tests;
