//! Logs whose lines are JSON objects: `journalctl -o json` (systemd.journal-fields(7)), Docker's `json-file`, and what
//! rsyslog and syslog-ng write by a JSON template.

use crate::Time;
use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;

use chrono::DateTime;
use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, SeqAccess, Visitor};

use super::cursor::Cursor;
use super::event::Event;
use super::extract::Extractor;
use super::header::{self, Header};
use super::journal::{Origin, Sender, Trust};
use super::stamp::{self, Stamp};
use super::unread::Why;

/// Whose entries are Postfix's, in a journal that may be any host's.
static ANY_HOSTS: LazyLock<Trust> = LazyLock::new(|| Trust {
    owners: None,
    daemon_directories: ["/usr/lib/postfix", "/usr/libexec/postfix"]
        .map(Into::into)
        .into(),
});

/// The fields that are looked at.
#[derive(Default)]
struct Fields<'a> {
    message: Field<'a>,
    identifier: Field<'a>,
    /// `postfix/smtp[706]:`
    tag: Field<'a>,
    host: Field<'a>,
    /// journald's time, in microseconds since 1970.
    realtime: Field<'a>,
    /// A syslog daemon's.
    timestamp: Field<'a>,
    /// What Docker wrapped, and its time.
    log: Field<'a>,
    time: Field<'a>,
    /// What journald noted of the sender.
    uid: Field<'a>,
    transport: Field<'a>,
    unit: Field<'a>,
    exe: Field<'a>,
}

impl<'a> Fields<'a> {
    /// Where the value of a key belongs: journald's names, Docker's, and those of syslog daemons' JSON templates
    /// (rsyslog's property names and `jsonmesg`, syslog-ng's `format-json`, and what log shippers make of them).
    fn field(&mut self, key: &str) -> Option<&mut Field<'a>> {
        Some(match key {
            "MESSAGE" | "message" | "msg" => &mut self.message,
            "SYSLOG_IDENTIFIER" | "program" | "PROGRAM" | "app-name" | "app_name" | "appname"
            | "programname" | "ident" => &mut self.identifier,
            "syslogtag" | "syslog-tag" | "syslog_tag" | "tag" => &mut self.tag,
            "_HOSTNAME" | "hostname" | "host" | "HOST" => &mut self.host,
            "__REALTIME_TIMESTAMP" => &mut self.realtime,
            "@timestamp" | "timestamp" | "timereported" | "ISODATE" | "DATE" => &mut self.timestamp,
            "log" => &mut self.log,
            "time" => &mut self.time,
            "_UID" => &mut self.uid,
            "_TRANSPORT" => &mut self.transport,
            "_SYSTEMD_UNIT" => &mut self.unit,
            "_EXE" => &mut self.exe,
            _ => return None,
        })
    }

    /// The tag without its process id. A syslog daemon's name for the program may end before the `/`.
    fn program(&self) -> &[u8] {
        let program = self.identifier.bytes();
        let tag = self.tag.bytes();
        let tag = tag.split(|b| matches!(b, b'[' | b':')).next();
        match tag.filter(|tag| !program.contains(&b'/') && !tag.is_empty()) {
            Some(tag) => tag,
            None => program,
        }
    }

    /// How far journald's own fields say that the entry is to be believed: wholly, where there are none.
    fn origin(&self) -> Origin {
        let sender = Sender {
            uid: self.uid.bytes(),
            transport: self.transport.bytes(),
            unit: self.unit.bytes(),
            exe: self.exe.bytes(),
        };
        ANY_HOSTS.origin(self.program(), &sender)
    }

    fn stamp(&self) -> Option<Stamp> {
        journal_time(self).or_else(|| stamp::take(&mut Cursor(self.timestamp.bytes())))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntryVisitor)
    }
}

struct EntryVisitor;

impl<'de> Visitor<'de> for EntryVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a log entry")
    }

    /// Of several keys for one thing, the first that has a value is taken.
    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Fields::default();
        while let Some(Key(key)) = map.next_key()? {
            match fields.field(&key).filter(|field| field.0.is_none()) {
                Some(field) => *field = map.next_value()?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(fields)
    }
}

/// A key, borrowed where it has no escapes.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// A field's bytes: journalctl writes text as a string, other bytes as an array of numbers, a field that occurs
/// several times as an array of those (the first is taken), and null for what is longer than 4096 bytes without `-a`.
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
                // No text, and no part of one.
                Item::Number(_) => first = Some(Field(None)),
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
    #[expect(dead_code, reason = "which number it is does not matter")]
    Number(f64),
    #[serde(borrow)]
    Field(Field<'a>),
    Other(IgnoredAny),
}

/// Does the line begin as a JSON object does?
pub(super) fn is_object(line: &[u8]) -> bool {
    line.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{')
}

/// The time of a line.
pub(super) fn stamp_of(line: &[u8]) -> Option<Stamp> {
    let fields = serde_json::from_slice::<Fields<'_>>(line).ok()?;
    docker_time(&fields).or_else(|| fields.stamp())
}

/// Is it an entry of one of Postfix's programs?
pub(super) fn is_postfix(line: &[u8]) -> bool {
    let Ok(fields) = serde_json::from_slice::<Fields<'_>>(line) else {
        return false;
    };
    docker_line(&fields).map_or_else(
        || header::is_postfix(fields.program()) && fields.origin() == Origin::Own,
        |found| found.is_some_and(|header| header::is_postfix(header.program)),
    )
}

fn journal_time(fields: &Fields<'_>) -> Option<Stamp> {
    std::str::from_utf8(fields.realtime.bytes())
        .ok()?
        .parse()
        .ok()
        .map(|micros| Stamp::Instant(Time::from_micros(micros)))
}

fn docker_time(fields: &Fields<'_>) -> Option<Stamp> {
    let time = std::str::from_utf8(fields.time.bytes()).ok()?;
    let time = DateTime::parse_from_rfc3339(time).ok()?;
    Some(Stamp::Instant(time.into()))
}

/// The line that Docker wrapped, if it is one of those; nothing inside, if that has no header of Postfix's.
fn docker_line<'e>(fields: &'e Fields<'_>) -> Option<Option<Header<'e>>> {
    let log = fields.log.bytes();
    if log.is_empty() {
        return None;
    }
    let log = log.strip_suffix(b"\n").unwrap_or(log);
    let log = log.strip_suffix(b"\r").unwrap_or(log);
    let exact = docker_time(fields);
    Some(match (header::parse(log), exact) {
        // A program that writes no time, or one without year or zone: Docker's will do.
        (None, Some(exact)) => header::behind_time(log, exact),
        (Some(h), Some(_)) if !matches!(h.stamp, Some(Stamp::Instant(_))) => {
            Some(Header { stamp: exact, ..h })
        }
        (found, _) => found,
    })
}

/// Reads one line and hands its event on. False if it is no JSON object.
pub(super) fn line(
    line: &[u8],
    extractor: &mut Extractor,
    mut event: impl FnMut(&Event<'_>),
) -> bool {
    let Ok(fields) = serde_json::from_slice::<Fields<'_>>(line) else {
        return false;
    };
    let header = match docker_line(&fields) {
        Some(found) => found,
        None => Some(Header {
            stamp: fields.stamp(),
            host: fields.host.bytes(),
            program: fields.program(),
            message: fields.message.bytes().trim_ascii_start(),
        }),
    };
    let is_textless = fields.message.0.is_none() && fields.log.0.is_none();
    let found = header.and_then(|header| match is_textless {
        true => extractor.textless(&header),
        false => extractor.message(&header),
    });
    let Some(found) = found else {
        return true;
    };
    match (fields.origin(), &found) {
        // What a syslog daemon says of itself is no mail's.
        (Origin::Own, _) | (_, Event::Dropped(_)) => event(&found),
        (Origin::Unknown, Event::Delivery(of)) => event(&Event::Unparsed {
            host: of.host,
            tag: of.tag,
            time: of.time,
            why: Why::Sender,
        }),
        _ => extractor.is_strangers = true,
    }
    true
}
