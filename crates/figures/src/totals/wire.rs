//! The file of totals: JSON, schema `relay-tools/follow/1`.

use std::collections::BTreeMap;

use postfix::Time;
use serde::{Deserialize, Serialize};

use super::{SCHEMA, Totalled, Totals};
use crate::mail_stats::Counts;
use crate::places::{LogPlace, Places};
use legible::wire::write_json;

#[derive(Serialize, Deserialize)]
struct File {
    schema: String,
    since_us: i64,
    updated_us: i64,
    gaps: u64,
    bytes: u64,
    logs: Vec<LogPlace>,
    instances: Vec<Instance>,
}

#[derive(Serialize, Deserialize)]
struct Instance {
    instance: String,
    #[serde(flatten)]
    counts: Numbers,
    expired: u64,
    unparsed: u64,
    #[serde(default)]
    complaints: BTreeMap<String, u64>,
    providers: BTreeMap<String, Numbers>,
    reasons: BTreeMap<String, Numbers>,
}

#[derive(Serialize, Deserialize)]
struct Numbers {
    sent: u64,
    bounced: u64,
    deferred: u64,
}

impl From<Counts> for Numbers {
    fn from(counts: Counts) -> Self {
        let Counts {
            sent,
            bounced,
            deferred,
        } = counts;
        Self {
            sent,
            bounced,
            deferred,
        }
    }
}

impl From<Numbers> for Counts {
    fn from(numbers: Numbers) -> Self {
        let Numbers {
            sent,
            bounced,
            deferred,
        } = numbers;
        Self {
            sent,
            bounced,
            deferred,
        }
    }
}

impl Totals {
    /// The content of their file.
    ///
    /// # Errors
    /// They cannot be JSON.
    pub fn to_json(&self) -> std::io::Result<Vec<u8>> {
        let table = |table: &BTreeMap<String, Counts>| {
            let rows = table.iter();
            rows.map(|(key, counts)| (key.clone(), (*counts).into()))
                .collect()
        };
        let instances = self.instances.iter().map(|(name, totalled)| Instance {
            instance: name.clone(),
            counts: totalled.counts.into(),
            expired: totalled.expired,
            unparsed: totalled.unparsed,
            complaints: totalled.complaints.clone(),
            providers: table(&totalled.providers),
            reasons: table(&totalled.reasons),
        });
        let file = File {
            schema: SCHEMA.to_owned(),
            since_us: self.since.micros(),
            updated_us: self.updated.micros(),
            gaps: self.places.gaps,
            bytes: self.places.bytes,
            logs: self.places.to_wire(),
            instances: instances.collect(),
        };
        let mut json = Vec::new();
        write_json(&mut json, &file)?;
        json.push(b'\n');
        Ok(json)
    }

    /// Reads their file.
    ///
    /// # Errors
    /// Why it is not one: it is of another version, cut short, edited so that its figures no longer agree.
    pub fn from_json(text: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Head {
            schema: String,
        }
        let head: Head =
            serde_json::from_slice(text).map_err(|e| format!("not of schema {SCHEMA}: {e}"))?;
        if head.schema != SCHEMA {
            return Err(format!("its schema is {}, not {SCHEMA}", head.schema));
        }
        let file: File = serde_json::from_slice(text).map_err(|e| e.to_string())?;
        let table = |rows: BTreeMap<String, Numbers>| {
            let rows = rows.into_iter();
            rows.map(|(key, numbers)| (key, numbers.into())).collect()
        };
        let logs = Places::from_wire(file.logs)?;
        let mut instances = BTreeMap::new();
        for one in file.instances {
            let totalled = Totalled {
                counts: one.counts.into(),
                expired: one.expired,
                unparsed: one.unparsed,
                complaints: one.complaints,
                providers: table(one.providers),
                reasons: table(one.reasons),
            };
            if !totalled.agrees() {
                return Err(format!("the figures of {} do not add up", one.instance));
            }
            instances.insert(one.instance, totalled);
        }
        Ok(Self {
            since: Time::from_micros(file.since_us),
            updated: Time::from_micros(file.updated_us),
            places: Places {
                gaps: file.gaps,
                bytes: file.bytes,
                ..logs
            },
            instances,
        })
    }
}

impl Totalled {
    /// Every delivery has a provider, and each that was not sent a reason.
    fn agrees(&self) -> bool {
        let sum = |table: &BTreeMap<String, Counts>| {
            let mut all = Counts::default();
            table.values().for_each(|counts| all += *counts);
            all
        };
        let failed = Counts {
            sent: 0,
            ..self.counts
        };
        sum(&self.providers) == self.counts && sum(&self.reasons) == failed
    }
}
