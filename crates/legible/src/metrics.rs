//! Metrics in Prometheus' text format.

use std::io::{self, Write};

/// The two lines before a gauge's samples.
///
/// # Errors
/// Those of `out`.
pub fn gauge(out: &mut (impl Write + ?Sized), name: &str, help: &str) -> io::Result<()> {
    writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge")
}

/// A label's value: UTF-8, with `\\`, `"` and newline escaped, and nothing that a terminal would act upon. Texts that
/// differ have labels that differ: of two series that are one, node_exporter rejects the whole file. So a backslash of
/// the text is doubled: what was escaped stays distinct from what was there.
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

/// Passes on this many series, and all other lines; the first families are whole, and the last are cut.
struct Bounded<'a, W> {
    out: &'a mut W,
    left: usize,
    left_out: u64,
    line: Vec<u8>,
}

impl<W: Write> Write for Bounded<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for piece in bytes.split_inclusive(|&b| b == b'\n') {
            self.line.extend_from_slice(piece);
            if !piece.ends_with(b"\n") {
                continue;
            }
            let is_series = !self.line.starts_with(b"#");
            if !is_series || self.left > 0 {
                self.out.write_all(&self.line)?;
                self.left -= usize::from(is_series);
            } else {
                self.left_out += 1;
            }
            self.line.clear();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Writes metrics of at most `most` series. If there are more, the rest is left out, and the last series says how many
/// those are.
///
/// # Errors
/// Those of `out`, or of `write`.
pub fn bounded<W: Write>(
    out: &mut W,
    most: usize,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut bounded = Bounded {
        out,
        left: most.saturating_sub(1),
        left_out: 0,
        line: Vec::new(),
    };
    write(&mut bounded)?;
    match bounded.left_out {
        0 => Ok(()),
        left_out => {
            let name = "relay_metrics_series_left_out";
            gauge(out, name, "Series that this file has no room for.")?;
            writeln!(out, "{name} {left_out}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_no_room_for_is_counted() {
        let write = |series: u32| {
            let mut out = Vec::new();
            bounded(&mut out, 4, |out| {
                writeln!(out, "# HELP a b")?;
                (0..series).try_for_each(|n| {
                    out.write_all(b"a{n=\"")?;
                    writeln!(out, "{n}\"}} 1")
                })
            })
            .unwrap();
            let text = String::from_utf8(out).unwrap();
            let series = text.lines().filter(|line| !line.starts_with('#'));
            series.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(write(3), ["a{n=\"0\"} 1", "a{n=\"1\"} 1", "a{n=\"2\"} 1"]);
        let cut = write(9);
        assert_eq!(
            (cut.len(), cut[3].as_str()),
            (4, "relay_metrics_series_left_out 6")
        );
    }

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
