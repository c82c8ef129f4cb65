//! What relay-warmup plan prints, run by a shell on real instances: it comes into force, and holds.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
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

/// How many of twelve connections at once are refused.
fn refused(instance: &Instance) -> usize {
    let address = instance.address();
    instance.host().enter(|| {
        let connect = |_| BufReader::new(TcpStream::connect(address).unwrap());
        let mut all: Vec<BufReader<TcpStream>> = (0..12).map(connect).collect();
        let mut refused = 0;
        for stream in &mut all {
            let mut greeting = String::new();
            stream.read_line(&mut greeting).unwrap();
            assert!(greeting.starts_with("220 ") || greeting.starts_with("421 "));
            refused += usize::from(greeting.starts_with("421 "));
        }
        refused
    })
}

/// What a plan says of the limits of others is what becomes of them: connections from mynetworks, which were excepted.
#[test]
fn connections_that_were_excepted_are_refused_only_where_it_is_said() {
    let host = host_or_skip!();
    // Each has an anvil of its own, which has counted nobody yet; and nothing but a plan's commands makes it reload.
    let instance = |name: &str, limit: &str| host.instance(name).param(limit, "5");
    let count = "smtpd_client_connection_count_limit";
    let rate = "smtpd_client_connection_rate_limit";
    let plan = |instance: &Instance, first: &str| {
        let words = ["plan", instance.name(), "-n", "--old", "192.0.2.9"];
        let more = ["--volume", "86400", "--first", first];
        let run = |format: &str| {
            let all = tool(&host).args(words).args(more);
            all.args(["--format", format]).run().ok().text()
        };
        let said = crate::dns::records::unwrapped(&run("table"));
        let before = instance.processes();
        host.sh(&run("text")).ok();
        // One that waits for work has the limits of before.
        instance.wait_until(testkit::PATIENCE, "each smtpd to be new", || {
            let old = before.iter().filter(|(_, name)| name == "smtpd");
            let now = instance.processes();
            old.into_iter().all(|process| !now.contains(process))
        });
        said
    };
    let excepted = instance("postfix-aol-a", count).start();
    assert_eq!(refused(&excepted), 0);
    let exceptions = "smtpd_client_event_limit_exceptions";
    let bare = instance("postfix-aol-b", count).param(exceptions, "");
    assert_eq!(refused(&bare.start()), 7);

    let counted = instance("postfix-aol-c", count).start();
    let text = plan(&counted, "72");
    let excepted = counted
        .command("postconf")
        .args(["-xh", exceptions])
        .run()
        .ok()
        .text();
    let said = format!(
        "{} is no longer excepted from the limits of anvil(8)",
        excepted.trim()
    );
    assert!(text.contains(&said), "{said}: {text}");
    let said = format!("{count}, now 5, is raised to 100 so that it does not refuse them");
    assert!(text.contains(&said), "{text}");
    assert_eq!(counted.postconf("anvil_rate_time_unit"), "1h");
    assert_eq!(refused(&counted), 0);

    // Five a minute are 300 an hour.
    let rated = instance("postfix-aol-d", rate).start();
    let text = plan(&rated, "72");
    let said = format!("{rate}, now 5, applies to them too, scaled from 60 s to 1h");
    assert!(text.contains(&said), "{text}");
    assert_eq!(rated.postconf(rate), "300");
    assert_eq!(refused(&rated), 0);
    // In a minute it stays what it is.
    let rated = instance("postfix-aol-e", rate).start();
    let text = plan(&rated, "43200");
    assert!(
        text.contains(&format!("{rate}, now 5, applies to them too")),
        "{text}"
    );
    assert!(!text.contains("scaled from"), "{text}");
    assert_eq!(rated.postconf("anvil_rate_time_unit"), "60s");
    assert_eq!(refused(&rated), 7);
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
