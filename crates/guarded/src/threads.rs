//! Threads that work beside others.
//!
//! A host may have no more of them to give (`ulimit -u`, a unit's TasksMax): whoever asks does without then.

use std::thread::Builder;

/// The stack of each: `RUST_MIN_STACK` in the environment is not to decide it.
const STACK: usize = 2 << 20;

/// A thread that is to be started, with [`Builder::spawn`] or [`Builder::spawn_scoped`].
pub fn thread() -> Builder {
    Builder::new().stack_size(STACK)
}
