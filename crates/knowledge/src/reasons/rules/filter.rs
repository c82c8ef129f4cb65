//! The rules of some classes as a table for Postfix's smtp_delivery_status_filter: regexp_table(5), as every Postfix
//! has it.
//!
//! What a rule sees has who, where and when masked; what Postfix asks the table for has not. So a pattern is made to
//! find what is masked, and the table is very near to the rules, not the same. Of what Postfix writes behind the
//! server's words, `(in reply to RCPT TO command)` (smtp_trouble.c), only the conditions of a stage see anything.

use super::{Class, File, Rule, Rules};
use crate::reasons::stage::Stage;

/// What stands for a mask.
const MASKS: [(&str, &str); 9] = [
    (
        "~ip~",
        r"[[(<]?([0-9]{1,3}([.][0-9]{1,3}){3}|[0-9a-f]*:[0-9a-f:]*:[0-9a-f:.]*)[])>]?",
    ),
    ("~address~", "[^ ]+@[^ ]+"),
    // No address: a name does not end with a number.
    ("~host~", r"([a-z0-9_-]+[.])+[a-z][a-z0-9_-]*"),
    ("~link~", "https?:[^ ]+"),
    ("~name~", "[^ ]+"),
    ("~id~", "[^ ]+"),
    ("~time~", "[^ ]+"),
    ("~(host|blocklist)~", r"([a-z0-9_-]+[.])+[a-z][a-z0-9_-]*"),
    ("~", "[^ ]"),
];

/// Behind what a pattern has found there is what Postfix writes.
const BEHIND: &str = ".* [(]in reply to .*";

/// Where the server's words end.
const END: &str = " [(]in reply to [^()]*[)]$";

/// How Postfix says what was answered; nothing of a connection that was refused, which it defers by itself.
fn said(stage: Stage) -> Option<&'static str> {
    match stage {
        Stage::Helo => Some("(HELO|EHLO)"),
        Stage::Mail => Some("MAIL FROM"),
        Stage::Rcpt => Some("RCPT TO"),
        Stage::Data => Some("DATA command"),
        Stage::EndOfData => Some("end of DATA"),
        _ => None,
    }
}

impl Rules {
    /// The lines of the table: the rules in their order, of which the first that fits decides. Where it is of one of
    /// `classes`, a final code is made one that is not; else it stays as it is.
    pub(in crate::reasons) fn filter(&self, classes: &[Class]) -> Vec<String> {
        let mut lines = vec!["if /^5[.][0-9.]+ .* said: 5[0-9][0-9]/".to_owned()];
        for file in self.files() {
            for rule in &file.rules {
                lines.extend(self.of_rule(file, rule, classes.contains(&rule.class)));
            }
        }
        lines.push("endif".to_owned());
        lines
    }

    fn of_rule(&self, file: &File, rule: &Rule, is_meant: bool) -> Vec<String> {
        let stages: Vec<&str> = rule.stage.iter().filter_map(|stage| said(*stage)).collect();
        let status: Vec<String> = rule
            .status
            .iter()
            .filter_map(|one| one.final_codes())
            .collect();
        let codes: Vec<String> = rule.dsn.iter().filter_map(|dsn| dsn.final_code()).collect();
        let never = |any: bool, fits: bool| any && !fits;
        if never(!rule.stage.is_empty(), !stages.is_empty())
            || never(!rule.status.is_empty(), !status.is_empty())
            || never(!rule.dsn.is_empty(), !codes.is_empty())
        {
            return Vec::new();
        }
        let mut conditions = Vec::new();
        if !stages.is_empty() {
            // The last says what the words answer: one before it is a server's own.
            conditions.push(format!(
                "if /[(]in reply to ({})[^()]*[)]$/",
                stages.join("|")
            ));
        }
        if !status.is_empty() {
            conditions.push(format!("if / said: ({})/", status.join("|")));
        }
        let unless = file.patterns.written(&rule.unless);
        conditions.extend(unless.map(|pattern| format!("if !/{}/", self.found(&pattern))));
        let code = match codes.is_empty() {
            true => "[0-9]+[.][0-9]+".to_owned(),
            false => codes.join("|"),
        };
        let line = |rest: &str| match is_meant {
            true => format!("/^5([.]({code}) {rest})$/ 4$1"),
            false => format!("/^(5[.]({code}) {rest})$/ $1"),
        };
        let patterns = file.patterns.written(&rule.reply);
        let mut lines: Vec<String> = patterns
            .map(|pattern| line(&format!(".*{}", self.found(&pattern))))
            .collect();
        if lines.is_empty() {
            lines.push(line(".*"));
        }
        let ends = conditions.iter().map(|_| "endif".to_owned());
        let ends: Vec<String> = ends.collect();
        [conditions, lines, ends].concat()
    }

    /// Where Postfix quotes a server: the pattern in what it said, at its beginning where that is meant, and up to its
    /// end.
    fn found(&self, pattern: &str) -> String {
        let of = |alternative: &str| {
            let (start, rest) = match alternative.strip_prefix('^') {
                Some(rest) => (" ", rest),
                None => (".*", alternative),
            };
            // At the end it is where Postfix goes on; before it, Postfix still has to.
            let end = if is_at_end(rest) { "|$" } else { "" };
            format!("{start}({})({BEHIND}{end})", self.posix(rest))
        };
        let all: Vec<String> = alternatives(pattern).into_iter().map(of).collect();
        format!(" said:({})", all.join("|"))
    }

    /// A pattern as an extended regular expression of POSIX, with what glibc adds (`\b`, `\w`, `\S`).
    fn posix(&self, pattern: &str) -> String {
        let mut out = String::with_capacity(pattern.len());
        let chars: Vec<char> = pattern.chars().collect();
        let mut at = 0;
        while let Some(&c) = chars.get(at) {
            at += 1;
            match c {
                '\\' => {
                    let next = chars.get(at).copied().unwrap_or('\\');
                    at += 1;
                    match next {
                        'd' => out.push_str("[0-9]"),
                        'b' | 'B' | 's' | 'S' | 'w' | 'W' => out.extend(['\\', next]),
                        // A character by its number: any.
                        'x' | 'p' | 'u' => {
                            while chars.get(at).is_some_and(|c| *c != '}') {
                                at += 1;
                            }
                            at += 1;
                            out.push('.');
                        }
                        c if c.is_ascii_punctuation() => out.extend(['\\', c]),
                        c => out.push(c),
                    }
                }
                '[' => at = bracket(&chars, at, &mut out),
                '(' if chars.get(at) == Some(&'?') => {
                    out.push('(');
                    while chars.get(at).is_some_and(|c| *c != ':' && *c != ')') {
                        at += 1;
                    }
                    at += 1;
                }
                // The words begin with the server's code, and end where Postfix says what was answered.
                '^' => out.push(' '),
                '$' => out.push_str(END),
                // A number, unless it counts something.
                '0' if !counts(&out) => out.push_str("([0-9]+)"),
                '/' => out.push_str("\\/"),
                '?' if is_counted(&out) => {}
                c => out.push(c),
            }
        }
        let lists = self.files().flat_map(|file| &file.blocklists);
        let lists: Vec<String> = lists.map(|domain| domain.replace('.', "[.]")).collect();
        let mut out = out.replace("~blocklist~", &format!("({})", lists.join("|")));
        for (mask, stands) in MASKS {
            out = out.replace(mask, stands);
        }
        out
    }
}

/// Does the pattern end with how often something is found? An escaped `+` is itself.
fn is_counted(pattern: &str) -> bool {
    let before = pattern.strip_suffix(['*', '+', '?', '}']);
    before.is_some_and(|before| !before.ends_with('\\'))
}

/// Does the pattern end within a count, as of `{1,80}`?
fn counts(pattern: &str) -> bool {
    let open = pattern.rsplit_once('{');
    open.is_some_and(|(_, after)| after.bytes().all(|b| b.is_ascii_digit() || b == b','))
}

/// Is the end of the words meant, in any part of it?
fn is_at_end(pattern: &str) -> bool {
    let mut escaped = false;
    pattern.chars().any(|c| {
        let is_end = c == '$' && !escaped;
        escaped = c == '\\' && !escaped;
        is_end
    })
}

/// `[…]`, from behind its beginning; in POSIX a backslash is a member like others, `]` comes first, `-` last.
fn bracket(chars: &[char], mut at: usize, out: &mut String) -> usize {
    let mut members = String::new();
    let (mut not, mut closes, mut dash) = (false, false, false);
    if chars.get(at) == Some(&'^') {
        (not, at) = (true, at + 1);
    }
    let start = at;
    while let Some(&c) = chars.get(at) {
        at += 1;
        match c {
            ']' if at > start + 1 => break,
            '\\' => {
                match chars.get(at) {
                    Some('d') => members.push_str("0-9"),
                    Some('w') => members.push_str("[:alnum:]_"),
                    Some('s') => members.push_str("[:space:]"),
                    Some(']') => closes = true,
                    Some('-') => dash = true,
                    Some(c) => members.push(*c),
                    None => {}
                }
                at += 1;
            }
            ']' => closes = true,
            '-' if matches!(chars.get(at), Some(']')) || members.is_empty() => dash = true,
            '/' => members.push('/'),
            c => members.push(c),
        }
    }
    out.push('[');
    if not {
        out.push('^');
    }
    if closes {
        out.push(']');
    }
    // The delimiter of the table.
    out.push_str(&members.replace('/', "\\/"));
    if dash {
        out.push('-');
    }
    out.push(']');
    at
}

/// The alternatives of a pattern: what is between its bars, but for those in groups and brackets.
fn alternatives(pattern: &str) -> Vec<&str> {
    let (mut depth, mut in_bracket, mut escaped, mut start) = (0, false, false, 0);
    let mut all = Vec::new();
    for (at, c) in pattern.char_indices() {
        match c {
            _ if escaped => {
                escaped = false;
                continue;
            }
            '\\' => escaped = true,
            '[' => in_bracket = true,
            ']' => in_bracket = false,
            '(' if !in_bracket => depth += 1,
            ')' if !in_bracket => depth -= 1,
            '|' if !in_bracket && depth == 0 => {
                all.push(&pattern[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    all.push(&pattern[start..]);
    all
}
