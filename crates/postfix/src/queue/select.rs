//! Which messages a user means: conditions on a message as showq(8) shows it.
//!
//! Different conditions must all hold; of several values of one condition, one must. Those on recipients (address,
//! domain, provider, reason, class, code) must hold for one and the same recipient.

use crate::Time;
use std::collections::HashSet;
use std::fmt;

use globset::{GlobBuilder, GlobMatcher};
use regex::Regex;

use super::{Message, Queue, QueueId, Sender, ShownRecipient};

/// A condition that only the caller can judge: this crate knows neither providers nor classes of reasons.
pub type Judge<'a, T> = Box<dyn Fn(&T) -> bool + Send + Sync + 'a>;

/// A text that is not a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{}\" is not a valid pattern: {}", crate::escape(.text), .why)]
pub struct PatternError {
    text: String,
    why: String,
}

/// An address, or many: `user@example.com`, `@example.com`, `*@*.example.com`, `<>` for the null sender. Upper and
/// lower case are the same.
#[derive(Debug, Clone)]
pub struct AddressPattern {
    glob: GlobMatcher,
    is_null: bool,
}

impl AddressPattern {
    /// From what a user types.
    ///
    /// # Errors
    /// An invalid glob.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        let is_null = matches!(text.trim(), "<>" | "");
        let glob = match text.trim() {
            // What is shown for no address by default.
            "<>" | "" => "MAILER-DAEMON".to_owned(),
            domain if domain.starts_with('@') => format!("*{domain}"),
            address => address
                .strip_prefix('<')
                .and_then(|inner| inner.strip_suffix('>'))
                .unwrap_or(address)
                .to_owned(),
        };
        let glob = glob_of(&glob, text)?;
        Ok(Self { glob, is_null })
    }

    fn fits(&self, address: &str) -> bool {
        self.glob.is_match(address)
    }

    /// `<>` is the null sender alone, whatever name it is shown by.
    fn fits_sender(&self, sender: &Sender) -> bool {
        match sender {
            Sender::Null(shown) => self.is_null || self.fits(shown) || self.fits("MAILER-DAEMON"),
            Sender::Addr(address) => !self.is_null && self.fits(address),
        }
    }
}

/// A domain, or many: `example.com`, `*.example.com`. The case of letters, and a dot at the end, do not matter.
#[derive(Debug, Clone)]
pub struct DomainPattern(GlobMatcher);

impl DomainPattern {
    /// From what a user types; a leading `@` is taken off.
    ///
    /// # Errors
    /// An invalid glob.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        let domain = text.trim().trim_start_matches('@').trim_end_matches('.');
        glob_of(domain, text).map(Self)
    }
}

fn glob_of(glob: &str, text: &str) -> Result<GlobMatcher, PatternError> {
    let error = |why: String| PatternError {
        text: text.to_owned(),
        why,
    };
    if glob.is_empty() {
        return Err(error("it is empty".to_owned()));
    }
    let built = GlobBuilder::new(glob).case_insensitive(true).build();
    built
        .map(|glob| glob.compile_matcher())
        .map_err(|e| error(e.kind().to_string()))
}

/// An enhanced status code, or all below it: `4.7.1`, `4.7`, `4.7.*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DsnPattern(String);

impl DsnPattern {
    /// From what a user types.
    ///
    /// # Errors
    /// Anything but one to three numbers with dots between, the last ones perhaps `*`.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        let parts: Vec<&str> = text.split('.').collect();
        let numbers: Vec<&str> = parts.iter().copied().take_while(|&p| p != "*").collect();
        let is_number = |p: &&str| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit());
        let stars = parts.get(numbers.len()..).unwrap_or_default();
        let sound = (1..=3).contains(&parts.len())
            && !numbers.is_empty()
            && numbers.iter().all(is_number)
            && stars.iter().all(|&p| p == "*");
        sound
            .then(|| Self(numbers.join(".")))
            .ok_or_else(|| PatternError {
                text: text.to_owned(),
                why: "not an enhanced status code such as 4.7.1, 4.7 or 4.7.*".to_owned(),
            })
    }

    /// Does a code fall under it?
    pub fn fits(&self, dsn: &str) -> bool {
        dsn.strip_prefix(self.0.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

/// Which messages are meant. The default means all that lie in any queue but corrupt.
#[derive(Default)]
pub struct Selector<'a> {
    /// In one of these queues; empty: in any.
    pub queues: Vec<Queue>,
    /// With one of these ids.
    pub ids: Option<HashSet<QueueId>>,
    /// From one of these senders.
    pub senders: Vec<AddressPattern>,
    /// To one of these recipients; the address as first given counts too.
    pub recipients: Vec<AddressPattern>,
    /// To one of these domains.
    pub domains: Vec<DomainPattern>,
    /// To a provider: judged by the recipient, whose deferral may name the server.
    pub provider: Option<Judge<'a, ShownRecipient>>,
    /// Deferred for a reason that one of these finds something in.
    pub reasons: Vec<Regex>,
    /// Deferred for a class of reasons: judged by the recipient and its deferral.
    pub reason_class: Option<Judge<'a, ShownRecipient>>,
    /// Deferred with one of these codes.
    pub dsn: Vec<DsnPattern>,
    /// Arrived at this time or before.
    pub arrived_until: Option<Time>,
    /// Arrived at this time or later.
    pub arrived_since: Option<Time>,
    /// Is tried, and given up at this time or before.
    pub expires_until: Option<Time>,
    /// More bytes than this, as showq(8) counts them.
    pub larger_than: Option<u64>,
    /// Fewer bytes than this.
    pub smaller_than: Option<u64>,
}

impl Selector<'_> {
    /// Can a message of this queue be meant?
    pub fn wants_queue(&self, queue: Queue) -> bool {
        self.queues.is_empty() || self.queues.contains(&queue)
    }

    /// Is this message meant?
    pub fn fits(&self, message: &Message) -> bool {
        self.fits_file(message)
            && any_or_none(&self.senders, |p| p.fits_sender(&message.sender))
            && (!self.asks_recipients()
                || message.recipients.iter().any(|r| self.fits_recipient(r)))
    }

    fn fits_file(&self, message: &Message) -> bool {
        let file = &message.file;
        let size = file.message_size();
        let arrival = file.arrival_time();
        self.wants_queue(file.queue)
            && self.ids.as_ref().is_none_or(|ids| ids.contains(&file.id))
            && self.arrived_until.is_none_or(|until| arrival <= until)
            && self.arrived_since.is_none_or(|since| arrival >= since)
            && self
                .expires_until
                .is_none_or(|until| file.queue.is_tried() && message.expires <= until)
            && self.larger_than.is_none_or(|bytes| size > bytes)
            && self.smaller_than.is_none_or(|bytes| size < bytes)
    }

    /// Is there a condition on recipients?
    fn asks_recipients(&self) -> bool {
        !self.recipients.is_empty()
            || !self.domains.is_empty()
            || self.provider.is_some()
            || !self.reasons.is_empty()
            || self.reason_class.is_some()
            || !self.dsn.is_empty()
    }

    /// Does the recipient fulfil every condition on recipients?
    pub fn fits_recipient(&self, recipient: &ShownRecipient) -> bool {
        let addresses = || {
            let original = recipient.orig_address.as_deref();
            std::iter::once(recipient.address.as_str()).chain(original)
        };
        let domain = domain_of(&recipient.address);
        let deferral = recipient.deferral.as_ref();
        any_or_none(&self.recipients, |p| addresses().any(|a| p.fits(a)))
            && any_or_none(&self.domains, |p| domain.is_some_and(|d| p.0.is_match(d)))
            && self.provider.as_ref().is_none_or(|judge| judge(recipient))
            && any_or_none(&self.reasons, |re| {
                deferral.is_some_and(|d| re.is_match(&d.reason))
            })
            && self
                .reason_class
                .as_ref()
                .is_none_or(|judge| judge(recipient))
            && any_or_none(&self.dsn, |p| deferral.is_some_and(|d| p.fits(&d.dsn)))
    }
}

impl fmt::Debug for Selector<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Selector")
            .field("queues", &self.queues)
            .field("ids", &self.ids)
            .finish_non_exhaustive()
    }
}

fn any_or_none<T>(patterns: &[T], fits: impl Fn(&T) -> bool) -> bool {
    patterns.is_empty() || patterns.iter().any(fits)
}

/// What follows an address's last `@`, without a dot at the end.
fn domain_of(address: &str) -> Option<&str> {
    let (_, domain) = address.rsplit_once('@')?;
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    (!domain.is_empty()).then_some(domain)
}

#[cfg(test)]
mod tests;
