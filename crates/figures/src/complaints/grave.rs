//! What a verdict rests on, where there are too many texts to keep each: strangers fill the list, and Postfix's own cry
//! comes behind them.

use std::sync::LazyLock;

use postfix::log::Severity;

use super::{ComplaintRow, OTHERS};
use crate::judge::{Rules, judge_complaint};
use crate::verdict::Level;

/// The host's own rules judge later: what counts here is what is worth keeping.
static RULES: LazyLock<Option<Rules>> = LazyLock::new(|| Rules::load(None).ok());

/// How bad a complaint is by the rules that are compiled in.
pub(crate) fn level(row: &ComplaintRow) -> Level {
    let judged = |rules: &Rules| judge_complaint(row, &rules.complaints);
    RULES.as_ref().map_or(Level::Ok, judged)
}

/// What stands for this text among all that are too many: [`OTHERS`], with the words in front that make it as bad as
/// it is. There are as many of these as the rules have words, and programs that are critical.
pub(super) fn others(severity: Severity, service: &str, text: &str) -> String {
    let level_of = |text: &str| {
        level(&ComplaintRow {
            severity,
            service: service.to_owned(),
            text: text.to_owned(),
            count: 1,
        })
    };
    // Of what is worse than a warning the text does not count.
    let wanted = match severity {
        Severity::Warning => level_of(text),
        _ => Level::Ok,
    };
    if wanted == Level::Ok {
        return OTHERS.to_owned();
    }
    let rules = RULES.iter().flat_map(|rules| {
        let words = rules.complaints.warnings.iter();
        words.filter(|words| text.contains(words.trim_start_matches("* ")))
    });
    let mut candidates = rules.flat_map(|words| {
        let critical = RULES.iter().flat_map(|rules| &rules.complaints.critical);
        let critical = critical.filter(|program| text.contains(&format!("/{program}")));
        let named = critical.map(move |program| format!("…/{program} {} {OTHERS}", words.trim()));
        std::iter::once(format!("{} {OTHERS}", words.trim())).chain(named)
    });
    let is_as_bad = |candidate: &String| level_of(candidate) == wanted;
    candidates
        .find(is_as_bad)
        .unwrap_or_else(|| OTHERS.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::complaints::Complaints;
    use postfix::log::Complaint;

    /// Texts that are made up, of master's name too, do not hide what master says of a program that died.
    #[test]
    fn texts_that_are_made_up_hide_no_verdict() {
        let killed = |program: &str| {
            format!("process /usr/lib/postfix/sbin/{program} pid 7 killed by signal 11")
        };
        let said = [
            ("master", killed("qmgr"), Level::Critical),
            ("master", killed("smtp"), Level::Warning),
            (
                "cleanup",
                "mail_queue_enter: create file incoming/8.9: No space left on device".to_owned(),
                Level::Warning,
            ),
            (
                "pickup",
                "4F9A1B2: write queue file: No space left on device".to_owned(),
                Level::Warning,
            ),
            (
                "trivial-rewrite",
                "hash:/etc/postfix/x lookup error for \"*\"".to_owned(),
                Level::Warning,
            ),
            ("smtpd", "hostname odd.".to_owned(), Level::Ok),
        ];
        let add = |all: &mut Complaints, service: &str, text: &str| {
            all.add(&Complaint {
                time: None,
                host: b"",
                tag: b"postfix",
                service: service.as_bytes(),
                severity: Severity::Warning,
                text: text.as_bytes(),
                repeat: 1,
            });
        };
        for (service, text, expected) in said {
            let mut all = Complaints::default();
            for n in 0..1_000 {
                add(&mut all, "master", &format!("odd {n}x"));
            }
            let before = all.rows().len();
            add(&mut all, service, &text);
            let rows = all.rows();
            let worst = rows.iter().map(level).max();
            assert_eq!(worst, Some(expected), "{text}: {rows:?}");
            // Ever new ones like it are one row.
            for n in 0..9 {
                add(&mut all, service, &format!("x{n}q {text}"));
            }
            assert!(all.rows().len() <= before + 3, "{:?}", all.rows());
        }
    }
}
