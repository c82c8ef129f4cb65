//! What becomes of mail before any table of transport_maps is asked for it: filters take it, and cleanup gives
//! recipients other addresses (FILTER_README, ADDRESS_REWRITING_README).

use std::collections::{BTreeMap, BTreeSet};

use super::{AuditRow, Check, Failed, Grade, Input};
use crate::{Line, Route};
use postfix::count;

/// All that was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Detours {
    /// Filters of all mail that comes by some services.
    pub filters: Vec<Filter>,
    /// Actions of header checks and access tables.
    pub actions: Vec<Action>,
    /// Recipients that get other addresses.
    pub readdressed: Vec<Readdressed>,
    /// Tables that could not be asked: which, and why.
    pub failed: Vec<(String, Failed)>,
    /// Tables of which only what was asked for is known: their entries cannot be listed.
    pub unlisted: Vec<String>,
    /// What may take mail elsewhere, and was not looked at: the parameter and its value.
    pub unseen: Vec<String>,
}

/// content_filter, by its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Where it sends, as a right-hand side.
    pub to: String,
    /// The services of master.cf whose mail it takes.
    pub of: Vec<String>,
    /// Those that have no filter, by which mail may come back.
    pub back: Vec<String>,
}

/// What a table says of mail instead of taking it: FILTER, REDIRECT, DISCARD, HOLD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// Parameter and table: `header_checks regexp:/etc/postfix/headers`.
    pub by: String,
    /// The action with its argument: `FILTER smtp:[192.0.2.66]`.
    pub what: String,
    /// Which mail.
    pub of: Fits,
}

/// What mail an action is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fits {
    /// Any.
    All,
    /// Any to this domain.
    Domain(String),
    /// What fits the pattern or the key of this line of the text.
    Line(u64),
}

/// An address in place of a recipient's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readdressed {
    /// Parameter and table: `canonical_maps hash:/etc/postfix/canonical`.
    pub by: String,
    /// The recipient: `@DOMAIN` where it is any of a domain.
    pub from: String,
    /// The new address, or several.
    pub to: String,
}

/// What takes mail before the map is asked?
pub(super) fn filters(input: &Input<'_>) -> Vec<AuditRow> {
    let filters = input.detours.filters.iter();
    let mut rows: Vec<AuditRow> = filters.filter_map(|one| of_filter(input, one)).collect();
    rows.extend(of_actions(input));
    if rows.is_empty() {
        let text = "no filter sends a provider's mail elsewhere";
        rows.push(AuditRow::new(Check::Filters, Grade::Ok, text));
    }
    if !input.detours.unseen.is_empty() {
        let text = "not looked at, as only they know what they do with a message";
        let unseen = input.detours.unseen.clone();
        rows.push(AuditRow::new(Check::Filters, Grade::Skipped, text).about(unseen));
    }
    rows
}

/// What a content_filter takes, unless it sends to where the map does or the site wants it so.
fn of_filter(input: &Input<'_>, filter: &Filter) -> Option<AuditRow> {
    let route = Route::parse(&filter.to);
    let mut relays = input.wanted.lines.values();
    if relays.all(|line| route.leads_to(&line.relay)) {
        return None;
    }
    let (of, to) = (filter.of.join(", "), &filter.to);
    let taken =
        format!("content_filter sends all mail of {of} to {to} before the map is consulted");
    let (grade, text) = match filter.back.as_slice() {
        [] => (
            Grade::Critical,
            format!("{taken}, and no service takes it back"),
        ),
        _ if (input.is_accepted)("content_filter") => return None,
        back => (
            Grade::Warning,
            format!(
                "{taken}; what comes back by {} goes by the map (--accept content_filter if that is so)",
                back.join(", ")
            ),
        ),
    };
    Some(AuditRow::new(Check::Filters, grade, text))
}

/// What header checks and access tables do instead of taking mail, but for those that the site wants so.
fn of_actions(input: &Input<'_>) -> Vec<AuditRow> {
    let row = |outcome, text: String| AuditRow::new(Check::Filters, outcome, text);
    let mut whole: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut lines: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let is_accepted = |by: &str| by.split_whitespace().any(|word| (input.is_accepted)(word));
    let actions = input.detours.actions.iter();
    for Action { by, what, of } in actions.filter(|action| !is_accepted(&action.by)) {
        match of {
            Fits::All => {
                whole
                    .entry(format!("{by} says {what} of all mail"))
                    .or_default();
            }
            Fits::Domain(domain) => {
                let all = whole.entry(format!("{by} says {what} of mail to its recipients"));
                all.or_default().push(domain.clone());
            }
            Fits::Line(line) => {
                let all = lines.entry(by).or_default();
                all.push(format!("line {line}: {what}"));
            }
        }
    }
    let whole = whole.into_iter().map(|(text, domains)| {
        let text = match domains.len() {
            0 => text,
            n => format!("{}: {text}", count(n, "domain")),
        };
        row(Grade::Critical, format!("{text}, whatever the map has")).about(domains)
    });
    let lines = lines.into_iter().map(|(by, lines)| {
        let text = format!("{by} sends the mail that it matches elsewhere than the map (--accept TABLE if meant so)");
        row(Grade::Warning, text).about(lines)
    });
    whole.chain(lines).collect()
}

/// Do the recipients keep their addresses until the map is asked?
pub(super) fn recipients(input: &Input<'_>) -> Vec<AuditRow> {
    let row = |outcome, text: String| AuditRow::new(Check::Recipients, outcome, text);
    let mut rows = Vec::new();
    for (by, failed) in &input.detours.failed {
        rows.push(match failed {
            Failed::Broken(why) => row(
                Grade::Critical,
                format!("{by} cannot be opened: {why}; Postfix takes no mail that needs it"),
            ),
            Failed::Unknown(why) => row(Grade::Unknown, format!("{by} cannot be queried: {why}")),
        });
    }
    let mut changed: BTreeMap<(Grade, &str), BTreeSet<String>> = BTreeMap::new();
    for one in &input.detours.readdressed {
        let (_, domain) = one.from.rsplit_once('@').unwrap_or_default();
        let Some(line) = input.wanted.lines.get(domain) else {
            continue;
        };
        let is_whole = one.from.starts_with('@');
        let grade = match is_whole && !stays(input, line, &one.to) {
            true => Grade::Critical,
            false if (input.is_accepted)(&one.from) => continue,
            false => Grade::Warning,
        };
        let items = changed.entry((grade, &one.by)).or_default();
        items.insert(format!("{} becomes {}", one.from, one.to));
    }
    rows.extend(changed.into_iter().map(|((grade, by), items)| {
        let text = match grade {
            Grade::Critical => format!(
                "mail to {} of the map goes elsewhere: {by} gives its recipients other addresses",
                count(items.len(), "domain")
            ),
            _ => format!(
                "{by} gives {} of the map's domains another address (--accept ADDRESS if meant so)",
                count(items.len(), "recipient")
            ),
        };
        row(grade, text).about(items)
    }));
    if !input.detours.unlisted.is_empty() {
        let text = "entries that cannot be listed: what they do with single recipients or messages is not known";
        rows.push(row(Grade::Unknown, text.to_owned()).about(input.detours.unlisted.clone()));
    }
    if rows.is_empty() {
        let text = "no table gives a provider's recipients other addresses".to_owned();
        rows.push(row(Grade::Ok, text));
    }
    rows
}

/// Do all new addresses go to the same relay?
fn stays(input: &Input<'_>, line: &Line, to: &str) -> bool {
    let addresses = to.split([',', ' ', '\t']).filter(|word| !word.is_empty());
    let mut domains = addresses.map(|address| address.rsplit_once('@').map(|(_, domain)| domain));
    domains.all(|domain| {
        let own = domain.and_then(|domain| input.wanted.lines.get(&domain.to_ascii_lowercase()));
        own.is_some_and(|own| own.relay == line.relay)
    })
}
