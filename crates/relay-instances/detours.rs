//! Mail that an instance does not send as its transports say: filters, actions of checks, other addresses for
//! recipients.

use std::collections::BTreeSet;

use cli::Context;
use figures::instances::{Facts, Finding, Kind, level};
use figures::verdict::Level;
use globset::GlobSet;
use knowledge::providers::Providers;
use postfix::config::Instance;
use transport::audit::{Action, Failed, Filter, Fits};

/// As many domains are named.
const NAMED: usize = 3;

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
    let mut found = host::detours::look_at(cx.root(), instance, &domains);
    let is_accepted = |by: &str| by.split_whitespace().any(|word| accepted.is_match(word));
    // What no service takes back is not sent at all.
    found
        .filters
        .retain(|one| one.back.is_empty() || !is_accepted("content_filter"));
    found.actions.retain(|one| !is_accepted(&one.by));
    found.readdressed.retain(|one| !is_accepted(&one.by));
    let filters = found.filters.iter().map(|one| filter(one, worst));
    let mut all: Vec<(Level, String)> = filters.collect();
    // The same table, whatever of it was asked for.
    let mut of_domains: Vec<(String, Vec<&str>)> = Vec::new();
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
                let what = format!("{by} says {what} of mail to");
                match of_domains.iter_mut().find(|(other, _)| *other == what) {
                    Some((_, domains)) => domains.push(domain),
                    None => of_domains.push((what, vec![domain])),
                }
            }
        }
    }
    let whole = found
        .readdressed
        .iter()
        .filter(|one| one.from.starts_with('@'));
    let leaves = whole.filter(|one| {
        let mut to = one.to.split([',', ' ']).filter(|to| !to.is_empty());
        to.any(|to| {
            to.rsplit_once('@')
                .is_none_or(|(_, to)| !domains.contains(&to.to_lowercase()))
        })
    });
    for one in leaves {
        let what = format!("{} gives other addresses to recipients of", one.by);
        let domain = one.from.trim_start_matches('@');
        match of_domains.iter_mut().find(|(other, _)| *other == what) {
            Some((_, domains)) => domains.push(domain),
            None => of_domains.push((what, vec![domain])),
        }
    }
    all.extend(of_domains.into_iter().map(|(what, mut domains)| {
        domains.sort_unstable();
        let more = domains.len().saturating_sub(NAMED);
        domains.truncate(NAMED);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        (worst, format!("{what} {}{more}", domains.join(", ")))
    }));
    all.extend(found.failed.iter().map(|(by, failed)| match failed {
        Failed::Broken(why) => (
            worst,
            format!("{by} cannot be opened: {why}; Postfix takes no mail that needs it"),
        ),
        Failed::Unknown(why) => (Level::Unknown, format!("{by} cannot be queried: {why}")),
    }));
    let unlisted = found.unlisted.iter().filter(|by| !is_accepted(by));
    all.extend(unlisted.map(|by| {
        let what = "its entries cannot be listed: what it does with single recipients or messages is not known";
        (Level::Unknown, format!("{by}: {what}"))
    }));
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
