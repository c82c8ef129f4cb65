//! What is known of the tables that an instance's transport_maps names.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use cli::Context;
use postfix::config::{Instance, Parameters, logical_lines};
use transport::audit::{Failed, IndexState, SourceState, Table, questions};
use transport::{Map, Source, Storage, TableName, split_list};

use host::postmap::{MOST_SOURCE, Postmap, name_here};

/// The tables that trivial-rewrite has by its parameters, in order, and invalid elements of the list.
pub(crate) fn tables(
    cx: &Context,
    instance: &Instance,
    routing: &Parameters,
    wanted: &Map,
    parents_match: bool,
) -> (Vec<Table>, Vec<String>) {
    let postmap = Postmap::new(cx.root(), instance);
    let list = routing.get("transport_maps");
    let mut broken = Vec::new();
    let mut tables = Vec::new();
    for element in split_list(&list) {
        match TableName::parse(element) {
            Some(name) => tables.push(listed(cx, &postmap, name)),
            None => broken.push(element.to_owned()),
        }
    }
    let keys = {
        let entries = tables
            .iter()
            .filter_map(|(table, _)| table.entries.as_ref());
        let listed = entries.flat_map(BTreeMap::keys).map(String::as_str);
        questions(wanted, parents_match, listed)
    };
    let asked = tables.into_iter().map(|(mut table, here)| {
        ask(cx, &postmap, &mut table, &here, &keys);
        table
    });
    (asked.collect(), broken)
}

/// A table with its files and, where it can list them, its entries; and its name as this machine has it.
fn listed(cx: &Context, postmap: &Postmap, name: TableName) -> (Table, TableName) {
    let here = name_here(cx.root(), &name);
    let source = here.source().map_or(SourceState::None, read);
    let index = index(&here, &source);
    let mut table = Table {
        name,
        source,
        index,
        in_source: None,
        entries: None,
        answers: HashMap::new(),
        failed: None,
        dropped: Vec::new(),
    };
    if !matches!(here.storage(), Storage::Index(_) | Storage::Text) {
        return (table, here);
    }
    match postmap.entries(&here) {
        Ok(entries) => table.entries = Some(entries),
        Err(why) => table.failed = Some(why),
    }
    if matches!(here.storage(), Storage::Index(_)) && matches!(table.source, SourceState::Read(_)) {
        let text = TableName {
            kind: "texthash".to_owned(),
            ..here.clone()
        };
        match postmap.entries(&text) {
            Ok(entries) => table.in_source = Some(entries),
            Err(Failed::Broken(why) | Failed::Unknown(why)) => {
                table.source = SourceState::Unreadable(why);
            }
        }
    }
    (table, here)
}

fn ask(
    cx: &Context,
    postmap: &Postmap,
    table: &mut Table,
    here: &TableName,
    keys: &BTreeSet<String>,
) {
    // What a random table says now, it does not say again.
    if table.failed.is_some() || here.is_random() {
        return;
    }
    // An image's servers are not this machine's.
    if here.storage() == Storage::Elsewhere && !cx.root().is_this_host() {
        let why = "--root: servers on another host cannot be asked";
        table.failed = Some(Failed::Unknown(why.to_owned()));
        return;
    }
    match postmap.answers(here, keys) {
        Ok((answers, dropped)) => (table.answers, table.dropped) = (answers, dropped),
        Err(why) => table.failed = Some(why),
    }
    substituting(table, here);
}

/// Takes out the rules of a pattern table that put parts of the address into the result: trivial-rewrite ignores them
/// (DICT_FLAG_NO_REGSUB, Postfix `src/util/dict_regexp.c`), though postmap does not.
fn substituting(table: &mut Table, here: &TableName) {
    let path = Path::new(&here.name);
    let SourceText::Read(text) = text(path) else {
        return;
    };
    if !matches!(here.kind.as_str(), "regexp" | "pcre") {
        return;
    }
    let lines = logical_lines(path, &text).value.into_iter().filter(|line| {
        let has = |pair: &[u8]| matches!(pair, [b'$', b'0'..=b'9' | b'{' | b'(']);
        line.text.windows(2).any(has)
    });
    let dropped = lines.map(|line| {
        let at = line.line;
        format!("line {at}: a result with $n is not allowed in transport_maps")
    });
    let dropped: Vec<String> = dropped.collect();
    if !dropped.is_empty() {
        // What was put together stands nowhere in the text.
        let text = String::from_utf8_lossy(&text);
        table
            .answers
            .retain(|_, value| text.contains(value.as_str()));
        table.dropped.extend(dropped);
    }
}

fn read(path: &Path) -> SourceState {
    match text(path) {
        SourceText::Read(text) => SourceState::Read(Source::parse(path, &text)),
        SourceText::Missing => SourceState::Missing,
        SourceText::Unreadable(why) => SourceState::Unreadable(why),
    }
}

enum SourceText {
    Read(Vec<u8>),
    Missing,
    Unreadable(String),
}

fn text(path: &Path) -> SourceText {
    match guarded::read(path, MOST_SOURCE) {
        Ok(text) => SourceText::Read(text),
        Err(e) if e.kind() == io::ErrorKind::NotFound => SourceText::Missing,
        Err(e) => SourceText::Unreadable(reason(&e)),
    }
}

/// The file that postmap makes, beside its source.
fn index(table: &TableName, source: &SourceState) -> IndexState {
    let Some(path) = table.index() else {
        return IndexState::None;
    };
    let time = |path: PathBuf| fs::metadata(path).and_then(|metadata| metadata.modified());
    let made: SystemTime = match time(path) {
        Ok(made) => made,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return IndexState::Missing,
        Err(e) => return IndexState::Unreadable(reason(&e)),
    };
    match source {
        SourceState::None | SourceState::Missing => return IndexState::Current,
        SourceState::Unreadable(_) => {
            return IndexState::Unreadable("its text cannot be read".to_owned());
        }
        SourceState::Read(_) => {}
    }
    match time(PathBuf::from(&table.name)) {
        Ok(changed) => match changed.duration_since(made) {
            Ok(Duration::ZERO) | Err(_) => IndexState::Current,
            Ok(by) => IndexState::Older(by.as_secs().max(1)),
        },
        Err(e) => IndexState::Unreadable(reason(&e)),
    }
}

/// Without std's `(os error 2)`.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "permission denied; run it as root".to_owned(),
        _ => {
            let text = error.to_string();
            text.split(" (os error ")
                .next()
                .unwrap_or_default()
                .to_owned()
        }
    }
}
