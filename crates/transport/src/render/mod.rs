//! One small module a thing shown.

pub mod audit;
pub mod discover;
pub mod map;
