//! The flags that say which messages are meant, for the tools that look at messages.

use std::collections::HashSet;
use std::io::{BufRead, stdin};

use clap::{Args, ValueEnum};
use knowledge::providers::{ProviderId, Providers, domain_of};
use knowledge::reasons::{Class, Reasons};
use postfix::Span;
use postfix::queue::{
    AddressPattern, DomainPattern, DsnPattern, Queue, QueueId, Selector, ShownRecipient,
};
use regex::{Regex, RegexBuilder};

use crate::context::Context;
use crate::quantity::parse_size;
use host::Failure;
use host::tables;

/// The selectors, to be flattened into a tool's arguments.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Selectors (options combine with AND, values of one option with OR)")]
pub struct SelectorArgs {
    /// Messages in this queue
    #[arg(long, value_name = "QUEUE", value_delimiter = ',')]
    pub queue: Vec<QueueName>,

    /// The message with this queue id; "-" reads ids from standard input, one a line
    #[arg(long, value_name = "ID")]
    pub id: Vec<String>,

    /// Messages from this sender: an address, @domain, a glob, or <> for the null sender
    #[arg(long, value_name = "ADDRESS", value_parser = AddressPattern::new)]
    pub sender: Vec<AddressPattern>,

    /// Messages to this recipient: an address, @domain or a glob
    #[arg(long, value_name = "ADDRESS", value_parser = AddressPattern::new)]
    pub recipient: Vec<AddressPattern>,

    /// Messages to this domain, or glob of domains
    #[arg(long, value_name = "DOMAIN", value_delimiter = ',', value_parser = DomainPattern::new)]
    pub domain: Vec<DomainPattern>,

    /// Messages to this provider, such as aol
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub provider: Vec<String>,

    /// Messages whose deferral reason matches this regular expression
    ///
    /// Upper and lower case are the same.
    #[arg(long, value_name = "REGEX", value_parser = regex)]
    pub reason: Vec<Regex>,

    /// Messages deferred for this class of reason, such as blocked or rate-limited
    #[arg(long, value_name = "CLASS", value_delimiter = ',', value_parser = str::parse::<Class>)]
    pub reason_class: Vec<Class>,

    /// Messages deferred with this enhanced status code: 4.7.1, or 4.7 for all that begin with it
    #[arg(long, value_name = "CODE", value_delimiter = ',', value_parser = DsnPattern::new)]
    pub dsn: Vec<DsnPattern>,

    /// Messages that arrived at least this long ago: 30m, 2h, 3d
    #[arg(long, value_name = "SPAN")]
    pub older_than: Option<Span>,

    /// Messages that arrived less than this long ago
    #[arg(long, value_name = "SPAN")]
    pub younger_than: Option<Span>,

    /// Messages that Postfix returns to their senders within this time, if it does not deliver them before: 12h
    ///
    /// By the instance's maximal_queue_lifetime, or bounce_queue_lifetime for the null sender. Mail on hold is not
    /// tried, and so not returned.
    #[arg(long, value_name = "SPAN")]
    pub expires_within: Option<Span>,

    /// Messages larger than this: 10k, 5M
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub larger_than: Option<u64>,

    /// Messages smaller than this
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub smaller_than: Option<u64>,

    /// At most N messages
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
}

/// The values of `--queue`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum QueueName {
    /// Local submissions that wait for pickup(8).
    #[value(help = None)]
    Maildrop,
    /// Received; the queue manager has not seen it.
    #[value(help = None)]
    Incoming,
    /// Being delivered.
    #[value(help = None)]
    Active,
    /// Waiting for the next attempt.
    #[value(help = None)]
    Deferred,
    /// Set aside.
    #[value(help = None)]
    Hold,
}

impl From<QueueName> for Queue {
    fn from(name: QueueName) -> Self {
        match name {
            QueueName::Maildrop => Self::Maildrop,
            QueueName::Incoming => Self::Incoming,
            QueueName::Active => Self::Active,
            QueueName::Deferred => Self::Deferred,
            QueueName::Hold => Self::Hold,
        }
    }
}

fn regex(text: &str) -> Result<Regex, String> {
    // Of a shell's variable that is not set: it would find everything.
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    let built = RegexBuilder::new(text).case_insensitive(true).build();
    built.map_err(|e| e.to_string())
}

impl SelectorArgs {
    /// What they mean. Messages of these `queues` where `--queue` says nothing. `--limit` is left to the caller, who
    /// knows in what order to count. Tables are read only if a flag needs them.
    ///
    /// # Errors
    /// No queue id or provider of that name; the tables or standard input cannot be read.
    pub fn selector(&self, cx: &Context, queues: &[Queue]) -> anyhow::Result<Selector<'static>> {
        let given: Vec<Queue> = self.queue.iter().copied().map(Queue::from).collect();
        let ago = |span| cx.now().minus(span);
        let mut selector = Selector {
            queues: if given.is_empty() {
                queues.to_vec()
            } else {
                given
            },
            ids: self.ids()?,
            senders: self.sender.clone(),
            recipients: self.recipient.clone(),
            domains: self.domain.clone(),
            reasons: self.reason.clone(),
            dsn: self.dsn.clone(),
            arrived_until: self.older_than.map(ago),
            arrived_since: self
                .younger_than
                .map(|span| ago(span).plus(Span::from_micros(1))),
            expires_until: self.expires_within.map(|span| cx.now().plus(span)),
            larger_than: self.larger_than,
            smaller_than: self.smaller_than,
            ..Selector::default()
        };
        if !self.provider.is_empty() {
            let providers = tables::providers(cx.site())?;
            let wanted = self.providers(&providers)?;
            selector.provider = Some(Box::new(move |r| {
                wanted.contains(&provider_of(&providers, r))
            }));
        }
        if !self.reason_class.is_empty() {
            let reasons = tables::reasons(cx.site())?;
            let wanted = self.reason_class.clone();
            selector.reason_class = Some(Box::new(move |r| {
                class_of(&reasons, r).is_some_and(|class| wanted.contains(&class))
            }));
        }
        Ok(selector)
    }

    fn providers(&self, known: &Providers) -> anyhow::Result<Vec<ProviderId>> {
        let find = |name: &String| {
            known.by_name(name).ok_or_else(|| {
                let names: Vec<&str> = known.all().iter().map(|p| p.name.as_str()).collect();
                Failure::new(format!(
                    "--provider: there is no provider called \"{name}\""
                ))
                .hint(format!("the providers are {}", names.join(", ")))
                .into()
            })
        };
        self.provider.iter().map(find).collect()
    }

    fn ids(&self) -> anyhow::Result<Option<HashSet<QueueId>>> {
        if self.id.is_empty() {
            return Ok(None);
        }
        let mut ids = HashSet::new();
        for given in self.id.iter().flat_map(|given| given.split(',')) {
            if given != "-" {
                ids.insert(id(given)?);
                continue;
            }
            for line in stdin().lock().lines() {
                let line = line
                    .map_err(|e| Failure::new("--id -: cannot read standard input").because(e))?;
                if !line.trim().is_empty() {
                    ids.insert(id(line.trim())?);
                }
            }
        }
        Ok(Some(ids))
    }
}

fn id(text: &str) -> anyhow::Result<QueueId> {
    QueueId::new(text).ok_or_else(|| {
        Failure::new(format!("--id: \"{text}\" is not a queue id"))
            .hint("queue ids are letters and digits, as shown by mailq and queue-report --ids")
            .into()
    })
}

/// The provider that a recipient's mail goes to: by the domain, else by the server that deferred it.
pub fn provider_of(providers: &Providers, recipient: &ShownRecipient) -> ProviderId {
    let domain = domain_of(recipient.address.as_bytes()).unwrap_or_default();
    let server = recipient
        .deferral
        .as_ref()
        .and_then(|d| d.mta_name.as_deref());
    providers.of(domain, server.map(str::as_bytes))
}

/// What kind of reason a recipient was deferred for, if it was.
pub fn class_of(reasons: &Reasons, recipient: &ShownRecipient) -> Option<Class> {
    let deferral = recipient.deferral.as_ref()?;
    let dsn = Some(deferral.dsn.as_bytes()).filter(|dsn| !dsn.is_empty());
    let domain = domain_of(recipient.address.as_bytes());
    let reason = reasons.classify(deferral.reason.as_bytes(), dsn, domain);
    Some(reason.class)
}
