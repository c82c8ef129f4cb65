//! `$name` and its relatives in parameter values.
//!
//! The grammar is that of Postfix `src/util/mac_parse.c` and `src/util/mac_expand.c`, with the operators `==level`,
//! `<level` … that `src/global/compat_level.c` adds.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::compatibility::level;

/// Why a value could not be expanded. Postfix programs refuse to run with such a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ExpandError(String);

/// How deep references may nest before Postfix takes them for a loop (`mac_expand_callback`). Postfix starts again
/// inside the operands of a comparison, and so never ends where one refers to itself; here the depth goes on.
const MAX_DEPTH: usize = 100;

/// How many bytes may be read and written for one value. Postfix has no such limit: thirty parameters, each twice
/// the next, would keep it busy for ever. No honest main.cf comes near.
const MAX_WORK: usize = 1 << 20;

/// Finds the unexpanded value of a parameter.
pub(super) type Lookup<'a> = dyn Fn(&[u8]) -> Option<Cow<'a, [u8]>> + 'a;

/// Expands every reference in `text`, and those in the values found.
pub(super) fn expand(text: &[u8], lookup: &Lookup<'_>) -> Result<Vec<u8>, ExpandError> {
    let mut expansion = Expansion {
        lookup,
        depth: 0,
        work: 0,
        result: Vec::new(),
    };
    expansion.text(text)?;
    Ok(expansion.result)
}

struct Expansion<'l, 'v> {
    lookup: &'l Lookup<'v>,
    depth: usize,
    work: usize,
    result: Vec<u8>,
}

impl Expansion<'_, '_> {
    /// Literal text and references (`mac_parse`).
    fn text(&mut self, text: &[u8]) -> Result<(), ExpandError> {
        self.charge(text.len())?;
        let mut rest = text;
        while !rest.is_empty() {
            let dollar = rest.iter().position(|&b| b == b'$').unwrap_or(rest.len());
            let (literal, tail) = rest.split_at_checked(dollar).unwrap_or_default();
            self.literal(literal)?;
            rest = match tail {
                [] => tail,
                [_, b'$', after @ ..] => {
                    self.literal(b"$")?;
                    after
                }
                [_, after @ ..] => {
                    let (reference, after) = split_reference(after)
                        .ok_or_else(|| error("truncated reference", text, b""))?;
                    if reference.is_empty() {
                        return Err(error("empty parameter name", text, b""));
                    }
                    self.nested(|inner| inner.reference(reference))?;
                    after
                }
            };
        }
        Ok(())
    }

    /// Runs `inner` one level down.
    fn nested(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<(), ExpandError>,
    ) -> Result<(), ExpandError> {
        if self.depth > MAX_DEPTH {
            return Err(ExpandError(format!(
                "references nest more than {MAX_DEPTH} deep: does a parameter refer to itself?"
            )));
        }
        self.depth = self.depth.saturating_add(1);
        let done = inner(self);
        self.depth = self.depth.saturating_sub(1);
        done
    }

    fn literal(&mut self, text: &[u8]) -> Result<(), ExpandError> {
        if text.is_empty() {
            return Ok(());
        }
        self.charge(text.len())?;
        self.nested(|this| {
            this.result.extend_from_slice(text);
            Ok(())
        })
    }

    fn charge(&mut self, bytes: usize) -> Result<(), ExpandError> {
        self.work = self.work.saturating_add(bytes).saturating_add(1);
        if self.work > MAX_WORK {
            return Err(ExpandError(format!(
                "the expanded value exceeds {MAX_WORK} bytes"
            )));
        }
        Ok(())
    }

    /// What stands between the braces, or the name behind a plain `$` (`mac_expand_callback`).
    fn reference(&mut self, reference: &[u8]) -> Result<(), ExpandError> {
        let start = skip_blanks(reference);
        let (value, rest) = if start.first() == Some(&b'{') {
            let (holds, rest) = self.comparison(start)?;
            let value = Cow::Borrowed(if holds { b"true".as_slice() } else { b"" });
            (Some(value), rest)
        } else {
            let (name, rest) = split_name(start)?;
            ((self.lookup)(name), rest)
        };
        let value = value.unwrap_or_default();
        match rest.split_first() {
            None if value.is_empty() => Ok(()),
            None => self.text(&value),
            Some((b'?', rest)) => {
                let (if_true, rest) = split_operand(rest)?;
                if !value.is_empty() {
                    self.text(if_true)?;
                }
                match rest.split_first() {
                    None => Ok(()),
                    Some((b':', rest)) => self.otherwise(&value, rest),
                    Some(_) => Err(error("\":\" expected", reference, rest)),
                }
            }
            Some((b':', rest)) => self.otherwise(&value, rest),
            Some(_) => Err(error("\"?\" or \":\" expected", reference, rest)),
        }
    }

    /// What follows the `:`, taken where `value` is empty.
    fn otherwise(&mut self, value: &[u8], rest: &[u8]) -> Result<(), ExpandError> {
        let (if_false, rest) = split_operand(rest)?;
        if !rest.is_empty() {
            return Err(error("unexpected text", if_false, rest));
        }
        if value.is_empty() {
            self.text(if_false)?;
        }
        Ok(())
    }

    /// `{left} OPERATOR {right}`: does it hold, and what follows (`mac_exp_parse_relational`).
    fn comparison<'t>(&mut self, text: &'t [u8]) -> Result<(bool, &'t [u8]), ExpandError> {
        let (left, rest) = split_braces(text)?;
        let end = rest
            .iter()
            .position(|b| !b"<>!=?+-*/~&|%".contains(b))
            .unwrap_or(rest.len());
        let (operator, rest) = rest.split_at_checked(end).unwrap_or_default();
        let holds: fn(Ordering) -> bool = match operator {
            b"==" => Ordering::is_eq,
            b"!=" => Ordering::is_ne,
            b"<" => Ordering::is_lt,
            b"<=" => Ordering::is_le,
            b">=" => Ordering::is_ge,
            b">" => Ordering::is_gt,
            _ => return Err(error("one of == != < <= >= > expected", text, rest)),
        };
        let end = rest
            .iter()
            .position(|b| !b.is_ascii_alphanumeric())
            .unwrap_or(rest.len());
        let (suffix, rest) = rest.split_at_checked(end).unwrap_or_default();
        if !matches!(suffix, b"" | b"level") {
            return Err(error("unknown operator suffix", text, suffix));
        }
        let rest = skip_blanks(rest);
        if rest.first() != Some(&b'{') {
            return Err(error("\"{expression}\" expected", text, rest));
        }
        let (right, rest) = split_braces(rest)?;
        let (left, right) = (self.operand(left)?, self.operand(right)?);
        let order = if suffix.is_empty() {
            compare(&left, &right)?
        } else {
            compare_levels(&left, &right)?
        };
        Ok((holds(order), rest))
    }

    /// The expanded operand of a comparison.
    fn operand(&mut self, text: &[u8]) -> Result<Vec<u8>, ExpandError> {
        let saved = std::mem::take(&mut self.result);
        let done = self.text(text);
        let operand = std::mem::replace(&mut self.result, saved);
        done.map(|()| operand)
    }
}

/// By number where both are all digits, by bytes otherwise (`mac_exp_eval`).
fn compare(left: &[u8], right: &[u8]) -> Result<Ordering, ExpandError> {
    let all_digits = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    if !all_digits(left) || !all_digits(right) {
        return Ok(left.cmp(right));
    }
    let number = |text: &[u8]| {
        let digits = std::str::from_utf8(text).ok();
        digits
            .and_then(|d| d.parse::<i64>().ok())
            .ok_or_else(|| error("number too large", text, b""))
    };
    Ok(number(left)?.cmp(&number(right)?))
}

/// As compatibility levels: `3.6` is less than `3.10` (`compat_relop_eval`).
fn compare_levels(left: &[u8], right: &[u8]) -> Result<Ordering, ExpandError> {
    let read =
        |text: &[u8]| level(text).ok_or_else(|| error("malformed compatibility level", text, b""));
    Ok(read(left)?.cmp(&read(right)?))
}

/// Splits what follows a `$` into the reference and what comes after it; `None` where a closing brace is missing.
/// Only parentheses of the opening kind count (`mac_parse`).
fn split_reference(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (open, close) = match text.first() {
        Some(b'{') => (b'{', b'}'),
        Some(b'(') => (b'(', b')'),
        _ => {
            let end = text
                .iter()
                .position(|&b| !is_name_byte(b))
                .unwrap_or(text.len());
            return text.split_at_checked(end);
        }
    };
    split_balanced(text, open, close)
}

/// Splits text that begins with `open` after the matching `close`, both left out.
fn split_balanced(text: &[u8], open: u8, close: u8) -> Option<(&[u8], &[u8])> {
    let mut level = 0_usize;
    for (at, &byte) in text.iter().enumerate() {
        if byte == open {
            level = level.checked_add(1)?;
        } else if byte == close {
            level = level.checked_sub(1)?;
            if level == 0 {
                return Some((text.get(1..at)?, text.get(at.checked_add(1)?..)?));
            }
        }
    }
    None
}

/// `{operand}` and what follows it, blanks skipped (`mac_exp_extract_curly_payload`).
fn split_braces(text: &[u8]) -> Result<(&[u8], &[u8]), ExpandError> {
    let (operand, rest) =
        split_balanced(text, b'{', b'}').ok_or_else(|| error("unbalanced {}", text, b""))?;
    Ok((operand, skip_blanks(rest)))
}

/// The operand of `?` or `:`: `{text}`, or else all of the rest as it stands.
fn split_operand(text: &[u8]) -> Result<(&[u8], &[u8]), ExpandError> {
    let start = skip_blanks(text);
    if start.first() == Some(&b'{') {
        split_braces(start)
    } else {
        Ok((text, b""))
    }
}

/// A parameter name, and the rest from the operator on.
fn split_name(text: &[u8]) -> Result<(&[u8], &[u8]), ExpandError> {
    let end = text
        .iter()
        .position(|&b| !is_name_byte(b))
        .unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(end).unwrap_or_default();
    let rest = skip_blanks(rest);
    match rest.first() {
        None | Some(b'?' | b':') => Ok((name, rest)),
        Some(_) => Err(error("malformed parameter name", text, rest)),
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// `MAC_EXP_WHITESPACE`: fewer characters than `ISSPACE` knows.
fn skip_blanks(text: &[u8]) -> &[u8] {
    let start = text
        .iter()
        .position(|b| !b" \t\r\n".contains(b))
        .unwrap_or(text.len());
    text.get(start..).unwrap_or_default()
}

/// `what`, where it was met, and the text that was not expected.
fn error(what: &str, within: &[u8], at: &[u8]) -> ExpandError {
    let quote = |text: &[u8]| {
        String::from_utf8_lossy(text)
            .chars()
            .take(60)
            .collect::<String>()
    };
    if at.is_empty() {
        ExpandError(format!("{what} in \"{}\"", quote(within)))
    } else {
        ExpandError(format!(
            "{what} at \"{}\" in \"{}\"",
            quote(at),
            quote(within)
        ))
    }
}
