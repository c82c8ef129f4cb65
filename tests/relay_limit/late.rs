//! The end of a pause while tick runs every minute, now and then killed, and when it does not run at all.

use testkit::{Host, host_or_skip};

use crate::TOOL;
use crate::crash::{asked, stopped};
use crate::hosts::{pause_quickly, relay_limit, signalled};

/// The flag that sets the clock to so many seconds after `start`.
fn clock(host: &Host, start: u64, seconds: u64) -> String {
    let date = host.sh(&format!("date -u -d @{} +%FT%TZ", start + seconds));
    format!("--clock={}", date.text().trim())
}

#[test]
fn a_pause_ends_within_two_minutes_of_its_end_whichever_ticks_are_killed() {
    let host = host_or_skip!();
    let aol_b = stopped(&host);
    let now = host.sh("date +%s").text();
    let start: u64 = now.trim().parse().unwrap();
    // tick runs at the full minute; the pause ends at some second of it. The first one that would end it is killed.
    let mut kills = 0;
    for (second, call, n) in [
        (0, "fsync", 1),
        (7, "renameat", 1),
        (30, "fsync", 2),
        (59, "write", 1),
        (59, "renameat", 2),
    ] {
        let end = 5 * 60 + second;
        let until = clock(&host, start, end).replace("--clock=", "--until=");
        let mut args = pause_quickly("aol-b", "aol.com");
        let at = args.iter().position(|arg| *arg == "--for").unwrap();
        args.splice(at..at + 2, [&*until]);
        let began = clock(&host, start, 0);
        args.push(&began);
        relay_limit(&host, &args).ok();
        let mut over = None;
        for minute in 1..9 {
            let clock = clock(&host, start, minute * 60);
            let tick = ["-f", TOOL, "tick", &*clock];
            if (end..end + 60).contains(&(minute * 60)) {
                let trace = signalled(&host, "SIGKILL", (call, n), &tick);
                kills += usize::from(trace.contains("killed by SIGKILL"));
            } else {
                relay_limit(&host, &tick[2..]);
            }
            let holds = asked(&aol_b, "aol.com").starts_with("retry:");
            if minute * 60 < end {
                assert!(holds, "ended early, at minute {minute}");
            } else if !holds {
                over = over.or(Some(minute * 60 - end));
            }
        }
        // What list says two minutes after the end is what is so.
        assert!(
            over.is_some_and(|late| late <= 120),
            "{second} {call} {n}: {over:?}"
        );
        let check = relay_limit(&host, &["list", "--check", &clock(&host, start, 9 * 60)]);
        assert_eq!(check.code(), Some(0), "{check}");
    }
    assert!(kills >= 3, "{kills} were killed");
}

#[test]
fn list_cries_if_tick_does_not_run() {
    let host = host_or_skip!();
    stopped(&host);
    let now = host.sh("date +%s").text();
    let start: u64 = now.trim().parse().unwrap();
    let until = clock(&host, start, 300).replace("--clock=", "--until=");
    let mut args = pause_quickly("aol-b", "aol.com");
    let at = args.iter().position(|arg| *arg == "--for").unwrap();
    args.splice(at..at + 2, [&*until]);
    relay_limit(&host, &args).ok();
    for (seconds, code) in [(299, 0), (420, 0), (421, 2), (86_400, 2)] {
        let check = relay_limit(&host, &["list", "--check", &clock(&host, start, seconds)]);
        assert_eq!(check.code(), Some(code), "{seconds}: {check}");
        let cries = check
            .text()
            .contains("relay-limit tick is not running, or fails");
        assert_eq!(cries, code == 2, "{check}");
    }
    // What would end just after a run of tick is waited for.
    let early = relay_limit(&host, &["tick", &clock(&host, start, 293)]);
    assert_eq!(early.text(), "", "{early}");
    let begun = std::time::Instant::now();
    let tick = relay_limit(&host, &["tick", &clock(&host, start, 298)]);
    assert!(
        tick.text().contains("ended in time: mail is taken again"),
        "{tick}"
    );
    assert!(begun.elapsed() >= std::time::Duration::from_secs(2));
}

/// The directory's other name, as a link or an admin has it, is the same instance for all tools.
#[test]
fn an_instance_that_is_listed_by_another_name_of_its_directory_is_as_paused() {
    let host = host_or_skip!();
    stopped(&host);
    let moved = "mv /etc/postfix-aol-b /etc/aol-b.d && ln -s aol-b.d /etc/other && \
        postconf -c /etc/aol-b.d -X transport_maps";
    host.sh(moved).ok();
    let list = |name: &str| {
        let set = format!("postconf -e 'multi_instance_directories = {name}'");
        host.sh(&set).ok();
    };
    list("/etc/other");
    relay_limit(&host, &["setup", "aol-b", "--apply"]).ok();
    relay_limit(&host, &pause_quickly("aol-b", "aol.com")).ok();
    list("/etc/aol-b.d");
    for (tool, args) in [
        (
            env!("CARGO_BIN_EXE_queue-report"),
            &["--format", "json", "aol-b"][..],
        ),
        (
            env!("CARGO_BIN_EXE_mailq-distribution"),
            &["--format", "json", "aol-b"],
        ),
        (
            env!("CARGO_BIN_EXE_relay-instances"),
            &["--format", "json", "aol-b"],
        ),
    ] {
        let ran = host.command(tool).args(args).run();
        let json: serde_json::Value = serde_json::from_str(&ran.text()).unwrap();
        assert_eq!(json["instances"][0]["limits"][0]["kind"], "pause", "{ran}");
    }
    let listed = relay_limit(&host, &["list"]);
    assert!(listed.text().contains("paused, aol.com"), "{listed}");
}
