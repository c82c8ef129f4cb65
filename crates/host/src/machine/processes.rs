//! The processes that an instance's master daemon has started.

use std::fs;
use std::io;
use std::path::Path;

use postfix::{Span, Time};

/// None of these files is longer.
const MOST: u64 = 1 << 20;

/// One process (proc_pid_stat(5)).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Process {
    /// Its process id.
    pub pid: u32,
    /// When it was started, in ticks since the machine was: with the process id, what tells it from a later one.
    pub started: u64,
    /// Its program: `smtpd`, `trivial-rewrite`. The kernel keeps 15 bytes of it.
    pub name: String,
    /// Has it been stopped, as by SIGSTOP? It goes on with SIGCONT.
    pub is_stopped: bool,
}

/// Those that the process `parent` has started and that have not ended.
///
/// # Errors
/// /proc cannot be listed.
pub fn children(parent: u32) -> io::Result<Vec<Process>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // What has ended meanwhile is no child.
        let stat = guarded::read_text(Path::new(&format!("/proc/{pid}/stat")), MOST);
        if let Some((above, process)) = stat.ok().and_then(|stat| read(pid, &stat))
            && above == parent
        {
            found.push(process);
        }
    }
    Ok(found)
}

/// When it was started, give or take a second: the kernel tells when the machine was started
/// to the second only.
pub fn started(process: &Process) -> Option<Time> {
    let stat = guarded::read_text(Path::new("/proc/stat"), MOST).ok()?;
    let boot = stat.lines().find_map(|line| line.strip_prefix("btime "))?;
    let boot: i64 = boot.trim().parse().ok()?;
    let ticks = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK);
    let ticks = u64::try_from(ticks.ok()??).ok()?;
    let since = process.started.checked_div(ticks)?;
    Some(Time::from_seconds(boot).plus(Span::from_seconds(since)))
}

/// `12 (name) S 1 …`: parent and process; nothing for one that has ended and was not waited for.
fn read(pid: u32, stat: &str) -> Option<(u32, Process)> {
    // The name may hold anything, parentheses and blanks too.
    let (name, after) = stat.split_once('(')?.1.rsplit_once(") ")?;
    let mut fields = after.split(' ');
    let (state, parent) = (fields.next()?, fields.next()?.parse().ok()?);
    let started = fields.nth(17)?.parse().ok()?;
    let name = name.to_owned();
    let process = Process {
        pid,
        started,
        name,
        is_stopped: matches!(state, "T" | "t"),
    };
    (state != "Z").then_some((parent, process))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_seen_until_it_ends() {
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let is_there = || {
            let children = children(std::process::id()).unwrap();
            let mut of_it = children
                .into_iter()
                .filter(|process| process.pid == child.id());
            of_it.next()
        };
        let seen = is_there().unwrap();
        let began = started(&seen).unwrap();
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let now = Time::EPOCH.plus(Span::from_seconds(now));
        let apart = now.distance(began);
        assert!(apart < Span::from_seconds(5), "{began:?} {now:?}");
        child.kill().unwrap();
        child.wait().unwrap();
        let children = children(std::process::id()).unwrap();
        assert!(!children.contains(&seen));
    }

    #[test]
    fn names_may_hold_anything() {
        let fields = "S 7 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 4711 0";
        let (parent, process) = read(12, &format!("12 (a) b ( ) {fields}")).unwrap();
        assert_eq!(
            (parent, process.name.as_str(), process.started),
            (7, "a) b ( ", 4711)
        );
        assert_eq!(read(12, "12 (a) Z 7 0"), None);
        assert_eq!(read(12, ""), None);
    }
}
