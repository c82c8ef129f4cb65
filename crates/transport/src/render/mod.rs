//! One small module a thing shown.

pub mod map;
