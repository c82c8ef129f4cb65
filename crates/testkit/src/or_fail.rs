//! How the kit gives up: with what was tried, at the place in the test that asked for it.

use std::fmt::Display;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Takes a value out of a `Result` or `Option`, or fails the test.
pub(crate) trait OrFail<T> {
    /// The value; or a panic that says `what` was tried and the error.
    fn or_fail(self, what: impl Display) -> T;
}

impl<T, E: Display> OrFail<T> for Result<T, E> {
    #[track_caller]
    fn or_fail(self, what: impl Display) -> T {
        match self {
            Ok(value) => value,
            Err(error) => panic!("testkit: {what}: {error}"),
        }
    }
}

impl<T> OrFail<T> for Option<T> {
    #[track_caller]
    fn or_fail(self, what: impl Display) -> T {
        match self {
            Some(value) => value,
            None => panic!("testkit: {what}"),
        }
    }
}

/// A lock whose holder panicked is still good here: the first panic fails the test, later ones only hide it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
