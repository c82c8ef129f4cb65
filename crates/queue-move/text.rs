//! Plans and results as people read them. What is alike is one line; ids are listed with `-v`, or in the JSON.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use legible::human;
use legible::wrap::folded;
use postfix::escape;

use crate::planned::{Planned, most_first};
use crate::result::RunResult;

/// Lines of a list.
const LINES: usize = 10;
/// Messages whose new queue ids are listed, unless all are asked for.
const IDS: usize = 20;
/// Queue ids that are named of those that ended alike.
const SOME: usize = 5;

/// Lines of text, folded where the terminal ends.
struct Lines(String, Option<u16>);

impl Lines {
    fn line(&mut self, what: impl AsRef<str>) {
        // Writing into a String does not fail.
        let line = escape(what.as_ref()).to_string();
        let _written = writeln!(self.0, "{}", folded(&line, self.1));
    }

    fn list(&mut self, title: &str, counts: &[(String, usize)]) {
        if counts.is_empty() {
            return;
        }
        self.line(format!("{title}:"));
        for (what, count) in counts.iter().take(LINES) {
            self.line(format!("  {count:>7}  {what}"));
        }
        if counts.len() > LINES {
            let rest: usize = counts.iter().skip(LINES).map(|(_, count)| count).sum();
            self.line(format!("  {rest:>7}  of {} more", counts.len() - LINES));
        }
    }
}

/// A plan, before it is asked; for a terminal of this width, if it is for one.
pub(crate) fn plan(planned: &Planned, width: Option<u16>) -> String {
    let plan = &planned.plan;
    let mut lines = Lines(String::new(), width);
    let count = plan.moves().count();
    let bytes: u64 = plan.moves().map(|item| item.message.size).sum();
    let rcpts: usize = plan.moves().map(|item| item.message.recipients.len()).sum();
    lines.line(format!(
        "{} -> {}: {}, {}, {}",
        plan.from.instance,
        plan.to.instance,
        postfix::count(count, "message"),
        human::size(bytes),
        postfix::count(rcpts, "recipient")
    ));
    lines.list("recipients by domain", &planned.domains);
    lines.list("recipients by reason", &planned.classes);
    let mut skips: HashMap<String, usize> = HashMap::new();
    for (why, count) in plan.skips() {
        skips.insert(why.to_owned(), count);
    }
    for (_, why) in &planned.missing {
        *skips.entry(why.clone()).or_default() += 1;
    }
    lines.list("skipped", &most_first(skips));
    if planned.busy > 0 {
        let (busy, from) = (planned.busy, &plan.from.instance);
        lines.line(format!(
            "not part of it: {} that {from}'s queue manager has in hand now (incoming, active)",
            postfix::count(busy, "message")
        ));
    }
    if count > 0 {
        lines.line("what the move changes for the mail:");
        for change in planned.changes() {
            lines.line(format!("  - {change}"));
        }
    }
    for warning in &planned.warnings {
        lines.line(format!("warning: {warning}"));
    }
    lines.0
}

/// What came of a run.
pub(crate) fn outcome(outcome: &RunResult, verbose: bool, width: Option<u16>) -> String {
    let mut lines = Lines(String::new(), width);
    let counts = outcome.counts;
    if let Some(instance) = &outcome.instance {
        lines.line(format!(
            "{} {instance}: {} selected, {} done, {} skipped, {} failed",
            outcome.action, counts.selected, counts.done, counts.skipped, counts.failed
        ));
        each(&mut lines, outcome, verbose);
        return lines.0;
    }
    let name = outcome.name.as_deref().unwrap_or_default();
    let mut first = format!(
        "move {name}: {} selected, {} moved, {} skipped, {} failed",
        counts.selected, counts.moved, counts.skipped, counts.failed
    );
    let others = [
        (counts.restored, "put back"),
        (counts.in_doubt, "in doubt"),
        (counts.open, "not reached"),
    ];
    for (count, what) in others {
        // An undo says what it put back, even if nothing.
        if count > 0 || (what == "put back" && outcome.action != "move") {
            first.push_str(&format!(", {count} {what}"));
        }
    }
    let now = outcome.this_run;
    match outcome.action {
        "resume" if now.moved != counts.moved => {
            first.push_str(&format!(" ({} of those moved by this run)", now.moved));
        }
        "undo" if now.restored != counts.restored => {
            first.push_str(&format!(
                " ({} of those put back by this run)",
                now.restored
            ));
        }
        _ => {}
    }
    lines.line(first);
    if outcome.action == "move" || verbose {
        new_ids(&mut lines, outcome, verbose);
    }
    causes(&mut lines, outcome, verbose);
    for note in &outcome.notes {
        lines.line(note);
    }
    lines.0
}

/// The messages of one instance: all of a plan, else those of which there is more to say than that it is done.
fn each(lines: &mut Lines, outcome: &RunResult, verbose: bool) {
    for message in &outcome.messages {
        if outcome.dry_run || message.why.is_some() || verbose {
            let result = message.result.map(|result| format!(" {result}"));
            let why = message.why.as_ref().map(|why| format!(": {why}"));
            let (result, why) = (result.unwrap_or_default(), why.unwrap_or_default());
            lines.line(format!("{}{result}{why}", message.queue_id));
        }
    }
}

fn new_ids(lines: &mut Lines, outcome: &RunResult, verbose: bool) {
    let is_moved = |message: &&crate::result::Message| message.result == Some("moved");
    let moved = outcome.messages.iter().filter(is_moved);
    let count = moved.clone().count();
    for message in moved.take(if verbose { usize::MAX } else { IDS }) {
        let new = message.new_queue_id.as_deref().unwrap_or("-");
        let was = match &message.orig_id {
            Some(old) => format!(" (orig_id={old})"),
            None => String::new(),
        };
        lines.line(format!("{} -> {new}{was}", message.queue_id));
    }
    if count > IDS && !verbose {
        lines.line(format!("... and {} more (-v lists all)", count - IDS));
    }
}

/// What ended otherwise than it should, by cause. Paths and ids differ from message to message: the first stands for
/// all, but with `-v`.
fn causes(lines: &mut Lines, outcome: &RunResult, verbose: bool) {
    let mut causes: BTreeMap<(&str, String), Vec<(&str, &str)>> = BTreeMap::new();
    for message in &outcome.messages {
        let result = message.result.unwrap_or("skipped");
        let why = message.why.as_deref().unwrap_or_default();
        if (result != "moved" || !why.is_empty()) && result != "restored" {
            let cause = if verbose {
                why.to_owned()
            } else {
                without_names(why)
            };
            let ids = causes.entry((result, cause)).or_default();
            ids.push((&message.queue_id, why));
        }
    }
    for ((result, _), messages) in causes {
        let (_, why) = messages[0];
        let most = if verbose { usize::MAX } else { SOME };
        let some: Vec<&str> = messages.iter().take(most).map(|(id, _)| *id).collect();
        let more = if messages.len() > most { ", …" } else { "" };
        let (count, some) = (messages.len(), some.join(", "));
        lines.line(format!("{result}: {why}: {count} ({some}{more})"));
    }
}

/// The cause, whatever file or message it is about.
fn without_names(why: &str) -> String {
    let words = why.split(' ').map(|word| {
        let plain = word.trim_matches([',', ':', ';', '.']);
        let plain = plain.strip_prefix("orig_id=").unwrap_or(plain);
        match word.starts_with('/') || is_like_an_id(plain) {
            true => "/",
            false => word,
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Short queue ids are upper-case hex digits; long ones have a digit for certain too, of the time in them.
fn is_like_an_id(word: &str) -> bool {
    let all = |is: fn(&char) -> bool| word.chars().all(|c| is(&c));
    let is_short = all(|c| c.is_ascii_digit() || ('A'..='F').contains(c));
    let has_digit = word.chars().any(|c| c.is_ascii_digit());
    let is_long = word.len() >= 10 && has_digit && all(char::is_ascii_alphanumeric);
    (is_short && word.len() >= 5) || is_long
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_of_many_files_have_one_cause() {
        let check = |one: &str, other: &str, same: bool| {
            assert_eq!(without_names(one) == without_names(other), same, "{one}");
        };
        let failed = "cannot open: /var/spool/a/hold/3F2A5: Permission denied; it is in /var/spool/a/hold/3F2A5; retry";
        check(failed, &failed.replace("3F2A5", "4A2B6"), true);
        check(failed, &failed.replace("denied", "granted"), false);
        let taken = "TO already has it, as 4F2A51: move it back from there";
        check(taken, &taken.replace("4F2A51", "9CABDE"), true);
        check(taken, &taken.replace("4F2A51", "4bXhGZ1Zcbz2Xq9"), true);
        check(taken, &taken.replace("already", "perhaps"), false);
        check("5 of them were sent", "6 of them were sent", false);
    }
}
