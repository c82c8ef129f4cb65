//! What a tool says on standard error, beside its result: errors, warnings, problems. Everything is escaped here.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use host::{Reporter, Unit};
use indicatif::MultiProgress;
use legible::wrap::folded;
use postfix::{Problem, escape};

use crate::error::Report;
use crate::progress::Progress;

/// How many problems are reported without `-v`.
const PROBLEMS_SHOWN: usize = 20;

/// Standard error, and how much to say there.
#[derive(Debug)]
pub(crate) struct Console {
    tool: String,
    quiet: bool,
    verbose: bool,
    /// The progress bars that are on the screen now: text must not run into them.
    bars: MultiProgress,
    left_out: AtomicBool,
}

impl Console {
    pub(crate) fn new(tool: &str, quiet: bool, verbose: bool) -> Self {
        Self {
            tool: tool.to_owned(),
            quiet,
            verbose,
            bars: MultiProgress::new(),
            left_out: AtomicBool::new(false),
        }
    }

    /// Has a problem been reported, or suppressed by `-q`?
    pub(crate) fn left_out(&self) -> bool {
        self.left_out.load(Ordering::Relaxed)
    }

    pub(crate) fn is_verbose(&self) -> bool {
        self.verbose
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Where progress is shown, if it is.
    pub(crate) fn screen(&self) -> Option<&MultiProgress> {
        (!self.quiet).then_some(&self.bars)
    }

    pub(crate) fn warn(&self, text: &str) {
        if !self.quiet {
            self.lines(&format!("{}: warning: {}\n", self.tool, escape(text)));
        }
    }

    pub(crate) fn show(&self, lines: &[String]) {
        if !self.quiet {
            let lines = lines.iter().map(|line| format!("{}\n", escape(line)));
            self.lines(&lines.collect::<String>());
        }
    }

    pub(crate) fn note(&self, text: &str) {
        if self.verbose {
            self.lines(&format!("{}: {}\n", self.tool, escape(text)));
        }
    }

    pub(crate) fn problems(&self, problems: &[Problem]) {
        if problems.is_empty() {
            return;
        }
        self.left_out.store(true, Ordering::Relaxed);
        if !self.quiet {
            self.lines(&problem_lines(&self.tool, problems, self.verbose));
        }
    }

    pub(crate) fn failed(&self, report: &Report) {
        self.left_out.store(true, Ordering::Relaxed);
        self.lines(&error_lines(&self.tool, report));
    }

    /// Lines that are escaped already.
    pub(crate) fn say(&self, text: &str) {
        self.lines(text);
    }

    pub(crate) fn ask(&self, question: &str) {
        self.lines(&format!("{} [y/N] ", escape(question)));
    }

    fn lines(&self, text: &str) {
        self.bars.suspend(|| to_stderr(text));
    }
}

impl Reporter for Console {
    fn warn(&self, text: &str) {
        Self::warn(self, text);
    }

    fn note(&self, text: &str) {
        Self::note(self, text);
    }

    fn problems(&self, problems: &[Problem]) {
        Self::problems(self, problems);
    }

    fn progress(&self, what: &str, unit: Unit, total: Option<u64>) -> Box<dyn host::Progress> {
        Box::new(Progress::new(self.screen(), what, unit, total))
    }
}

/// Writes to standard error, folded where a terminal ends. If that fails as well, there is nowhere left to report it.
pub(crate) fn to_stderr(text: &str) {
    let width = terminal_size::terminal_size_of(io::stderr());
    let width = width.map(|(width, _)| width.0).filter(|width| *width > 0);
    let lines = text.split_inclusive('\n').map(|line| match width {
        // A command that is to be typed must not fall apart.
        Some(_) if !line.starts_with("hint: ") => {
            let text = line.trim_end_matches('\n');
            folded(text, width) + &line[text.len()..]
        }
        _ => line.to_owned(),
    });
    let text: String = lines.collect();
    drop(io::stderr().lock().write_all(text.as_bytes()));
}

/// An error's line and its hint's, escaped.
pub(crate) fn error_lines(tool: &str, report: &Report) -> String {
    let mut text = format!("{tool}: {}\n", escape(&report.line));
    if let Some(hint) = &report.hint {
        text.push_str(&format!("hint: {}\n", escape(hint)));
    }
    text
}

fn problem_lines(tool: &str, problems: &[Problem], all: bool) -> String {
    let shown = if all { problems.len() } else { PROBLEMS_SHOWN };
    let mut text: String = problems
        .iter()
        .take(shown)
        .map(|p| format!("{tool}: {p}\n"))
        .collect();
    let more = problems.len().saturating_sub(shown);
    if more > 0 {
        text.push_str(&format!("{tool}: ... and {more} more (-v shows all)\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_one_line_each_and_capped() {
        let problems: Vec<Problem> = (1..=23)
            .map(|n| Problem::new(format!("/q/{n}"), "cut\nshort"))
            .collect();
        let check = |count: usize, all: bool, lines: usize, last: &str| {
            let text = problem_lines("tool", &problems[..count], all);
            assert_eq!(text.lines().count(), lines);
            assert_eq!(text.lines().last(), Some(last));
        };
        check(1, false, 1, r"tool: /q/1: cut\nshort");
        check(20, false, 20, r"tool: /q/20: cut\nshort");
        check(23, false, 21, "tool: ... and 3 more (-v shows all)");
        check(23, true, 23, r"tool: /q/23: cut\nshort");
    }

    #[test]
    fn an_error_is_escaped_and_its_hint_too() {
        let check = |line: &str, hint: Option<&str>, expected: &str| {
            let report = Report {
                line: line.to_owned(),
                hint: hint.map(str::to_owned),
            };
            assert_eq!(error_lines("tool", &report), expected);
        };
        check("a\x1b[2Jb", None, "tool: a\\x1b[2Jb\n");
        check("a", Some("b\u{202e}"), "tool: a\nhint: b\\u{202e}\n");
    }

    #[test]
    fn a_problem_counts_as_left_out_even_when_quiet() {
        let console = Console::new("tool", true, false);
        console.problems(&[]);
        assert!(!console.left_out());
        console.problems(&[Problem::new("/x", "gone")]);
        assert!(console.left_out());
    }
}
