//! Who connects is seen in the systemd journal, where that is the host's only log; and where lines were thrown away, it
//! is not known who came.

use std::time::Duration;

use testkit::{Host, host_or_skip};

use crate::hosts::relay_limit;

/// Comes each second once the pause is in force; and as often somebody else writes that another does.
const COMES: &str = "until grep -q in_force /var/lib/relay-tools/limits/journal.jsonl; do sleep 0.2; done
while [ ! -e /run/enough ]; do exec 3<>/dev/tcp/127.0.0.12/25; read -u3 l
printf 'QUIT\\r\\n' >&3; read -u3 l
logger -p mail.info -t postfix-aol-b/smtpd 'connect from forged.example[192.0.2.66]'; sleep 1; done";

#[test]
fn who_connects_is_seen_in_the_journal() {
    let host = host_or_skip!(Host::builder().journald());
    let sink = host.sink();
    let _aol_a = host.instance("postfix-aol-a").relay_to(&sink).start();
    let aol_b = host.instance("postfix-aol-b").relay_to(&sink).start();
    assert_eq!(aol_b.address().ip().to_string(), "127.0.0.12");
    relay_limit(&host, &["setup", "aol-*", "--apply"]).ok();
    let client = host.command("bash").args(["-c", COMES]).spawn();
    let args = ["out", "aol-b", "--for", "2h", "--watch", "5", "--yes"];
    let nobody = ["--resolver=127.0.0.1:9", "--timeout=1s"];
    let out = relay_limit(&host, &[&args[..], &nobody].concat());
    host.write("/run/enough", "");
    client.wait(Duration::from_secs(60)).ok();
    assert_eq!(out.code(), Some(1), "{out}");
    let said = out.text();
    let who: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("still connects"))
        .collect();
    assert_eq!(who.len(), 1, "{out}");
    assert!(
        who[0].starts_with("quiet since ") && who[0].contains("; 127.0.0.12 still connects ("),
        "{out}"
    );
    let history = relay_limit(&host, &["history"]).text();
    assert!(
        history.contains("; 127.0.0.12 still connects ("),
        "{history}"
    );
}

/// rsyslogd says each second that it threw lines away.
const LOSES: &str = "until grep -q in_force /var/lib/relay-tools/limits/journal.jsonl; do sleep 0.2; done
while [ ! -e /run/enough ]; do
logger -p mail.info -t rsyslogd 'imuxsock lost 12 messages from pid 706 due to rate-limiting'; sleep 1; done";

/// libfaketime lets the minute in which nobody may come go by in six seconds.
#[test]
fn it_is_not_quiet_where_lines_were_thrown_away() {
    let host = host_or_skip!();
    let sink = host.sink();
    let _aol_a = host.instance("postfix-aol-a").relay_to(&sink).start();
    let _aol_b = host.instance("postfix-aol-b").relay_to(&sink).start();
    relay_limit(&host, &["setup", "aol-*", "--apply"]).ok();
    let loses = host.command("bash").args(["-c", LOSES]).spawn();
    let library = format!(
        "/usr/lib/{}-linux-gnu/faketime/libfaketime.so.1",
        std::env::consts::ARCH
    );
    let args = ["out", "aol-b", "--for", "2h", "--watch", "10m", "--yes"];
    let nobody = ["--resolver=127.0.0.1:9", "--timeout=1s"];
    let out = host
        .command(crate::TOOL)
        .args([&args[..], &nobody].concat())
        .env("LD_PRELOAD", &library)
        .env("FAKETIME", "+0 x10")
        .run();
    host.write("/run/enough", "");
    loses.wait(Duration::from_secs(60)).ok();
    assert_eq!(out.code(), Some(1), "{out}");
    let said = out.text();
    assert!(said.contains("who connects was not seen: "), "{out}");
    assert!(said.contains("thrown away for coming too fast"), "{out}");
    assert!(!said.contains("quiet since"), "{out}");
}
