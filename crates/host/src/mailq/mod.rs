//! How much mail waits in the queues of a host: from queue directories to [`figures::distribution`].

mod counting;
mod spools;

pub use counting::{Counted, Counting};
pub use spools::{InstanceSpool, find};
