//! The instances, who we are, and what stands against a move.

use std::path::Path;

use cli::{Context, Failure};
use postfix::config::{Host, Instance};
use postfix::queue::Queue;
use postfix::{Problem, Time};
use transfer::preflight::{Objection, side};
use transfer::verify::Log;
use transfer::{Accepted, Claim, Fs, Holder, LockError, Locks, Means, NoHook, Side, Watch};

use crate::args::Format;

/// Where a host keeps the locks, as the host itself names it.
const LOCKS: &str = "/var/lib/relay-tools/locks";

/// Its spool, if it can be worked on.
pub(crate) fn spool_of(cx: &Context, instance: &Instance, dry_run: bool) -> anyhow::Result<Side> {
    side(cx.root(), instance, dry_run).map_err(|finding| refused(&[finding]))
}

/// Does the instance run?
pub(crate) fn runs(cx: &Context, instance: &Instance) -> anyhow::Result<bool> {
    let master = host::machine::master(cx.root(), instance);
    let path = cx.root().under(&instance.master_pid_file());
    let master =
        master.map_err(|e| Failure::io("cannot find out whether it is running", &path, e))?;
    Ok(master.is_some())
}

/// The log that an instance writes to, from this time on.
pub(crate) fn log_of(cx: &Context, host: &Host, instance: &Instance, since: Time) -> Option<Log> {
    let place = host::logs::log_of(cx.site(), host, instance).ok()??;
    Log::at(place, since, cx.zone())
}

/// Messages that go through the steps together, at best: each has its file open, and each batch waits for the disk.
const BATCH: u16 = 2000;
/// And where no more files may be open than most processes may have.
const FEW: usize = 500;
/// Files that are open beside those: directories, the journal, locks.
const OTHER_FILES: u64 = 700;

/// Threads for a batch. More than there are processors: where the disk is informed of every block that is freed (ext4
/// without a journal, mounted with `discard`), removing a defer log is waiting for it.
const WORKERS: transfer::Workers = transfer::Workers { most: 8, share: 16 };

/// As many messages at a time as there may be files open.
fn batch() -> usize {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let wanted = u64::from(BATCH) + OTHER_FILES;
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .ok()
        .filter(|&(_, hard)| hard >= wanted);
    let raised = raised
        .and_then(|(soft, hard)| setrlimit(Resource::RLIMIT_NOFILE, soft.max(wanted), hard).ok());
    match raised {
        Some(()) => usize::from(BATCH),
        None => FEW,
    }
}

/// What a move needs beside the two spools.
pub(crate) fn means<'a>(
    cx: &'a Context,
    watch: &'a dyn Watch,
    accepted: Accepted<'a>,
) -> Means<'a> {
    Means {
        root: cx.root().dir(),
        fs: Fs::new(&NoHook),
        watch,
        accepted,
        pickup: None,
        boot: boot(),
        batch: batch(),
        workers: WORKERS,
    }
}

/// The id of this boot of the machine; empty where the kernel does not say.
fn boot() -> String {
    let id = guarded::read_text(Path::new("/proc/sys/kernel/random/boot_id"), 4096);
    id.unwrap_or_default().trim().to_owned()
}

/// Only root may do it.
pub(crate) fn must_be_root() -> anyhow::Result<()> {
    if nix::unistd::geteuid().is_root() {
        return Ok(());
    }
    Err(Failure::new("only root can change Postfix's queues")
        .hint("run it as root; --dry-run shows the plan")
        .into())
}

/// Is the result for programs?
pub(crate) fn is_json(format: Format) -> bool {
    format == Format::Json
}

/// The time, as people read it, with its zone.
pub(crate) fn readable(cx: &Context, time: Time) -> String {
    let time = cx.zone().at(time);
    let time = time.unwrap_or_default();
    time.format("%Y-%m-%d %H:%M:%S %z").to_string()
}

/// `20261124T063122Z`: a time, as names of journals begin.
pub(crate) fn stamp(time: Time) -> String {
    let time = chrono::DateTime::from_timestamp(time.seconds(), 0).unwrap_or_default();
    time.format("%Y%m%dT%H%M%SZ").to_string()
}

/// The instance's name, as it can be part of a file's.
pub(crate) fn plain(side: &Side) -> String {
    let plain = |c: char| match c.is_ascii_alphanumeric() || "-_.".contains(c) {
        true => c,
        false => '_',
    };
    side.instance.chars().take(60).map(plain).collect()
}

/// Locks the instances: those given with `true` for this run alone.
pub(crate) fn lock(cx: &Context, sides: &[(&Side, bool)]) -> anyhow::Result<Locks> {
    let claim = |&(side, alone): &(&Side, bool)| Claim {
        instance: side.instance.clone(),
        identity: side.identity,
        alone,
    };
    let claims: Vec<Claim> = sides.iter().map(claim).collect();
    let me = Holder {
        pid: std::process::id(),
        start: String::new(),
        user: cli::person::user(),
        since: readable(cx, cx.now()),
        command: cli::person::command_line(),
    };
    let dir = cx.root().under(Path::new(LOCKS));
    Locks::take(cx.root().dir(), &dir, &claims, &me).map_err(|e| {
        let hint = match &e {
            LockError::Held { .. } => {
                "wait until it has finished, or interrupt it with ^C (SIGINT); queue-move history lists the moves"
            }
            LockError::Io(_, e) if is_full(e) => "nothing was done: make room on that disk, then run it again",
            LockError::Io(..) => "nothing was done: nothing is changed without a lock",
        };
        Failure::new(e.to_string()).hint(hint).into()
    })
}

fn is_full(e: &std::io::Error) -> bool {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    matches!(e.kind(), StorageFull | QuotaExceeded)
}

/// Nothing may stand against it.
pub(crate) fn must_be_clear(findings: &[Objection]) -> anyhow::Result<()> {
    match findings.iter().any(|finding| finding.refuses) {
        true => Err(refused(findings)),
        false => Ok(()),
    }
}

/// The refusal of a move.
pub(crate) fn refused(findings: &[Objection]) -> anyhow::Error {
    let refusals = findings.iter().filter(|finding| finding.refuses);
    let (whats, ways): (Vec<&str>, Vec<&str>) = refusals
        .map(|finding| (finding.what.as_str(), finding.way_out.as_str()))
        .unzip();
    Failure::new(whats.join("; ")).hint(ways.join("; ")).into()
}

/// What an instance's main.cf lacks or has wrong is said, before anything is refused for it.
pub(crate) fn report(cx: &Context, problems: &[Problem]) {
    for problem in problems {
        cx.note(problem.to_string());
    }
}

/// Queues that have no directory, so that nothing in them was seen. Only a plan in an image comes this far.
pub(crate) fn absent(side: &Side, queues: &[Queue]) -> impl Iterator<Item = Problem> {
    let directories = queues
        .iter()
        .map(|queue| side.queue_directory.join(queue.name()));
    let absent: Vec<_> = directories.filter(|path| !path.is_dir()).collect();
    absent
        .into_iter()
        .map(|path| Problem::new(path, "there is no such directory"))
}
