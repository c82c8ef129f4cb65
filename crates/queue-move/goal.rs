//! Whether a run may still do what was agreed to, once it is alone.

use cli::Failure;
use transfer::protocol::Goal;
use transfer::{Journal, State};

use crate::unfinished::read;

/// The journal as it is now, once no other run can change it. Refused, where another one has made the plan pointless.
pub(crate) fn read_again(then: &Journal) -> anyhow::Result<Journal> {
    let now = read(&then.path)?;
    if !is_overtaken((then.state(), then.goal), (now.state(), now.goal)) {
        return Ok(now);
    }
    let name = &now.header.name;
    let what = format!("nothing was changed: another run has changed what is to become of {name}");
    let hint = format!(
        "queue-move history {name} shows what it did; run this again if it is still wanted"
    );
    Err(Failure::new(what).hint(hint).into())
}

/// Is what was shown, and agreed to, no longer what the journal says? That what was to be done has been done is no
/// reason: it is looked at again.
fn is_overtaken(then: (State, Goal), now: (State, Goal)) -> bool {
    then.1 != now.1 || (then.0 != now.0 && now.0 != State::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_that_another_run_has_ended_is_not_pursued() {
        let check =
            |then, now, expected| assert_eq!(is_overtaken(then, now), expected, "{then:?} {now:?}");
        let (open, done) = (State::Unfinished, State::Done);
        check((open, Goal::Finish), (open, Goal::Finish), false);
        check((open, Goal::Finish), (done, Goal::Finish), false);
        check((done, Goal::Finish), (done, Goal::Finish), false);
        // An undo has begun, or is over; or it was closed.
        check((open, Goal::Finish), (open, Goal::Back), true);
        check((open, Goal::Finish), (State::Undone, Goal::Back), true);
        check((open, Goal::Finish), (State::Closed, Goal::Finish), true);
        check((open, Goal::Back), (State::Undone, Goal::Back), true);
        check((open, Goal::Back), (open, Goal::Finish), true);
    }
}
