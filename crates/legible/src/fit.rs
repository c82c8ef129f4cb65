//! Text that has to fit into a width: cut, or broken.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::wrap::wrapped;

/// In lines, each as far in as the first.
pub(crate) fn broken(text: &str, width: usize) -> String {
    let words = text.trim_start();
    let blanks = &text[..text.len() - words.len()];
    wrapped(blanks, words, width).join("\n")
}

/// Items with `, ` between them, in lines. An item that is wider is a line of its own, and whole.
pub(crate) fn itemized(text: &str, width: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for item in text.split_inclusive(", ") {
        match lines.last_mut() {
            Some(line) if size(line) + size(item.trim_end()) <= width => line.push_str(item),
            _ => lines.push(item.to_owned()),
        }
    }
    let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    lines.join("\n")
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
    let (mut used, mut marks) = (0, 0);
    for c in chars {
        used += columns_of(c, &mut marks);
        if used > width {
            break;
        }
        taken.push(c);
    }
    taken
}

/// Marks that a letter may bear (Vietnamese and Hebrew have two) before each counts as a column of its own.
const MOST_MARKS: usize = 2;

/// The columns of a text, and one for each mark more than a letter bears in any language: a name of a thousand marks is
/// long, though it is a column wide.
pub(crate) fn size(text: &str) -> usize {
    let mut marks = 0;
    let all = text.chars().map(|c| columns_of(c, &mut marks));
    all.sum::<usize>().max(text.width())
}

/// What a character adds to that; `marks` are those that came before it.
fn columns_of(c: char, marks: &mut usize) -> usize {
    match c.width().unwrap_or(0) {
        0 => {
            *marks += 1;
            usize::from(*marks > MOST_MARKS)
        }
        columns => {
            *marks = 0;
            columns
        }
    }
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
