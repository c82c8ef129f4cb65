//! relay-warmup status on logs whose days are counted by hand.

mod applied;
mod image;
mod judged;
mod sources;
