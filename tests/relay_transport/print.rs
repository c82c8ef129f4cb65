//! relay-transport print: what the table asks for, as real postmap and a real Postfix read it.

use std::collections::{BTreeMap, BTreeSet};

use crate::TOOL;
use testkit::{Cmd, Host, Mail, host_or_skip};

/// All relays are there: no DNS has to say it.
fn tool(host: &Host) -> Cmd {
    host.command(TOOL)
        .args(["print", "--domain", "smtp.example.org", "--relays", "all"])
}

/// The table's domains and their providers, as Python's own TOML reader has them.
fn table(host: &Host) -> BTreeMap<String, String> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/crates/knowledge/data/providers.toml"
    );
    let script = "import sys, tomllib\n\
                  for p in tomllib.load(open(sys.argv[1], 'rb'))['provider']:\n\
                  \x20   for d in p['domains']: print(d, p['name'])";
    let listed = host
        .command("python3")
        .args(["-c", script, path])
        .run()
        .ok();
    let text = listed.text();
    text.lines()
        .map(|line| line.split_once(' ').unwrap())
        .map(|(domain, name)| (domain.to_owned(), name.to_owned()))
        .collect()
}

/// Makes a map of `text` with real postmap, and asks it for `keys`. It must not warn: of doubled keys, say.
fn postmap(
    host: &Host,
    kind: &str,
    text: &str,
    keys: &BTreeSet<String>,
) -> BTreeMap<String, String> {
    host.write("/etc/postfix/transport.relay", text);
    let place = format!("{kind}:/etc/postfix/transport.relay");
    if kind != "texthash" {
        let made = host.run(["postmap", &place]).ok();
        assert_eq!(made.errors(), "");
    }
    let lines: Vec<&str> = keys.iter().map(String::as_str).collect();
    let asked = host
        .command("postmap")
        .args(["-q", "-", &place])
        .stdin(lines.join("\n") + "\n")
        .run()
        .ok();
    assert_eq!(asked.errors(), "");
    let answers = asked.text();
    let pairs = answers.lines().map(|line| line.split_once('\t').unwrap());
    pairs
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn every_domain_of_the_table_is_found_by_postmap() {
    let host = host_or_skip!();
    let table = table(&host);
    assert!(table.len() > 300);
    let text = tool(&host).run().ok().text();
    let keys = table.keys().cloned().collect();
    let expected: BTreeMap<String, String> = table
        .iter()
        .map(|(domain, name)| (domain.clone(), format!("smtp:[{name}.smtp.example.org]")))
        .collect();
    for kind in ["btree", "texthash", "hash"] {
        assert_eq!(postmap(&host, kind, &text, &keys), expected, "{kind}");
    }
    // And nothing beside them.
    let all = host
        .run(["postmap", "-s", "hash:/etc/postfix/transport.relay"])
        .ok();
    assert_eq!(all.text().lines().count(), table.len());
    let lines: Vec<&str> = text.lines().filter(|l| !l.starts_with('#')).collect();
    let sorted = host
        .command("sort")
        .arg("-c")
        .env("LC_ALL", "C")
        .stdin(lines.join("\n") + "\n");
    // By their first word: blanks behind it are for the eye.
    sorted.args(["-k1,1", "-t", " "]).run().ok();
}

#[test]
fn the_same_table_gives_the_same_bytes_and_says_what_made_them() {
    let host = host_or_skip!();
    let text = tool(&host).run().ok().text();
    assert_eq!(tool(&host).run().ok().text(), text);
    let elsewhere = Host::builder().name("cleveland").start().unwrap();
    assert_eq!(tool(&elsewhere).run().ok().text(), text);
    let site = host
        .command(TOOL)
        .args(["print", "--domain", "example.org", "--relays", "all"])
        .run()
        .ok()
        .text();
    let head = |domain: &str| {
        format!(
            "# Which relay takes which domain's mail: see transport(5).\n\
             # Made by relay-transport {0}: relay-transport print --domain {domain} --relays all\n\
             # from the provider table: that of relay-tools {0}.\n",
            env!("CARGO_PKG_VERSION")
        )
    };
    assert!(text.starts_with(&head("smtp.example.org")), "{text}");
    assert!(site.starts_with(&head("example.org")), "{site}");
    // Whichever of the two names the site goes by, its relays are the same.
    assert_eq!(
        site.lines().skip(2).collect::<Vec<_>>(),
        text.lines().skip(2).collect::<Vec<_>>()
    );
    // The site's name is found in main.cf.
    host.write(
        "/etc/postfix/main.cf",
        "myhostname = lists.example.org\nqueue_directory = /var/spool/postfix\n",
    );
    let found = host.command(TOOL).args(["print", "--relays", "all"]);
    assert_eq!(found.run().ok().text(), site);
}

#[test]
fn the_host_s_own_table_counts() {
    let host = host_or_skip!();
    host.write(
        "/etc/relay-tools/providers.toml",
        "[[provider]]\nname = \"gmx\"\ndomains = [\"gmx.net\", \"B\u{fc}cher.example\", \"xn--caf-dma.example\"]\n\
         relay = \"gmx.smtp.DOMAIN\"\n\
         [[provider]]\nname = \"juno\"\nrelay = \"therest.smtp.DOMAIN\"\n",
    );
    let text = tool(&host)
        .args([
            "--provider",
            "gmx,Juno",
            "--transport",
            "relay",
            "--port",
            "2525",
        ])
        .run()
        .ok()
        .text();
    assert!(
        text.contains("of relay-tools 0.1.0, and /etc/relay-tools/providers.toml.\n"),
        "{text}"
    );
    assert!(text.contains("--provider gmx,Juno --relays all --transport relay --port 2525\n"));
    let gmx = "relay:[gmx.smtp.example.org]:2525";
    let juno = "relay:[therest.smtp.example.org]:2525";
    // As Postfix looks them up: in letters or in ASCII (Python's encodings.idna gives the same).
    let expected = [
        ("b\u{fc}cher.example", gmx),
        ("caf\u{e9}.example", gmx),
        ("gmx.net", gmx),
        ("juno.com", juno),
        ("netzero.com", juno),
        ("netzero.net", juno),
        ("xn--bcher-kva.example", gmx),
        ("xn--caf-dma.example", gmx),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()));
    let keys = expected.iter().map(|(key, _)| key.clone()).collect();
    let found = postmap(&host, "hash", &text, &keys);
    assert_eq!(found, BTreeMap::from(expected));
    let all = host.run(["postmap", "-s", "hash:/etc/postfix/transport.relay"]);
    assert_eq!(all.ok().text().lines().count(), 8);

    // What cannot be a key is told and left out.
    host.write(
        "/etc/relay-tools/providers.toml",
        "[[provider]]\nname = \"x\"\ndomains = [\"localhost\", \"fine.example\"]\nrelay = \"x.smtp.DOMAIN\"\n",
    );
    let ran = tool(&host).args(["--provider", "x"]).run().exit(1);
    assert_eq!(
        ran.errors(),
        "relay-transport: warning: left out of provider x: \"localhost\" is a single label\n"
    );
    assert!(
        ran.text()
            .ends_with("\nfine.example smtp:[x.smtp.example.org]\n")
    );
}

#[test]
fn other_formats_have_the_same_lines() {
    let host = host_or_skip!();
    let keys = table(&host).into_keys().collect();
    let map = postmap(&host, "hash", &tool(&host).run().ok().text(), &keys);
    let json = tool(&host).args(["--format", "json"]).run().ok();
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["schema"], "relay-tools/transport-map/1");
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let lines = json["lines"].as_array().unwrap();
    let pairs = lines
        .iter()
        .map(|l| (text(&l["domain"]), text(&l["value"])));
    assert_eq!(pairs.collect::<BTreeMap<_, _>>(), map);
    let csv = tool(&host).args(["--format", "csv"]).run().ok().text();
    let pairs = csv.lines().skip(1).map(|line| {
        let fields: Vec<&str> = line.split(',').collect();
        (fields[0].to_owned(), fields[3].to_owned())
    });
    assert_eq!(pairs.collect::<BTreeMap<_, _>>(), map);
}

#[test]
fn wrong_arguments_print_nothing() {
    let host = host_or_skip!();
    let check = |args: &[&str], told: &str| {
        let ran = host.command(TOOL).arg("print").args(args).run().exit(2);
        assert_eq!(ran.text(), "", "{args:?}");
        assert!(ran.errors().contains(told), "{args:?}: {ran}");
    };
    let domain = ["--domain", "example.org"];
    check(
        &[domain[0], domain[1], "--provider", "aol,gmial"],
        "unknown provider \"gmial\"; the table has aol, yahoo, ",
    );
    check(
        &["--domain", "a b.example"],
        "not a domain such as example.org",
    );
    check(
        &["--domain", "x\n* smtp:evil"],
        "not a domain such as example.org",
    );
    check(
        &[domain[0], domain[1], "--transport", "smtp:[evil] #"],
        "not the name of a transport",
    );
    check(
        &[domain[0], domain[1], "--port", "0"],
        "0 is not in 1..=65535",
    );
    check(
        &[domain[0], domain[1], "--providers", "/no/such.toml"],
        "cannot read the table: /no/such.toml: No such file",
    );
    host.sh("mkdir -p /run/srv/empty/etc");
    let ran = host
        .command(TOOL)
        .args(["print", "--root", "/run/srv/empty"])
        .run()
        .exit(2);
    assert_eq!(
        ran.errors(),
        "relay-transport: cannot find out the site's domain: no main.cf below /run/srv/empty/etc has a full \
         myhostname\n\
         hint: name it with --domain smtp.example.org\n"
    );
}

#[test]
fn mail_goes_to_the_relay_of_its_provider() {
    let host = host_or_skip!();
    let aol = host.sink_at(([127, 0, 9, 1], 25));
    let msn = host.sink_at(([127, 0, 9, 2], 25));
    let rest = host.sink_at(([127, 0, 9, 3], 25));
    // The site's DNS, as far as Postfix is told of it here.
    host.write(
        "/etc/hosts",
        "127.0.9.1 aol.smtp.example.org\n127.0.9.2 msn.smtp.example.org\n127.0.9.3 therest.smtp.example.org\n",
    );
    host.write(
        "/etc/relay-tools/providers.toml",
        "[[provider]]\nname = \"msn\"\ndomains = [\"b\u{fc}cher.example\"]\n",
    );
    tool(&host)
        .args(["--output", "/etc/transport.relay"])
        .run()
        .ok();
    host.run(["postmap", "hash:/etc/transport.relay"]).ok();
    let lists = host
        .instance("postfix-lists")
        .param("transport_maps", "hash:/etc/transport.relay")
        .param("relayhost", "[therest.smtp.example.org]")
        .start();
    lists.submit(
        [
            "a@aol.com",
            "b@AIM.com",
            "c@hotmail.co.uk",
            "d@riseup.example",
            "e@mail.aol.com",
            "f@notaol.com",
            // In letters (SMTPUTF8), and in ASCII.
            "g@b\u{fc}cher.example",
            "h@B\u{dc}CHER.example",
            "i@xn--bcher-kva.example",
        ]
        .map(|to| Mail::new("news@lists.example", to)),
    );
    lists.wait_idle();
    let got = |sink: &testkit::Sink| {
        let deliveries = sink.deliveries();
        let recipients = deliveries.into_iter().map(|d| d.recipient);
        let mut recipients: Vec<String> = recipients.map(|to| to.to_ascii_lowercase()).collect();
        recipients.sort();
        recipients
    };
    assert_eq!(got(&aol), ["a@aol.com", "b@aim.com"]);
    let of_msn = got(&msn);
    assert_eq!(of_msn.len(), 4, "{of_msn:?}");
    assert_eq!(of_msn[0], "c@hotmail.co.uk");
    assert!(
        of_msn[1..]
            .iter()
            .zip(["g@b", "h@b", "i@xn--bcher-kva"])
            .all(|(to, start)| to.starts_with(start)),
        "{of_msn:?}"
    );
    assert_eq!(
        got(&rest),
        ["d@riseup.example", "e@mail.aol.com", "f@notaol.com"]
    );
}
