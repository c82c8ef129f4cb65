//! A pause on real Postfix, from its order to its end: what arrives where, counted.

use std::time::Duration;

use testkit::{Mail, host_or_skip};

use crate::hosts::{Site, in_hours, pause_quickly, relay_limit};

const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn nothing_is_taken_while_it_holds_and_nothing_is_lost() {
    let site = Site::start(host_or_skip!());
    site.block_b();
    // Some are stuck at aol-b, which also makes smtpd and trivial-rewrite processes that are older than the pause.
    site.send("before", 40);
    site.host.wait_until(PATIENCE, "both to take mail", || {
        site.taken(&site.a) > 0
            && site.taken(&site.b) > 0
            && site.taken(&site.a) + site.taken(&site.b) >= 40
    });
    let stuck = 40 - site.served("before").len();

    let paused = site.limit(&[
        "pause",
        "aol-b",
        "--provider",
        "aol",
        "--for",
        "2h",
        "--reason",
        "TSS04",
        "--flush",
        "--yes",
    ]);
    assert_eq!(paused.code(), Some(0), "{paused}");
    assert!(
        paused
            .text()
            .contains("postfix-aol-b: paused, aol (43 domains), until "),
        "{paused}"
    );
    assert!(
        paused
            .text()
            .contains("smtpd at 127.0.0.12:25: 450 4.7.0 <"),
        "{paused}"
    );
    assert!(
        paused
            .errors()
            .contains("sibling    postfix-aol-a: takes mail"),
        "{paused}"
    );

    // By its own clock, in time.
    let history = site.limit(&["history", "--format", "json"]).text();
    let json: serde_json::Value = serde_json::from_str(&history).unwrap();
    let at = |what: &str| {
        let at = json["limits"][0][what].as_str().unwrap();
        chrono::DateTime::parse_from_rfc3339(at).unwrap()
    };
    let took = (at("in_force") - at("begun")).num_seconds();
    assert!((0..=46).contains(&took), "{took} s: {history}");

    let at_b = site.taken(&site.b);
    site.send("during", 100);
    site.host.wait_until(PATIENCE * 3, "all to arrive", || {
        site.served("during").len() == 100
    });
    for (recipient, by) in site.served("during") {
        assert_eq!(by, ["127.0.0.11"], "{recipient}");
    }
    assert_eq!(
        site.taken(&site.b),
        at_b,
        "taken by aol-b in spite of the pause"
    );

    // What waits there is kept with our reason.
    site.host
        .wait_for_log("status=deferred (paused by relay-limit until ");

    site.provider.on_rcpt(|_| testkit::Answer::ok());
    let listed = site.limit(&["list", "--check"]);
    assert_eq!(listed.code(), Some(0), "{listed}");
    assert!(
        listed.text().starts_with("OK: in force: aol-b-"),
        "{listed}"
    );
    let early = site.limit(&["tick"]);
    assert_eq!(
        (early.code(), early.text().as_str()),
        (Some(0), ""),
        "{early}"
    );
    let tick = site.limit(&["tick", &in_hours(&site.host, 3)]);
    assert_eq!(tick.code(), Some(0), "{tick}");
    assert!(
        tick.text().contains("ended in time: mail is taken again"),
        "{tick}"
    );
    site.host
        .wait_until(PATIENCE, "what was stuck to arrive", || {
            site.served("before").len() == 40
        });
    assert!(stuck > 0);

    site.send("after", 60);
    site.host.wait_until(PATIENCE * 3, "all to arrive", || {
        site.served("after").len() == 60
    });
    let mut ways: Vec<String> = site.served("after").into_values().flatten().collect();
    ways.sort();
    ways.dedup();
    assert_eq!(ways, ["127.0.0.11", "127.0.0.12"]);
    for prefix in ["before", "during", "after"] {
        assert!(
            site.served(prefix).values().all(|by| by.len() == 1),
            "delivered twice"
        );
    }
}

#[test]
fn the_other_tools_say_what_is_paused() {
    let host = host_or_skip!();
    let sink = host.sink();
    // What waits is not tried again by itself, and is always where it is looked for.
    let relay = |name: &str| host.instance(name).relay_to(&sink).start();
    let aol_a = relay("postfix-aol-a");
    let aol_b = relay("postfix-aol-b");
    relay_limit(&host, &["setup", "aol-*", "--apply"]).ok();
    // One that waits at aol-b, and one that waits at aol-a.
    sink.on_rcpt(|_| testkit::Answer::later());
    for instance in [&aol_a, &aol_b] {
        instance.submit([Mail::new("news@lists.example.org", "joe@aol.com")]);
        instance.wait_for("deferred", 1);
    }
    relay_limit(&host, &pause_quickly("aol-b", "aol.com")).ok();
    aol_b.flush();
    host.wait_for_log("status=deferred (paused by relay-limit until ");

    for (tool, args) in [
        (env!("CARGO_BIN_EXE_queue-report"), &["aol-b"][..]),
        (env!("CARGO_BIN_EXE_mailq-distribution"), &[]),
        (env!("CARGO_BIN_EXE_relay-instances"), &["aol-b"]),
        (
            env!("CARGO_BIN_EXE_queue-move"),
            &["aol-a", "aol-b", "--dry-run"],
        ),
    ] {
        let ran = host.command(tool).args(args).run();
        let said = ran.text() + &ran.errors();
        assert!(said.contains("postfix-aol-b is paused, aol.com"), "{ran}");
    }
    for (tool, args) in [
        (env!("CARGO_BIN_EXE_queue-report"), &["aol-*"][..]),
        (env!("CARGO_BIN_EXE_mailq-distribution"), &["aol-*"]),
        (env!("CARGO_BIN_EXE_relay-instances"), &["aol-*"]),
    ] {
        let json = host
            .command(tool)
            .args(args)
            .args(["--format", "json"])
            .run();
        let json: serde_json::Value = serde_json::from_str(&json.text()).unwrap();
        for one in json["instances"].as_array().unwrap() {
            let limits = one["limits"].as_array().unwrap();
            let is_paused = one["instance"] == "postfix-aol-b";
            assert_eq!(limits.len(), usize::from(is_paused), "{tool} {one}");
            if is_paused {
                assert_eq!(limits[0]["kind"], "pause");
                assert_eq!(limits[0]["what"], "paused, aol.com");
                assert!(limits[0]["until"].is_string(), "{one}");
            }
        }
    }
    for tool in [
        env!("CARGO_BIN_EXE_mailq-distribution"),
        env!("CARGO_BIN_EXE_relay-instances"),
    ] {
        let table = host.command(tool).args(["--format", "table"]).run().text();
        let row = |name: &str| table.lines().find(|line| line.contains(name)).unwrap();
        assert!(row("postfix-aol-b").contains("paused"), "{table}");
        assert!(!row("postfix-aol-a").contains("paused"), "{table}");
        assert!(table.contains("limits"), "{table}");
    }
    let stats = env!("CARGO_BIN_EXE_mail-stats-print");
    let reasons = host
        .command(stats)
        .args(["aol-b", "--by", "reason", "--format", "json"])
        .run();
    let json: serde_json::Value = serde_json::from_str(&reasons.text()).unwrap();
    let rows = json["instances"][0]["by"]["reason"].as_array().unwrap();
    let paused = rows.iter().find(|row| row["key"] == "paused").unwrap();
    assert!(paused["deferred"].as_u64() >= Some(1), "{reasons}");
    let gauges = relay_limit(&host, &["list", "--format", "prom"]);
    assert!(
        gauges
            .text()
            .contains("relay_mail_limits{postfix_instance=\"postfix-aol-b\",kind=\"pause\"} 1\n"),
        "{gauges}"
    );

    // Only what says so is a pause of ours, whatever is paused beside.
    let route = |route: &str| {
        aol_b.set(
            "transport_maps",
            &format!("inline:{{ {{aol.com={route}}} }}"),
        );
        aol_b.reload();
        let args = ["aol-a", "aol-b", "--dry-run"];
        let ran = host.command(env!("CARGO_BIN_EXE_queue-move")).args(args);
        let said = ran.run().errors().replace('\n', " ");
        let why = format!("without a try: {route}");
        let at = said.find(&why).map(|at| at + why.len());
        said[at.unwrap_or_else(|| panic!("{route}: {said}"))..].to_owned()
    };
    let hint = "see to transport_maps and default_transport of postfix-aol-b";
    let by_hand = route("retry:4.0.0 later");
    assert!(by_hand.contains(hint), "{by_hand}");
    let ours = route("retry:4.7.0 paused by relay-limit until noon");
    assert!(
        !ours.contains(hint) && ours.contains("relay-limit lift aol-b-"),
        "{ours}"
    );
}
