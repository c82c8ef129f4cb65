//! The file of totals: JSON, schema `relay-tools/follow/1`.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use postfix::Time;
use postfix::log::{Bookmark, Mark};
use serde::{Deserialize, Serialize};

use super::{SCHEMA, Totalled, Totals};
use crate::mail_stats::Counts;
use legible::wire::write_json;

#[derive(Serialize, Deserialize)]
struct File {
    schema: String,
    since_us: i64,
    updated_us: i64,
    gaps: u64,
    bytes: u64,
    logs: Vec<Log>,
    instances: Vec<Instance>,
}

/// What was read of a log.
#[derive(Serialize, Deserialize)]
struct Log {
    /// The path; bytes that are no UTF-8 are `%XX`, and so is `%`.
    path: String,
    seen_us: Option<i64>,
    files: Vec<Place>,
    /// The place in a journal, which has no files here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
    /// What it holds, if no line of it was Postfix's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    strange: Option<String>,
    /// When its current file was first missed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gone_us: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct Place {
    device: u64,
    inode: u64,
    offset: u64,
    /// Fingerprints, 32 hexadecimal digits each.
    head: String,
    tail: String,
    ended: bool,
    last_us: Option<i64>,
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
        let logs = self.logs.iter().map(|(path, known)| Log {
            path: encoded(path.as_os_str().as_bytes()),
            seen_us: known.seen.map(Time::micros),
            files: known.marks.iter().map(Place::of).collect(),
            cursor: known.cursor.clone(),
            strange: self.strange.get(path).cloned(),
            gone_us: self.gone.get(path).map(|since| since.micros()),
        });
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
            gaps: self.gaps,
            bytes: self.bytes,
            logs: logs.collect(),
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
        let (mut logs, mut strange) = (BTreeMap::new(), BTreeMap::new());
        let mut gone = BTreeMap::new();
        for log in file.logs {
            let marks = log.files.into_iter().map(Place::mark);
            let known = Bookmark {
                marks: marks
                    .collect::<Option<_>>()
                    .ok_or("invalid position in a log")?,
                seen: log.seen_us.map(Time::from_micros),
                cursor: log.cursor,
            };
            let path = decoded(&log.path).ok_or("invalid path")?;
            let path = PathBuf::from(OsStr::from_bytes(&path));
            gone.extend(log.gone_us.map(|us| (path.clone(), Time::from_micros(us))));
            strange.extend(log.strange.map(|what| (path.clone(), what)));
            logs.insert(path, known);
        }
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
            gaps: file.gaps,
            bytes: file.bytes,
            logs,
            strange,
            gone,
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

impl Place {
    fn of(mark: &Mark) -> Self {
        Self {
            device: mark.device,
            inode: mark.inode,
            offset: mark.offset,
            head: format!("{:032x}", mark.head),
            tail: format!("{:032x}", mark.tail),
            ended: mark.ended,
            last_us: mark.last.map(Time::micros),
        }
    }

    fn mark(self) -> Option<Mark> {
        let print = |text: &str| u128::from_str_radix(text, 16).ok();
        // No file is larger (off_t).
        i64::try_from(self.offset).ok()?;
        Some(Mark {
            device: self.device,
            inode: self.inode,
            offset: self.offset,
            head: print(&self.head)?,
            tail: print(&self.tail)?,
            ended: self.ended,
            last: self.last_us.map(Time::from_micros),
        })
    }
}

/// Paths are bytes, JSON is text.
fn encoded(path: &[u8]) -> String {
    let mut text = String::new();
    for chunk in path.utf8_chunks() {
        text.push_str(&chunk.valid().replace('%', "%25"));
        for byte in chunk.invalid() {
            text.push_str(&format!("%{byte:02x}"));
        }
    }
    text
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut parts = text.split('%');
    let mut path = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at_checked(2)?;
        path.push(u8::from_str_radix(code, 16).ok()?);
        path.extend_from_slice(rest.as_bytes());
    }
    Some(path)
}
