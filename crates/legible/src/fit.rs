//! Text that has to fit into a width: cut, or broken.

use unicode_width::UnicodeWidthChar as _;

use crate::wrap::wrapped;

/// In lines, each as far in as the first.
pub(crate) fn broken(text: &str, width: usize) -> String {
    let words = text.trim_start();
    let blanks = &text[..text.len() - words.len()];
    wrapped(blanks, words, width).join("\n")
}

/// What stands for the part left out.
const MARK: &str = "..";

/// Leaves out the end: what words say first says the most.
pub(crate) fn cut_end(text: &str, width: usize) -> String {
    take(text.chars(), width.saturating_sub(MARK.len())) + MARK
}

/// Leaves out the middle: a domain's end says the most, and a relay's beginning distinguishes it from its siblings.
pub(crate) fn cut(text: &str, width: usize) -> String {
    let room = width.saturating_sub(MARK.len());
    let head = take(text.chars(), room / 2);
    let tail: String = take(text.chars().rev(), room - room / 2)
        .chars()
        .rev()
        .collect();
    format!("{head}{MARK}{tail}")
}

fn take(chars: impl Iterator<Item = char>, width: usize) -> String {
    let mut taken = String::new();
    let mut used = 0;
    for c in chars {
        used += c.width().unwrap_or(0);
        if used > width {
            break;
        }
        taken.push(c);
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_sentence_stand_below_each_other() {
        assert_eq!(broken("one two three", 8), "one two\nthree");
        assert_eq!(broken("  one two", 6), "  one\n  two");
        assert_eq!(broken("one", 8), "one");
    }
}
