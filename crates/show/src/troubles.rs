//! What an instance's programs stumble over, in the JSON of every tool that looks into queues.

use figures::instances::Trouble;
use serde::Serialize;

/// One of them.
#[derive(Serialize)]
pub(crate) struct TroubleObject<'a> {
    /// `warning`, `critical` or `unknown`.
    level: String,
    text: &'a str,
}

/// Those of `instance`.
pub(crate) fn of<'a>(all: &'a [Trouble], instance: &str) -> Vec<TroubleObject<'a>> {
    let own = all.iter().filter(|trouble| trouble.instance == instance);
    own.map(|trouble| TroubleObject {
        level: trouble.level.as_str().to_ascii_lowercase(),
        text: &trouble.text,
    })
    .collect()
}
