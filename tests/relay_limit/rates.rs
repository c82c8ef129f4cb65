//! An instance slowed down on real Postfix, and everything put back as it was.

use std::time::Duration;

use testkit::{Host, Instance, Mail, Sink, host_or_skip};

use crate::hosts::{in_hours, relay_limit};

const JOURNAL: &str = "/var/lib/relay-tools/limits/journal.jsonl";

fn relay(host: &Host, sink: &Sink) -> Instance {
    host.instance("postfix-aol-b")
        .relay_to(sink)
        .fast_retries()
        .param("smtp_destination_concurrency_limit", "7")
        .start()
}

/// What main.cf itself says.
fn own(aol_b: &Instance, name: &str) -> String {
    aol_b
        .command("postconf")
        .args(["-n", name])
        .run()
        .text()
        .trim()
        .to_owned()
}

#[test]
fn mail_leaves_at_the_rate_and_then_as_before() {
    let host = host_or_skip!();
    let sink = host.sink();
    let aol_b = relay(&host, &sink);
    let rate = |more: &[&str]| relay_limit(&host, &[&["rate", "aol-b", "1800/h"], more].concat());

    let planned = rate(&["--for", "2h", "--dry-run"]);
    assert_eq!(planned.code(), Some(0), "{planned}");
    assert!(planned.text().contains("a delivery every 2 s"), "{planned}");
    assert!(planned.text().contains("= 1 (now: 7)"), "{planned}");
    assert_eq!(own(&aol_b, "smtp_transport_rate_delay"), "");

    let ordered = rate(&["--for", "2h", "--yes", "--reason", "TSS04"]);
    assert_eq!(ordered.code(), Some(0), "{ordered}");
    assert!(ordered.text().contains("in force"), "{ordered}");
    assert_eq!(aol_b.postconf("smtp_transport_rate_delay"), "2s");
    let second = rate(&["--yes"]);
    assert_eq!(second.code(), Some(2), "{second}");
    assert!(second.errors().contains("slowed down already"), "{second}");

    let mail = |n| Mail::new("news@lists.example.org", &format!("r-{n}@aol.com"));
    aol_b.submit((0..5).map(mail));
    sink.wait_accepted(5);
    let mut times: Vec<_> = sink.deliveries().iter().map(|one| one.when).collect();
    times.sort();
    let took = times[4].duration_since(times[0]).unwrap();
    // Four delays of two seconds, of which a tick of the clock may take up to one each.
    assert!(took >= Duration::from_secs(4), "{took:?}");

    let listed = relay_limit(&host, &["list"]);
    assert!(
        listed.text().contains("slowed down to 1800/h, until "),
        "{listed}"
    );
    let check = relay_limit(&host, &["list", "--check"]);
    assert_eq!(check.code(), Some(0), "{check}");

    let early = relay_limit(&host, &["tick"]);
    assert_eq!(
        (early.code(), early.text().as_str()),
        (Some(0), ""),
        "{early}"
    );
    let tick = relay_limit(&host, &["tick", &in_hours(&host, 3)]);
    assert_eq!(tick.code(), Some(0), "{tick}");
    assert!(
        tick.text().contains("no longer slowed down to 1800/h"),
        "{tick}"
    );
    assert_eq!(own(&aol_b, "smtp_transport_rate_delay"), "");
    assert_eq!(
        own(&aol_b, "smtp_destination_concurrency_limit"),
        "smtp_destination_concurrency_limit = 7"
    );
    aol_b.submit((10..30).map(mail));
    sink.wait_accepted(25);
    assert_eq!(
        relay_limit(&host, &["list"]).text(),
        "nothing is in force\n"
    );
}

#[test]
fn what_somebody_has_changed_meanwhile_is_left_alone() {
    let host = host_or_skip!();
    let sink = host.sink();
    let aol_b = relay(&host, &sink);
    let ordered = relay_limit(&host, &["rate", "aol-b", "10/min", "--yes"]);
    assert_eq!(ordered.code(), Some(0), "{ordered}");
    // Without an end it is no fault that there is none.
    let check = relay_limit(&host, &["list", "--check"]);
    assert_eq!(check.code(), Some(0), "{check}");
    aol_b.set("smtp_transport_rate_delay", "9s");
    aol_b.reload();
    let check = relay_limit(&host, &["list", "--check"]);
    assert_eq!(check.code(), Some(2), "{check}");
    assert!(
        check.text().contains("smtp_transport_rate_delay is 9s"),
        "{check}"
    );
    // tick does not fight with an admin.
    relay_limit(&host, &["tick"]).ok();
    assert_eq!(aol_b.postconf("smtp_transport_rate_delay"), "9s");

    let lifted = relay_limit(&host, &["lift", "aol-b", "--yes"]);
    assert_eq!(lifted.code(), Some(0), "{lifted}");
    assert!(lifted.errors().contains("is left alone"), "{lifted}");
    assert_eq!(aol_b.postconf("smtp_transport_rate_delay"), "9s");
    assert_eq!(aol_b.postconf("smtp_destination_concurrency_limit"), "7");
    let history = relay_limit(&host, &["history"]);
    assert!(history.text().contains("9s in main.cf"), "{history}");
}

#[test]
fn killed_between_any_two_steps_tick_does_the_rest() {
    let host = host_or_skip!();
    let sink = host.sink();
    let aol_b = relay(&host, &sink);
    relay_limit(&host, &["rate", "aol-b", "600/h", "--for", "2h", "--yes"]).ok();
    let journal = String::from_utf8(host.read(JOURNAL)).unwrap();
    let begin = format!("{}\n", journal.lines().next().unwrap());
    assert!(begin.contains("\"begin\""), "{begin}");

    // Killed after the journal was written, before main.cf was.
    aol_b
        .command("postconf")
        .args(["-X", "smtp_transport_rate_delay"])
        .run()
        .ok();
    aol_b.reload();
    host.write(JOURNAL, &begin);
    let tick = relay_limit(&host, &["tick"]);
    assert_eq!(tick.code(), Some(0), "{tick}");
    assert_eq!(aol_b.postconf("smtp_transport_rate_delay"), "6s");
    let check = relay_limit(&host, &["list", "--check"]);
    assert_eq!(check.code(), Some(0), "{check}");

    // Killed after main.cf was written, before it was seen in force; and the end comes before the next tick.
    host.write(JOURNAL, &begin);
    let tick = relay_limit(&host, &["tick", &in_hours(&host, 3)]);
    assert_eq!(tick.code(), Some(0), "{tick}");
    assert_eq!(own(&aol_b, "smtp_transport_rate_delay"), "");
    assert_eq!(aol_b.postconf("smtp_destination_concurrency_limit"), "7");

    // Killed between putting back and writing down that it is.
    host.write(JOURNAL, &begin);
    let tick = relay_limit(&host, &["tick", &in_hours(&host, 3)]);
    assert_eq!(tick.code(), Some(0), "{tick}");
    assert_eq!(own(&aol_b, "smtp_transport_rate_delay"), "");
    assert_eq!(relay_limit(&host, &["tick"]).text(), "");
}
