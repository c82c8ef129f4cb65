//! relay-warmup status on logs whose days are counted by hand.
#![allow(clippy::unwrap_used, reason = "a test has nothing better to do")]

mod applied;
mod image;
mod judged;
mod sources;
