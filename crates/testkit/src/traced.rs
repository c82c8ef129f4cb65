//! A tool under strace(1): which system calls it makes, and what comes of it when one of them is its last, or fails.
#![allow(clippy::unwrap_used, reason = "a test has nothing better to do")]

use std::collections::HashMap;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus, Output, Stdio};

/// Calls that only look, or that concern the process alone. A name that is in neither list stops the test: nothing
/// that changes a file can be added to the tool without being killed here.
const LOOKS: &[&str] = &[
    "access",
    "arch_prctl",
    "brk",
    "clock_nanosleep",
    "clone",
    "clone3",
    "close",
    "connect",
    "dup",
    "epoll_create1",
    "eventfd2",
    "execve",
    "exit",
    "exit_group",
    "faccessat",
    "faccessat2",
    "fadvise64",
    "fcntl",
    "flock",
    "fstat",
    "fstatfs",
    "futex",
    "getcwd",
    "getdents64",
    "getegid",
    "geteuid",
    "getgid",
    "getpeername",
    "getpid",
    "getrandom",
    "getsockname",
    "getsockopt",
    "gettid",
    "getuid",
    "kill",
    "lseek",
    "lstat",
    "madvise",
    "mprotect",
    "mremap",
    "munmap",
    "nanosleep",
    "newfstatat",
    "pipe2",
    "poll",
    "ppoll",
    "prctl",
    "pread64",
    "preadv",
    "prlimit64",
    "read",
    "readlink",
    "readlinkat",
    "readv",
    "recvfrom",
    "recvmsg",
    "restart_syscall",
    "rseq",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sched_getaffinity",
    "sched_yield",
    "set_robust_list",
    "set_tid_address",
    "setsockopt",
    "sigaltstack",
    "socket",
    "socketpair",
    "stat",
    "statfs",
    "statx",
    "sysinfo",
    "tgkill",
    "uname",
];

/// Calls that change something, or wait until a change is on disk.
const CHANGES: &[&str] = &[
    "chmod",
    "chown",
    "copy_file_range",
    "creat",
    "fallocate",
    "fchmod",
    "fchmodat",
    "fchmodat2",
    "fchown",
    "fchownat",
    "fdatasync",
    "fsetxattr",
    "fsync",
    "ftruncate",
    "lchown",
    "link",
    "linkat",
    "mkdir",
    "mkdirat",
    "mknod",
    "mknodat",
    "msync",
    "pwrite64",
    "pwritev",
    "rename",
    "renameat",
    "renameat2",
    "rmdir",
    "sendfile",
    "sendmsg",
    "sendto",
    "splice",
    "symlink",
    "symlinkat",
    "sync",
    "sync_file_range",
    "syncfs",
    "truncate",
    "unlink",
    "unlinkat",
    "utime",
    "utimensat",
    "utimes",
    "write",
    "writev",
];

/// The `nth` call of this name that the tool's first thread makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The name of the system call.
    pub name: String,
    /// Its number among the calls of this name, from 1.
    pub nth: usize,
    /// The call as strace shows it, for messages.
    pub shown: String,
}

fn changes(name: &str, args: &str) -> bool {
    let any = |words: &[&str]| words.iter().any(|word| args.contains(word));
    match name {
        "open" | "openat" | "openat2" => any(&["O_CREAT", "O_TRUNC", "O_TMPFILE"]),
        "mmap" => args.contains("MAP_SHARED") && args.contains("PROT_WRITE"),
        "ioctl" => !any(&["TCGETS", "TIOCGWINSZ"]),
        name if CHANGES.contains(&name) => true,
        name => {
            let known = LOOKS.contains(&name);
            assert!(
                known,
                "does {name}({args} change something? it is in no list"
            );
            false
        }
    }
}

/// Runs the tool, every system call of it shown: those that change something, in their order.
pub fn calls(tool: &str, root: &Path, args: &[&str]) -> Vec<Call> {
    let log = tempfile::NamedTempFile::new().unwrap();
    let mut strace = strace();
    strace.args(["-f", "-qq", "-s", "64", "-o"]).arg(log.path());
    let ran = traced(strace.arg(tool), root, args);
    assert!(ran.status.success(), "{ran:?}");
    let text = std::fs::read_to_string(log.path()).unwrap();
    let mut counts: HashMap<(&str, &str), usize> = HashMap::new();
    let mut found = Vec::new();
    let first = text.split_whitespace().next().unwrap();
    for line in text.lines() {
        let (thread, call) = line.split_once(' ').unwrap();
        let call = call.trim_start();
        // The second half of a call that another thread's came into.
        if call.starts_with(['<', '+', '-']) {
            continue;
        }
        let (name, args) = call.split_once('(').unwrap();
        let count = counts.entry((thread, name)).or_default();
        *count += 1;
        if changes(name, args) {
            assert_eq!(thread, first, "not in the first thread: {call}");
            found.push(Call {
                name: name.to_owned(),
                nth: *count,
                shown: call.to_owned(),
            });
        }
    }
    // strace counts for each thread by itself: no other may come to the same number first.
    for call in &found {
        let others = counts
            .iter()
            .filter(|((thread, name), _)| *thread != first && *name == call.name);
        for (_, count) in others {
            assert!(*count < call.nth, "{}: which thread is it?", call.shown);
        }
    }
    found
}

/// Runs the tool until it enters this call, which is not carried out any more.
///
/// Between two calls that change something, nothing changes: to be killed after one is to be killed before the next.
pub fn killed(tool: &str, root: &Path, args: &[&str], call: &Call) {
    let ran = injected(
        tool,
        root,
        args,
        &[format!("{}:signal=KILL:when={}", call.name, call.nth)],
    );
    assert_eq!(
        ran.status.signal(),
        Some(9),
        "not reached: {} {ran:?}",
        call.shown
    );
}

/// Runs the tool, which gets this signal (`TERM`) as it enters the call: that is still carried out.
pub fn signalled(tool: &str, root: &Path, args: &[&str], call: &Call, signal: &str) -> Output {
    let fault = format!("{}:signal={signal}:when={}", call.name, call.nth);
    injected(tool, root, args, &[fault])
}

/// Runs the tool with failures injected into the calls that `faults` name, as strace's `inject` has it.
pub fn injected(tool: &str, root: &Path, args: &[&str], faults: &[String]) -> Output {
    let names: Vec<&str> = faults
        .iter()
        .filter_map(|fault| fault.split(':').next())
        .collect();
    let mut strace = strace();
    strace.args(["-f", "-qq", "-o", "/dev/null"]);
    strace.arg(format!("--trace={}", names.join(",")));
    strace.args(faults.iter().map(|fault| format!("--inject={fault}")));
    traced(strace.arg(tool), root, args)
}

/// strace(1) where there are no other processes: a tool that looks at all of them makes as many calls each time.
fn strace() -> Command {
    if !nix::unistd::Uid::effective().is_root() {
        return Command::new("strace");
    }
    let mut alone = Command::new("unshare");
    alone.args(["--pid", "--fork", "--kill-child", "--mount-proc", "strace"]);
    alone
}

/// What strace ends with, as the first process of its namespace, which no signal of its own ends: 128 and the signal.
fn traced(command: &mut Command, root: &Path, args: &[&str]) -> Output {
    let mut ran = run(command, root, args);
    if let Some(signal) = ran.status.code().filter(|code| (129..160).contains(code)) {
        ran.status = ExitStatus::from_raw(signal - 128);
    }
    ran
}

/// Runs the tool with no more than this many open files.
pub fn with_open_files(tool: &str, root: &Path, args: &[&str], most: usize) -> Output {
    let mut prlimit = Command::new("prlimit");
    prlimit.arg(format!("--nofile={most}:{most}")).arg(tool);
    run(&mut prlimit, root, args)
}

/// Runs the tool as it is.
pub fn plain(tool: &str, root: &Path, args: &[&str]) -> Output {
    run(&mut Command::new(tool), root, args)
}

fn run(command: &mut Command, root: &Path, args: &[&str]) -> Output {
    let command = command.arg("--root").arg(root).args(args);
    command.stdin(Stdio::null()).output().unwrap()
}
