//! `--events`: schema `relay-tools/delivery/1`, one JSON object a delivery attempt, one a line.

use postfix::Time;
use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::net::IpAddr;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use postfix::log::{Delivery, Status};
use serde::Serialize;

use knowledge::providers::{Providers, domain_of};
use knowledge::reasons::{Cache, Reasons};
use legible::wire::write_json;

/// The schema's name.
pub const SCHEMA: &str = "relay-tools/delivery/1";

/// Writes events.
#[derive(Debug, Clone)]
pub struct Events {
    providers: Arc<Providers>,
    reasons: Arc<Reasons>,
    cache: Cache,
    with_recipients: bool,
    clock: Clock,
    line: Vec<u8>,
}

#[derive(Serialize)]
struct Event<'a> {
    schema: &'static str,
    ts: Option<&'a str>,
    host: Cow<'a, str>,
    instance: Cow<'a, str>,
    service: &'static str,
    queue_id: Cow<'a, str>,
    recipient_domain: Option<String>,
    provider: &'a str,
    relay_host: Option<Cow<'a, str>>,
    relay_ip: Option<IpAddr>,
    delay_s: Option<f64>,
    delays: Option<[f64; 4]>,
    dsn: Option<Cow<'a, str>>,
    status: &'static str,
    reason_class: Option<&'static str>,
    reason_by: Option<&'static str>,
    code: Option<&'a str>,
    blamed_ip: Option<IpAddr>,
    reason: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sender: Option<Option<Cow<'a, str>>>,
}

impl Events {
    /// With or without the fields `recipient` and `sender`.
    pub fn new(providers: Arc<Providers>, reasons: Arc<Reasons>, with_recipients: bool) -> Self {
        Self {
            providers,
            reasons,
            cache: Cache::default(),
            with_recipients,
            clock: Clock::default(),
            line: Vec::new(),
        }
    }

    /// Writes a delivery, as often as its line counts.
    ///
    /// `ts` is null where the time could not be placed, `reason_class` where the mail was sent. `reason_by` says what
    /// the class rests on: `words`, `code`, `reply-code`, `none`. `code` is the provider's own, `blamed_ip` the address
    /// that the reply blames; each is null if there is none. `sender` is empty for the null sender, and null where it
    /// is not known. Bytes that are not UTF-8 become U+FFFD.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(
        &mut self,
        out: &mut impl Write,
        instance: &[u8],
        delivery: &Delivery<'_>,
        sender: Option<&[u8]>,
    ) -> io::Result<()> {
        let text = String::from_utf8_lossy;
        let domain = domain_of(delivery.recipient);
        let host = delivery.relay.map(|r| r.host);
        let provider = self.providers.of(domain.unwrap_or_default(), host);
        let address = delivery
            .relay
            .and_then(|r| std::str::from_utf8(r.address?).ok());
        let (cache, reasons) = (&mut self.cache, &self.reasons);
        let is_refused = delivery.status != Status::Sent;
        let reason =
            is_refused.then(|| cache.classify(reasons, delivery.reply, delivery.dsn, domain));
        let event = Event {
            schema: SCHEMA,
            ts: delivery.time.and_then(|micros| self.clock.show(micros)),
            host: text(delivery.host),
            instance: text(instance),
            service: delivery.agent.as_str(),
            queue_id: text(delivery.queue_id),
            recipient_domain: domain.map(|d| text(d).to_ascii_lowercase()),
            provider: &self.providers.get(provider).name,
            relay_host: host.map(text),
            relay_ip: address.and_then(|a| a.parse().ok()),
            delay_s: delivery.delay,
            delays: delivery.delays.map(|d| [d.a, d.b, d.c, d.d]),
            dsn: delivery.dsn.map(text),
            status: delivery.status.as_str(),
            reason_class: reason.map(|r| r.class.as_str()),
            reason_by: reason.map(|r| r.by.as_str()),
            code: reason.and_then(|r| r.code.as_deref()),
            blamed_ip: reason.and_then(|r| r.ip),
            reason: text(delivery.reply),
            recipient: self.with_recipients.then(|| text(delivery.recipient)),
            sender: self.with_recipients.then(|| sender.map(text)),
        };
        self.line.clear();
        write_json(&mut self.line, &event)?;
        self.line.push(b'\n');
        for _ in 0..delivery.repeat {
            out.write_all(&self.line)?;
        }
        Ok(())
    }
}

/// Shows times as RFC 3339 in UTC, with microseconds; the date is made once a second.
#[derive(Debug, Clone, Default)]
struct Clock {
    second: Option<i64>,
    text: String,
}

/// The length of `2026-09-19T12:22:57`.
const TO_SECONDS: usize = 19;

impl Clock {
    fn show(&mut self, time: Time) -> Option<&str> {
        let second = time.seconds();
        if self.second != Some(second) {
            let utc = DateTime::<Utc>::from_timestamp(second, 0)?;
            self.text = utc.format("%Y-%m-%dT%H:%M:%S").to_string();
            self.second = Some(second);
            // A year of five digits is beyond RFC 3339.
            if self.text.len() != TO_SECONDS {
                self.second = None;
                return None;
            }
        }
        self.text.truncate(TO_SECONDS);
        // Writing to a String does not fail.
        let _written = write!(self.text, ".{:06}Z", time.micros().rem_euclid(1_000_000));
        Some(&self.text)
    }
}
