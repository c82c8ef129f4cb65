//! The line of dist/cron.d, as an admin enables it.

use testkit::{Host, Ran};

use super::day;
use crate::TOOL;

/// Runs the line of dist/cron.d that is to be enabled, as cron does, at the time that it says.
pub(super) fn run(host: &Host) -> Ran {
    let table = include_str!("../../../dist/cron.d");
    let mut lines = table.lines();
    let line = lines.find(|line| line.contains("relay-warmup apply"));
    let (when, command) = line.unwrap().split_once("  root  ").unwrap();
    let when: Vec<&str> = when.trim_start_matches('#').split(' ').collect();
    let &[minute, hour, "*", "*", "*"] = when.as_slice() else {
        panic!("{when:?}");
    };
    assert!(include_str!("../../../docs/guide/warm-up.md").contains(command));
    // After midnight, so the days before are over.
    assert_eq!(hour, "0");
    let clock = format!("{}T00:{minute:0>2}:00Z", day(0));
    let tool = format!("{TOOL} --clock={clock}");
    let command = command.replace("relay-warmup", &tool);
    let path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
    assert!(table.contains(path));
    let words = [
        "-i",
        "SHELL=/bin/sh",
        path,
        "TZ=UTC",
        "/bin/sh",
        "-c",
        &command,
    ];
    host.command("env").args(words).run().exit(0)
}
