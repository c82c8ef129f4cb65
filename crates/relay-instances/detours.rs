//! Mail that an instance does not send as its transports say: filters, actions of checks, other addresses for
//! recipients.

use std::collections::BTreeSet;

use cli::Context;
use figures::instances::{Facts, Finding, Kind, level};
use figures::verdict::Level;
use globset::GlobSet;
use knowledge::providers::Providers;
use postfix::config::Instance;
use transport::audit::{Action, Detours, Failed, Filter, Fits, Readdressed};

/// As many domains are named.
const NAMED: usize = 3;

/// The tables of which nothing, or not all, is known. `worst`: the level of those that Postfix cannot open either.
fn not_known(found: &Detours, worst: Level) -> impl Iterator<Item = (Level, String)> {
    let failed = found.failed.iter().map(move |(by, failed)| match failed {
        Failed::Broken(why) => (
            worst,
            format!("{by} cannot be opened: {why}; Postfix takes no mail that needs it"),
        ),
        Failed::Unknown(why) => (Level::Unknown, format!("{by} cannot be queried: {why}")),
    });
    failed.chain(found.unlisted.iter().map(|by| {
        let what = "its entries cannot be listed: what it does with single recipients or messages is not known";
        (Level::Unknown, format!("{by}: {what}"))
    }))
}

/// What is found at one instance, by the same questions that relay-transport check asks, for its provider's domains.
/// `accepted`: filters and tables that the site wants so.
pub(crate) fn of(
    cx: &Context,
    (instance, facts): (&Instance, &Facts),
    providers: &Providers,
    accepted: &GlobSet,
) -> Vec<Finding> {
    let name = instance.name();
    // Of an instance that is named for no provider, its admin knows where the mail goes on: to a filter, for one.
    let Some(provider) = providers.of_instance(name) else {
        return Vec::new();
    };
    let domains: BTreeSet<String> = providers.get(provider).domains.iter().cloned().collect();
    let worst = level(facts);
    let found = host::detours::look_at(cx.root(), instance, &domains);
    let found = without_accepted(found, accepted);
    let filters = found.filters.iter().map(|one| filter(one, worst));
    let mut all: Vec<(Level, String)> = filters.collect();
    let mut of_domains = OfDomains::default();
    for Action { by, what, of } in &found.actions {
        match of {
            Fits::All => all.push((worst, format!("{by} says {what} of all mail"))),
            Fits::Line(line) => {
                let what = format!(
                    "{by}, line {line}: {what}: mail that it matches is not sent from here"
                );
                all.push((Level::Warning, what));
            }
            Fits::Domain(domain) => {
                of_domains.add(format!("{by} says {what} of mail to"), domain);
            }
        }
    }
    for one in found.readdressed.iter().filter(|one| leaves(one, &domains)) {
        let what = format!("{} gives other addresses to recipients of", one.by);
        of_domains.add(what, one.from.trim_start_matches('@'));
    }
    all.extend(of_domains.texts().map(|text| (worst, text)));
    all.extend(not_known(&found, worst));
    // Nearly every relay has one that signs: no finding.
    for service in &found.unseen {
        cx.note(format!(
            "{name}: not looked at, as only it knows what it does with a message: {service}"
        ));
    }
    let finding = |(level, what)| Finding {
        level,
        kind: Kind::Configuration,
        text: format!("{name}: {what}"),
        instances: vec![name.to_owned()],
    };
    all.into_iter().map(finding).collect()
}

/// Without what the site wants so.
fn without_accepted(mut found: Detours, accepted: &GlobSet) -> Detours {
    let is_accepted = |by: &str| by.split_whitespace().any(|word| accepted.is_match(word));
    // What no service takes back is not sent at all.
    found
        .filters
        .retain(|one| one.back.is_empty() || !is_accepted("content_filter"));
    found.actions.retain(|one| !is_accepted(&one.by));
    found.readdressed.retain(|one| !is_accepted(&one.by));
    found.unlisted.retain(|by| !is_accepted(by));
    found
}

/// Do recipients of a whole domain get addresses outside the provider's `domains`?
fn leaves(one: &Readdressed, domains: &BTreeSet<String>) -> bool {
    let mut to = one.to.split([',', ' ']).filter(|to| !to.is_empty());
    one.from.starts_with('@')
        && to.any(|to| {
            to.rsplit_once('@')
                .is_none_or(|(_, to)| !domains.contains(&to.to_lowercase()))
        })
}

/// The domains that one thing is found of: a table is reported once, whatever of it was asked for.
#[derive(Default)]
struct OfDomains<'a>(Vec<(String, Vec<&'a str>)>);

impl<'a> OfDomains<'a> {
    fn add(&mut self, what: String, domain: &'a str) {
        match self.0.iter_mut().find(|(other, _)| *other == what) {
            Some((_, domains)) => domains.push(domain),
            None => self.0.push((what, vec![domain])),
        }
    }

    /// A text each, with the first domains by name.
    fn texts(self) -> impl Iterator<Item = String> {
        self.0.into_iter().map(|(what, mut domains)| {
            domains.sort_unstable();
            let more = match domains.len().saturating_sub(NAMED) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            domains.truncate(NAMED);
            format!("{what} {}{more}", domains.join(", "))
        })
    }
}

/// A filter of all mail that comes by some services.
fn filter(filter: &Filter, worst: Level) -> (Level, String) {
    let Filter { to, of, back } = filter;
    let taken = format!("content_filter sends all mail of {} to {to}", of.join(", "));
    match back.as_slice() {
        [] => (worst, format!("{taken}, and no service takes it back")),
        back => {
            let back = back.join(", ");
            (
                Level::Warning,
                format!("{taken}; only what comes back by {back} is sent from here"),
            )
        }
    }
}
