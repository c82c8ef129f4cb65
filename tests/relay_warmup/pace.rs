//! What relay-warmup plan prints, run by a shell on real instances: it comes into force, and holds.

use std::time::{Duration, SystemTime};

use crate::TOOL;
use serde_json::Value;
use testkit::{Answer, Cmd, Host, Instance, Mail, Sink, host_or_skip};

fn tool(host: &Host) -> Cmd {
    host.command(TOOL).env("TZ", "UTC")
}

/// What a plan prints for a shell, run by one: postconf then says what the plan's JSON does.
#[test]
fn the_settings_of_a_plan_come_into_force() {
    let host = host_or_skip!();
    let a = host
        .instance("postfix-aol-a")
        .address([192, 0, 2, 41].into())
        .start();
    let plan = |args: &[&str]| {
        tool(&host)
            .args(["plan", "aol-a", "--old", "192.0.2.9", "-n"])
            .args(args)
            .run()
            .ok()
    };
    for (volume, process_limit) in [("200/day", "-"), ("12800/day", "-"), ("400000/day", "4")] {
        let args = ["--volume", volume, "--first", volume];
        let json: Value =
            serde_json::from_slice(&plan(&[&args[..], &["--format", "json"]].concat()).stdout)
                .unwrap();
        let script = plan(&[&args[..], &["--format", "text"]].concat()).text();
        host.sh(&script);
        let settings = json["levels"][0]["settings"].as_object().unwrap();
        assert!(settings.len() > 5, "{settings:?}");
        for (name, value) in settings {
            assert_eq!(a.postconf(name), value.as_str().unwrap(), "{name}");
        }
        let limit = a
            .command("postconf")
            .args(["-F", "-h", "smtp/unix/process_limit"]);
        assert_eq!(limit.run().ok().text().trim(), process_limit, "{volume}");
        assert!(a.is_running());
    }
    // 400,000 of a second each: four processes are 345,600, five would be more than the cap.
    assert_eq!(a.postconf("smtpd_client_event_limit_exceptions"), "");
    let ran = tool(&host)
        .args(["check", "--format", "text", "aol-a"])
        .args(["--resolver", "127.0.53.99"])
        .run()
        .text();
    assert!(
        ran.contains("\npostfix-aol-a:rate-delay:fail:smtp_transport_rate_delay: none"),
        "{ran}"
    );
    assert!(
        ran.contains(
            "\npostfix-aol-a:concurrency:pass:smtp_destination_concurrency_limit: 4 at a time"
        ),
        "{ran}"
    );
}

/// Seconds from the first to the last delivery of `count` messages, one after the other to each of the domains.
fn spread(instance: &Instance, sinks: &[Sink], count: usize) -> Duration {
    sinks.iter().for_each(Sink::clear);
    let to = |n: usize| format!("u{n}@d{}.example", n % sinks.len());
    instance.submit((0..count).map(|n| Mail::new("news@example.org", &to(n))));
    let accepted = || sinks.iter().map(Sink::accepted).sum::<usize>();
    instance.wait_until(testkit::PATIENCE, "all to be delivered", || {
        accepted() == count
    });
    let times: Vec<SystemTime> = sinks
        .iter()
        .flat_map(|sink| sink.deliveries())
        .map(|delivery| delivery.when)
        .collect();
    let (first, last) = (times.iter().min().unwrap(), times.iter().max().unwrap());
    last.duration_since(*first).unwrap()
}

/// Sinks, and an instance that delivers to each of them a domain of its own.
fn with_sinks(host: &Host) -> (Vec<Sink>, Instance) {
    let sinks: Vec<Sink> = (0..3).map(|_| host.sink()).collect();
    let map: String = sinks
        .iter()
        .enumerate()
        .map(|(n, sink)| format!("d{n}.example smtp:{}\n", sink.nexthop()))
        .collect();
    host.write("/etc/test-transport", map);
    let instance = host
        .instance("postfix-aol-a")
        .param("transport_maps", "texthash:/etc/test-transport")
        .start();
    (sinks, instance)
}

/// The arithmetic of the settings, on a real queue manager: a transport's delay holds all domains together, a
/// destination's each of them, and with both a delivery waits twice.
#[test]
fn a_transport_delay_holds_all_domains_together() {
    let host = host_or_skip!();
    let (sinks, a) = with_sinks(&host);
    // 86,400 a day are one a second.
    let script = tool(&host)
        .args([
            "plan",
            "aol-a",
            "-n",
            "--volume",
            "86400/day",
            "--first",
            "86400",
        ])
        .args(["--old", "192.0.2.9", "--format", "text"])
        .run()
        .ok()
        .text();
    assert!(
        script.contains("smtp_transport_rate_delay = 1s"),
        "{script}"
    );
    host.sh(&script);
    // The queue manager's clock ticks in seconds, so the first interval may be a short one.
    let planned = spread(&a, &sinks, 7);
    assert!(planned >= Duration::from_millis(4900), "{planned:?}");
    let single = spread(&a, &sinks[..1], 5);
    assert!(single >= Duration::from_millis(2900), "{single:?}");

    a.set("smtp_destination_rate_delay", "1s");
    a.reload();
    let both = spread(&a, &sinks[..1], 5);
    assert!(
        both >= single + Duration::from_millis(1900),
        "{both:?} {single:?}"
    );

    a.set("smtp_transport_rate_delay", "0");
    a.reload();
    let each = spread(&a, &sinks, 7);
    assert!(
        each + Duration::from_millis(1900) < planned,
        "{each:?} {planned:?}"
    );
}

/// A transport that has a delay delivers one message at a time, whatever its concurrency and its processes: the delay
/// begins when a delivery has ended. So there is no pace between those of whole seconds.
#[test]
fn a_transport_delay_begins_when_a_delivery_has_ended() {
    let host = host_or_skip!();
    let (sinks, a) = with_sinks(&host);
    for sink in &sinks {
        sink.on_data(|_| Answer::ok().after(Duration::from_millis(1200)));
    }
    a.set("smtp_transport_rate_delay", "1s");
    a.set("smtp_destination_concurrency_limit", "5");
    a.reload();
    // Begun a second apart, these would take four seconds.
    let spread = spread(&a, &sinks, 5);
    assert!(spread >= Duration::from_millis(6500), "{spread:?}");
}
