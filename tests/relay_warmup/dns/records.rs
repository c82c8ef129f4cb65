//! The records that send mail to a new address, and what of it they send at each level.

use super::*;

/// The levels of a plan: cap, old records, share.
fn levels(json: &Value) -> Vec<(u64, u64, f64)> {
    let of = |level: &Value| {
        (
            level["cap"].as_u64().unwrap(),
            level["old_records"].as_u64().unwrap(),
            level["share"].as_f64().unwrap(),
        )
    };
    json["levels"].as_array().unwrap().iter().map(of).collect()
}

/// A text, whatever its lines are.
pub(crate) fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_records_that_bring_the_mail() {
    let host = host_or_skip!();
    let nsd = server(&host);
    instance(&host, "good", [192, 0, 2, 41]);
    instance(&host, "listed", [192, 0, 2, 50]);
    host.instance("postfix-strange")
        .address([192, 0, 2, 77].into())
        .create();
    let json = |words: &[&str], status: i32| -> Value {
        let words = [&["plan", "-n", "--replace-old", "--format", "json"], words].concat();
        let ran = tool(&host, &nsd, &words).run().exit(status);
        serde_json::from_slice(&ran.stdout).unwrap()
    };
    // Three in the zone, and the new one; or the new one is one of the three.
    let plan = json(
        &["aol-listed", "--volume", "800/day", "--total", "800/day"],
        0,
    );
    assert_eq!(plan["relay_name"]["name"], "aol.smtp.example.org");
    assert_eq!(plan["relay_name"]["ttl"], 600);
    let old = ["192.0.2.41", "192.0.2.46", "192.0.2.47"];
    assert_eq!(plan["relay_name"]["old"], serde_json::json!(old));
    // 800 / 4 = 200, 800 / 2 = 400, all 800.
    assert_eq!(
        levels(&plan),
        [(200, 3, 0.25), (400, 1, 0.5), (800, 0, 1.0)]
    );
    // The old ones are kept, but for --replace-old.
    let words = [
        "plan",
        "-n",
        "aol-listed",
        "--volume",
        "800",
        "--total",
        "800",
    ];
    let of = |more: &[&str]| {
        tool(&host, &nsd, &[&words[..], more].concat())
            .run()
            .ok()
            .text()
    };
    let plan: Value = serde_json::from_str(&of(&["--format", "json"])).unwrap();
    assert_eq!(
        levels(&plan),
        [(200, 3, 0.25), (400, 3, 0.25), (800, 3, 0.25)]
    );
    // A day is 24 hours: one in each.
    let text = of(&["--first", "30"]);
    let text = unwrapped(&text);
    let said = "; so beyond 1 recipient an hour this instance answers 450, and";
    assert!(text.contains(said), "{text}");
    let plan = json(&["aol-good", "--volume", "800/day"], 0);
    assert_eq!(
        plan["relay_name"]["old"],
        serde_json::json!(["192.0.2.46", "192.0.2.47"])
    );
    // As if each were to send 800 of 2400 in the end: that is a third, from the first day on.
    assert_eq!(plan["total"], 2400);
    assert!(levels(&plan).iter().all(|(_, old, _)| *old == 2));

    let words = [
        "plan",
        "-n",
        "--format",
        "csv",
        "--replace-old",
        "aol-good",
        "--volume",
        "400",
        "--start",
        "2026-12-31",
    ];
    let csv = tool(&host, &nsd, &words).run().ok().text();
    let rows: Vec<&str> = csv.lines().collect();
    assert_eq!(rows.len(), 7, "{csv}");
    assert_eq!(rows[0].split(',').count(), 12);
    // Two old ones: a third of 1200. 86400 / 400 = 216.
    assert_eq!(
        rows[4],
        "postfix-aol-good,4,2027-01-03,2,400,216,1,398,2,1,0.3333,400"
    );

    // The lines are a zone's: a server of that zone has what the plan says.
    let words = [
        "plan",
        "-n",
        "--format",
        "text",
        "--replace-old",
        "aol-listed",
        "--volume",
        "800",
        "--total",
        "800",
        "--first",
        "400",
    ];
    let text = tool(&host, &nsd, &words).run().ok().text();
    let lines = text
        .lines()
        .filter_map(|line| line.strip_prefix("# zone: "));
    let zone: String = lines.map(|line| format!("{line}\n")).collect();
    assert_eq!(zone.lines().count(), 4, "{zone}");
    let zone = format!(
        "$ORIGIN example.org.\n@ 60 SOA ns h 1 60 60 60 60\n@ 60 NS ns\nns 60 A 127.0.53.3\n{zone}"
    );
    let changed = self::nsd(&host, "127.0.53.3", &[("example.org", Some(&zone))]);
    let words = [
        "plan",
        "-n",
        "--format",
        "json",
        "aol-listed",
        "--volume",
        "800",
    ];
    let ran = tool(&host, &changed, &words).run().ok();
    let plan: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(plan["relay_name"]["old"], serde_json::json!(["192.0.2.41"]));
    assert_eq!(plan["relay_name"]["ttl"], 600);

    // The DNS says nothing: this host's other instances of the provider stand in, and the exit status tells.
    let words = [
        "plan",
        "-n",
        "aol-listed",
        "--volume",
        "800",
        "--domain",
        "broken.example",
        "--format",
        "json",
    ];
    let ran = tool(&host, &nsd, &words).run().exit(1);
    assert!(
        ran.errors().contains(
            "aol.smtp.broken.example: the server answered SERVFAIL; assuming that it lists the 1 \
            address"
        ),
        "{ran}"
    );
    let plan: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(plan["relay_name"]["old"], serde_json::json!(["192.0.2.41"]));
    // A name that is not there yet lists nobody.
    let plan = json(
        &[
            "aol-listed",
            "--volume",
            "800",
            "--relay-name",
            "new.smtp.example.org",
        ],
        0,
    );
    assert_eq!(plan["relay_name"]["old"], serde_json::json!([]));
    assert_eq!(plan["relay_name"]["ttl"], 600);

    // Named for no provider: no records, and it says so.
    let words = ["plan", "-n", "strange", "--volume", "800"];
    let ran = tool(&host, &nsd, &words).run().ok();
    assert!(
        ran.errors()
            .contains("postfix-strange is not named for a provider"),
        "{ran}"
    );
    assert!(!ran.text().contains("the zone"), "{ran}");
}

/// Without a relay name nothing else takes what is refused. A day has 86,400 seconds.
#[test]
fn what_cannot_be_held_is_said_and_by_how_much() {
    let host = host_or_skip!();
    host.instance("postfix-strange")
        .address([192, 0, 2, 77].into())
        .create();
    let run = |words: &[&str]| {
        let ran = host.command(TOOL).env("TZ", "UTC").args(words).run();
        ran.ok().text()
    };
    let plan = |more: &[&str]| -> Vec<u64> {
        let words = ["plan", "strange", "--replace", "--format", "json"];
        let json: Value = serde_json::from_str(&run(&[&words[..], more].concat())).unwrap();
        let levels = json["levels"].as_array().unwrap().iter();
        levels
            .map(|level| level["lets_out"].as_u64().unwrap())
            .collect()
    };
    let notes = |day: &str| unwrapped(&run(&["show", "strange", "--day", day]));
    plan(&["--volume", "50000", "--first", "40000"]);
    assert!(!notes("1").contains("cannot be limited"));
    let second = notes("7");
    assert!(
        second.contains("'smtp_transport_rate_delay = 1s'"),
        "{second}"
    );
    let said = "it cannot be limited to 50000 a day: no setting comes close to that, and without a relay name nothing \
                else would take what is refused; up to 86400 a day may leave, 36400 too many";
    assert!(second.contains(said), "{second}");
    // Deliveries of five seconds: one process is 17,280 a day, two are twice that, and the step is one of a half.
    let five = [
        "--volume",
        "90000",
        "--first",
        "20000",
        "--delivery-time",
        "5",
    ];
    let lets_out = plan(&five);
    assert!(lets_out.is_sorted_by(|a, b| a < b), "{lets_out:?}");
    let third = notes("7");
    assert!(third.contains("-F 'smtp/unix/process_limit=2'"), "{third}");
    let said = "this step is larger than the schedule's: no setting lies between the level before and this one, of \
                which up to 34560 a day may leave";
    assert!(third.contains(said), "{third}");
}
