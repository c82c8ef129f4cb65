//! What a tool knows about where it runs: the time, the host, the terminal.

use std::io::{self, BufRead, IsTerminal};
use std::sync::Arc;

use guarded::Links;
use host::{Failure, Site, Unit};
use legible::grid::TableStyle;
use legible::wrap::folded;
use nix::sys::termios::{FlushArg, tcflush};
use postfix::{Parsed, Problem, Root, Time, Zone};

use crate::args::{ColorWhen, Common};
use crate::console::Console;
use crate::exit::Outcome;
use crate::given::{Given, refuse_others};
use crate::interrupt::Interrupts;
use crate::output::{Stream, Target};
use crate::progress::Progress;
use figures::verdict::{Level, Verdict};

/// Where a tool runs, and where its result goes. Shared between threads by reference.
#[derive(Debug)]
pub struct Context {
    site: Site,
    target: Target,
    stdout_is_terminal: bool,
    color: bool,
    console: Arc<Console>,
    given: Vec<Given>,
}

impl Context {
    /// Reads the environment, once. The tool starts at `now`, in microseconds since 1970 (UTC).
    ///
    /// # Errors
    /// `--root` is not a directory.
    pub(crate) fn new(
        tool: &str,
        common: &Common,
        now: Time,
        given: Vec<Given>,
    ) -> anyhow::Result<Self> {
        let root = Root::new(&common.root);
        let no_root = |e| Failure::io("--root: cannot read", root.dir(), e);
        if !std::fs::metadata(root.dir()).map_err(no_root)?.is_dir() {
            return Err(no_root(io::ErrorKind::NotADirectory.into()).into());
        }
        guarded::confine(root.dir());
        let target = Target::of(common.output.as_deref());
        let console = Arc::new(Console::new(tool, common.quiet, common.verbose));
        let tz = std::env::var_os("TZ");
        Ok(Self {
            site: Site::new(root, now, tz.as_deref(), Arc::clone(&console) as _),
            stdout_is_terminal: target.is_stdout() && io::stdout().is_terminal(),
            color: colored(common.color, target.is_stdout()),
            target,
            console,
            given,
        })
    }

    /// Refuses each option and operand that was given and is not among `takes` (the names of the fields), for `mode`,
    /// which is named as the user asks for it (`--check`). Options that all tools have alike are never refused, but
    /// `--output`.
    ///
    /// # Errors
    /// The first one that has no place there.
    pub fn takes_only(&self, mode: &str, takes: &[&[&str]]) -> anyhow::Result<()> {
        Ok(refuse_others(&self.given, mode, takes)?)
    }

    /// The host looked at, for those who read it.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// The time at which the tool was started.
    pub fn now(&self) -> Time {
        self.site.now()
    }

    /// The root directory of the host looked at.
    pub fn root(&self) -> &Root {
        self.site.root()
    }

    /// The name of the host looked at, as its kernel has it; perhaps without a domain.
    pub fn host(&self) -> &str {
        self.site.host()
    }

    /// The time zone of the host looked at.
    pub fn zone(&self) -> Zone {
        self.site.zone()
    }

    /// Does the result go to a terminal?
    pub fn to_terminal(&self) -> bool {
        self.stdout_is_terminal
    }

    /// Does the result take the place of a file (`--output`)?
    pub fn to_file(&self) -> bool {
        !self.target.is_stdout()
    }

    /// May the result hold colours?
    pub fn color(&self) -> bool {
        self.color
    }

    /// The columns of the terminal that the result goes to, if it goes to one.
    pub fn width(&self) -> Option<u16> {
        if !self.stdout_is_terminal {
            return None;
        }
        let (width, _) = terminal_size::terminal_size_of(io::stdout())?;
        (width.0 > 0).then_some(width.0)
    }

    /// How a table is drawn for where the result goes: with box lines on a terminal, plain ASCII elsewhere (and on a
    /// terminal that can do no more, `TERM=dumb`).
    pub fn table_style(&self) -> TableStyle {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        TableStyle {
            boxes: self.stdout_is_terminal && !dumb,
            color: self.color,
            width: self.width(),
        }
    }

    /// Is `-v` given?
    pub fn is_verbose(&self) -> bool {
        self.console.is_verbose()
    }

    /// Is `-q` given?
    pub fn is_quiet(&self) -> bool {
        self.console.is_quiet()
    }

    /// Warns on standard error, unless `-q` is given. The text is escaped.
    pub fn warn(&self, text: impl AsRef<str>) {
        self.console.warn(text.as_ref());
    }

    /// Shows lines on standard error, such as the plan that is asked about; with `-q` none. Each is escaped.
    pub fn show(&self, lines: &[String]) {
        self.console.show(lines);
    }

    /// Says something on standard error if `-v` is given. The text is escaped.
    pub fn note(&self, text: impl AsRef<str>) {
        self.console.note(text.as_ref());
    }

    /// Reports on standard error what could not be read, one line each: the first 20, with `-v` all, with `-q` none. If
    /// there are any, the tool will end with exit status 1 where it would have been 0.
    pub fn problems(&self, problems: &[Problem]) {
        self.console.problems(problems);
    }

    /// What was read, after what could not be read was reported.
    pub fn reported<T>(&self, read: Parsed<T>) -> T {
        self.problems(&read.problems);
        read.value
    }

    /// Reports an error after which the work goes on, with its hint. Not kept back by `-q`. Exit status 1 where it
    /// would have been 0.
    pub fn failed(&self, error: &anyhow::Error) {
        self.console.failed(&crate::error::report(error));
    }

    /// A progress bar over `total` bytes, or over an unknown number of them. See [`Progress`].
    pub fn progress_bytes(&self, what: &str, total: Option<u64>) -> Progress {
        Progress::new(self.console.screen(), what, Unit::Bytes, total)
    }

    /// A progress bar over `total` things, or over an unknown number of them. See [`Progress`].
    pub fn progress_items(&self, what: &str, total: Option<u64>) -> Progress {
        Progress::new(self.console.screen(), what, Unit::Items, total)
    }

    /// From now on, ^C (SIGINT, and SIGTERM and SIGHUP) only sets a mark, for work that must not be left half-done.
    /// The second one ends the tool at once.
    ///
    /// # Errors
    /// The kernel refuses it.
    pub fn catch_interrupts(&self) -> anyhow::Result<Interrupts> {
        let caught = Interrupts::catch();
        Ok(caught.map_err(|e| Failure::new("cannot catch signals").because(e))?)
    }

    /// Text for the user beside the result, such as a plan before a question: to stderr, as it is.
    pub fn say(&self, text: &str) {
        self.console.say(text);
    }

    /// Asks on the terminal, and waits for a `y` or `yes`; anything else is a no.
    ///
    /// # Errors
    /// Standard input is not a terminal, so nobody can answer; the hint names `flag`, which confirms in advance.
    pub fn confirm(&self, question: &str, flag: &str) -> anyhow::Result<bool> {
        let stdin = io::stdin();
        if !stdin.is_terminal() {
            return Err(Failure::new(
                "cannot ask for confirmation: standard input is not a terminal",
            )
            .hint(format!("use {flag} to confirm in advance"))
            .into());
        }
        // What was typed before the question is no answer to it.
        let _flushed = tcflush(&stdin, FlushArg::TCIFLUSH);
        self.console.ask(question);
        let mut answer = String::new();
        let read = stdin.lock().read_line(&mut answer);
        read.map_err(|e| Failure::new("cannot read the answer").because(e))?;
        let answer = answer.trim().to_ascii_lowercase();
        Ok(answer == "y" || answer == "yes")
    }

    /// Writes the whole result. To be called once, when there is nothing left that could fail.
    ///
    /// # Errors
    /// The output cannot be written. It is not an error if nobody reads it any more (a closed pipe).
    pub fn print(&self, result: &[u8]) -> anyhow::Result<()> {
        self.target.write(self.stream()?, result)
    }

    /// The same of lines of text, which are escaped here (what is escaped already stays as it is), and folded where the
    /// terminal ends.
    ///
    /// # Errors
    /// As [`Context::print`].
    pub fn print_lines(&self, lines: &[String]) -> anyhow::Result<()> {
        let lines = lines.iter().map(|line| {
            let line = postfix::escape(line).to_string();
            format!("{}\n", folded(&line, self.width()))
        });
        self.print(lines.collect::<String>().as_bytes())
    }

    /// Writes what `render` produces, once it has produced all of it.
    ///
    /// # Errors
    /// As [`Context::print`], and `render`'s own.
    pub fn print_with(
        &self,
        render: impl FnOnce(&mut Vec<u8>) -> io::Result<()>,
    ) -> anyhow::Result<()> {
        let mut result = Vec::new();
        render(&mut result)?;
        self.print(&result)
    }

    /// The same for metrics: see [`Context::metrics`].
    ///
    /// # Errors
    /// As [`Context::print_with`].
    pub fn print_metrics_with(
        &self,
        render: impl FnOnce(&mut Vec<u8>) -> io::Result<()>,
    ) -> anyhow::Result<()> {
        let mut result = Vec::new();
        render(&mut result)?;
        self.target.write(self.metrics()?, &result)
    }

    /// Prints the answer of `--check`: its one line, unless all is well and `-q` is given.
    ///
    /// # Errors
    /// As [`Context::print`].
    pub fn verdict(&self, verdict: &Verdict) -> anyhow::Result<Outcome> {
        self.verdict_with(verdict, &[])
    }

    /// The same; with `-v`, `more` follows behind the line, as monitoring systems show it on demand.
    ///
    /// # Errors
    /// As [`Context::print`].
    pub fn verdict_with(&self, verdict: &Verdict, more: &[String]) -> anyhow::Result<Outcome> {
        let mut text = format!("{verdict}\n");
        for line in more.iter().filter(|_| self.console.is_verbose()) {
            text.push_str(&format!("{}\n", postfix::escape(line)));
        }
        if verdict.level != Level::Ok || !self.is_quiet() {
            self.print(text.as_bytes())?;
        }
        Ok(Outcome::Checked(verdict.level))
    }

    /// Hands out the result while it is made, for one that is too large to be held. [`Stream::finish`] ends it; a
    /// `--output` file does not appear before. To be called once.
    ///
    /// # Errors
    /// The output cannot be opened.
    pub fn stream(&self) -> anyhow::Result<Stream> {
        self.target.open(Links::Ours)
    }

    /// The same for metrics, which a job writes where another user's daemon reads them: no link at all is followed, and
    /// nothing is written to but a regular file.
    ///
    /// # Errors
    /// As [`Context::stream`].
    pub fn metrics(&self) -> anyhow::Result<Stream> {
        self.target.open(Links::Never)
    }

    pub(crate) fn console(&self) -> &Console {
        &self.console
    }

    /// Is this the error from writing to a pipe that nobody reads any more?
    pub(crate) fn is_closed_stdout(&self, error: &anyhow::Error) -> bool {
        self.target.is_closed() && crate::error::is_broken_pipe(error)
    }
}

/// Is the result coloured? `NO_COLOR`, `CLICOLOR`, `CLICOLOR_FORCE` and `TERM` are anstream's to judge.
fn colored(when: ColorWhen, to_stdout: bool) -> bool {
    match when {
        ColorWhen::Always => true,
        ColorWhen::Never => false,
        ColorWhen::Auto => {
            to_stdout && anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_share_the_context_and_its_progress() {
        fn check<T: Send + Sync>() {}
        check::<Context>();
        check::<Progress>();
    }
}
