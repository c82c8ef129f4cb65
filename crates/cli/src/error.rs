//! Errors on their way to the user: what was tried, on which path, why it failed, and what to do next.

use std::io;

use host::Failure;

/// An error's one line, and its hint. Neither is escaped yet.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Report {
    /// `what was tried: path: reason`.
    pub(crate) line: String,
    /// What to do next.
    pub(crate) hint: Option<String>,
}

/// Flattens an error and what it came from into one line.
pub(crate) fn report(error: &anyhow::Error) -> Report {
    let mut line = String::new();
    let mut hint = None;
    let mut not_permitted = false;
    for cause in error.chain() {
        let text = one_line(&cause.to_string());
        // Many an error type prints its source as well.
        if !line.ends_with(&text) {
            if !line.is_empty() {
                line.push_str(": ");
            }
            line.push_str(&text);
        }
        if let Some(failure) = cause.downcast_ref::<Failure>() {
            hint = hint.or_else(|| failure.way_out().map(str::to_owned));
        }
        if let Some(e) = cause.downcast_ref::<io::Error>() {
            not_permitted |= e.kind() == io::ErrorKind::PermissionDenied;
        }
    }
    if let Some(failure) = error.downcast_ref::<Failure>() {
        hint = hint.or_else(|| failure.way_out().map(str::to_owned));
    }
    if not_permitted && hint.is_none() {
        hint = Some("run it as root, or as a user who can read and write that path".to_owned());
    }
    Report { line, hint }
}

/// Is this what a program gets that writes to a pipe which nobody reads any more?
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
    })
}

/// Joins the lines of a message that a parser drew over several, and drops std's `(os error 2)`.
fn one_line(text: &str) -> String {
    let joined = text
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    let reason = joined
        .rsplit_once(" (os error ")
        .and_then(|(reason, code)| {
            let digits = code.strip_suffix(')')?;
            digits.bytes().all(|b| b.is_ascii_digit()).then_some(reason)
        });
    match reason {
        Some(reason) => reason.to_owned(),
        None => joined,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;
    use host::WithHint;
    use std::path::Path;

    fn check(error: &anyhow::Error, line: &str, hint: Option<&str>) {
        let expected = Report {
            line: line.to_owned(),
            hint: hint.map(str::to_owned),
        };
        assert_eq!(report(error), expected);
    }

    #[test]
    fn a_chain_becomes_one_line() {
        let missing = || io::Error::from_raw_os_error(2);
        check(
            &Failure::io("cannot read", Path::new("/x/mail.log"), missing()).into(),
            "cannot read: /x/mail.log: No such file or directory",
            None,
        );
        check(
            &anyhow::Error::new(missing())
                .context("/x")
                .context("cannot open"),
            "cannot open: /x: No such file or directory",
            None,
        );
        check(
            &anyhow::anyhow!("line 3:\n   |  x = \n   ^ bad\n"),
            "line 3: |  x = ^ bad",
            None,
        );
    }

    #[test]
    fn a_source_that_was_printed_already_is_not_repeated() {
        check(
            &Failure::new("cannot read: /x: gone").because("gone").into(),
            "cannot read: /x: gone",
            None,
        );
    }

    #[test]
    fn hints_are_found_at_any_depth() {
        let inner = || Failure::new("unknown instance").hint("try aol-a");
        check(&inner().into(), "unknown instance", Some("try aol-a"));
        check(
            &anyhow::Error::new(inner()).context("queue-report"),
            "queue-report: unknown instance",
            Some("try aol-a"),
        );
        check(
            &anyhow::anyhow!("low")
                .context(Failure::new("high").hint("h"))
                .context("top"),
            "top: high: low",
            Some("h"),
        );
        let got: anyhow::Result<()> =
            Err(io::Error::from_raw_os_error(2)).or_hint("cannot list", "mount it");
        check(
            &got.unwrap_err(),
            "cannot list: No such file or directory",
            Some("mount it"),
        );
    }

    #[test]
    fn what_is_not_permitted_says_who_may() {
        let denied: anyhow::Result<()> =
            Err(io::Error::from_raw_os_error(13)).context("/var/spool/postfix");
        check(
            &denied.unwrap_err(),
            "/var/spool/postfix: Permission denied",
            Some("run it as root, or as a user who can read and write that path"),
        );
    }
}
