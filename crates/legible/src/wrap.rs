//! Words in lines.

use std::io::{self, Write};

use textwrap::core::{Word, display_width};
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};

/// The words in lines of at most `width` columns; `mark` comes before the first line, and blanks before the others. A
/// word that is wider than a line goes on in the next one: whoever names a thing does not make the lines of a mail.
pub fn wrapped(mark: &str, words: &str, width: usize) -> Vec<String> {
    let words: Vec<&str> = words.split(' ').filter(|word| !word.is_empty()).collect();
    let indent = " ".repeat(display_width(mark));
    let text = words.join(" ");
    let options = Options::new(width)
        .initial_indent(mark)
        .subsequent_indent(&indent)
        .word_separator(separator(&text, width.saturating_sub(indent.len())))
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit);
    let lines = textwrap::wrap(&text, options);
    lines.into_iter().map(String::from).collect()
}

/// How the command of an advice begins.
const COMMAND: &str = "relay-limit pause ";

/// What is a word of `line`: a command is one if a line of `room` columns holds each, as one that goes on in the next
/// line cannot be pasted; else it is cut at its blanks, not anywhere.
fn separator(line: &str, room: usize) -> WordSeparator {
    let mut commands = commands(line);
    match commands.all(|command| display_width(command.trim_end()) <= room) {
        true => WordSeparator::Custom(pieces),
        false => WordSeparator::AsciiSpace,
    }
}

/// The first command of a line: what is before it, it, and what is after it.
fn first_command(line: &str) -> Option<(&str, &str, &str)> {
    let (before, command) = line.split_at(line.find(COMMAND)?);
    let end = command.find("; ").map_or(command.len(), |end| end + 2);
    let (command, after) = command.split_at(end);
    Some((before, command, after))
}

fn commands(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let (_, command, after) = first_command(rest)?;
        rest = after;
        Some(command)
    })
}

/// The words of a line, of which each command is one.
fn pieces(line: &str) -> Box<dyn Iterator<Item = Word<'_>> + '_> {
    let plain = |part| WordSeparator::AsciiSpace.find_words(part);
    match first_command(line) {
        None => plain(line),
        Some((before, command, after)) => Box::new(
            plain(before)
                .chain([Word::from(command)])
                .chain(pieces(after)),
        ),
    }
}

/// A line of text in lines of at most `width` columns, if there is a width; those that follow the first stand below its
/// words, behind what is a label or a mark in it.
pub fn folded(line: &str, width: Option<u16>) -> String {
    let Some(width) = width.map(usize::from) else {
        return line.to_owned();
    };
    if display_width(line) <= width {
        return line.to_owned();
    }
    let (mark, words) = line.split_at(words_begin(line));
    let indent = match mark.trim() {
        "" => " ".repeat(mark.len() + 2),
        _ => " ".repeat(display_width(mark)),
    };
    let width = width.max(LINE_MIN);
    let room = width.saturating_sub(indent.len().max(display_width(mark)));
    let options = Options::new(width)
        .initial_indent(mark)
        .subsequent_indent(&indent)
        .word_separator(separator(words, room))
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit);
    textwrap::wrap(words, options).join("\n")
}

/// Writes lines of text as [`folded`] has them.
#[derive(Debug)]
pub struct Folding<W> {
    out: W,
    width: Option<u16>,
    /// A line that has no end yet.
    line: Vec<u8>,
}

impl<W: Write> Folding<W> {
    /// Into `out`, whose terminal, if it is one, has this width.
    pub fn new(out: W, width: Option<u16>) -> Self {
        let line = Vec::new();
        Self { out, width, line }
    }
}

impl<W: Write> Write for Folding<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.width.is_none() {
            return self.out.write(bytes);
        }
        for piece in bytes.split_inclusive(|b| *b == b'\n') {
            self.line.extend_from_slice(piece);
            if let Some(line) = self.line.strip_suffix(b"\n") {
                let line = String::from_utf8_lossy(line);
                writeln!(self.out, "{}", folded(&line, self.width))?;
                self.line.clear();
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.write_all(&self.line)?;
        self.line.clear();
        self.out.flush()
    }
}

/// The fewest columns of a line in which words can be read.
const LINE_MIN: usize = 30;

/// How far in a label is looked for.
const LABEL_MAX: usize = 16;

/// Where a line's words begin: behind its blanks, a `- `, or a label with two blanks or more after it.
fn words_begin(line: &str) -> usize {
    let blanks = line.len() - line.trim_start_matches(' ').len();
    if line[blanks..].starts_with("- ") {
        return blanks + 2;
    }
    let label = line[blanks..]
        .find("  ")
        .map(|at| blanks + at)
        .filter(|at| *at <= LABEL_MAX);
    label.map_or(blanks, |at| {
        at + line[at..].len() - line[at..].trim_start_matches(' ').len()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_goes_on_below_its_words() {
        let check = |line: &str, expected: &str| {
            assert_eq!(folded(line, Some(30)), expected, "{line}");
        };
        let words = "one two three four five six seven";
        check("one two", "one two");
        check(words, "one two three four five six\n  seven");
        check(
            "  one two three four five six seven",
            "  one two three four five six\n    seven",
        );
        check(
            "  - one two three four five six",
            "  - one two three four five\n    six",
        );
        check(
            "reply:    one two three four five",
            "reply:    one two three four\n          five",
        );
        check(
            "     12  one two three four five",
            "     12  one two three four\n         five",
        );
        // A command stays in one piece, as long as a line holds it.
        check(
            "one two relay-limit pause b --for 4; three",
            "one two\n  relay-limit pause b --for 4;\n  three",
        );
        // Each of several.
        check(
            "relay-limit pause b --for 4; relay-limit pause c --for 4; three",
            "relay-limit pause b --for 4;\n  relay-limit pause c --for 4;\n  three",
        );
        // One that no line holds is cut between its words.
        check(
            "one two relay-limit pause postfix-aol-b --for 4h; three",
            "one two relay-limit pause\n  postfix-aol-b --for 4h;\n  three",
        );
        // Letters of several bytes.
        check(
            "\u{e4}\u{f6}  one two three four five six",
            "\u{e4}\u{f6}  one two three four five\n    six",
        );
        assert_eq!(folded(words, None), words);
    }

    #[test]
    fn what_is_written_is_folded_line_by_line() {
        let check = |width: Option<u16>, expected: &str| {
            let mut out = Vec::new();
            let mut folding = Folding::new(&mut out, width);
            for piece in ["one two three four ", "five six seven\neight\nni", "ne"] {
                folding.write_all(piece.as_bytes()).unwrap();
            }
            folding.flush().unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        };
        let whole = "one two three four five six seven\neight\nnine";
        check(None, whole);
        check(Some(80), whole);
        check(Some(30), &whole.replace("six ", "six\n  "));
    }

    #[test]
    fn no_line_is_wider_than_is_asked() {
        let check = |mark: &str, words: &str, width: usize, expected: &[&str]| {
            assert_eq!(wrapped(mark, words, width), expected, "{words:?} {width}");
        };
        check("", "", 5, &[""]);
        check("", "one two", 7, &["one two"]);
        check("", "one  two", 6, &["one", "two"]);
        check("! ", "one two", 6, &["! one", "  two"]);
        check("", "abcdefgh", 4, &["abcd", "efgh"]);
        check("! ", "a abcdefgh z", 6, &["! a", "  abcd", "  efgh", "  z"]);
        check("! ", "abcde f", 6, &["! abcd", "  e f"]);
        check(
            "! ",
            "a relay-limit pause aol-b --for 4h",
            24,
            &["! a relay-limit pause", "  aol-b --for 4h"],
        );
        // Two columns each.
        check(
            "",
            "\u{6f22}\u{5b57}\u{6f22}",
            5,
            &["\u{6f22}\u{5b57}", "\u{6f22}"],
        );
        // Where nothing fits, it still ends.
        check("!!!", "ab", 2, &["!!!", "   a", "   b"]);
    }
}
