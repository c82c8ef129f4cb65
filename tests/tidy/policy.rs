//! What is too much stands in crates/figures/data/judge.toml. Manual pages, cron, the guide and the alert rules, which
//! say it again, say the same.

use std::path::Path;

use toml::{Table, Value};

use crate::files::{all, text};

/// `[table] key`, as it is written, but a whole number without a fraction.
fn limit(table: &str, key: &str) -> String {
    let rules: Table = text(Path::new("crates/figures/data/judge.toml"))
        .parse()
        .unwrap();
    match &rules[table][key] {
        Value::Float(number) => number.to_string(),
        other => other.to_string(),
    }
}

/// A page of the manual in one line, without the marks of roff.
fn page(tool: &str) -> String {
    let text = text(Path::new(&format!("man/{tool}.8")));
    text.replace("\\*(Aq", "'")
        .replace('\\', "")
        .replace('\n', " ")
}

#[track_caller]
fn says(text: &str, expected: &str) {
    assert!(text.contains(expected), "says otherwise than: {expected}");
}

#[test]
fn the_manual_of_mail_stats_print() {
    let page = page("mail-stats-print");
    let [blocked, bounced, deferred] = ["blocked", "bounced", "deferred"]
        .map(|kind| [limit(kind, "warning"), limit(kind, "critical")]);
    let [unread, unknown] = [limit("unread", "warning"), limit("unread", "unknown")];
    says(
        &page,
        &format!(
            "more than {}% blocked, {}% bounced or {}% deferred is a WARNING, more than {}%, {}% and {}% is CRITICAL",
            blocked[0], bounced[0], deferred[0], blocked[1], bounced[1], deferred[1]
        ),
    );
    says(
        &page,
        &format!(
            "more than {unknown}% of an instance's delivery lines unreadable (more than {unread}% is a WARNING)"
        ),
    );
    let change = |key| limit("change", key);
    says(
        &page,
        &format!(
            "at least {} times that of the days before and {}, {} or {} points above it",
            change("times"),
            change("blocked"),
            change("bounced"),
            change("deferred")
        ),
    );
    says(
        &page,
        &format!(
            "{} times as many as usual, or one in {}; or that now has more than {} messages in its queues or one that is \
             older than {} hours (two exclamation marks: {}, or {} hours)",
            limit("volume", "more"),
            limit("volume", "less"),
            limit("mailq", "warning"),
            limit("mailq", "oldest_warning"),
            limit("mailq", "critical"),
            limit("mailq", "oldest_critical")
        ),
    );
}

/// The number behind each `flag` of a text.
fn given<'a>(text: &'a str, flag: &'a str) -> impl Iterator<Item = &'a str> {
    let behind = text.split(flag).skip(1);
    behind.filter_map(|rest| rest.split([' ', '\n', '`']).find(|word| !word.is_empty()))
}

#[test]
fn the_mailqs_in_cron_and_docs() {
    let hours = |key| format!("{}h", limit("mailq", key));
    let flags = [
        ("--warn-count", limit("mailq", "warning")),
        ("--crit-count", limit("mailq", "critical")),
        ("--warn-age", hours("oldest_warning")),
        ("--crit-age", hours("oldest_critical")),
    ];
    let mut pages: Vec<String> = vec![page("mailq-distribution")];
    let docs = all().into_iter().filter(|path| {
        path.starts_with("docs")
            || path.ends_with("cron.d")
            || path.extension().is_some_and(|e| e == "md")
    });
    pages.extend(docs.map(|path| text(&path)));
    for (flag, expected) in flags {
        // In the manual, a flag's own entry names what it takes.
        let all = pages.iter().flat_map(|page| given(page, flag));
        let numbers: Vec<&str> = all
            .filter(|word| word.starts_with(|c: char| c.is_ascii_digit()))
            .collect();
        assert!(!numbers.is_empty(), "{flag} is nowhere");
        assert!(
            numbers.iter().all(|number| *number == expected),
            "{flag}: {numbers:?}, not {expected}"
        );
    }
}

#[test]
fn alert_rules() {
    let rules = text(Path::new("dist/prometheus/relay-tools.rules.yml"));
    let share = |kind: &str, key| limit(kind, key).parse::<f64>().unwrap() / 100.0;
    for kind in ["blocked", "bounced", "deferred"] {
        let (warning, critical) = (share(kind, "warning"), share(kind, "critical"));
        says(
            &rules,
            &format!("{kind}:at_least1h > {warning} <= {critical}\n"),
        );
        says(&rules, &format!("{kind}:at_least1h > {critical}\n"));
    }
    let seconds = |key| limit("mailq", key).parse::<u64>().unwrap() * 3600;
    let (old, too_old) = (seconds("oldest_warning"), seconds("oldest_critical"));
    let (many, too_many) = (limit("mailq", "warning"), limit("mailq", "critical"));
    says(
        &rules,
        &format!("relay_mailq_messages:sum > {many} <= {too_many}\n"),
    );
    says(&rules, &format!("relay_mailq_messages:sum > {too_many}\n"));
    says(
        &rules,
        &format!("relay_mailq_oldest_age_seconds > {old} <= {too_old}\n"),
    );
    says(
        &rules,
        &format!("relay_mailq_oldest_age_seconds > {too_old}\n"),
    );
}
