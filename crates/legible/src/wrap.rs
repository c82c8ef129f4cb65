//! Words in lines.

use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm, core::display_width};

/// The words in lines of at most `width` columns; `mark` comes before the first line, and blanks before the others. A
/// word that is wider than a line goes on in the next one: whoever names a thing does not make the lines of a mail.
pub fn wrapped(mark: &str, words: &str, width: usize) -> Vec<String> {
    let words: Vec<&str> = words.split(' ').filter(|word| !word.is_empty()).collect();
    let indent = " ".repeat(display_width(mark));
    let options = Options::new(width)
        .initial_indent(mark)
        .subsequent_indent(&indent)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit);
    let text = words.join(" ");
    let lines = textwrap::wrap(&text, options);
    lines.into_iter().map(String::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
