//! Shares by MX and SRV records: the plan's lines in a zone, the map in the form that fits, and what a real Postfix
//! makes of both.

use serde_json::Value;
use testkit::dns::{Nsd, nsd};
use testkit::{Host, Instance, Mail, Sink, host_or_skip};

use crate::TOOL;

const TRANSPORT: &str = env!("CARGO_BIN_EXE_relay-transport");

/// Messages, of which the share is taken.
const MESSAGES: usize = 1200;

fn zone(lines: &[String]) -> String {
    let mut zone =
        "$ORIGIN example.org.\n@ 60 SOA ns h 1 60 60 60 60\n@ 60 NS ns\nns 60 A 127.0.53.1\n"
            .to_owned();
    for line in lines {
        zone.push_str(line);
        zone.push('\n');
    }
    zone
}

fn serve(host: &Host, lines: &[String]) -> Nsd {
    nsd(host, "127.0.53.1", &[("example.org", Some(&zone(lines)))])
}

/// The first level's lines of the zone, and its share.
fn plan(host: &Host, records: &str, more: &[&str]) -> (Vec<String>, f64) {
    let words = [
        "plan",
        "aol-c",
        "-n",
        "--records",
        records,
        "--relay-name",
        "aol.smtp.example.org",
    ];
    let old = ["--old", "127.0.61.1", "--old", "127.0.61.2"];
    let run = |format: &str| {
        let ran = host
            .command(TOOL)
            .env("TZ", "UTC")
            .args(words)
            .args(old)
            .args(more);
        ran.args(["--format", format]).run().ok().text()
    };
    let json: Value = serde_json::from_str(&run("json")).unwrap();
    // Whatever connections that are kept bring at once, no more is taken than leaves.
    let levels = json["levels"].as_array().unwrap();
    let number = |level: &Value, field: &str| level[field].as_f64().unwrap();
    for level in levels {
        let taken = number(level, "intake") * 86_400.0 / number(level, "intake_seconds");
        assert!(taken <= number(level, "lets_out"), "{level}");
        assert!(number(level, "brings") <= number(level, "cap"), "{level}");
    }
    let text = run("text");
    let lines = text
        .lines()
        .filter_map(|line| line.strip_prefix("# zone: "));
    (
        lines.map(str::to_owned).collect(),
        json["levels"][0]["share"].as_f64().unwrap(),
    )
}

/// relay-transport's lines for aol's domains, for a server that hands mail to the relays.
fn map(host: &Host, more: &[&str]) -> String {
    let words = ["print", "--domain", "example.org", "--provider", "aol"];
    host.command(TRANSPORT)
        .args(words)
        .args(more)
        .args(["--resolver", "127.0.53.1:53"])
        .run()
        .ok()
        .text()
}

/// How many of the messages each sink gets.
fn send(lists: &Instance, sinks: &[Sink]) -> Vec<usize> {
    sinks.iter().for_each(Sink::clear);
    lists.submit((0..MESSAGES).map(|n| Mail::new("news@example.org", &format!("u{n}@aol.com"))));
    let accepted = || sinks.iter().map(Sink::accepted).sum::<usize>();
    lists.wait_until(testkit::PATIENCE * 4, "all to arrive", || {
        accepted() == MESSAGES
    });
    sinks.iter().map(Sink::accepted).collect()
}

#[test]
fn mx_records_bring_the_share_that_is_planned() {
    let host = host_or_skip!();
    host.instance("postfix-aol-c")
        .address([127, 0, 61, 3].into())
        .create();
    let sinks = [1, 2, 3].map(|n| host.sink_at(([127, 0, 61, n], 2525)));
    host.write("/etc/resolv.conf", "nameserver 127.0.53.1\n");
    let lists = host
        .instance("postfix-lists")
        .param("transport_maps", "texthash:/etc/test-transport")
        .param("smtp_dns_support_level", "enabled")
        .param("smtp_host_lookup", "dns")
        .param("smtp_connection_cache_on_demand", "no")
        // A lookup that takes too long on a busy machine is tried again soon.
        .param("minimal_backoff_time", "3s")
        .param("queue_run_delay", "3s")
        .start();
    for (cap, total) in [("2000", "20000"), ("9000", "20000")] {
        let (lines, share) = plan(
            &host,
            "mx",
            &["--volume", "20000", "--first", cap, "--total", total],
        );
        let most = cap.parse::<f64>().unwrap() / total.parse::<f64>().unwrap();
        assert!(share <= most && share > most * 0.75, "{share} of {most}");
        let _nsd = serve(&host, &lines);
        let map = map(&host, &["--port", "2525"]);
        assert!(map.contains(" smtp:aol.smtp.example.org:2525\n"), "{map}");
        host.write("/etc/test-transport", &map);
        let got = send(&lists, &sinks);
        // Four standard deviations.
        let all = MESSAGES as f64;
        let (expected, spread) = (share * all, 4.0 * (share * (1.0 - share) * all).sqrt());
        assert!(
            (got[2] as f64 - expected).abs() < spread,
            "{got:?}, not {expected} of {MESSAGES}"
        );
        // The old ones among themselves: equal parts.
        let old = (got[0] + got[1]) as f64;
        assert!(
            (got[0] as f64 - old / 2.0).abs() < 2.0 * old.sqrt(),
            "{got:?}"
        );
        assert_eq!(lists.count("deferred"), 0);
    }
    // In brackets, the A records share, and the new one is not among them.
    let (lines, _) = plan(
        &host,
        "mx",
        &["--volume", "20000", "--first", "9000", "--total", "20000"],
    );
    let _nsd = serve(&host, &lines);
    let whole = map(&host, &["--port", "2525"]);
    let bracketed = whole.replace(
        "smtp:aol.smtp.example.org:2525",
        "smtp:[aol.smtp.example.org]:2525",
    );
    assert!(whole != bracketed, "{whole}");
    host.write("/etc/test-transport", &bracketed);
    lists.reload();
    let got = send(&lists, &sinks);
    assert_eq!(got[2], 0);
    // Which is what relay-transport says of it.
    let check = |status: i32| {
        let words = [
            "check",
            "--domain",
            "example.org",
            "--provider",
            "aol",
            "--format",
            "json",
            "lists",
        ];
        let ran = host
            .command(TRANSPORT)
            .args(words)
            .args(["--resolver", "127.0.53.1:53"])
            .run();
        let json: Value = serde_json::from_str(&ran.exit(status).text()).unwrap();
        json.to_string()
    };
    let said = "by MX records, which lines in brackets pass over";
    let found = check(1);
    assert!(found.contains(said), "{found}");
    host.write("/etc/test-transport", whole);
    lists.reload();
    let found = check(0);
    assert!(!found.contains(said), "{found}");
}

/// With connections that are kept, as Postfix has it, all arrives, and no address is left out; the shares are others.
#[test]
fn with_kept_connections_all_arrives() {
    let host = host_or_skip!();
    host.instance("postfix-aol-c")
        .address([127, 0, 61, 3].into())
        .create();
    let sinks = [1, 2, 3].map(|n| host.sink_at(([127, 0, 61, n], 2525)));
    host.write("/etc/resolv.conf", "nameserver 127.0.53.1\n");
    let (lines, _) = plan(
        &host,
        "mx",
        &["--volume", "20000", "--first", "9000", "--total", "20000"],
    );
    let _nsd = serve(&host, &lines);
    host.write("/etc/test-transport", map(&host, &["--port", "2525"]));
    let lists = host
        .instance("postfix-lists")
        .param("transport_maps", "texthash:/etc/test-transport")
        .param("smtp_dns_support_level", "enabled")
        .param("smtp_host_lookup", "dns")
        // A lookup that takes too long on a busy machine is tried again soon.
        .param("minimal_backoff_time", "3s")
        .param("queue_run_delay", "3s")
        .start();
    let got = send(&lists, &sinks);
    assert!(got.iter().all(|part| *part > 0), "{got:?}");
    // What the plan says of it, with Postfix's own defaults.
    let words = [
        "plan",
        "aol-c",
        "-n",
        "--records",
        "mx",
        "--volume",
        "20000",
    ];
    let words = [
        &words[..],
        &["--first", "9000", "--total", "20000", "--old", "127.0.61.1"],
    ];
    let ran = host.command(TOOL).args(words.concat()).run().ok();
    let text = crate::dns::records::unwrapped(&ran.text());
    let default = |name: &str| {
        let ran = host.command("postconf").args(["-dh", name]).run().ok();
        ran.text().trim().to_owned()
    };
    assert_eq!(default("smtp_connection_cache_on_demand"), "yes");
    let seconds = default("smtp_connection_reuse_time_limit");
    let said = format!(
        "a cached connection (smtp_connection_cache_on_demand, on by default) takes all mail for the name for up to \
         smtp_connection_reuse_time_limit ({}), so the share is kept over hours, not within minutes; with \
         smtp_connection_cache_on_demand = no on the sending hosts, an address is chosen for each message",
        seconds.replace('s', " s")
    );
    assert!(text.contains(&said), "{text}");
}

/// By SRV records, which Postfix asks for from 3.8 on; before, the mail goes to the old addresses alone.
#[test]
fn srv_records_bring_the_share_that_is_planned_where_they_are_asked_for() {
    let host = host_or_skip!();
    host.instance("postfix-aol-c")
        .address([127, 0, 61, 3].into())
        .create();
    let sinks = [1, 2, 3].map(|n| host.sink_at(([127, 0, 61, n], 25)));
    host.write("/etc/resolv.conf", "nameserver 127.0.53.1\n");
    let words = ["--volume", "20000", "--first", "6000", "--total", "20000"];
    let (lines, share) = plan(&host, "srv", &words);
    assert!(share <= 0.3 && share > 0.25, "{share}");
    let _nsd = serve(&host, &lines);
    let map = map(&host, &[]);
    assert!(map.contains(" smtp:aol.smtp.example.org\n"), "{map}");
    host.write("/etc/test-transport", &map);
    let lists = host
        .instance("postfix-lists")
        .param("transport_maps", "texthash:/etc/test-transport")
        .param("smtp_dns_support_level", "enabled")
        .param("smtp_host_lookup", "dns")
        .param("smtp_connection_cache_on_demand", "no")
        // A lookup that takes too long on a busy machine is tried again soon.
        .param("minimal_backoff_time", "3s")
        .param("queue_run_delay", "3s")
        .param("use_srv_lookup", "smtp")
        .param("allow_srv_lookup_fallback", "yes")
        .start();
    let check = |status: i32| {
        let words = ["check", "--domain", "example.org", "--provider", "aol"];
        let ran = host
            .command(TRANSPORT)
            .args(words)
            .args(["--format", "json", "--resolver", "127.0.53.1:53", "lists"])
            .run();
        ran.exit(status).text()
    };
    let said = "by SRV records, which this instance does not ask for";
    let found = check(0);
    assert!(!found.contains(said), "{found}");
    let got = send(&lists, &sinks);
    let version = host.command("postconf").args(["-dh", "mail_version"]).run();
    let version = version.ok().text();
    let mut numbers = version.trim().split('.').map(|n| n.parse::<u32>().unwrap());
    let asks = (numbers.next(), numbers.next()) >= (Some(3), Some(8));
    match asks {
        true => {
            let all = MESSAGES as f64;
            // Four standard deviations.
            let (expected, spread) = (share * all, 4.0 * (share * (1.0 - share) * all).sqrt());
            let new = got[2] as f64;
            assert!((new - expected).abs() < spread, "{got:?}, not {expected}");
        }
        false => assert_eq!(got[2], 0, "{version}"),
    }
    let old = (got[0] + got[1]) as f64;
    assert!(
        (got[0] as f64 - old / 2.0).abs() < 2.0 * old.sqrt(),
        "{got:?}"
    );
    // Beside exchangers of other mail the lines keep their brackets: who does not ask for SRV records would go there.
    drop(_nsd);
    let mut beside = lines.clone();
    beside.push("aol.smtp.example.org. 600 IN MX 10 mail.example.org.".to_owned());
    beside.push("mail.example.org. 600 IN A 127.0.61.9".to_owned());
    let others = serve(&host, &beside);
    let bracketed = crate::shares::map(&host, &[]);
    assert!(
        bracketed.contains(" smtp:[aol.smtp.example.org]\n"),
        "{bracketed}"
    );
    drop(others);
    let _nsd = serve(&host, &lines);
    // Who does not ask for them is told.
    host.write(
        "/etc/test-transport",
        map.replace("smtp:aol.smtp.example.org", "smtp:[aol.smtp.example.org]"),
    );
    lists.reload();
    let found = check(1);
    assert!(found.contains(said), "{found}");
}
