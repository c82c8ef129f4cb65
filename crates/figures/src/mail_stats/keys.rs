//! The key under which a delivery is counted in a breakdown.

use postfix::Time;
use std::io::Write;
use std::sync::Arc;

use hashbrown::HashMap;
use postfix::log::{Agent, Delivery, Status};

use super::{Dimension, Settings, make_distinct};
use knowledge::providers::domain_of;
use knowledge::reasons::{Cache, Class};

/// The key of what is not known: no relay, no dsn, no domain, no time.
pub(super) const NONE: &[u8] = b"-";

/// The key of a sender that the log does not show.
pub(super) const UNKNOWN_SENDER: &[u8] = b"?";

/// The key of the null sender.
pub(super) const NULL_SENDER: &[u8] = b"<>";

/// The row of [`Dimension::Reason`] of what discard(8) threw away: it logs that as sent.
pub const DISCARDED: &str = "discarded";

/// Separates class, code and address in a key of [`Dimension::Reason`]. None of them can hold it.
pub(crate) const REASON_SEPARATOR: u8 = b'\n';

/// Makes keys, without allocating for those that it made before.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    settings: Arc<Settings>,
    buffer: Vec<u8>,
    clock: Clock,
    reasons: Cache,
    /// How many attempts were for a reason of the one class by its words, and of the other by its enhanced status code.
    pub(super) disputed: HashMap<(Class, Class), u64>,
}

impl Keys {
    pub(super) fn new(settings: Arc<Settings>) -> Self {
        Self {
            settings,
            buffer: Vec::new(),
            clock: Clock::default(),
            reasons: Cache::default(),
            disputed: HashMap::new(),
        }
    }

    /// The key of `delivery`, in every dimension but the sender's domain, which the delivery does not hold.
    pub(super) fn key(
        &mut self,
        dimension: Dimension,
        instance: &[u8],
        delivery: &Delivery<'_>,
    ) -> &[u8] {
        self.buffer.clear();
        match dimension {
            Dimension::Instance => self.buffer.extend_from_slice(instance),
            Dimension::Domain => {
                let domain = domain_of(delivery.recipient).unwrap_or(NONE);
                lower(&mut self.buffer, domain);
            }
            Dimension::Host => {
                let host = delivery.host;
                lower(
                    &mut self.buffer,
                    if host.is_empty() {
                        UNKNOWN_SENDER
                    } else {
                        host
                    },
                );
            }
            Dimension::Provider => {
                let domain = domain_of(delivery.recipient).unwrap_or_default();
                let table = &self.settings.providers;
                let id = table.of(domain, delivery.relay.map(|r| r.host));
                return table.get(id).name.as_bytes();
            }
            Dimension::Relay => {
                let host = delivery.relay.map(|r| r.host).unwrap_or_default();
                let host = host.strip_suffix(b".").unwrap_or(host);
                lower(&mut self.buffer, if host.is_empty() { NONE } else { host });
            }
            Dimension::Reason => self.reason(delivery),
            Dimension::Dsn => {
                let dsn = delivery.dsn.filter(|dsn| is_status_code(dsn));
                self.buffer.extend_from_slice(dsn.unwrap_or(NONE));
            }
            Dimension::SenderDomain => self.buffer.extend_from_slice(UNKNOWN_SENDER),
            Dimension::Hour => return self.clock.at(delivery.time, &self.settings).0,
            Dimension::Day => return self.clock.at(delivery.time, &self.settings).1,
        }
        &self.buffer
    }

    /// The key of a sender.
    pub(super) fn sender(&mut self, sender: &[u8]) -> &[u8] {
        self.buffer.clear();
        if sender.is_empty() {
            return NULL_SENDER;
        }
        lower(&mut self.buffer, domain_of(sender).unwrap_or(NONE));
        &self.buffer
    }

    /// Class, code and blamed address: rows of one class are put together when the counting is done.
    fn reason(&mut self, delivery: &Delivery<'_>) {
        if delivery.status == Status::Sent {
            let is_lost = delivery.agent == Agent::Discard;
            let key = if is_lost { DISCARDED.as_bytes() } else { NONE };
            self.buffer.extend_from_slice(key);
            return;
        }
        let Some(rules) = &self.settings.reasons else {
            self.buffer
                .extend_from_slice(Class::Other.as_str().as_bytes());
            return;
        };
        let reason = self.reasons.classify(
            rules,
            delivery.reply,
            delivery.dsn,
            domain_of(delivery.recipient),
        );
        if let Some(code_says) = reason.code_says {
            let disputed = self.disputed.entry((reason.class, code_says));
            *disputed.or_default() += delivery.repeat;
        }
        self.buffer
            .extend_from_slice(reason.class.as_str().as_bytes());
        if reason.code.is_none() && reason.ip.is_none() {
            return;
        }
        self.buffer.push(REASON_SEPARATOR);
        self.buffer
            .extend_from_slice(reason.code.as_deref().unwrap_or_default().as_bytes());
        self.buffer.push(REASON_SEPARATOR);
        if let Some(ip) = reason.ip {
            // Writing to a Vec does not fail.
            let _written = write!(self.buffer, "{ip}");
        }
    }
}

/// `5.7.1` (RFC 3463, 2). Postfix logs no other.
fn is_status_code(text: &[u8]) -> bool {
    let mut parts = text.split(|&b| b == b'.');
    let mut next_is_number = |most: usize| {
        parts.next().is_some_and(|part| {
            (1..=most).contains(&part.len()) && part.iter().all(u8::is_ascii_digit)
        })
    };
    next_is_number(1) && next_is_number(3) && next_is_number(3) && parts.next().is_none()
}

fn lower(buffer: &mut Vec<u8>, text: &[u8]) {
    buffer.extend_from_slice(text);
    buffer.make_ascii_lowercase();
    make_distinct(buffer);
}

/// The hour and the day of the quarter of an hour that was asked for last: zones are ahead of UTC by a multiple of
/// that.
#[derive(Debug, Clone, Default)]
struct Clock {
    quarter: Option<i64>,
    hour: String,
    day: String,
}

impl Clock {
    fn at(&mut self, time: Option<Time>, settings: &Settings) -> (&[u8], &[u8]) {
        let Some(time) = time else {
            return (NONE, NONE);
        };
        let quarter = time.seconds().div_euclid(900);
        if self.quarter != Some(quarter) {
            let Some(local) = settings.zone.at(time) else {
                return (NONE, NONE);
            };
            self.quarter = Some(quarter);
            self.hour = local.format("%Y-%m-%dT%H").to_string();
            self.day = local.format("%Y-%m-%d").to_string();
        }
        (self.hour.as_bytes(), self.day.as_bytes())
    }
}
