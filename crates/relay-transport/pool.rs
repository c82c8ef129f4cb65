//! Questions that are asked side by side.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Does `work` on every job, so many at a time. The results come in no order.
pub(crate) fn each<J: Send, R: Send>(
    jobs: impl IntoIterator<Item = J>,
    at_a_time: usize,
    work: impl Fn(J) -> R + Sync,
) -> Vec<R> {
    let jobs: VecDeque<J> = jobs.into_iter().collect();
    let threads = jobs.len().min(at_a_time);
    let jobs = Mutex::new(jobs);
    let results = Mutex::new(Vec::new());
    let next = || {
        jobs.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front()
    };
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(job) = next() {
                    let result = work(job);
                    results
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(result);
                }
            });
        }
    });
    results.into_inner().unwrap_or_else(PoisonError::into_inner)
}
