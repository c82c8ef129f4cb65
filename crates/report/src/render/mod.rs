//! One module a format, each over the same figures.

pub mod json;
pub mod text;

#[cfg(test)]
mod tests;
