//! What TO's cleanup(8) would do with these messages: its header and body checks, asked by real postmap(1), and its
//! limit of hops.
//!
//! Requeued mail passes no Milter (postsuper(1), -r), but all other checks.

use std::collections::{BTreeMap, HashMap};

use cli::Context;
use host::programs::Program;
use postfix::config::{Instance, Parameters};
use postfix::queue::{Opened, read_content};
use postfix::{count, either};
use transfer::plan::{Item, Plan};
use transfer::preflight::{Objection, refuse, warn};

use super::some;
use crate::course::Course;

/// Messages whose headers are read, and those whose bodies are.
const MOST_HEADERS: usize = 10_000;
const MOST_BODIES: usize = 200;
/// Bytes of a message that are read: header_size_limit and body_checks_size_limit by default.
const HEADER_BYTES: usize = 102_400;
const BODY_BYTES: usize = 51_200;
/// Threads that read: waiting for the disk is the most of it.
const THREADS: usize = 8;

/// The checks that are asked about the headers of parts.
const PARTS: [&str; 2] = ["mime_header_checks", "nested_header_checks"];

/// Lines, and in how many messages each is.
type Lines = BTreeMap<Vec<u8>, usize>;

pub(super) fn look(cx: &Context, course: &Course<'_>, plan: &Plan) -> Vec<Objection> {
    let (cleanup, is_unchecked) = cleanup(cx, course.to);
    let items: Vec<&Item> = plan.moves().take(MOST_HEADERS).collect();
    let texts = host::pool::each(items.iter().copied(), THREADS, |item| headers(course, item));
    let mut findings: Vec<Objection> = hops(course, &cleanup, &items, &texts).into_iter().collect();
    if is_unchecked {
        return findings;
    }
    let (to, all) = (course.to.name(), plan.moves().count());
    let of_all = cleanup.list("header_checks");
    for (parameter, most) in [
        ("header_checks", MOST_HEADERS),
        ("mime_header_checks", MOST_BODIES),
        ("nested_header_checks", MOST_BODIES),
        ("body_checks", MOST_BODIES),
    ] {
        let tables = cleanup.list(parameter);
        let is_of_parts = PARTS.contains(&parameter);
        // By default those of parts are the same: they are asked about all headers at once.
        if tables.is_empty() || (is_of_parts && tables == of_all) {
            continue;
        }
        if !cx.root().is_this_host() {
            let what = format!(
                "{to}'s {parameter} ({}) are not asked: it is an image",
                tables.join(" ")
            );
            findings.push(warn(what, "take them into account"));
            continue;
        }
        let lines = match parameter {
            "body_checks" => body_lines(course, &items),
            _ if is_of_parts => logical_lines(&part_headers(course, &items)),
            _ if PARTS.iter().any(|one| cleanup.list(one) == of_all) => {
                if all > MOST_BODIES {
                    let what = format!(
                        "{to}'s header_checks were asked about the parts of the first {MOST_BODIES} of {all} messages"
                    );
                    findings.push(warn(what, "take them into account"));
                }
                let mut lines = logical_lines(&texts);
                for (line, count) in logical_lines(&part_headers(course, &items)) {
                    *lines.entry(line).or_default() += count;
                }
                lines
            }
            _ => logical_lines(&texts),
        };
        for table in &tables {
            findings.extend(ask(cx, course, (parameter, table), &lines));
        }
        if all > most {
            let what =
                format!("{to}'s {parameter} were asked about the first {most} of {all} messages");
            findings.push(warn(what, "take them into account"));
        }
    }
    findings
}

/// What TO's cleanup is configured with, as pickup calls it, and whether its checks are off.
fn cleanup(cx: &Context, to: &Instance) -> (Parameters, bool) {
    let services = to.services(cx.root()).value;
    let pickup = services.running("pickup").next();
    let pickup = pickup.map_or_else(
        || to.parameters().clone(),
        |own| to.parameters().of_service(own),
    );
    let off = pickup.list("receive_override_options");
    let is_unchecked = off.iter().any(|option| option == "no_header_body_checks");
    let name = match pickup.get("cleanup_service_name") {
        name if name.is_empty() => "cleanup".to_owned(),
        name => name,
    };
    let mut found = services.services().iter();
    let cleanup = found.find(|service| service.name == name);
    let cleanup = cleanup.map_or_else(
        || to.parameters().clone(),
        |own| to.parameters().of_service(own),
    );
    (cleanup, is_unchecked)
}

fn content(course: &Course<'_>, item: &Item, most: usize) -> Vec<u8> {
    let message = &item.message;
    match course
        .from_side
        .spool()
        .open(message.queue, &message.queue_id)
    {
        Opened::File(file, info) => read_content(&file, info.size, most, &mut Vec::new()),
        // What is gone will be skipped.
        Opened::Vanished | Opened::Problem(_) => Vec::new(),
    }
}

/// Everything before the first empty line.
fn headers(course: &Course<'_>, item: &Item) -> Vec<u8> {
    let mut text = content(course, item, HEADER_BYTES);
    if let Some(end) = text.windows(2).position(|two| two == b"\n\n") {
        text.truncate(end + 1);
    }
    text
}

/// cleanup(8) returns mail with as many Received: headers as hopcount_limit; pickup adds one.
fn hops(
    course: &Course<'_>,
    cleanup: &Parameters,
    items: &[&Item],
    texts: &[Vec<u8>],
) -> Option<Objection> {
    let limit = usize::try_from(cleanup.int("hopcount_limit").unwrap_or(50)).unwrap_or(0);
    let is_hop = |line: &&[u8]| {
        let name = line.get(..9).unwrap_or_default();
        name.eq_ignore_ascii_case(b"received:")
    };
    let hops = |text: &[u8]| text.split(|&b| b == b'\n').filter(is_hop).count();
    let over: Vec<String> = items
        .iter()
        .zip(texts)
        .filter(|(_, text)| hops(text) + 1 >= limit)
        .map(|(item, _)| item.message.queue_id.to_string())
        .collect();
    (!over.is_empty()).then(|| {
        let to = course.to.name();
        let what = format!(
            "{} {} been through so many hosts that {to} would return {} (hopcount_limit = {limit}): {}",
            count(over.len(), "message"),
            either(over.len(), "has", "have"),
            either(over.len(), "it", "them"),
            some(&over)
        );
        refuse(what, format!("raise hopcount_limit of {to}, or leave them out"))
    })
}

/// The headers, each with the lines that continue it.
fn logical_lines(texts: &[Vec<u8>]) -> Lines {
    let mut lines = Lines::new();
    for text in texts {
        let mut header: Vec<u8> = Vec::new();
        for line in text.split(|&b| b == b'\n').chain([&b""[..]]) {
            if matches!(line.first(), Some(b' ' | b'\t')) && !header.is_empty() {
                header.push(b'\n');
                header.extend_from_slice(line);
                continue;
            }
            let whole = std::mem::replace(&mut header, line.to_vec());
            // What is no header ends the headers, for postmap too.
            if is_header(&whole) {
                *lines.entry(whole).or_default() += 1;
            }
        }
    }
    lines
}

fn is_header(line: &[u8]) -> bool {
    let name = line.split(|&b| b == b':').next().unwrap_or_default();
    !name.is_empty() && name.len() < line.len() && name.iter().all(u8::is_ascii_graphic)
}

/// The headers of the parts of each message, and of messages within it: what stands between a line that may be a
/// boundary, or a part's announcement of a message, and the next empty line.
fn part_headers(course: &Course<'_>, items: &[&Item]) -> Vec<Vec<u8>> {
    let most = HEADER_BYTES.saturating_add(BODY_BYTES);
    let of = |item: &&Item| {
        let text = content(course, item, most);
        let (mut headers, mut is_header, mut holds_message) = (Vec::new(), false, false);
        let body = text.windows(2).position(|two| two == b"\n\n");
        let body = body.and_then(|end| text.get(end + 2..)).unwrap_or_default();
        for line in body.split(|&b| b == b'\n') {
            if line.starts_with(b"--") {
                (is_header, holds_message) = (true, false);
            } else if line.is_empty() {
                is_header = std::mem::take(&mut holds_message);
            } else if is_header {
                let lower = line.to_ascii_lowercase();
                holds_message |= lower.windows(8).any(|word| word == b"message/");
                headers.extend_from_slice(line);
                headers.push(b'\n');
            }
        }
        headers
    };
    items.iter().take(MOST_BODIES).map(of).collect()
}

fn body_lines(course: &Course<'_>, items: &[&Item]) -> Lines {
    let mut lines = Lines::new();
    for item in items.iter().take(MOST_BODIES) {
        let text = content(course, item, HEADER_BYTES.saturating_add(BODY_BYTES));
        let Some(end) = text.windows(2).position(|two| two == b"\n\n") else {
            continue;
        };
        let body = text.get(end + 2..).unwrap_or_default();
        let body = body.get(..BODY_BYTES).unwrap_or(body);
        for line in body.split(|&b| b == b'\n').filter(|line| !line.is_empty()) {
            *lines.entry(line.to_vec()).or_default() += 1;
        }
    }
    lines
}

/// What a table answers to the lines, and what that does with mail.
fn ask(
    cx: &Context,
    course: &Course<'_>,
    (parameter, table): (&str, &str),
    lines: &Lines,
) -> Vec<Objection> {
    let to = course.to.name();
    // postmap takes a message: its headers, or an empty line and its body.
    let (mode, mut input) = match parameter {
        "body_checks" => ("-bq", b"\n".to_vec()),
        _ => ("-hq", Vec::new()),
    };
    for line in lines.keys() {
        input.extend_from_slice(line);
        input.push(b'\n');
    }
    let table = table.strip_prefix("proxy:").unwrap_or(table);
    let postmap = Program::new(cx.root(), course.to, "postmap");
    let answer = match postmap.answers(&[mode, "-", table], input) {
        Ok(answer) => answer,
        Err(e) => {
            let what = format!("{to}'s {parameter} cannot be asked: {table}: {e}");
            return vec![refuse(
                what,
                "fix that table: mail that cannot be checked waits in maildrop",
            )];
        }
    };
    let mut actions: HashMap<String, (usize, String)> = HashMap::new();
    let mut rest = answer.as_slice();
    for (line, count) in lines {
        if let Some(action) = answer_to(line, &mut rest) {
            let shown = || String::from_utf8_lossy(line).chars().take(80).collect();
            actions.entry(action).or_insert_with(|| (0, shown())).0 += count;
        }
    }
    let mut actions: Vec<_> = actions.into_iter().collect();
    actions.sort();
    let judged = actions.into_iter().filter_map(|(action, (count, line))| {
        let why = format!("{parameter} has \"{action}\" for \"{line}\"");
        judge(to, parameter, &action, count, &why)
    });
    judged.collect()
}

/// What an action of header_checks(5) does with mail.
fn judge(to: &str, parameter: &str, action: &str, count: usize, why: &str) -> Option<Objection> {
    let way = format!("change {parameter} of {to}, or leave those messages out");
    let messages = postfix::count(count, "message");
    let word = action.split_whitespace().next().unwrap_or_default();
    let is_code = word.len() == 3 && word.starts_with(['4', '5']);
    let what = match word.to_ascii_uppercase().as_str() {
        "REJECT" => "return",
        _ if is_code => "return",
        "DISCARD" => "throw away",
        "HOLD" => "put on hold",
        "DELAY" => "keep waiting",
        "REDIRECT" | "FILTER" | "BCC" => {
            return Some(warn(
                format!("{to} would send {messages} elsewhere: {why}"),
                way,
            ));
        }
        _ => return None,
    };
    Some(refuse(format!("{to} would {what} {messages}: {why}"), way))
}

/// postmap writes `LINE<tab>ACTION` for each line that it finds, in the order in which they were asked.
fn answer_to(line: &[u8], rest: &mut &[u8]) -> Option<String> {
    let after = rest.strip_prefix(line)?.strip_prefix(b"\t")?;
    let end = after
        .iter()
        .position(|&b| b == b'\n')
        .unwrap_or(after.len());
    let action = String::from_utf8_lossy(after.get(..end)?).into_owned();
    *rest = after.get(end + 1..).unwrap_or_default();
    Some(action)
}
