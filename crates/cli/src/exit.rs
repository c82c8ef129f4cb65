//! How a tool ends: the one place that knows exit statuses.

use figures::verdict::Level;

/// How a tool's work ended, when it did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All was done. Where problems were reported ([`crate::Context::problems`]), this counts as [`Outcome::Partial`].
    Done,
    /// Done, but something was left out: an unreadable file, a skipped message.
    Partial,
    /// The answer of `--check`.
    Checked(Level),
}

/// How a run ended, whatever happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The work was done.
    Finished(Outcome),
    /// Usage, unknown instance, refused, not permitted, an error, a defect of the tool: nothing was done.
    Failed,
}

/// The table of exit statuses. `checking`: is `--check` among the arguments, so that the convention of monitoring
/// plugins (0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN) holds?
pub(crate) fn status(ending: Ending, checking: bool) -> u8 {
    match (ending, checking) {
        (Ending::Finished(Outcome::Done), _) => 0,
        (Ending::Finished(Outcome::Partial), _) => 1,
        (Ending::Finished(Outcome::Checked(level)), _) => level.status(),
        (Ending::Failed, false) => 2,
        (Ending::Failed, true) => Level::Unknown.status(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_as_documented() {
        let check = |ending, checking, expected| assert_eq!(status(ending, checking), expected);
        check(Ending::Finished(Outcome::Done), false, 0);
        check(Ending::Finished(Outcome::Partial), false, 1);
        check(Ending::Failed, false, 2);
        check(Ending::Finished(Outcome::Done), true, 0);
        check(Ending::Finished(Outcome::Checked(Level::Ok)), true, 0);
        check(Ending::Finished(Outcome::Checked(Level::Warning)), true, 1);
        check(Ending::Finished(Outcome::Checked(Level::Critical)), true, 2);
        check(Ending::Finished(Outcome::Checked(Level::Unknown)), true, 3);
        check(Ending::Failed, true, 3);
    }
}
