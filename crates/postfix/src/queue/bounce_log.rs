//! Logs that bounce(8) keeps of a message's failed deliveries: defer, bounce, trace (global/bounce_log.c).
//!
//! An entry is a run of lines that ends with an empty one: `name=value` lines, before them perhaps a line
//! `<recipient>: reason` in the format of old Postfix versions, or such a line alone.

use std::path::Path;

use super::address::shown;
use super::ctype::{atol, c_str, split_nameval};
use crate::{Parsed, Position, Problem};

/// Problems reported about one log.
const MOST_PROBLEMS: usize = 8;

/// One recipient's entry. Texts are printable, addresses in quoted form, as bounce(8) wrote them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogEntry {
    /// The recipient.
    pub recipient: String,
    /// The recipient as the sender gave it, where that is another.
    pub orig_recipient: Option<String>,
    /// ORCPT, where the sender gave it.
    pub dsn_orig_recipient: Option<String>,
    /// NOTIFY flags, where the sender gave them (global/dsn_mask.h).
    pub dsn_notify: Option<u8>,
    /// Offset of the recipient's record in the queue file ([`super::Recipient::offset`]).
    pub offset: Option<u64>,
    /// Enhanced status code, `4.4.1`; `4.0.0` or, in a bounce or trace log, `5.0.0` where the log has none.
    pub status: String,
    /// `delayed`, `failed`, `relayed`, …
    pub action: String,
    /// Kind of [`Self::diagnostic_text`]: `smtp`, `x-unix`.
    pub diagnostic_type: Option<String>,
    /// What the other side said: `450 4.2.1 …`.
    pub diagnostic_text: Option<String>,
    /// Kind of [`Self::mta_name`]: `dns`.
    pub mta_type: Option<String>,
    /// The server that said so.
    pub mta_name: Option<String>,
    /// Why, in words.
    pub reason: String,
}

/// Reads the entries of a log. `deferred` says whether it is a defer log. `path` is for messages only.
///
/// Every entry counts, as showq(8) has it, though a recipient may have several: those of one delivery attempt.
/// An entry whose closing empty line is missing is left out: it is being written.
pub fn read_log(
    log: &[u8],
    deferred: bool,
    smtputf8_enable: bool,
    path: &Path,
) -> Parsed<Vec<LogEntry>> {
    let mut reader = Reader {
        path,
        deferred,
        found: Parsed::default(),
        entry: None,
    };
    let mut start = 0;
    for (number, end) in (1_u64..).zip(memchr::memchr_iter(b'\n', log)) {
        let line = log.get(start..end).unwrap_or_default();
        start = end.saturating_add(1);
        match c_str(line) {
            b"" => reader.finish(),
            text => reader.line(&shown(text, smtputf8_enable), number),
        }
    }
    let cut = start < log.len();
    if cut || reader.entry.is_some() {
        reader.problem("the last entry is cut short", None);
    }
    reader.found
}

struct Reader<'a> {
    path: &'a Path,
    deferred: bool,
    found: Parsed<Vec<LogEntry>>,
    entry: Option<LogEntry>,
}

impl Reader<'_> {
    fn problem(&mut self, what: &str, line: Option<u64>) {
        if self.found.problems.len() < MOST_PROBLEMS {
            let mut problem = Problem::new(self.path, what);
            problem.at = line.map(Position::Line);
            self.found.problems.push(problem);
        }
    }

    fn line(&mut self, line: &str, number: u64) {
        let entry = self.entry.get_or_insert_default();
        if line.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            if !attribute(entry, line) {
                self.problem("malformed or unknown attribute", Some(number));
            }
        } else if let Some((recipient, reason)) = line
            .strip_prefix('<')
            .and_then(|rest| rest.split_once(">: "))
        {
            entry.recipient = address(recipient);
            entry.reason = reason.trim_start_matches(' ').to_owned();
        } else {
            self.problem("malformed line", Some(number));
        }
    }

    /// Completes the entry as bounce_log_read() does.
    fn finish(&mut self) {
        let Some(mut entry) = self.entry.take() else {
            return;
        };
        let (status, action) = if self.deferred {
            ("4.0.0", "delayed")
        } else {
            ("5.0.0", "failed")
        };
        let or = |field: &mut String, default: &str| {
            if field.is_empty() {
                default.clone_into(field);
            }
        };
        or(&mut entry.recipient, "(recipient address unavailable)");
        or(&mut entry.status, status);
        or(&mut entry.action, action);
        or(&mut entry.reason, "(description unavailable)");
        self.found.value.push(entry);
    }
}

/// Takes a `name=value` line into `entry`. False if it is not one, or a name that Postfix does not know.
fn attribute(entry: &mut LogEntry, line: &str) -> bool {
    let Some((name, value)) = split_nameval(line.as_bytes()) else {
        return false;
    };
    let number = || atol(value);
    // A part of a text, cut where there is ASCII.
    let value = std::str::from_utf8(value).unwrap_or_default();
    let text = || (!value.is_empty()).then(|| value.to_owned());
    match name {
        b"recipient" => entry.recipient = address(value),
        b"original_recipient" => entry.orig_recipient = Some(address(value)),
        b"dsn_orig_rcpt" => entry.dsn_orig_recipient = text(),
        b"notify_flags" => {
            let flags = u8::try_from(number()).ok();
            entry.dsn_notify = flags.filter(|flags| (1..=15).contains(flags));
        }
        b"offset" => entry.offset = u64::try_from(number()).ok().filter(|&offset| offset > 0),
        b"status" => entry.status = value.to_owned(),
        b"action" => entry.action = value.to_owned(),
        b"diag_type" => entry.diagnostic_type = text(),
        b"diag_text" => entry.diagnostic_text = text(),
        b"mta_type" => entry.mta_type = text(),
        b"mta_mname" => entry.mta_name = text(),
        b"reason" => entry.reason = value.to_owned(),
        _ => return false,
    }
    true
}

fn address(text: &str) -> String {
    if text.is_empty() {
        "(MAILER-DAEMON)".to_owned()
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Entries as `recipient|status|action|offset|reason`, problems by line number.
    fn check(log: &str, deferred: bool, expected: &[&str], problems: &[Option<u64>]) {
        let found = read_log(log.as_bytes(), deferred, true, Path::new("log"));
        let shown = |entry: &LogEntry| {
            let offset = entry.offset.map(|o| o.to_string()).unwrap_or_default();
            let LogEntry {
                recipient,
                status,
                action,
                reason,
                ..
            } = entry;
            format!("{recipient}|{status}|{action}|{offset}|{reason}")
        };
        assert_eq!(found.value.iter().map(shown).collect::<Vec<_>>(), expected);
        let line = |problem: &Problem| match problem.at {
            Some(Position::Line(line)) => Some(line),
            _ => None,
        };
        assert_eq!(
            found.problems.iter().map(line).collect::<Vec<_>>(),
            problems
        );
    }

    // Formats and defaults: bounce/bounce_append_service.c and global/bounce_log.c.
    #[test]
    fn entries_old_and_new() {
        let new = "\nrecipient=a@x\noffset=642\nstatus=4.4.1\naction=delayed\nreason=words = and words\n\n";
        check(new, true, &["a@x|4.4.1|delayed|642|words = and words"], &[]);
        check(
            "\n<a@x>:  old words\n\n",
            true,
            &["a@x|4.0.0|delayed||old words"],
            &[],
        );
        check(
            "\n<a@x>: old words\n\n",
            false,
            &["a@x|5.0.0|failed||old words"],
            &[],
        );
        check(
            "<\"a>: b\"@x>: w\n\n",
            true,
            &["\"a|4.0.0|delayed||b\"@x>: w"],
            &[],
        );
        check(
            "<>: w\n\nrecipient=\n\n",
            true,
            &[
                "(MAILER-DAEMON)|4.0.0|delayed||w",
                "(MAILER-DAEMON)|4.0.0|delayed||(description unavailable)",
            ],
            &[],
        );
        check(
            "recipient=<>\nreason=w\n\n",
            true,
            &["<>|4.0.0|delayed||w"],
            &[],
        );
        check(
            "reason=w\n\n",
            true,
            &["(recipient address unavailable)|4.0.0|delayed||w"],
            &[],
        );
        check("\n\n\n\n", true, &[], &[]);
        check("", true, &[], &[]);
    }

    #[test]
    fn what_is_malformed_is_reported_and_the_rest_kept() {
        check(
            "recipient=a@x\nnonsense\nreason=w\n\n",
            true,
            &["a@x|4.0.0|delayed||w"],
            &[Some(2)],
        );
        check(
            "recipient=a@x\nflavour=w\n\n",
            true,
            &["a@x|4.0.0|delayed||(description unavailable)"],
            &[Some(2)],
        );
        check(
            "<a@x> no colon\n<b@x>: w\n\n",
            true,
            &["b@x|4.0.0|delayed||w"],
            &[Some(1)],
        );
        check(
            "recipient=a@x\noffset=-5\nreason=w\n\n",
            true,
            &["a@x|4.0.0|delayed||w"],
            &[],
        );
        check("recipient=a@x\nreason=w\n", true, &[], &[None]);
        check("recipient=a@x\nreas", true, &[], &[None]);
        check(
            "recipient=a\x1b[2J@x\nreason=\t\n\n",
            true,
            &["a?[2J@x|4.0.0|delayed||?"],
            &[],
        );
    }
}
