//! The limits of an instance, in the JSON of every tool that shows instances.

use figures::held::Held;
use legible::wire::time;
use serde::Serialize;

/// One of them.
#[derive(Serialize)]
pub(crate) struct HeldObject<'a> {
    id: &'a str,
    /// `pause` or `rate`.
    kind: &'static str,
    what: &'a str,
    /// Null: until it is lifted.
    until: Option<String>,
    reason: Option<&'a str>,
}

/// Those of `instance`.
pub(crate) fn of<'a>(all: &'a [Held], instance: &str) -> Vec<HeldObject<'a>> {
    let own = all.iter().filter(|held| held.instance == instance);
    own.map(|held| HeldObject {
        id: &held.id,
        kind: held.kind,
        what: &held.what,
        until: held.until.and_then(time),
        reason: held.reason.as_deref(),
    })
    .collect()
}
