//! `out` and `in` killed at any system call that changes something, and begun again: they go on, and end in the same
//! state. aol-b does not run, so that nobody waits for its processes.

use std::time::Duration;

use testkit::dns::{Nsd, nsd};
use testkit::{Answer, Host, Instance, Mail, Sink, host_or_skip};

use crate::TOOL;
use crate::hosts::{ZONE, relay_limit, signalled};

const PATIENCE: Duration = Duration::from_secs(180);

/// What changes a file. Of `write`, which says more than it changes, every third call.
const CHANGES: [(&str, usize); 5] = [
    ("renameat", 1),
    ("renameat2", 1),
    ("fsync", 1),
    ("unlinkat", 1),
    ("write", 3),
];

/// What is to be removed from the zone.
const LINE: &str = "aol.smtp.example.org. 600 IN A 127.0.0.12";

/// aol-b with mail on hold, stopped; aol-a takes all.
struct Blocked {
    host: Host,
    _dns: Nsd,
    aol_b: Instance,
    provider: Sink,
    held: Vec<String>,
}

impl Blocked {
    fn start(host: Host, count: usize) -> Self {
        let dns = nsd(&host, "127.0.0.1", &[("example.org", Some(ZONE))]);
        let provider = host.sink();
        let relay = |name: &str, retry: &str| {
            host.instance(name)
                .relay_to(&provider)
                .fast_retries()
                .param("minimal_backoff_time", retry)
                .param("maximal_backoff_time", retry)
                .start()
        };
        let _aol_a = relay("postfix-aol-a", "1s");
        // On a busy machine there is always one of many that is tried again just now.
        let aol_b = relay("postfix-aol-b", "20s");
        relay_limit(&host, &["setup", "aol-*", "--apply"]).ok();
        provider.on_rcpt(|_| Answer::later());
        let mail = |n| Mail::new("news@lists.example.org", &format!("n{n}@aol.com"));
        aol_b.submit((0..count).map(mail));
        aol_b.wait_for("deferred", count);
        aol_b.postsuper(["-h", "ALL"]).ok();
        aol_b.stop();
        provider.on_rcpt(|_| Answer::ok());
        let held = aol_b.ids("hold");
        Self {
            host,
            _dns: dns,
            aol_b,
            provider,
            held,
        }
    }

    /// Kills a run at the n-th call of `call`: was there such a call?
    fn killed(&self, call: &str, n: usize, args: &[&str]) -> bool {
        self.tool_killed(TOOL, call, n, args)
    }

    fn tool_killed(&self, tool: &str, call: &str, n: usize, args: &[&str]) -> bool {
        let command = [&["-f", tool], args].concat();
        let trace = signalled(&self.host, "SIGKILL", (call, n), &command);
        trace.contains("killed by SIGKILL")
    }

    /// What the map's index says of all mail.
    fn paused(&self) -> bool {
        let map = format!("hash:{}/relay-limit", self.aol_b.config_dir().display());
        let asked = self.aol_b.command("postmap").args(["-q", "*", &map]).run();
        asked.text().starts_with("retry:4.7.0 paused")
    }

    /// How many limits hold, or are not closed.
    fn open(&self) -> usize {
        let listed = relay_limit(&self.host, &["list", "--format", "json"]);
        let json: serde_json::Value = serde_json::from_str(&listed.text()).unwrap();
        json["limits"].as_array().unwrap().len()
    }

    /// Until when resolvers hold the zone's line, of the one limit that there is.
    fn held_until(&self) -> Option<String> {
        let listed = relay_limit(&self.host, &["list", "--format", "json"]);
        let json: serde_json::Value = serde_json::from_str(&listed.text()).unwrap();
        let zone = &json["limits"].get(0)?["zone"];
        assert_eq!(zone["lines"], serde_json::json!([LINE]), "{json}");
        Some(zone["held_until"].as_str().unwrap().to_owned())
    }

    fn unfinished(&self) -> String {
        let history = self
            .host
            .command(env!("CARGO_BIN_EXE_queue-move"))
            .arg("history")
            .run();
        let all = history.text();
        let open: Vec<&str> = all
            .lines()
            .filter(|line| line.contains("unfinished"))
            .collect();
        open.join("\n")
    }
}

fn out() -> Vec<&'static str> {
    vec![
        "out", "aol-b", "--for", "2h", "--watch", "0s", "--yes", "--to", "aol-a",
    ]
}

fn back() -> Vec<&'static str> {
    vec!["in", "aol-b", "--anyway", "--yes"]
}

#[test]
fn out_and_in_go_on_after_a_kill_and_end_in_the_same_state() {
    let mut blocked = Blocked::start(host_or_skip!(), 120);
    // A move of somebody else's, which was interrupted: it is none of their business.
    let id = blocked.held.pop().unwrap();
    blocked.aol_b.postsuper(["-H", &id]).ok();
    let somebodys = ["aol-b", "aol-a", "--yes"];
    // It dies when the message is on hold, and not yet in maildrop.
    let queue_move = env!("CARGO_BIN_EXE_queue-move");
    assert!(blocked.tool_killed(queue_move, "renameat2", 2, &somebodys));
    assert_eq!(blocked.aol_b.count("deferred"), 0);
    let theirs = blocked.unfinished();
    assert_eq!(theirs.lines().count(), 1, "{theirs}");
    let (mut kills, mut sent) = (0, 0);
    for (call, step) in CHANGES {
        for n in (1..).step_by(step) {
            let id = blocked.held.pop().unwrap();
            blocked.aol_b.postsuper(["-H", &id]).ok();
            sent += 1;
            let was_killed = blocked.killed(call, n, &out());
            let held = blocked.held_until();
            let again = relay_limit(&blocked.host, &out());
            assert!(matches!(again.code(), Some(0 | 1)), "{call} {n}: {again}");
            assert!(!again.text().contains("NOT moved"), "{call} {n}: {again}");
            assert!(blocked.paused(), "{call} {n}: {again}");
            // What was said before it was killed holds.
            let still = blocked.held_until();
            assert!(still.is_some(), "{call} {n}: {again}");
            assert!(held.is_none() || held == still, "{call} {n}: {again}");
            assert_eq!(blocked.open(), 1, "{call} {n}: {again}");
            assert_eq!(blocked.unfinished(), theirs, "{call} {n}: {again}");
            blocked.host.wait_until(PATIENCE, "it to arrive", || {
                blocked.provider.deliveries().len() >= sent
            });
            assert_eq!(blocked.aol_b.count("deferred"), 0, "{call} {n}: {again}");

            let back_killed = blocked.killed(call, n, &back());
            let again = relay_limit(&blocked.host, &back());
            assert_eq!(again.code(), Some(0), "{call} {n}: {again}");
            assert!(!blocked.paused(), "{call} {n}: {again}");
            assert_eq!(blocked.open(), 0, "{call} {n}: {again}");
            kills += usize::from(was_killed) + usize::from(back_killed);
            if !was_killed && !back_killed {
                break;
            }
        }
    }
    assert!(kills > 20, "{kills}");
    let mut served: Vec<String> = blocked
        .provider
        .deliveries()
        .into_iter()
        .map(|one| one.recipient)
        .collect();
    let count = served.len();
    served.sort();
    served.dedup();
    assert_eq!((served.len(), count), (sent, sent), "lost, or sent twice");
}

/// What stopped a move half-way is said, and written down, once; and when it is gone, the move is finished.
#[test]
fn the_disk_fails_in_the_middle_of_a_move() {
    let blocked = Blocked::start(host_or_skip!(), 4);
    // There is a pause, and nothing waits: now the name of its first move is known.
    relay_limit(&blocked.host, &out());
    let listed = relay_limit(&blocked.host, &["list", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&listed.text()).unwrap();
    let id = json["limits"][0]["id"].as_str().unwrap().to_owned();
    let mut waiting = blocked.held.iter();
    for (n, (error, words)) in (1..).zip([
        ("ENOSPC", "No space left on device"),
        ("EIO", "Input/output error"),
    ]) {
        for id in waiting.by_ref().take(2) {
            blocked.aol_b.postsuper(["-H", id]).ok();
        }
        let name = format!("{id}-out-{n}");
        let journal = format!("/var/lib/relay-tools/moves/{name}.jsonl");
        let inject = format!("inject=write:error={error}:when=5+");
        let options = [
            "-f",
            "-qqq",
            "-o",
            "/run/trace",
            "-P",
            &journal,
            "-e",
            "trace=write",
            "-e",
            &inject,
        ];
        let stopped = blocked
            .host
            .command("strace")
            .args(options)
            .arg(TOOL)
            .args(out())
            .run();
        assert_eq!(stopped.code(), Some(1), "{stopped}");
        let said = stopped.text();
        let of_it: Vec<&str> = said.lines().filter(|line| line.contains(&name)).collect();
        assert_eq!(of_it.len(), 1, "{said}");
        let resume = format!("queue-move resume {name}");
        assert!(
            of_it[0].contains(words) && of_it[0].ends_with(&resume),
            "{said}"
        );
        let history = relay_limit(&blocked.host, &["history"]).text();
        assert!(history.contains(of_it[0]), "{history}");
        let finished = relay_limit(&blocked.host, &out());
        assert!(!finished.text().contains("resume"), "{finished}");
        blocked.host.wait_until(PATIENCE, "both to arrive", || {
            blocked.provider.deliveries().len() >= 2 * n
        });
    }
    let mut served: Vec<String> = blocked
        .provider
        .deliveries()
        .into_iter()
        .map(|one| one.recipient)
        .collect();
    served.sort();
    assert_eq!(
        served,
        ["n0@aol.com", "n1@aol.com", "n2@aol.com", "n3@aol.com"]
    );
}
