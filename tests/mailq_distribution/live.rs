//! mailq-distribution beside real Postfix: its queues, its qshape, its permissions.

use std::collections::BTreeMap;

use crate::TOOL;
use serde_json::Value;
use testkit::{Answer, Cmd, Host, Instance, Mail, Sink, host_or_skip};

fn tool(host: &Host) -> Cmd {
    host.command(TOOL).env("TZ", "UTC")
}

fn json(host: &Host, args: &[&str]) -> Value {
    let ran = tool(host).args(["--format", "json"]).args(args).run().ok();
    assert_eq!(ran.errors(), "");
    serde_json::from_str(&ran.text()).unwrap()
}

/// Mail for `later@` is put off, other mail accepted. The default instance is never started, but has a spool.
fn sink(host: &Host) -> Sink {
    host.default_instance().create();
    let sink = host.sink();
    sink.on_rcpt(|rcpt| match rcpt.recipient.starts_with("later") {
        true => Answer::later(),
        false => Answer::ok(),
    });
    sink
}

fn defer(instance: &Instance, mails: Vec<Mail>) {
    let count = mails.len();
    instance.submit(mails);
    instance.wait_for("deferred", count);
    instance.wait_idle();
}

/// What qshape shows of some queues: a row a domain, of the total and ten ages.
fn qshape(instance: &Instance, args: &[&str]) -> BTreeMap<String, Vec<u64>> {
    let text = instance
        .command("qshape")
        .args(["-w", "200"])
        .args(args)
        .run()
        .ok()
        .text();
    let mut rows = BTreeMap::new();
    for line in text.lines().skip(1) {
        let mut words = line.split_whitespace();
        let name = words.next().unwrap().to_owned();
        rows.insert(name, words.map(|n| n.parse().unwrap()).collect());
    }
    rows
}

/// The same from our JSON.
fn ours(found: &Value, by: &str) -> BTreeMap<String, Vec<u64>> {
    let mut rows = BTreeMap::new();
    let mut total = vec![0; 11];
    for row in found["total"]["by"][by].as_array().unwrap() {
        let ages = [
            "5", "10", "20", "40", "80", "160", "320", "640", "1280", "1280+",
        ];
        let mut counts = vec![row["total"].as_u64().unwrap()];
        counts.extend(ages.map(|age| row["ages"][age].as_u64().unwrap()));
        for (sum, n) in total.iter_mut().zip(&counts) {
            *sum += n;
        }
        let key = match row["key"].as_str().unwrap() {
            // So does qshape name the sender of bounces.
            "<>" => "MAILER-DAEMON",
            key => key,
        };
        rows.insert(key.to_owned(), counts);
    }
    rows.insert("TOTAL".to_owned(), total);
    rows
}

#[test]
fn breakdowns_agree_with_qshape() {
    let host = host_or_skip!();
    let sink = sink(&host);
    let aol = host.instance("postfix-aol-a").relay_to(&sink).start();
    let mut mails = vec![
        Mail::new("", "later1@aol.com"),
        Mail::new("news@Example.ORG", "later2@AOL.com").to("later3@aol.com"),
        // One has got it, two wait.
        Mail::new("news@example.org", "sent@example.com")
            .to("later4@example.com")
            .to("later5@msn.com"),
    ];
    mails.extend((0..7).map(|n| {
        let many = (0..n).map(|k| format!("later{n}-{k}@d{k}.example"));
        Mail::new(
            &format!("s@from{n}.example"),
            &format!("later{n}@example.net"),
        )
        .to_all(many)
    }));
    defer(&aol, mails);
    aol.postsuper(["-h", &aol.ids("deferred")[0]]);
    let queues = ["maildrop", "incoming", "active", "deferred", "hold"];
    // Ages of two looks a moment apart differ only if one falls on a line: then a second look will not.
    let mut tries = 0;
    loop {
        let found = json(&host, &["aol-a", "--by", "domain,age,sender-domain"]);
        let theirs = qshape(&aol, &queues);
        let senders = qshape(&aol, &[&["-s"], &queues[..]].concat());
        let agree = ours(&found, "domain") == theirs && ours(&found, "sender-domain") == senders;
        tries += 1;
        if agree || tries == 3 {
            assert_eq!(ours(&found, "domain"), theirs);
            assert_eq!(ours(&found, "sender-domain"), senders);
            assert_eq!(theirs["TOTAL"][0], 4 + 2 + 1 - 2 + 7 + 21);
            assert_eq!(found["total"]["hold"], 1);
            return;
        }
    }
}

#[test]
fn ages_agree_with_qshape() {
    let host = host_or_skip!();
    let sink = sink(&host);
    let aol = host.instance("postfix-aol-a").relay_to(&sink).start();
    let count = 12;
    defer(
        &aol,
        (0..count)
            .map(|n| Mail::new("a@example.org", &format!("later{n}@example.com")))
            .collect(),
    );
    // Backdates the arrival records in place; their lengths stay.
    let minutes = [1, 7, 15, 30, 60, 100, 200, 400, 1000, 2000, 4, 3000];
    for (path, minutes) in aol.files("deferred").iter().zip(minutes) {
        let script = format!(
            "t=$(date +%s); perl -pi -e 's/^(.*?T.)\\d{{10}} /$1 . ('$t' - {minutes} * 60 - 30) . \" \"/se' {}; chmod \
             700 {}",
            path.display(),
            path.display()
        );
        host.sh(&script);
    }
    let theirs = qshape(&aol, &["-s", "deferred"]);
    assert_eq!(theirs["TOTAL"], [12, 2, 1, 1, 1, 1, 1, 1, 1, 1, 2]);
    let found = json(&host, &["--by", "age", "aol-a"]);
    let rows = found["total"]["by"]["age"].as_array().unwrap();
    let counts: Vec<u64> = rows
        .iter()
        .map(|row| row["total"].as_u64().unwrap())
        .collect();
    assert_eq!(counts, theirs["TOTAL"][1..]);
    let oldest = found["total"]["oldest_age_seconds"].as_u64().unwrap();
    assert!((180_030..180_130).contains(&oldest), "{oldest}");
}

#[test]
fn counts_are_right_while_mail_is_delivered() {
    let host = host_or_skip!();
    let sink = sink(&host);
    let aol = host.instance("postfix-aol-a").relay_to(&sink).start();
    let msn = host
        .instance("postfix-msn-a")
        .relay_to(&sink)
        .fast_retries()
        .start();
    defer(
        &aol,
        (0..20)
            .map(|n| Mail::new("a@example.org", &format!("later{n}@example.com")))
            .collect(),
    );
    aol.postsuper(["-h", "ALL"]);
    std::thread::scope(|scope| {
        let busy = scope.spawn(|| {
            for _ in 0..3 {
                aol.smtp_source(300, 2000, "b@example.org", "user@example.com");
                msn.smtp_source(20, 2000, "b@example.org", "later@example.com");
            }
        });
        let mut looks = 0;
        while !busy.is_finished() || looks < 10 {
            for flags in [&["--counts-only"][..], &["--by", "domain"], &[]] {
                // Any problem told, and any exit status but 0, fails here.
                let found = json(&host, flags);
                let instances = found["instances"].as_array().unwrap();
                let aol = instances
                    .iter()
                    .find(|i| i["instance"] == "postfix-aol-a")
                    .unwrap();
                assert_eq!(aol["hold"], 20, "{found}");
                assert_eq!(aol["deferred"], 0, "{found}");
                looks += 1;
            }
        }
        busy.join().unwrap();
    });
    aol.wait_idle();
    let find = |queue: &str| -> usize {
        let dir = aol.queue_dir().join(queue);
        let found = host.sh(&format!("find {} -type f | wc -l", dir.display()));
        found.text().trim().parse().unwrap()
    };
    let found = json(&host, &["aol-a"]);
    for queue in [
        "maildrop", "incoming", "active", "deferred", "hold", "corrupt",
    ] {
        assert_eq!(found["total"][queue], find(queue), "{queue}");
    }
    // 900 were accepted: none of them is left.
    assert_eq!(found["total"]["total"], 20);
}

#[test]
fn who_may_not_read_the_spool_gets_a_hint() {
    let host = host_or_skip!();
    let sink = sink(&host);
    let aol = host.instance("postfix-aol-a").relay_to(&sink).start();
    defer(&aol, vec![Mail::new("a@example.org", "later@example.com")]);
    // Where everyone may execute it: the build directory may be root's alone.
    host.sh(&format!("install -m 755 {TOOL} /run/mailq-distribution"));
    for flags in [&[][..], &["--counts-only"], &["aol-a", "--format", "json"]] {
        let ran = host
            .command("/run/mailq-distribution")
            .args(flags)
            .user("nobody")
            .run()
            .exit(2);
        assert_eq!(ran.text(), "");
        let told = ran.errors();
        let (what, hint) = told.split_once('\n').unwrap();
        assert!(what.contains("permission denied"), "{told}");
        assert_eq!(hint, "hint: run it with sudo\n");
    }
    let ran = host
        .command("/run/mailq-distribution")
        .arg("--check")
        .user("nobody")
        .run()
        .exit(3);
    assert!(
        ran.text().starts_with("UNKNOWN: ") && ran.text().contains("permission denied"),
        "{ran}"
    );
}

#[test]
fn counts_only_opens_no_file() {
    let host = host_or_skip!();
    let sink = sink(&host);
    let aol = host
        .instance("postfix-aol-a")
        .relay_to(&sink)
        .without_service("pickup", "unix")
        .start();
    defer(
        &aol,
        (0..5)
            .map(|n| Mail::new("a@example.org", &format!("later{n}@example.com")))
            .collect(),
    );
    aol.sendmail(&Mail::new("a@example.org", "later@example.com"));
    assert_eq!(aol.count("maildrop"), 1);
    let opened = |flags: &[&str]| -> Vec<String> {
        let strace = host.command("strace").args([
            "-f",
            "-qq",
            "-e",
            "trace=open,openat,openat2",
            "-o",
            "/run/trace",
            TOOL,
        ]);
        let ran = strace.args(flags).run().ok();
        assert!(ran.text().contains("postfix-aol-a"), "{ran}");
        let trace = String::from_utf8(host.read("/run/trace")).unwrap();
        let ids = [aol.ids("deferred"), aol.ids("maildrop")].concat();
        ids.into_iter().filter(|id| trace.contains(id)).collect()
    };
    assert_eq!(opened(&["--counts-only"]), [""; 0]);
    // The other way round, so that it is known what the trace would show.
    assert_eq!(opened(&[]).len(), 6);
    let found = json(&host, &["--counts-only", "aol-a"]);
    assert_eq!(
        (&found["total"]["maildrop"], &found["total"]["deferred"]),
        (&1.into(), &5.into())
    );
}
