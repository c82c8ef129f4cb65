//! docs/guide/blocked.md, walked on real instances from the block to the lifted pause, as an admin would paste it.

use std::time::Duration;

use testkit::{Answer, Mail, host_or_skip};

use crate::hosts::Site;

const PATIENCE: Duration = Duration::from_secs(180);

const PAGE: &str = include_str!("../../docs/guide/blocked.md");

/// The commands of the page's plain blocks, in order, without comments.
fn commands() -> Vec<String> {
    let mut found = Vec::new();
    let (mut is_block, mut is_open) = (false, false);
    for line in PAGE.lines().map(str::trim) {
        if let Some(kind) = line.strip_prefix("```") {
            is_block = !is_block;
            is_open = is_block && kind.is_empty();
        } else if is_open && !line.is_empty() {
            let command = line.split(" #").next().unwrap();
            found.push(command.trim().to_owned());
        }
    }
    found
}

#[test]
fn the_page_brings_a_blocked_instance_back() {
    let site = Site::start(host_or_skip!());
    // As slow to try again as ever: what is stuck stays so, for the provider's reason, until somebody does something.
    site.b.set("minimal_backoff_time", "300s");
    site.b.reload();
    site.block_b();
    site.send("before", 12);
    // How the list server spreads its mail is its own affair, and of few refusals nothing is advised.
    let mail = |n| Mail::new("news@lists.example.org", &format!("before-{n}@aol.com"));
    site.b.submit((12..24).map(mail));
    site.host.wait_until(PATIENCE, "all to be tried", || {
        site.served("before").len() + site.b.count("deferred") == 24
    });
    let path = std::path::Path::new(crate::TOOL).parent().unwrap();
    let mut seen = Vec::new();
    for command in commands() {
        // This site has no third instance, and other addresses.
        let mut command = command
            .replace("aol-c", "aol-a")
            .replace("192.0.2.42", "127.0.0.12");
        let changes = !command.contains("--dry-run");
        let asks = [
            "relay-limit pause",
            "relay-limit lift",
            "relay-limit rate",
            "queue-move aol-b",
            "queue-move delete",
        ];
        if changes && asks.iter().any(|start| command.starts_with(start)) {
            command.push_str(" --yes");
        }
        if command.starts_with("relay-limit lift") {
            site.provider.on_rcpt(|_| Answer::ok());
        }
        if command.starts_with("queue-move aol-b") && changes {
            // Some time has passed: what waits was tried again, and is deferred by ourselves now.
            let stuck = site.b.count("deferred");
            assert!(stuck >= 12, "{stuck}");
            site.b.flush();
            site.host.wait_until(PATIENCE, "all to be tried again", || {
                let again = "status=deferred (paused by relay-limit until ";
                site.host.mail_log().matches(again).count() >= stuck
            });
            site.b.wait_idle();
        }
        if command.starts_with("relay-limit rate") && changes {
            // What it was all about; and at that rate, the rest would take its time.
            site.host.wait_until(PATIENCE, "all to arrive", || {
                site.served("before").len() == 24
            });
        }
        let script = format!("PATH={}:$PATH; {command}", path.display());
        let ran = site.host.command("bash").args(["-c", &script]).run();
        match command.contains("--check") {
            // All that aol-b has tried was refused.
            true => {
                assert_eq!(ran.code(), Some(2), "{command}: {ran}");
                let alert = "CRITICAL: postfix-aol-b: deferred 100.0% (";
                assert!(ran.text().starts_with(alert), "{command}: {ran}");
            }
            false => assert!(matches!(ran.code(), Some(0 | 1)), "{command}: {ran}"),
        }
        assert!(!ran.errors().contains("panicked"), "{command}: {ran}");
        if command.starts_with("relay-limit pause") && changes {
            assert!(ran.text().contains("; in force"), "{command}: {ran}");
        }
        if command.starts_with("queue-move aol-b") && changes {
            assert_eq!(site.b.count("deferred"), 0, "{ran}");
        }
        let advises = command.starts_with("queue-report") || command.contains("--check -v");
        if advises
            && !seen
                .iter()
                .any(|one: &String| one.starts_with("relay-limit pause"))
        {
            let advice = "TSS04 (Yahoo/AOL: volume or complaints; wait 2-4 h): relay-limit pause aol-b --for 4h \
                          --reason TSS04; then resume at half";
            assert!(ran.text().contains(advice), "{command}: {ran}");
        }
        seen.push(command);
    }
    for tool in [
        "mail-stats-print",
        "queue-report",
        "relay-limit pause",
        "queue-move",
        "relay-limit lift",
    ] {
        assert!(
            seen.iter().any(|command| command.starts_with(tool)),
            "{tool}: {seen:?}"
        );
    }
    assert_eq!(site.served("before").len(), 24);
    assert!(
        site.served("before").values().all(|by| by.len() == 1),
        "delivered twice"
    );
}
