//! Work that several threads do side by side: most of it is waiting, for a disk or for the DNS.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;

use guarded::threads::thread;

/// Does `work` on every job, `at_a_time` of them at a time. The results are in the order of the jobs.
pub fn each<J: Send, R: Send>(
    jobs: impl IntoIterator<Item = J>,
    at_a_time: usize,
    work: impl Fn(J) -> R + Sync,
) -> Vec<R> {
    let jobs: Vec<J> = jobs.into_iter().collect();
    let threads = jobs.len().min(at_a_time);
    let jobs = Mutex::new(jobs.into_iter().enumerate());
    let results = Mutex::new(Vec::new());
    thread::scope(|scope| {
        let run = || {
            loop {
                let Some((at, job)) = lock(&jobs).next() else {
                    return;
                };
                let result = work(job);
                lock(&results).push((at, result));
            }
        };
        // One that cannot be had is no loss: the others take its part.
        for _ in 1..threads {
            drop(thread().spawn_scoped(scope, run));
        }
        run();
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_unstable_by_key(|&(at, _)| at);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Values that many threads work on, one thread at a time each: enough of them that threads seldom wait.
#[derive(Debug)]
pub struct Shards<T> {
    shards: Vec<Mutex<T>>,
    turn: AtomicUsize,
}

impl<T> Shards<T> {
    /// `count` of them.
    pub fn new(count: usize, make: impl Fn() -> T) -> Self {
        Self {
            shards: (0..count).map(|_| Mutex::new(make())).collect(),
            turn: AtomicUsize::new(0),
        }
    }

    /// Works on any one of them; nothing only if there are none.
    pub fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> Option<R> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let count = self.shards.len();
        let in_turn = (0..count).filter_map(|n| self.shards.get(turn.wrapping_add(n) % count));
        let free = in_turn.clone().find_map(|shard| match shard.try_lock() {
            Ok(free) => Some(free),
            Err(TryLockError::Poisoned(free)) => Some(free.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        });
        let mut any = free.or_else(|| in_turn.map(lock).next())?;
        Some(work(&mut any))
    }

    /// The values, when the threads have ended.
    pub fn into_values(self) -> impl Iterator<Item = T> {
        let shards = self.shards.into_iter();
        shards.map(|shard| shard.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What a thread that panicked has left is taken as it is: the panic itself ends the tool.
pub fn lock<T>(shard: &Mutex<T>) -> MutexGuard<'_, T> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_jobs() {
        for at_a_time in [1, 3, 200] {
            let squares = each(0..100_u64, at_a_time, |n| n * n);
            let expected: Vec<u64> = (0..100).map(|n| n * n).collect();
            assert_eq!(squares, expected, "{at_a_time} at a time");
        }
        assert_eq!(each(Vec::<u64>::new(), 5, |n| n), [0; 0]);
    }

    #[test]
    fn shards_lose_nothing() {
        let shards = Shards::new(3, || 0_u64);
        each(1..=1000_u64, 8, |n| shards.with(|sum| *sum += n));
        assert_eq!(shards.into_values().sum::<u64>(), 500_500);
    }
}
