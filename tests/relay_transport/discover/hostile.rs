//! Names that strangers make up, and arguments that are wrong.

use std::collections::BTreeSet;

use testkit::host_or_skip;

use super::{found, log, tool};

#[test]
fn strangers_names_reach_neither_map_nor_table() {
    let host = host_or_skip!();
    let outlook = "x.mail.protection.outlook.com[192.0.2.1]:25";
    log(
        &host,
        &[
            ("good.example", outlook, 3),
            ("b\u{fc}cher.example", outlook, 2),
            ("UPPER.example.", outlook, 1),
            ("*", outlook, 1),
            (".example", outlook, 1),
            ("a.example smtp:[evil.example]", outlook, 1),
            ("a.example\tsmtp:[evil.example]", outlook, 1),
            ("a\"]\nname=\"aol", outlook, 1),
            ("a\\.example", outlook, 1),
            ("\u{1b}[2Jx.example", outlook, 1),
            ("\u{202e}x.example", outlook, 1),
            ("[192.0.2.1]", outlook, 1),
            ("a..example", outlook, 1),
            ("-a.example", outlook, 1),
            ("a.example#", outlook, 1),
            // The host's name is a stranger's, too: it stands in comments alone.
            (
                "odd.example",
                "\u{1b}\u{202e}\".mail.protection.outlook.com[192.0.2.1]:25",
                1,
            ),
        ],
    );
    let run = |format: &str| {
        let ran = tool(&host)
            .args(["--log", "/run/srv/mail.log", "--format", format])
            .run();
        let text = String::from_utf8(ran.stdout.clone()).unwrap() + &ran.errors();
        let is_raw = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!text.contains(is_raw), "{format}: {text:?}");
        ran.exit(1).text()
    };
    let good = [
        "b\u{fc}cher.example",
        "good.example",
        "odd.example",
        "upper.example",
        "xn--bcher-kva.example",
    ];
    let set = |names: &[&str]| {
        names
            .iter()
            .map(|&n| n.to_owned())
            .collect::<BTreeSet<String>>()
    };
    host.write("/etc/postfix/found", run("map"));
    let made = host.run(["postmap", "hash:/etc/postfix/found"]).ok();
    assert_eq!(made.errors(), "");
    let listed = host
        .run(["postmap", "-s", "hash:/etc/postfix/found"])
        .ok()
        .text();
    let pairs: Vec<(&str, &str)> = listed
        .lines()
        .map(|l| l.split_once('\t').unwrap())
        .collect();
    let keys: Vec<&str> = pairs.iter().map(|(key, _)| *key).collect();
    assert_eq!(set(&keys), set(&good));
    assert!(
        pairs
            .iter()
            .all(|(_, value)| *value == "smtp:[office365.smtp.example.org]")
    );
    host.write("/run/srv/found.toml", run("toml"));
    let script = "import sys, tomllib\n[p] = tomllib.load(open('/run/srv/found.toml', \
        'rb'))['provider']\nprint(p['name'], *p['domains'])";
    let read = host
        .command("python3")
        .args(["-c", script])
        .run()
        .ok()
        .text();
    assert_eq!(
        read,
        "office365 good.example xn--bcher-kva.example odd.example upper.example\n"
    );
    for format in ["table", "json", "csv"] {
        assert!(run(format).contains("good.example"), "{format}");
    }
}

#[test]
fn wrong_arguments_print_nothing() {
    let host = host_or_skip!();
    log(&host, &[]);
    let check = |args: &[&str], told: &str| {
        let ran = tool(&host).args(args).run().exit(2);
        assert!(
            ran.text().is_empty() && ran.errors().contains(told),
            "{args:?}: {ran}"
        );
    };
    check(&["nope"], "unknown instance \"nope\"");
    check(&["--since", "gestern"], "--since: not a time: 'gestern'");
    check(&["--log", "/no/such/log"], "/no/such/log");
    check(
        &["--log", "/run/srv/mail.log", "--provider", "gmial"],
        "unknown provider \"gmial\"",
    );
    check(&["--max-lookups", "5"], "--mx");
    check(&["--mx", "--rate", "0"], "0 is not in 1..=1000");
    check(
        &["--mx", "--resolver", "ns.example.org"],
        "not an address such as",
    );
    // A log without a delivery is no error.
    assert_eq!(found(&host, &[], 0), [""; 0]);
}
