//! Mail that an instance does not send as its transports say: filters, actions of checks, other addresses for
//! recipients.

use std::collections::BTreeSet;

use cli::Context;
use figures::instances::{Finding, Kind};
use figures::verdict::Level;
use knowledge::providers::Providers;
use postfix::config::Instance;
use transport::audit::{Action, Failed, Filter, Fits};

/// As many domains are named.
const NAMED: usize = 3;

/// What is found at one instance, by the same questions that relay-transport check asks, for its provider's domains.
pub(crate) fn of(cx: &Context, instance: &Instance, providers: &Providers) -> Vec<Finding> {
    let name = instance.name();
    let provider = providers.of_instance(name).map(|id| providers.get(id));
    let domains = provider.map_or(&[][..], |provider| &provider.domains);
    let domains: BTreeSet<String> = domains.iter().cloned().collect();
    let found = host::detours::look_at(cx.root(), instance, &domains);
    let mut all: Vec<(Level, String)> = found.filters.iter().map(filter).collect();
    // The same table, whatever of it was asked for.
    let mut of_domains: Vec<(String, Vec<&str>)> = Vec::new();
    for Action { by, what, of } in &found.actions {
        match of {
            Fits::All => all.push((Level::Critical, format!("{by} says {what} of all mail"))),
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
        (
            Level::Critical,
            format!("{what} {}{more}", domains.join(", ")),
        )
    }));
    all.extend(found.failed.iter().map(|(by, failed)| match failed {
        Failed::Broken(why) => (
            Level::Critical,
            format!("{by} cannot be opened: {why}; Postfix takes no mail that needs it"),
        ),
        Failed::Unknown(why) => (Level::Unknown, format!("{by} cannot be queried: {why}")),
    }));
    let finding = |(level, what)| Finding {
        level,
        kind: Kind::Configuration,
        text: format!("{name}: {what}"),
        instances: vec![name.to_owned()],
    };
    all.into_iter().map(finding).collect()
}

/// A filter of all mail that comes by some services.
fn filter(filter: &Filter) -> (Level, String) {
    let Filter { to, of, back } = filter;
    let taken = format!("content_filter sends all mail of {} to {to}", of.join(", "));
    match back.as_slice() {
        [] => (
            Level::Critical,
            format!("{taken}, and no service takes it back"),
        ),
        back => {
            let back = back.join(", ");
            (
                Level::Warning,
                format!("{taken}; only what comes back by {back} is sent from here"),
            )
        }
    }
}
