//! What is in the mailq, and why ([`figures::queue`]), one module a format.

mod cells;
pub mod csv;
pub mod json;
pub mod jsonl;
mod list;
mod message;
pub mod table;
pub mod text;

#[cfg(test)]
mod tests;
