//! Words in lines.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The words in lines of at most `width` columns; `mark` stands before the first line, and blanks before the others. A word
/// that is wider than a line goes on in the next one: whoever names a thing does not make the lines of a mail.
pub(super) fn wrapped(mark: &str, words: &str, width: usize) -> Vec<String> {
    let (mut lines, mut line) = (Vec::new(), mark.to_owned());
    let (indent, mut is_empty) = (" ".repeat(mark.width()), true);
    for mut word in words.split(' ').filter(|word| !word.is_empty()) {
        if !is_empty && line.width() + 1 + word.width() > width {
            lines.push(std::mem::replace(&mut line, indent.clone()));
        } else if !is_empty {
            line.push(' ');
        }
        while line.width() + word.width() > width {
            let (fits, rest) = word.split_at(fitting(word, width.saturating_sub(line.width())));
            if rest.is_empty() {
                break;
            }
            line.push_str(fits);
            lines.push(std::mem::replace(&mut line, indent.clone()));
            word = rest;
        }
        line.push_str(word);
        is_empty = false;
    }
    lines.push(line);
    lines
}

/// How many bytes of the word fit into so many columns: a character at the least, or there would be no end.
fn fitting(word: &str, columns: usize) -> usize {
    let mut used = 0_usize;
    let too_much = word.char_indices().find(|(at, c)| {
        used += c.width().unwrap_or(0);
        *at > 0 && used > columns
    });
    too_much.map_or(word.len(), |(at, _)| at)
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
        // Where nothing fits, there is an end all the same.
        check("!!!", "ab", 2, &["!!!a", "   b"]);
    }
}
