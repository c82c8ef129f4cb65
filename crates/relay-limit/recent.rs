//! React's follow state: how far it has read the logs, and the refusals of late that its rules still count.

use std::hash::{BuildHasher as _, DefaultHasher, Hash as _, Hasher as _, RandomState};
use std::path::PathBuf;

use cli::{Context, Failure};
use figures::places::{LogPlace, Places};
use limits::react::{Event, Rules};
use postfix::{Problem, Time};
use serde::{Deserialize, Serialize};

use crate::desk;

const SCHEMA: &str = "relay-tools/react/1";
/// Beside the journal.
const NAME: &str = "react-logs.json";
/// More than this it never is: a few bytes a refusal, of which there are no more than rules ask for.
const MOST: u64 = 64 << 20;

/// What a run leaves for the next one.
#[derive(Debug)]
pub(crate) struct Recent {
    /// How far the logs were read.
    pub(crate) places: Places,
    /// The refusals that may still decide something, in the order of time.
    pub(crate) events: Vec<Event>,
    /// What recipients are hashed with: the same in all runs, and nobody else's.
    pub(crate) key: u64,
    rules: u64,
}

#[derive(Serialize, Deserialize)]
struct File {
    schema: String,
    updated_us: i64,
    /// Of the rules that were counted for: others count something else.
    rules: u64,
    key: u64,
    gaps: u64,
    bytes: u64,
    logs: Vec<LogPlace>,
    refused: Vec<Refused>,
}

#[derive(Serialize, Deserialize)]
struct Refused {
    at_us: i64,
    rule: usize,
    instance: String,
    provider: String,
    recipient: u64,
}

/// Whom a refusal is about, as one number.
pub(crate) fn recipient(key: u64, queue_id: &[u8], address: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (key, queue_id, address).hash(&mut hasher);
    hasher.finish()
}

/// One that nobody can guess.
pub(crate) fn new_key() -> u64 {
    RandomState::new().hash_one(NAME)
}

/// The same rules, read by the same program, count the same.
fn fingerprint(rules: &Rules) -> u64 {
    let mut hasher = DefaultHasher::new();
    (env!("CARGO_PKG_VERSION"), format!("{rules:?}")).hash(&mut hasher);
    hasher.finish()
}

pub(crate) fn path(cx: &Context) -> PathBuf {
    desk::directory(cx).join(NAME)
}

impl Recent {
    fn new(rules: &Rules, places: Places) -> Self {
        Self {
            places,
            events: Vec::new(),
            key: new_key(),
            rules: fingerprint(rules),
        }
    }

    /// What the run before has left. Where that is nothing that can be used, nothing is known, and the logs are read
    /// from as far back as rules look; why, if it is no wonder, is in the problem.
    pub(crate) fn read(cx: &Context, rules: &Rules, now: Time) -> (Self, Option<Problem>) {
        let window = legible::human::age(rules.longest());
        let anew = |places| Self::new(rules, places);
        let path = path(cx);
        let text = match guarded::read_text(&path, MOST) {
            Ok(text) => text,
            Err(e) if guarded::is_absent(&e) => {
                let name = path.display();
                cx.note(format!(
                    "{name}: new state, the last {window} of the logs are read"
                ));
                return (anew(Places::default()), None);
            }
            Err(e) => return (anew(Places::default()), Some(damaged(&path, &window, &e))),
        };
        let (file, read) = match parse(&text) {
            Ok(read) => read,
            Err(why) => return (anew(Places::default()), Some(damaged(&path, &window, &why))),
        };
        // All that a rule can count is in the window: no need to read on from where it was long ago.
        let is_old = Time::from_micros(file.updated_us) < now.minus(rules.longest());
        if is_old || read.rules != fingerprint(rules) {
            let why = match is_old {
                true => "is older than that",
                false => "was kept for other rules",
            };
            let name = path.display();
            cx.note(format!(
                "{name} {why}: the last {window} of the logs are read"
            ));
            let places = Places {
                gaps: file.gaps,
                bytes: file.bytes,
                ..Places::default()
            };
            return (anew(places), None);
        }
        (read, None)
    }

    /// Keeps it for the next run.
    ///
    /// # Errors
    /// It cannot be written: it is as it was, and what is new now is new in the next run, too.
    pub(crate) fn write(&self, cx: &Context, now: Time) -> anyhow::Result<()> {
        let refused = self.events.iter().map(|event| Refused {
            at_us: event.at.micros(),
            rule: event.rule,
            instance: event.instance.clone(),
            provider: event.provider.clone(),
            recipient: event.recipient,
        });
        let file = File {
            schema: SCHEMA.to_owned(),
            updated_us: now.micros(),
            rules: self.rules,
            key: self.key,
            gaps: self.places.gaps,
            bytes: self.places.bytes,
            logs: self.places.to_wire(),
            refused: refused.collect(),
        };
        let path = path(cx);
        let text = serde_json::to_vec(&file)?;
        let place = guarded::Place::make(cx.root().dir(), &path, guarded::Links::Never);
        let written = place.and_then(|place| place.replace(&text));
        Ok(written.map_err(|e| Failure::io("cannot keep the follow state", &path, e))?)
    }
}

fn damaged(path: &std::path::Path, window: &str, why: &dyn std::fmt::Display) -> Problem {
    let what = format!(
        "cannot continue from this follow state: {why}; the last {window} of the logs are read instead, and it is \
         written anew"
    );
    Problem::new(path, what)
}

fn parse(text: &str) -> Result<(File, Recent), String> {
    #[derive(Deserialize)]
    struct Head {
        schema: String,
    }
    let head: Head =
        serde_json::from_str(text).map_err(|e| format!("not of schema {SCHEMA}: {e}"))?;
    if head.schema != SCHEMA {
        return Err(format!("its schema is {}, not {SCHEMA}", head.schema));
    }
    let mut file: File = serde_json::from_str(text).map_err(|e| e.to_string())?;
    let events = file.refused.drain(..).map(|one| Event {
        at: Time::from_micros(one.at_us),
        rule: one.rule,
        instance: one.instance,
        provider: one.provider,
        recipient: one.recipient,
    });
    let events = events.collect();
    let places = Places::from_wire(std::mem::take(&mut file.logs))?;
    let read = Recent {
        places: Places {
            gaps: file.gaps,
            bytes: file.bytes,
            ..places
        },
        events,
        key: file.key,
        rules: file.rules,
    };
    Ok((file, read))
}
