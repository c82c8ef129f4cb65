//! Is all well with what holds?

use figures::verdict::Level;
use postfix::{Span, Time};

use crate::limit::Standing;

/// A limit may be over for so long before something is wrong: tick runs every minute.
pub const LATE: Span = Span::from_minutes(2);

/// A pause that is older has been forgotten.
pub const OLD: Span = Span::from_days(1);

/// What was seen of a limit that is to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LimitHealth {
    /// Postfix goes by it.
    Holds,
    /// Its instance does not run: there is nothing to hold.
    NotRunning,
    /// Postfix goes by it, but for some of its mail: which.
    Partly(String),
    /// It is not in force: why.
    Broken(String),
    /// That could not be found out: why.
    Unknown(String),
}

/// What is wrong with a limit that is not closed, at `now`: how bad it is, and what to do about it. Of one that is
/// over, `seen` is what may keep it from ending.
pub fn troubles(one: &Standing, seen: &LimitHealth, now: Time) -> Vec<(Level, String)> {
    let id = &one.limit.id;
    let over = one
        .ended
        .as_ref()
        .map(|(at, ..)| *at)
        .or(one.limit.until.filter(|until| *until <= now));
    if let Some(over) = over {
        let late = now.since(over) > LATE;
        let mut text =
            format!("{id} is over but was not removed: relay-limit tick is not running, or fails");
        if let LimitHealth::Broken(why) = seen {
            text.push_str(&format!(": {why}"));
        }
        return Vec::from_iter(late.then_some((Level::Critical, text)));
    }
    let mut found = Vec::new();
    match seen {
        LimitHealth::Holds | LimitHealth::NotRunning => {}
        LimitHealth::Partly(which) => found.push((
            Level::Warning,
            format!("{id} is not in force for all of its mail: {which}"),
        )),
        LimitHealth::Broken(why) => {
            found.push((Level::Critical, format!("{id} is not in force: {why}")));
        }
        LimitHealth::Unknown(why) => found.push((
            Level::Unknown,
            format!("{id}: it is not known whether it is in force: {why}"),
        )),
    }
    // A rate may be meant to last.
    if one.limit.pause().is_some() {
        match one.limit.until {
            None => found.push((Level::Warning, format!("{id} will not end by itself"))),
            Some(_) if now.since(one.limit.begun) > OLD => {
                found.push((Level::Warning, format!("{id} is older than a day")));
            }
            Some(_) => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limit::{Ending, Hold, Limit, Pause, Scope};

    fn standing(until: Option<i64>, ended: Option<i64>) -> Standing {
        Standing {
            limit: Limit {
                id: "p".to_owned(),
                instance: "postfix-aol-b".to_owned(),
                config_directory: "/etc/postfix-aol-b".into(),
                begun: Time::from_seconds(1000),
                until: until.map(Time::from_seconds),
                by: String::new(),
                command: String::new(),
                reason: None,
                hold: Hold::Pause(Pause {
                    scope: Scope::All,
                    provider: None,
                    text: String::new(),
                    flush: false,
                }),
            },
            in_force: None,
            ended: ended.map(|at| (Time::from_seconds(at), Ending::Lifted, String::new())),
            closed: None,
            notes: Vec::new(),
            removal: None,
        }
    }

    #[test]
    fn what_is_wrong() {
        let check = |one: Standing, seen: LimitHealth, now: i64, expected: &[Level]| {
            let found: Vec<Level> = troubles(&one, &seen, Time::from_seconds(now))
                .iter()
                .map(|(level, _)| *level)
                .collect();
            assert_eq!(found, expected, "{one:?} {seen:?} {now}");
        };
        use Level::{Critical, Unknown, Warning};
        let hour = || standing(Some(4600), None);
        check(hour(), LimitHealth::Holds, 2000, &[]);
        check(hour(), LimitHealth::NotRunning, 2000, &[]);
        check(
            hour(),
            LimitHealth::Broken("no line".to_owned()),
            2000,
            &[Critical],
        );
        check(
            hour(),
            LimitHealth::Unknown("not root".to_owned()),
            2000,
            &[Unknown],
        );
        check(
            hour(),
            LimitHealth::Partly("a@x".to_owned()),
            2000,
            &[Warning],
        );
        // tick has two minutes.
        check(hour(), LimitHealth::Holds, 4720, &[]);
        check(hour(), LimitHealth::Holds, 4721, &[Critical]);
        check(
            standing(Some(4600), Some(2000)),
            LimitHealth::Holds,
            2121,
            &[Critical],
        );
        check(
            standing(Some(4600), Some(2000)),
            LimitHealth::Holds,
            2120,
            &[],
        );
        check(standing(None, None), LimitHealth::Holds, 2000, &[Warning]);
        let week = || standing(Some(604_800), None);
        check(week(), LimitHealth::Holds, 87_400, &[]);
        check(week(), LimitHealth::Holds, 87_401, &[Warning]);
        check(
            week(),
            LimitHealth::Broken("no line".to_owned()),
            87_401,
            &[Critical, Warning],
        );
    }
}
