//! One small module a thing shown.

pub mod audit;
pub mod map;
