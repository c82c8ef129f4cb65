//! Texts that strangers wrote, files that are none, and arguments that are wrong.

use testkit::host_or_skip;

use super::{add, list_server, tool, wrong};

#[test]
fn strangers_texts_and_odd_files_do_no_harm() {
    let host = host_or_skip!();
    let nsd = list_server(&host);
    add(
        &host,
        "evil\x1b[2J.example smtp:[\x1b]0;x\x07\u{202e}]\n\u{fc}ber.example smtp:[\u{fc}ber.example.org]\n",
    );
    for format in ["table", "json", "csv"] {
        let ran = tool(&host, &nsd)
            .args(["-v", "--format", format])
            .run()
            .exit(2);
        let text = String::from_utf8(ran.stdout.clone()).unwrap();
        let is_raw = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!text.contains(is_raw), "{format}: {text:?}");
        assert!(text.contains("ber.example"), "{format}: {text}");
    }
    host.sh("rm /etc/postfix/transport.relay; mkfifo /etc/postfix/transport.relay");
    let found = wrong(
        &host,
        &nsd,
        &["--no-dns", "--accept", "*ber.example", "--accept", "evil*"],
        3,
    );
    assert_eq!(
        found,
        [
            "index unknown: /etc/postfix/transport.relay.db: its text cannot be read []",
            "syntax unknown: /etc/postfix/transport.relay cannot be read: it is not a regular file []"
        ]
    );
    // Wrong arguments end as a check does, too.
    let check = |args: &[&str], told: &str| {
        let ran = tool(&host, &nsd).args(args).run().exit(3);
        assert!(
            ran.errors().contains(told) && ran.text().is_empty(),
            "{ran}"
        );
    };
    check(&["nope"], "unknown instance \"nope\"");
    check(&["--accept", "{"], "invalid value '{'");
    check(
        &["--relay-config", "/no/such"],
        "--relay-config: not a relay's configuration: /no/such",
    );
    let ran = tool(&host, &nsd).args(["nope", "--check"]).run().exit(3);
    assert!(ran.text().starts_with("UNKNOWN: unknown instance"), "{ran}");
    host.write(
        "/etc/postfix/main.cf",
        "myhostname = lists.example.org\ntransport_maps = ${x\n",
    );
    let ran = tool(&host, &nsd).arg("--check").run();
    assert!(
        ran.text().contains("main.cf, line 2: transport_maps: "),
        "{ran}"
    );
}
