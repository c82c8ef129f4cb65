//! Files of `journalctl -o json`: what journald noted of each sender says whose an entry is, as in the journal itself.

use std::fs;
use std::path::Path;

use testkit::tools::{Ran, stats};

/// An entry about a delivery by aol-a, with what journald noted of its sender.
fn entry(id: usize, noted: &str) -> String {
    let message = format!(
        "4A{id}: to=<a@aol.com>, relay=none, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 ok)"
    );
    format!(
        r#"{{"__REALTIME_TIMESTAMP":"1795759201000000","_HOSTNAME":"relay1","SYSLOG_IDENTIFIER":"postfix-aol-a/smtp","MESSAGE":"{message}"{noted}}}"#
    ) + "\n"
}

const SMTP: &str = r#","_UID":"106","_TRANSPORT":"syslog","_SYSTEMD_UNIT":"postfix@aol\\x2da.service","_EXE":"/usr/lib/postfix/sbin/smtp""#;
/// `logger -t postfix-aol-a/smtp`, typed by a user.
const LOGGER: &str = r#","_UID":"1000","_TRANSPORT":"syslog","_SYSTEMD_UNIT":"session-3.scope","_EXE":"/usr/bin/logger""#;
/// The same from a web server's script, and run by root, when it had ended before journald looked.
const SCRIPT: &str =
    r#","_UID":"33","_TRANSPORT":"syslog","_SYSTEMD_UNIT":"apache2.service","_EXE":"/usr/bin/php""#;
const GONE: &str = r#","_UID":"0","_TRANSPORT":"syslog""#;

fn run(path: &Path, text: &str, more: &[&str]) -> Ran {
    fs::write(path, text).unwrap();
    stats(["--log", path.to_str().unwrap()].iter().chain(more))
}

#[test]
fn what_a_user_logged_is_not_counted() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.json");
    let own: String = (0..3).map(|id| entry(id, SMTP)).collect();
    let strangers = entry(7, LOGGER) + &entry(8, SCRIPT);
    let ran = run(&path, &(own.clone() + &strangers), &["-v"]).ended(0);
    assert!(
        ran.out.starts_with("postfix-aol-a:total:3\n"),
        "{}",
        ran.out
    );
    let said = "journal.json: 2 events are not counted: neither Postfix nor root sent them";
    assert!(ran.err.contains(said), "{}", ran.err);
    // Where it is not known whose an entry is, it is said.
    let ran = run(&path, &(own + &entry(9, GONE)), &[]).ended(1);
    assert!(
        ran.out.starts_with("postfix-aol-a:total:3\n"),
        "{}",
        ran.out
    );
    let said = "it cannot be shown to be Postfix's: journald noted neither a unit nor a program";
    assert!(ran.err.contains(said), "{}", ran.err);
    // A log of nothing else is none of Postfix's.
    let ran = run(&path, &strangers, &["--check"]).ended(3);
    assert!(ran.out.starts_with("UNKNOWN: "), "{}", ran.out);
}

/// What other programs write as JSON, and what was exported with some fields alone, has no such fields.
#[test]
fn without_the_fields_all_is_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.json");
    let bare: String = (0..3).map(|id| entry(id, "")).collect();
    let ran = run(&path, &bare, &["-v"]).ended(0);
    assert!(
        ran.out.starts_with("postfix-aol-a:total:3\n"),
        "{}",
        ran.out
    );
    assert!(!ran.err.contains("not counted"), "{}", ran.err);
}
