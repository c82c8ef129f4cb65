//! Lines are printed for relays that exist, beside what a real Postfix makes of mail for one that does not.

use testkit::dns::{Nsd, nsd};
use testkit::{Host, Mail, host_or_skip};

use crate::TOOL;

/// Of aol's and yahoo's relays, the zone has aol's alone.
fn zone(host: &Host) -> Nsd {
    let zone = "$ORIGIN example.org.\n@ 60 SOA ns h 1 60 60 60 60\n@ 60 NS ns\nns 60 A 127.0.53.1\naol.smtp 60 A \
        127.0.9.1\n";
    nsd(host, "127.0.53.1", &[("example.org", Some(zone))])
}

const PROVIDERS: &str = "[[provider]]\nname = \"aol\"\nrelay = \"aol.smtp.DOMAIN\"\nreplace = true\ndomains = \
    [\"aol.example\"]\n\
    [[provider]]\nname = \"yahoo\"\nreplace = true\ndomains = [\"yahoo.example\"]\n";

fn print(host: &Host, nsd: &Nsd, args: &[&str], status: i32) -> (String, String) {
    let ran = host
        .command(TOOL)
        .args([
            "print",
            "--domain",
            "example.org",
            "--resolver",
            &nsd.address,
        ])
        .args(args)
        .run()
        .exit(status);
    let text = ran.text();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let keys: Vec<&str> = lines
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    (keys.join(" "), ran.errors())
}

#[test]
fn a_relay_name_that_is_not_there_gets_no_line() {
    let host = host_or_skip!();
    let nsd = zone(&host);
    host.write("/etc/relay-tools/providers.toml", PROVIDERS);
    let (keys, told) = print(&host, &nsd, &[], 1);
    // Of the compiled-in table, no other relay is in this zone, either.
    assert_eq!(keys, "aol.example");
    assert!(
        told.contains("left out, because their mail would bounce: the lines of ")
            && told.contains("yahoo.smtp.example.org (no such name)"),
        "{told}"
    );
    let relays = "aol,yahoo.smtp.example.org";
    assert_eq!(
        print(&host, &nsd, &["--relays", relays], 1).0,
        "aol.example yahoo.example"
    );
    // That a provider is asked for does not make its relay exist.
    let (keys, told) = print(&host, &nsd, &["--provider", "aol,yahoo"], 1);
    assert_eq!(keys, "aol.example");
    assert!(
        told.contains("yahoo.smtp.example.org (no such name)"),
        "{told}"
    );
    let all = print(&host, &nsd, &["--relays", "all"], 0);
    assert!(
        all.0.contains("icloud.com") && all.1.is_empty(),
        "{}",
        all.1
    );
    // A name that any name's record makes is no relay's.
    drop(nsd);
    let zone = "$ORIGIN example.org.\n@ 60 SOA ns h 1 60 60 60 60\n@ 60 NS ns\nns 60 A 127.0.53.1\naol.smtp 60 A \
        192.0.2.1\n*.smtp 60 A 192.0.2.9\n";
    let nsd = testkit::dns::nsd(&host, "127.0.53.1", &[("example.org", Some(zone))]);
    let (keys, told) = print(&host, &nsd, &["--provider", "aol,yahoo"], 1);
    assert_eq!(keys, "aol.example");
    assert!(
        told.contains("nothing shows that these are relays: the lines of yahoo.smtp.example.org (by a wildcard alone"),
        "{told}"
    );
    assert_eq!(
        print(
            &host,
            &nsd,
            &["--provider", "aol,yahoo", "--relays", "yahoo"],
            0
        )
        .0,
        "aol.example yahoo.example"
    );
    // A server that does not answer has shown no relay; the host's own table has named one, and an admin can.
    let silent = |args: &[&str], status: i32| {
        let words = [
            "print",
            "--domain",
            "example.org",
            "--resolver",
            "127.0.53.9",
        ];
        let own = ["--provider", "aol,yahoo"];
        host.command(TOOL)
            .args(words)
            .args(own)
            .args(args)
            .run()
            .exit(status)
    };
    let told = "left out, as the DNS did not say whether they exist: the lines of yahoo.smtp.example.org (";
    let ran = silent(&[], 1);
    assert!(
        ran.text()
            .ends_with("\naol.example smtp:[aol.smtp.example.org]\n")
            && ran.errors().contains(told),
        "{ran}"
    );
    let ran = silent(&["--format", "json"], 1);
    let json: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(json["lines"].as_array().unwrap().len(), 1);
    assert_eq!(json["complete"], false);
    assert!(json["problems"][0].as_str().unwrap().starts_with(told));
    let named = silent(&["--relays", "yahoo"], 0).text();
    assert!(named.contains("\nyahoo.example "), "{named}");
    // The map that is there stays as it is.
    host.write("/etc/postfix/transport.relay", "# in use\n");
    let file = ["--output", "/etc/postfix/transport.relay"];
    let ran = silent(&file, 2);
    assert!(ran.errors().contains("the map is not written: "), "{ran}");
    assert_eq!(host.read("/etc/postfix/transport.relay"), b"# in use\n");
    silent(&[&file[..], &["--relays", "all"]].concat(), 0);
    assert_ne!(host.read("/etc/postfix/transport.relay"), b"# in use\n");
}

/// A line for a relay that is not there makes mail bounce: those of discover, too, which are for customers' domains.
#[test]
fn discover_prints_a_line_for_a_relay_that_exists() {
    let host = host_or_skip!();
    host.instance("postfix-therest-a").create();
    let outlook = "contoso-example.mail.protection.outlook.com[192.0.2.1]:25";
    let own = "therest.smtp.example.org[192.0.2.50]:25";
    let deliveries = [("contoso.example", outlook, 2), ("gmail.com", own, 1)];
    host.write("/var/log/mail.log", crate::discover::log_of(&deliveries));
    let lines = |more: &[&str], status: i32| {
        let words = ["discover", "--domain", "example.org", "--format", "map"];
        let ran = host.command(TOOL).args(words).args(more);
        let ran = ran.args(["--resolver", "127.0.53.1:53"]).run().exit(status);
        let text = ran.text();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let lines: Vec<String> = lines.map(str::to_owned).collect();
        (lines, ran.errors())
    };
    let office = "contoso.example smtp:[office365.smtp.example.org]";
    let gmail = "gmail.com smtp:[gmail.smtp.example.org]";
    for (there, line, gone) in [
        ("office365", office, "gmail"),
        ("gmail", gmail, "office365"),
    ] {
        let zone = format!(
            "$ORIGIN example.org.\n@ 60 SOA ns h 1 60 60 60 60\n@ 60 NS ns\nns 60 A 127.0.53.1\n{there}.smtp 60 A \
             192.0.2.1\n"
        );
        let _nsd = nsd(&host, "127.0.53.1", &[("example.org", Some(&zone))]);
        let (found, told) = lines(&[], 1);
        assert_eq!(found, [line], "{told}");
        let said = format!("the lines of {gone}.smtp.example.org (no such name);");
        assert!(told.contains(&said), "{told}");
        assert_eq!(lines(&["--relays", gone], 0).0, [office, gmail]);
    }
    // A server that does not answer has shown neither: the domains are told, their lines are left out.
    let (found, told) = lines(&[], 1);
    assert_eq!(found, [""; 0]);
    assert!(
        told.contains("the lines of gmail.smtp.example.org, office365.smtp.example.org ("),
        "{told}"
    );
    let words = ["discover", "--domain", "example.org", "--format", "json"];
    let ran = host
        .command(TOOL)
        .args(words)
        .args(["--resolver", "127.0.53.1:53"]);
    let json: serde_json::Value = serde_json::from_slice(&ran.run().exit(1).stdout).unwrap();
    for (at, domain) in [(0, "contoso.example"), (1, "gmail.com")] {
        let found = &json["found"][at];
        assert_eq!(found["domain"], domain);
        assert!(
            found["relay"].is_null() && found["value"].is_null(),
            "{found}"
        );
    }
    assert_eq!(json["complete"], false);
    let problems = json["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(told.contains(problems[0].as_str().unwrap()), "{problems:?}");
    // Nor has anybody been asked where the logs may be another host's.
    let foreign = lines(&["--log", "/var/log/mail.log"], 1);
    assert_eq!(foreign.0, [""; 0]);
    assert!(foreign.1.contains("(not looked up, "), "{}", foreign.1);
}

/// What the line would have done.
#[test]
fn mail_for_a_relay_that_is_not_there_comes_back() {
    let host = host_or_skip!();
    let _nsd = zone(&host);
    host.write("/etc/resolv.conf", "nameserver 127.0.53.1\n");
    let lists = host
        .instance("postfix-lists")
        .param(
            "transport_maps",
            "inline:{yahoo.example=smtp:[yahoo.smtp.example.org]}",
        )
        .param("smtp_dns_support_level", "enabled")
        .param("smtp_host_lookup", "dns")
        .start();
    lists.sendmail(&Mail::new("news@lists.example", "a@yahoo.example"));
    host.wait_for_log("to=<a@yahoo.example>");
    host.wait_for_log("dsn=5.4.4, status=bounced");
}
