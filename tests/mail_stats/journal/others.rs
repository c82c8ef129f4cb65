//! The other tools that read logs find the journal as mail-stats-print does.

use std::process::Command;

use testkit::journal::Sender;

use super::host::Host;

/// What a tool of this build prints about the host.
#[track_caller]
fn printed(tool: &str, host: &Host, args: &[&str]) -> String {
    let out = Command::new(tool)
        .args(args)
        .arg("--root")
        .arg(host.root.path())
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&out.stderr);
    assert!(matches!(out.status.code(), Some(0 | 1)), "{tool}: {err}");
    assert!(!err.contains("cannot read"), "{tool}: {err}");
    String::from_utf8_lossy(&out.stdout).into_owned()
}

#[test]
fn relay_transport_discovers_what_the_journal_tells() {
    let mut host = Host::new();
    host.write(
        "etc/postfix-therest-a/main.cf",
        "multi_instance_name = postfix-therest-a\nmulti_instance_enable = yes\nsyslog_name = postfix-therest-a\n",
    );
    // yahoodns.net is Yahoo's: a domain of its customers.
    for (domain, sender) in [
        ("hosted.example", Sender::postfix("postfix-therest-a")),
        ("forged.example", Sender::user()),
    ] {
        let message = host
            .message("sent (250 ok)")
            .replace("aol.com", domain)
            .replace(&format!("mx.{domain}["), "mta5.am0.yahoodns.net[");
        let clock = host.clock;
        host.journal
            .mail(clock, &sender, "postfix-therest-a/smtp", &message);
    }
    host.flush();
    let tool = env!("CARGO_BIN_EXE_relay-transport");
    let found = printed(tool, &host, &["discover", "--format", "csv"]);
    assert!(found.contains("hosted.example"), "{found}");
    assert!(!found.contains("forged.example"), "{found}");
}

#[test]
fn relay_warmup_judges_what_the_journal_tells() {
    let mut host = Host::new();
    host.clock -= 86_400_000_000;
    host.deliver("aol-a", 5, "sent (250 ok)");
    host.deliver_as(&Sender::user(), "aol-a", 50, "bounced (550 no)");
    host.flush();
    let tool = env!("CARGO_BIN_EXE_relay-warmup");
    let found = printed(tool, &host, &["status", "aol-a", "--format", "json"]);
    let found: serde_json::Value = serde_json::from_str(&found).unwrap();
    let text = found.to_string();
    assert!(text.contains("\"sent\":5"), "{text}");
    assert!(!text.contains("\"bounced\":50"), "{text}");
}
