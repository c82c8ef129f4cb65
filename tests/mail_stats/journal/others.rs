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

/// What others than Postfix wrote does not decide.
#[test]
fn a_check_judges_what_the_journal_tells() {
    let mut host = Host::new();
    let unknown = "bounced (host mx.aol.com[192.0.2.1] said: 550 5.1.1 no such user (in reply to RCPT TO command))";
    let check = |host: &Host, args: &[&str], status| {
        let args = [&["--check", "--crit-bounced", "5%"], args].concat();
        let line = host.run(&args).ended(status).out;
        line.split(" | ").next().unwrap().to_owned()
    };
    host.deliver("aol-a", 400, "sent (250 ok)");
    host.deliver("aol-a", 20, unknown);
    host.deliver_as(&Sender::user(), "aol-a", 50, unknown);
    host.flush();
    assert_eq!(
        check(&host, &["aol-a"], 0),
        "OK: 420 deliveries of postfix-aol-a: 4.8% bounced, 0.0% deferred, 0 blocked"
    );
    host.deliver("aol-a", 2, unknown);
    host.flush();
    let critical = "CRITICAL: postfix-aol-a: 5.2% bounced (22 of 422), more than 5%";
    assert_eq!(check(&host, &["aol-a"], 2), critical);
    // The log file of an instance that has one is judged beside it.
    let own: String = (0..10).map(|_| host.line("own-a", unknown)).collect();
    host.write("var/log/own.log", &own);
    let both = check(&host, &[], 2);
    assert!(
        both.contains("postfix-own-a: 100.0% bounced (10 of 10)"),
        "{both}"
    );
    assert!(both.contains("22 of 422"), "{both}");
}
