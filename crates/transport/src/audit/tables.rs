//! The tables of transport_maps, and what is wrong with the map's own files.

use super::{AuditRow, Check, Entries, Failed, Grade, IndexState, Input, SourceState, Table};
use crate::{Source, Storage};
use postfix::{Parsed, Span, count, either};

/// Is the map in use? Tables that cannot be asked are reported here, too.
pub(super) fn in_use(input: &Input<'_>) -> Vec<AuditRow> {
    let mut rows = vec![our_table(input)];
    for broken in &input.broken {
        let text = format!(
            "transport_maps has \"{broken}\" without a type: Postfix delivers no mail with it; hash:{broken}?"
        );
        rows.push(AuditRow::new(Check::InUse, Grade::Critical, text));
    }
    rows.extend(input.tables.iter().flat_map(unusable));
    rows
}

/// Does transport_maps have the map?
fn our_table(input: &Input<'_>) -> AuditRow {
    let instance = input.instance;
    let all: Vec<String> = input.tables.iter().map(|t| t.name.to_string()).collect();
    let (grade, text) = match (input.our_table(), &input.asked) {
        (Some(table), _) => {
            let of = match all.as_slice() {
                [_] => String::new(),
                all => format!(
                    ", number {} of {}",
                    input.ours.map_or(0, |at| at + 1),
                    count(all.len(), "table")
                ),
            };
            let text = format!("transport_maps of {instance} has {}{of}", table.name);
            (Grade::Ok, text)
        }
        (None, Some(asked)) => {
            let all = match all.as_slice() {
                [] => "no table".to_owned(),
                all => all.join(", "),
            };
            let text = format!("transport_maps of {instance} does not have {asked}; it has {all}");
            (Grade::Critical, text)
        }
        (None, None) if all.is_empty() && input.broken.is_empty() => {
            let text = format!("transport_maps of {instance} is empty: no map is in use");
            (Grade::Critical, text)
        }
        (None, None) => {
            let text = format!(
                "no table of {instance}'s transport_maps sends any provider's domain to its relay: {}",
                [all, input.broken.clone()].concat().join(", ")
            );
            (Grade::Critical, text)
        }
    };
    AuditRow::new(Check::InUse, grade, text)
}

/// That the table cannot be asked, or not all of it is in use.
fn unusable(table: &Table) -> Vec<AuditRow> {
    let name = &table.name;
    let row = |outcome, text: String| AuditRow::new(Check::InUse, outcome, text);
    let failed = table.failed.as_ref().map(|failed| match failed {
        Failed::Broken(why) => row(
            Grade::Critical,
            format!("{name} cannot be opened: {why}; Postfix defers all mail that needs it"),
        ),
        Failed::Unknown(why) => row(Grade::Unknown, format!("{name} cannot be queried: {why}")),
    });
    let mut rows: Vec<AuditRow> = failed.into_iter().collect();
    if !table.dropped.is_empty() {
        let text = format!(
            "Postfix ignores {} of {name}",
            count(table.dropped.len(), "rule")
        );
        rows.push(AuditRow::new(Check::Syntax, Grade::Critical, text).about(&table.dropped));
    }
    rows
}

/// Index, entries, syntax, duplicates.
pub(super) fn judge(table: &Table) -> Vec<AuditRow> {
    let mut rows = vec![index(table), entries(table)];
    rows.extend(text(table));
    rows
}

fn index(table: &Table) -> AuditRow {
    let row = |outcome, text: String| AuditRow::new(Check::Index, outcome, text);
    let name = table.name.index().unwrap_or_default();
    let name = name.display();
    let again = format!("postmap {}:{}", table.name.kind, table.name.name);
    match &table.index {
        IndexState::None if table.name.storage() == Storage::Text => row(
            Grade::Ok,
            "none needed: texthash is read from the text when a process starts (postfix reload restarts \
             them)".to_owned(),
        ),
        IndexState::None => row(Grade::Skipped, format!("{} has none", table.name.kind)),
        IndexState::Missing => row(Grade::Critical, format!("{name} is missing: {again}")),
        IndexState::Unreadable(why) => row(Grade::Unknown, format!("{name}: {why}")),
        IndexState::Current if table.source == SourceState::Missing => row(
            Grade::Warning,
            format!("{name} exists, but the text that it was made from does not: {}", table.name.name),
        ),
        IndexState::Current => row(Grade::Ok, format!("{name} is not older than the text")),
        IndexState::Older(seconds) => {
            let text = format!(
                "{name} is {} older than the text: {again}",
                legible::human::age(Span::from_seconds(*seconds))
            );
            // What that means for mail, the entries show.
            row(Grade::Warning, text)
        }
    }
}

fn entries(table: &Table) -> AuditRow {
    let row = |outcome, text: String| AuditRow::new(Check::Entries, outcome, text);
    let (Some(source), Some(made)) = (&table.in_source, &table.entries) else {
        return match &table.entries {
            Some(entries) => row(
                Grade::Ok,
                format!(
                    "{}, read from the text itself",
                    count(entries.len(), "entry")
                ),
            ),
            None => row(Grade::Skipped, "cannot be listed".to_owned()),
        };
    };
    let differ = differences(source, made);
    if differ.is_empty() {
        let text = format!(
            "{}, the same in the text and in the index",
            count(made.len(), "entry")
        );
        return row(Grade::Ok, text);
    }
    let text = format!(
        "the text and what is in use differ in {}: postmap {}:{}",
        count(differ.len(), "key"),
        table.name.kind,
        table.name.name
    );
    row(Grade::Critical, text).about(differ)
}

/// `aol.com (only in the text)`, a key each.
fn differences(source: &Entries, made: &Entries) -> Vec<String> {
    let mut differ = Vec::new();
    for (key, value) in source {
        match made.get(key) {
            None => differ.push(format!("{key} (only in the text)")),
            Some(other) if other != value => {
                differ.push(format!("{key} ({value} in the text, {other} in use)"));
            }
            Some(_) => {}
        }
    }
    let gone = made.keys().filter(|key| !source.contains_key(*key));
    differ.extend(gone.map(|key| format!("{key} (only in use)")));
    differ
}

/// Lines that are not entries, and keys that appear twice.
fn text(table: &Table) -> Vec<AuditRow> {
    let parsed = match &table.source {
        SourceState::Read(parsed) => parsed,
        SourceState::Unreadable(why) => {
            let text = format!("{} cannot be read: {why}", table.name.name);
            return vec![AuditRow::new(Check::Syntax, Grade::Unknown, text)];
        }
        SourceState::None | SourceState::Missing => {
            let skipped = |check| AuditRow::new(check, Grade::Skipped, "there is no text");
            return vec![skipped(Check::Syntax), skipped(Check::Duplicates)];
        }
    };
    vec![syntax(table, parsed), duplicates(&parsed.value)]
}

fn syntax(table: &Table, parsed: &Parsed<Source>) -> AuditRow {
    let malformed = parsed.value.malformed.iter();
    let mut bad: Vec<String> = malformed.map(|n| format!("line {n}")).collect();
    bad.extend(parsed.problems.iter().map(ToString::to_string));
    if bad.is_empty() {
        return AuditRow::new(Check::Syntax, Grade::Ok, "every line is an entry");
    }
    let text = format!(
        "postmap ignores {} of {}, which need a key and a value",
        count(bad.len(), "line"),
        table.name.name
    );
    AuditRow::new(Check::Syntax, Grade::Warning, text).about(bad)
}

fn duplicates(source: &Source) -> AuditRow {
    let repeated = source.repeated.iter().filter_map(|&(again, first)| {
        let (again, first) = (source.entries.get(again)?, source.entries.get(first)?);
        let what = match again.value == first.value {
            true => String::new(),
            false => format!(": {} counts, not {}", first.value, again.value),
        };
        Some(format!(
            "{} in line {} and again in line {}{what}",
            again.key, first.line, again.line
        ))
    });
    let repeated: Vec<String> = repeated.collect();
    match repeated.len() {
        0 => AuditRow::new(Check::Duplicates, Grade::Ok, "no key appears twice"),
        n => {
            let text = format!(
                "{} twice; only the first counts",
                either(n, "1 key appears", &format!("{n} keys appear"))
            );
            AuditRow::new(Check::Duplicates, Grade::Warning, text).about(repeated)
        }
    }
}
