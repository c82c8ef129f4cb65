//! Text that has to fit into a width: cut, or broken.

use std::collections::BTreeSet;

use postfix::is_plain;
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

/// The same for one of several texts. Of those that would be `alike` then, the part is left out that they all begin
/// with: what differs stays.
pub(crate) fn cut_apart(text: &str, width: usize, alike: &BTreeSet<&str>) -> String {
    let shared = |other: &&str| {
        let same = text.chars().zip(other.chars()).take_while(|(a, b)| a == b);
        same.map(|(c, _)| c.len_utf8()).sum::<usize>()
    };
    // In their order, the first and the last have the least in common with any.
    let others = [alike.first(), alike.last()].into_iter().flatten();
    let others = others.filter(|other| **other != text);
    let Some((begin, _)) = others
        .map(shared)
        .min()
        .and_then(|at| text.split_at_checked(at))
    else {
        return cut_end(text, width);
    };
    // From the beginning of the word on in which they differ.
    let word = begin.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    let room = width.saturating_sub(MARK.len());
    let head = take(text.chars(), room / 3);
    let rest = text.get(word..).unwrap_or_default();
    let left = room.saturating_sub(size(&head));
    let tail = match size(rest) <= left {
        true => rest.to_owned(),
        false => cut_end(rest, left),
    };
    format!("{head}{MARK}{tail}")
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

/// The columns that a terminal draws a text in.
pub(crate) fn drawn(text: &str) -> usize {
    match is_plain(text) {
        true => text.len(),
        false => text.width(),
    }
}

/// The columns of a text, and one for each mark more than a letter bears in any language: a name of a thousand marks is
/// long, though it is a column wide.
pub(crate) fn size(text: &str) -> usize {
    if is_plain(text) {
        return text.len();
    }
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
    fn texts_that_begin_alike_are_told_apart() {
        let texts = [
            "Service unavailable; Client host [IP] blocked using zen.example; see",
            "Service unavailable; Client host [IP] blocked using bl.example; see",
        ];
        let alike = BTreeSet::from(texts);
        let check = |text, width, expected| {
            let cut = cut_apart(text, width, &alike);
            assert_eq!(cut, expected);
            assert!(size(&cut) <= width);
        };
        check(texts[0], 30, "Service u..zen.example; see");
        check(texts[1], 20, "Servic..bl.example..");
        // Nothing like it.
        let cut = cut_apart(texts[0], 20, &BTreeSet::from([texts[0]]));
        assert_eq!(cut, "Service unavailabl..");
    }

    #[test]
    fn lines_of_a_sentence_stand_below_each_other() {
        assert_eq!(broken("one two three", 8), "one two\nthree");
        assert_eq!(broken("  one two", 6), "  one\n  two");
        assert_eq!(broken("one", 8), "one");
    }
}
