//! One step for many messages, by several threads: most of a step is waiting, for the disk or for a directory's lock.

use std::sync::{Mutex, PoisonError};
use std::thread;

/// How many threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Workers {
    /// At most so many, the calling one among them.
    pub most: usize,
    /// None is started for fewer messages than these.
    pub share: usize,
}

impl Workers {
    /// The calling thread alone.
    pub const ALONE: Self = Self { most: 1, share: 1 };

    /// Does `work` for each of the items, in no order; the results are in that of the items. A panic is passed on when
    /// all threads have stopped.
    pub(crate) fn each<T: Send, R: Send>(
        self,
        items: Vec<T>,
        work: impl Fn(T) -> R + Sync,
    ) -> Vec<R> {
        let count = (items.len() / self.share.max(1)).min(self.most);
        if count <= 1 {
            return items.into_iter().map(work).collect();
        }
        // A few at a time, so that all come to their end together.
        let some = (items.len() / count / 8).max(1);
        let waiting = Mutex::new(items.into_iter().enumerate());
        let take = || -> Vec<(usize, T)> {
            let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.by_ref().take(some).collect()
        };
        let run = || {
            let mut done = Vec::new();
            loop {
                let taken = take();
                if taken.is_empty() {
                    return done;
                }
                done.extend(taken.into_iter().map(|(at, item)| (at, work(item))));
            }
        };
        let mut done = thread::scope(|scope| {
            // A thread that cannot be had is no loss: the others take its part.
            let start = |_| guarded::threads::thread().spawn_scoped(scope, run).ok();
            let others: Vec<_> = (1..count).filter_map(start).collect();
            let mut done = run();
            for other in others {
                match other.join() {
                    Ok(theirs) => done.extend(theirs),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            done
        });
        done.sort_unstable_by_key(|&(at, _)| at);
        done.into_iter().map(|(_, result)| result).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn check(most: usize, share: usize, items: usize, threads: usize) {
        let workers = Workers { most, share };
        let seen = Mutex::new(HashSet::new());
        let all = std::sync::Barrier::new(threads);
        let doubled = workers.each((0..items).collect(), |item| {
            // The first of each thread waits for all others: there are as many as that, and no more.
            if seen.lock().unwrap().insert(thread::current().id()) {
                all.wait();
            }
            item * 2
        });
        let expected: Vec<usize> = (0..items).map(|item| item * 2).collect();
        assert_eq!(doubled, expected, "{workers:?}");
        assert_eq!(seen.lock().unwrap().len(), threads, "{workers:?}");
    }

    #[test]
    fn results_are_in_order_and_small_batches_stay_in_one_thread() {
        check(1, 1, 100, 1);
        check(8, 16, 31, 1);
        check(8, 16, 32, 2);
        check(8, 1, 5, 5);
        check(4, 16, 10_000, 4);
    }

    #[test]
    fn a_panic_is_passed_on() {
        for at in [0, 50, 99] {
            let workers = Workers { most: 4, share: 1 };
            let work = |item| assert_ne!(item, at, "this one");
            let run = || workers.each((0..100).collect(), work);
            let panic = std::panic::catch_unwind(run).unwrap_err();
            let text = panic.downcast_ref::<String>().unwrap();
            assert!(text.contains("this one"), "{text}");
        }
    }
}
