//! What react has reported and could not do, so that it is reported once.

use std::collections::BTreeMap;

use cli::{Context, Failure};
use postfix::Time;
use serde::{Deserialize, Serialize};

use crate::desk;

/// Beside the journal.
const NAME: &str = "react.json";
/// More than this it never is.
const MOST: u64 = 1 << 20;

/// What the rules asked for, in words, and why it was not done.
pub(crate) type Reported = BTreeMap<String, Held>;

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Held {
    why: String,
    /// Up to then (seconds since 1970), if it is not asked for any more: refusals come and go.
    until: i64,
}

/// Where it is not there or makes no sense, everything is reported once more.
pub(crate) fn read(cx: &Context, now: Time) -> Reported {
    let text = guarded::read_text(&desk::directory(cx).join(NAME), MOST);
    let read = text.ok().and_then(|text| serde_json::from_str(&text).ok());
    let mut all: Reported = read.unwrap_or_default();
    all.retain(|_, held| held.until > now.seconds());
    all
}

/// Is it to be reported: was it not held back before, or for another reason? It is remembered up to `again`, and longer
/// each time that it is asked for.
pub(crate) fn is_news(all: &mut Reported, what: String, why: String, again: Time) -> bool {
    let until = again.seconds();
    let new = Held { why, until };
    match all.insert(what, new.clone()) {
        Some(old) => old.why != new.why,
        None => true,
    }
}

/// Keeps it for the next run.
///
/// # Errors
/// It cannot be written: it is as it was.
pub(crate) fn write(cx: &Context, reported: &Reported) -> anyhow::Result<()> {
    let path = desk::directory(cx).join(NAME);
    let text = serde_json::to_vec(reported)?;
    let place = guarded::Place::make(cx.root().dir(), &path, guarded::Links::Never);
    let written = place.and_then(|place| place.replace(&text));
    Ok(written.map_err(|e| Failure::io("cannot remember what was reported", &path, e))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_back_is_news_once_for_each_reason() {
        let mut all = Reported::new();
        let mut check = |why: &str, expected: bool| {
            let again = Time::from_seconds(3600);
            let news = is_news(&mut all, "pause b".to_owned(), why.to_owned(), again);
            assert_eq!(news, expected, "{why}");
        };
        check("1 of 2 held", true);
        check("1 of 2 held", false);
        check("1 of 2 held", false);
        check("2 of 2 held", true);
        check("2 of 2 held", false);
        check("1 of 2 held", true);
    }
}
