//! Logs whose lines are JSON objects: `journalctl -o json` (systemd.journal-fields(7)) and Docker's `json-file`.

use crate::Time;
use std::borrow::Cow;
use std::fmt;

use chrono::DateTime;
use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, SeqAccess, Visitor};

use super::event::Event;
use super::extract::Extractor;
use super::header::{self, Header};
use super::stamp::Stamp;

/// The fields that are looked at.
#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(rename = "MESSAGE", borrow, default)]
    message: Field<'a>,
    #[serde(rename = "SYSLOG_IDENTIFIER", borrow, default)]
    identifier: Field<'a>,
    #[serde(rename = "_HOSTNAME", borrow, default)]
    host: Field<'a>,
    #[serde(rename = "__REALTIME_TIMESTAMP", borrow, default)]
    realtime: Field<'a>,
    #[serde(borrow, default)]
    log: Field<'a>,
    #[serde(borrow, default)]
    time: Field<'a>,
}

/// A field's bytes: journalctl writes text as a string, other bytes as an array of numbers, a field that occurs
/// several times as an array of those (the first is taken), and null for what is too long without `-a`.
#[derive(Default)]
struct Field<'a>(Option<Cow<'a, [u8]>>);

impl Field<'_> {
    fn bytes(&self) -> &[u8] {
        self.0.as_deref().unwrap_or_default()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Field<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor)
    }
}

struct FieldVisitor;

impl<'de> Visitor<'de> for FieldVisitor {
    type Value = Field<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a journal field")
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Field(Some(Cow::Borrowed(text.as_bytes()))))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Field(Some(Cow::Owned(text.as_bytes().to_vec()))))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Field(None))
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Field(None))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Field(None))
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Field(None))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Field(Some(Cow::Owned(number.to_string().into_bytes()))))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Field(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut bytes = Vec::new();
        let mut first = None;
        while let Some(item) = items.next_element::<Item<'_>>()? {
            match item {
                Item::Byte(byte) => bytes.push(byte),
                Item::Field(field) if first.is_none() => first = Some(field),
                Item::Field(_) | Item::Other(_) => {}
            }
        }
        Ok(first.unwrap_or(Field(Some(Cow::Owned(bytes)))))
    }
}

/// What an array may hold.
#[derive(Deserialize)]
#[serde(untagged)]
enum Item<'a> {
    Byte(u8),
    #[serde(borrow)]
    Field(Field<'a>),
    Other(IgnoredAny),
}

/// What a line of JSON tells.
pub(super) enum Json {
    /// It was read, and was handed on if it is an event that is asked for.
    Read,
    /// It is no JSON object.
    Broken,
}

/// The time of a line.
pub(super) fn stamp_of(line: &[u8]) -> Option<Stamp> {
    let entry = serde_json::from_slice::<Entry<'_>>(line).ok()?;
    docker_time(&entry).or_else(|| journal_time(&entry))
}

fn journal_time(entry: &Entry<'_>) -> Option<Stamp> {
    std::str::from_utf8(entry.realtime.bytes())
        .ok()?
        .parse()
        .ok()
        .map(|micros| Stamp::Instant(Time::from_micros(micros)))
}

fn docker_time(entry: &Entry<'_>) -> Option<Stamp> {
    let time = std::str::from_utf8(entry.time.bytes()).ok()?;
    let time = DateTime::parse_from_rfc3339(time).ok()?;
    Some(Stamp::Instant(time.into()))
}

/// Reads one line and hands its event on.
pub(super) fn line(
    line: &[u8],
    extractor: &mut Extractor,
    mut event: impl FnMut(&Event<'_>),
) -> Json {
    let Ok(entry) = serde_json::from_slice::<Entry<'_>>(line) else {
        return Json::Broken;
    };
    let log = entry.log.bytes();
    if !log.is_empty() {
        let log = log.strip_suffix(b"\n").unwrap_or(log);
        let log = log.strip_suffix(b"\r").unwrap_or(log);
        let exact = docker_time(&entry);
        let found = match (header::parse(log), exact) {
            // A program that writes no time, or one without year or zone: Docker's will do.
            (None, Some(exact)) => header::behind_time(log, exact),
            (Some(h), Some(_)) if !matches!(h.stamp, Some(Stamp::Instant(_))) => {
                Some(Header { stamp: exact, ..h })
            }
            (found, _) => found,
        };
        if let Some(found) = found.and_then(|h| extractor.message(&h)) {
            event(&found);
        }
        return Json::Read;
    }
    let header = Header {
        stamp: journal_time(&entry),
        host: entry.host.bytes(),
        program: entry.identifier.bytes(),
        message: entry.message.bytes(),
    };
    if let Some(found) = extractor.message(&header) {
        event(&found);
    }
    Json::Read
}
