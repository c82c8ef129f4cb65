//! Cells of csv, and JSON whose strings can be shown on a terminal: what [`postfix::escape`] would make visible is
//! written as `\u` escapes, which JSON readers undo.

use postfix::Time;
use std::fmt::Write as _;
use std::io::{self, Write};

use chrono::{DateTime, SecondsFormat, Utc};
use postfix::escape;
use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

/// Writes `value` as compact JSON, without a newline.
///
/// # Errors
/// Those of `out`, and of a value that cannot be JSON.
pub fn write_json(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    let mut serializer = Serializer::with_formatter(out, Visible);
    value.serialize(&mut serializer).map_err(io::Error::from)
}

/// A time as JSON has it: RFC 3339 in UTC, of whole seconds where it is. Nothing for one out of all bounds.
pub fn time(time: Time) -> Option<String> {
    let time = DateTime::<Utc>::from_timestamp_micros(time.micros())?;
    Some(time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

/// Text as a cell of csv has it: escaped, and with an apostrophe before what a spreadsheet would take for a formula (it
/// begins with `=`, `+`, `-` or `@`): strangers choose domains and addresses. Numbers, and `-` alone, are not.
pub fn csv_cell(text: impl AsRef<[u8]>) -> String {
    let shown = escape(&text).to_string();
    let is_formula = shown.starts_with(['=', '+', '-', '@']);
    match is_formula && shown != "-" && shown.parse::<f64>().is_err() {
        true => format!("'{shown}"),
        false => shown,
    }
}

struct Visible;

impl Formatter for Visible {
    /// A part of a string that JSON itself allows to be written as it is.
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        part: &str,
    ) -> io::Result<()> {
        let is_plain = |b: u8| b.is_ascii() && b != 0x7f;
        if part.bytes().all(is_plain) {
            return out.write_all(part.as_bytes());
        }
        let mut shown = String::with_capacity(part.len());
        let mut buffer = [0; 4];
        for c in part.chars() {
            let text: &str = c.encode_utf8(&mut buffer);
            // Letters are by far the most, and cheap to recognize.
            if c.is_alphanumeric() || is_visible(text) {
                shown.push(c);
                continue;
            }
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String does not fail.
                let _written = write!(shown, "\\u{unit:04x}");
            }
        }
        out.write_all(shown.as_bytes())
    }
}

/// Does [`escape`] leave this character as it is?
fn is_visible(character: &str) -> bool {
    character.is_ascii() && character != "\x7f" || escape(character).to_string() == character
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        let check = |text: &str, expected: &str| assert_eq!(csv_cell(text), expected);
        check("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0");
        check("+1+cmd()", "'+1+cmd()");
        check("-2+3", "'-2+3");
        check("@SUM(A1)", "'@SUM(A1)");
        check("a=b", "a=b");
        check("-", "-");
        check("-12.5", "-12.5");
        check("+7", "+7");
        // What a spreadsheet would skip on its way to a formula is escaped.
        check("\t=1", "\\t=1");
        check("", "");
    }

    #[test]
    fn what_a_terminal_would_act_upon_is_escaped_and_comes_back() {
        let check = |text: &str, expected: &str| {
            let mut out = Vec::new();
            write_json(&mut out, &text).unwrap();
            assert_eq!(std::str::from_utf8(&out).unwrap(), expected);
            assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        };
        check("plain \"quoted\" \\", r#""plain \"quoted\" \\""#);
        check("jos\u{e9} \u{1f408}", "\"jos\u{e9} \u{1f408}\"");
        check("\x1b[2J\x7f\n", r#""\u001b[2J\u007f\n""#);
        check("\u{202e}gpj.exe\u{9b}", r#""\u202egpj.exe\u009b""#);
        check("\u{e0001}", r#""\udb40\udc01""#);
    }
}
