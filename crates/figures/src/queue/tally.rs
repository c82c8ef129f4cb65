//! Counting, a message at a time.

use postfix::Time;
use std::borrow::Cow;
use std::sync::Arc;

use postfix::queue::{Message, Queue, Selector, Sender, ShownRecipient};

use super::kept::Kept;
use super::known::FoldedReasons;
use super::listed::ListedMessage;
use super::summary::{Summary, earliest};
use super::{Dimension, Settings};
use crate::keyed::{Cell, Keyed};
use knowledge::providers::domain_of;

/// The key of what is not known: no domain, no reason yet, no server.
const NONE: &str = "-";

/// The key of the null sender's domain.
const NULL_SENDER: &str = "<>";

/// Separates the parts of a group's key. Texts that showq(8) shows hold no control characters.
pub(super) const SEPARATOR: char = '\0';

/// The counts of some messages, and the messages that are to be listed.
#[derive(Debug, Clone)]
pub struct Tally {
    settings: Arc<Settings>,
    /// One for each instance.
    pub(super) summaries: Vec<Summary>,
    pub(super) groups: Keyed<String, GroupCell>,
    pub(super) senders: Keyed<String, SenderCell>,
    pub(super) kept: Kept,
    known: FoldedReasons,
    key: String,
    serial: u64,
}

/// One group.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct GroupCell {
    pub(super) recipients: u64,
    pub(super) messages: u64,
    pub(super) oldest: Option<Time>,
    /// The message that was counted last: it counts once, however many of its recipients are in the group.
    last: u64,
}

/// One sender.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SenderCell {
    pub(super) messages: u64,
    pub(super) recipients: u64,
    pub(super) bytes: u64,
    pub(super) oldest: Option<Time>,
}

impl Cell for GroupCell {
    fn weight(&self) -> u64 {
        self.recipients
    }

    fn merge(&mut self, other: &Self) {
        self.recipients += other.recipients;
        self.messages += other.messages;
        self.oldest = earliest(self.oldest, other.oldest);
    }
}

impl Cell for SenderCell {
    fn weight(&self) -> u64 {
        self.messages
    }

    fn merge(&mut self, other: &Self) {
        self.messages += other.messages;
        self.recipients += other.recipients;
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.oldest = earliest(self.oldest, other.oldest);
    }
}

impl Tally {
    /// An empty one.
    pub fn new(settings: Arc<Settings>) -> Self {
        Self {
            summaries: vec![Summary::default(); settings.instances.len()],
            groups: Keyed::new(settings.most_keys),
            senders: Keyed::new(settings.most_keys),
            kept: Kept::new(settings.order, settings.limit),
            known: FoldedReasons::default(),
            key: String::new(),
            serial: 0,
            settings,
        }
    }

    /// Counts a message of the instance at the place `instance`. Of its recipients, those count that `selector` means.
    pub fn add(&mut self, instance: usize, message: &Message, selector: &Selector<'_>) {
        let file = &message.file;
        let arrival = file.arrival_time();
        let mut counted = 0;
        self.serial += 1;
        for recipient in &message.recipients {
            if !selector.fits_recipient(recipient) {
                continue;
            }
            counted += 1;
            if !self.settings.group_by.is_empty() {
                self.group(instance, message, recipient, arrival);
            }
        }
        if let Some(summary) = self.summaries.get_mut(instance) {
            summary.add(message, &self.settings, counted);
        }
        if self.settings.senders {
            let sender = without_recipient(message.sender.shown());
            let cell = self.senders.of(sender.as_ref());
            cell.messages += 1;
            cell.recipients += counted;
            cell.bytes = cell.bytes.saturating_add(file.message_size());
            cell.oldest = earliest(cell.oldest, Some(arrival));
        }
        if self.kept.is_wanted() {
            let entry =
                ListedMessage::new(instance, message, selector, &self.settings, &mut self.known);
            self.kept.add(entry);
        }
    }

    /// Counts files of the corrupt queue, which are not opened.
    pub fn add_corrupt(&mut self, instance: usize, files: u64) {
        if let Some(summary) = self.summaries.get_mut(instance) {
            summary.counts.add(Queue::Corrupt, files);
        }
    }

    fn group(&mut self, instance: usize, message: &Message, to: &ShownRecipient, arrival: Time) {
        let settings = Arc::clone(&self.settings);
        self.key.clear();
        for (at, dimension) in settings.group_by.iter().enumerate() {
            if at > 0 {
                self.key.push(SEPARATOR);
            }
            self.part(*dimension, instance, message, to);
        }
        let cell = self.groups.of(self.key.as_str());
        cell.recipients += 1;
        if cell.last != self.serial {
            cell.last = self.serial;
            cell.messages += 1;
        }
        cell.oldest = earliest(cell.oldest, Some(arrival));
    }

    /// Writes the part of a group's key.
    fn part(&mut self, by: Dimension, instance: usize, message: &Message, to: &ShownRecipient) {
        let Self {
            settings,
            key,
            known,
            ..
        } = self;
        let deferral = to.deferral.as_ref();
        let server = deferral.and_then(|d| d.mta_name.as_deref());
        match by {
            Dimension::Instance => {
                let name = settings.instances.get(instance);
                key.push_str(name.map_or(NONE, String::as_str));
            }
            Dimension::Queue => key.push_str(message.file.queue.name()),
            Dimension::Provider => {
                let domain = domain_of(to.address.as_bytes()).unwrap_or_default();
                let id = settings.providers.of(domain, server.map(str::as_bytes));
                key.push_str(&settings.providers.get(id).name);
            }
            Dimension::Domain => lower(key, domain(&to.address)),
            Dimension::Relay => {
                let name = server.map(|name| name.trim_end_matches('.'));
                lower(key, name.filter(|name| !name.is_empty()).unwrap_or(NONE));
            }
            Dimension::Reason | Dimension::ReasonClass => {
                let found = deferral.map(|of| known.of(of, &to.address, &settings.reasons));
                key.push_str(match found {
                    Some((_, folded)) if by == Dimension::Reason => folded,
                    Some((why, _)) => why.class.as_str(),
                    None => NONE,
                });
            }
            Dimension::Dsn => {
                let dsn = deferral.map(|d| d.dsn.as_str());
                key.push_str(dsn.filter(|dsn| !dsn.is_empty()).unwrap_or(NONE));
            }
            Dimension::Sender => key.push_str(message.sender.shown()),
            Dimension::SenderDomain => {
                let of = match &message.sender {
                    Sender::Null(_) => NULL_SENDER,
                    Sender::Addr(address) => domain(address),
                };
                lower(key, of);
            }
        }
    }

    /// Adds what another tally of the same settings has counted.
    pub fn merge(&mut self, other: Self) {
        for (mine, theirs) in self.summaries.iter_mut().zip(&other.summaries) {
            mine.merge(theirs);
        }
        self.groups.merge(other.groups);
        self.senders.merge(other.senders);
        self.kept.merge(other.kept);
    }
}

fn domain(address: &str) -> &str {
    let domain = domain_of(address.as_bytes());
    domain
        .and_then(|domain| std::str::from_utf8(domain).ok())
        .unwrap_or(NONE)
}

/// A sender in which the recipient is coded (VERP, SRS), as a glob for all of that kind: `news+*@lists.example` of
/// `news+user=example.com@lists.example`. Else a list that does so would be as many senders as it has members.
fn without_recipient(sender: &str) -> Cow<'_, str> {
    let Some((local, domain)) = sender.rsplit_once('@') else {
        return Cow::Borrowed(sender);
    };
    let Some(equals) = local.find('=') else {
        return Cow::Borrowed(sender);
    };
    let before = local.get(..equals).unwrap_or_default();
    let end = before.rfind(['+', '-']).unwrap_or(equals);
    let kept = local.get(..=end).unwrap_or_default();
    Cow::Owned(format!("{kept}*@{domain}"))
}

fn lower(key: &mut String, text: &str) {
    key.extend(text.chars().map(|c| c.to_ascii_lowercase()));
}
