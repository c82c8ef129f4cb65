//! One module a format, each over the same figures.

pub mod csv;
pub mod daily;
pub mod distribution;
pub mod events;
mod filtered;
pub mod grid;
pub mod instances;
pub mod json;
pub mod jsonl;
pub mod prom;
pub mod queue;
pub mod table;
pub mod text;
pub mod totals;
pub mod wire;

#[cfg(test)]
mod tests;
