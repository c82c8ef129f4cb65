//! Metrics in Prometheus' text format.

use std::io::{self, Write};

/// The two lines before a gauge's samples.
///
/// # Errors
/// Those of `out`.
pub fn gauge(out: &mut impl Write, name: &str, help: &str) -> io::Result<()> {
    writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge")
}

/// A label's value: UTF-8, with `\\`, `"` and newline escaped, and nothing that a terminal would act upon. Texts that
/// differ have labels that differ: of two series that are one, node_exporter rejects the whole file. So a backslash of
/// the text is doubled: what escapes is told from what was there.
pub fn label(text: &[u8]) -> String {
    let mut doubled = Vec::with_capacity(text.len());
    for &byte in text {
        doubled.push(byte);
        if byte == b'\\' {
            doubled.push(byte);
        }
    }
    let visible = postfix::escape(&doubled).to_string();
    visible.replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_differ_where_texts_do() {
        let check = |text: &[u8], expected: &str| assert_eq!(label(text), expected);
        check(b"postfix-aol-a", "postfix-aol-a");
        check("\u{202e}".as_bytes(), r"\\u{202e}");
        check(r"\u{202e}".as_bytes(), r"\\\\u{202e}");
        check(b"\xff", r"\\xff");
        check(b"\xfe", r"\\xfe");
        check(br"\xff", r"\\\\xff");
        check(b"a\"b\n", r#"a\"b\\n"#);
    }
}
