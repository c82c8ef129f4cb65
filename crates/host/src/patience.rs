//! How long answers are waited for, of all that are asked alike in one run of a tool.
//!
//! A host has dozens of instances. Where one does not answer, the others may not either: who waits for each as long as
//! for the first waits for an hour, and a monitoring system for none of it.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use crate::pool::lock;

/// How long the next ones may take, once one has not answered in time.
const BRIEFLY: Duration = Duration::from_secs(1);

/// So long is waited in vain, in all.
const MOST: Duration = Duration::from_secs(60);

/// For how long answers have been waited for in vain, by what is asked.
#[derive(Debug)]
pub struct Patience {
    first: Duration,
    next: Duration,
    waited: Mutex<BTreeMap<PathBuf, Duration>>,
}

impl Patience {
    /// The `first` may take this long.
    pub const fn new(first: Duration) -> Self {
        Self::then(first, BRIEFLY)
    }

    /// The same of what changes something, which is best not cut short: the next ones may take `next`.
    pub const fn then(first: Duration, next: Duration) -> Self {
        Self {
            first,
            next,
            waited: Mutex::new(BTreeMap::new()),
        }
    }

    /// How long one of these may take.
    ///
    /// # Errors
    /// They have been waited for long enough (`TimedOut`): what was not asked is not known.
    pub fn of(&self, asked: &Path) -> io::Result<Duration> {
        match lock(&self.waited).get(asked) {
            None => Ok(self.first),
            Some(waited) if *waited < MOST => Ok(self.next.min(self.first)),
            Some(waited) => {
                let waited = waited.as_secs();
                let what = format!("not asked: {} {waited} s before", guarded::NO_ANSWER);
                Err(io::Error::new(ErrorKind::TimedOut, what))
            }
        }
    }

    /// Notes of an error that one has not answered in time, and was waited for so long; any other is as it was. Where
    /// others were waited for before, it says so: else "within 1 s" would look like no time at all.
    pub fn spent(&self, asked: &Path, waited: Duration, error: io::Error) -> io::Error {
        // socket(7), SO_RCVTIMEO: a limit ends with EAGAIN.
        if !matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock) {
            return error;
        }
        let mut all = lock(&self.waited);
        let so_far = all.entry(asked.to_owned()).or_default();
        let before = so_far.as_secs();
        *so_far += waited;
        match before {
            0 => error,
            before => {
                let what =
                    format!("{error} (others were waited for in vain before, for {before} s)");
                io::Error::new(error.kind(), what)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_hundred_that_do_not_answer_are_waited_for_for_a_minute() {
        let patience = Patience::new(Duration::from_secs(30));
        let (postmap, other) = (
            Path::new("/usr/sbin/postmap"),
            Path::new("/usr/sbin/postconf"),
        );
        let (mut waited, mut asked, mut said) = (Duration::ZERO, 0, Vec::new());
        for _ in 0..300 {
            if let Ok(long) = patience.of(postmap) {
                waited += long;
                asked += 1;
                let late = format!("{} {} s", guarded::NO_ANSWER, long.as_secs());
                let late = io::Error::new(ErrorKind::TimedOut, late);
                said.push(patience.spent(postmap, long, late).to_string());
            }
        }
        assert_eq!((waited.as_secs(), asked), (60, 31));
        // What took no time of its own says whose time it was.
        assert_eq!(said[0], "no answer within 30 s");
        let others = "no answer within 1 s (others were waited for in vain before, for 30 s)";
        assert_eq!(said[1], others);
        let gone = io::Error::from(ErrorKind::NotFound);
        assert_eq!(
            patience.spent(postmap, Duration::ZERO, gone).kind(),
            ErrorKind::NotFound
        );
        let why = patience.of(postmap).unwrap_err();
        assert_eq!(why.to_string(), "not asked: no answer within 60 s before");
        assert_eq!(patience.of(other).unwrap().as_secs(), 30);
    }

    #[test]
    fn what_changes_something_has_longer_and_no_more_in_all() {
        let patience = Patience::then(Duration::from_secs(30), Duration::from_secs(10));
        let asked = Path::new("/usr/sbin/postconf");
        let mut times = Vec::new();
        while let Ok(long) = patience.of(asked) {
            times.push(long.as_secs());
            patience.spent(asked, long, ErrorKind::TimedOut.into());
        }
        assert_eq!(times, [30, 10, 10, 10]);
    }
}
