//! What react has reported and could not do, so that it is reported once.

use std::collections::BTreeMap;

use cli::{Context, Failure};
use postfix::Time;

use crate::desk;

/// Beside the journal.
const NAME: &str = "react.json";
/// More than this it never is.
const MOST: u64 = 1 << 20;

/// What the rules asked for and was not done, in words, with the time (seconds since 1970) up to which it is
/// not reported again: the rules ask for it anew each minute.
pub(crate) type Reported = BTreeMap<String, i64>;

/// Where it is not there or makes no sense, everything is reported once more.
pub(crate) fn read(cx: &Context, now: Time) -> Reported {
    let text = guarded::read_text(&desk::directory(cx).join(NAME), MOST);
    let read = text.ok().and_then(|text| serde_json::from_str(&text).ok());
    let mut all: Reported = read.unwrap_or_default();
    all.retain(|_, until| *until > now.seconds());
    all
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
