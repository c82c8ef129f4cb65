//! Programs run inside a host, and their results.

use std::ffi::OsStr;
use std::fmt;
use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User};

use crate::Host;
use crate::or_fail::OrFail;
use crate::wait::{PATIENCE, holds_within};

/// For env(1), before a program's name: it begins with no signal ignored.
const DEFAULT_SIGNALS: &str = "--default-signal=HUP,INT,QUIT,TERM";

/// A program to run inside a host. Without more, its stdin is empty and it has [`PATIENCE`].
#[derive(Debug)]
pub struct Cmd {
    host: Host,
    command: Command,
    stdin: Vec<u8>,
    timeout: Duration,
}

impl Cmd {
    pub(crate) fn new(host: &Host, program: &OsStr) -> Self {
        // Whoever started the tests may ignore signals (nohup, a script's background job), and so would the program.
        let mut command = Command::new("env");
        command
            .arg(DEFAULT_SIGNALS)
            .arg(program)
            .current_dir("/")
            .env(
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            )
            .env_remove("MAIL_CONFIG")
            .process_group(0);
        Self {
            host: host.clone(),
            command,
            stdin: Vec::new(),
            timeout: PATIENCE,
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.command.args(args);
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// What the program reads on stdin.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Runs as this user (with its primary group only), not as root.
    #[must_use]
    #[track_caller]
    pub fn user(mut self, name: &str) -> Self {
        let user = User::from_name(name)
            .or_fail(format_args!("looking up user {name}"))
            .or_fail(format_args!("no user {name} on this machine"));
        self.command.gid(user.gid.as_raw()).uid(user.uid.as_raw());
        self
    }

    /// How long [`run`](Self::run) waits before it kills the program and fails the test.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Runs the program to its end. Panics if it cannot be started or takes too long, not if it exits unsuccessfully.
    #[track_caller]
    pub fn run(self) -> Ran {
        let timeout = self.timeout;
        self.spawn().wait(timeout)
    }

    /// Starts the program and leaves it running.
    #[track_caller]
    pub fn spawn(mut self) -> Running {
        let program = self.line();
        self.command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let command = &mut self.command;
        let mut child = self
            .host
            .namespaces()
            .start_process(|| command.spawn())
            .or_fail(format_args!("starting {program}"));
        let (stdout, stderr) = (drain(child.stdout.take()), drain(child.stderr.take()));
        if let Some(mut pipe) = child.stdin.take() {
            let bytes = self.stdin;
            // A program that does not read its input to the end is not an error.
            std::thread::spawn(move || drop(pipe.write_all(&bytes)));
        }
        Running {
            host: self.host,
            program,
            child,
            output: Some((stdout, stderr)),
        }
    }

    fn line(&self) -> String {
        let words = self.command.get_args().skip(1);
        let words: Vec<_> = words.map(OsStr::to_string_lossy).collect();
        words.join(" ")
    }
}

type Drain = JoinHandle<Vec<u8>>;

fn drain(pipe: Option<impl Read + Send + 'static>) -> Drain {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What came before an error is still the program's output.
            drop(pipe.read_to_end(&mut bytes));
        }
        bytes
    })
}

/// A program that runs inside a host. Dropping it kills it.
#[derive(Debug)]
pub struct Running {
    host: Host,
    program: String,
    child: Child,
    output: Option<(Drain, Drain)>,
}

impl Running {
    /// Its process id as the test sees it (inside the host it has another).
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    #[track_caller]
    pub fn is_running(&mut self) -> bool {
        let status = self.child.try_wait();
        status
            .or_fail(format_args!("waiting for {}", self.program))
            .is_none()
    }

    /// Sends a signal only to it, not to what it started. False if it had ended before.
    #[track_caller]
    pub fn signal(&mut self, signal: Signal) -> bool {
        // Once it is waited for, its process id may be another's.
        if !self.is_running() {
            return false;
        }
        kill(Pid::from_raw(self.child.id().cast_signed()), signal)
            .or_fail(format_args!("sending {signal} to {}", self.program));
        true
    }

    /// SIGKILL: it ends between two instructions, as in a crash.
    #[track_caller]
    pub fn kill(mut self) -> Ran {
        let killed = self.child.kill();
        killed.or_fail(format_args!("killing {}", self.program));
        self.wait(Duration::from_secs(10))
    }

    /// Waits for its end; panics after `timeout`.
    #[track_caller]
    pub fn wait(mut self, timeout: Duration) -> Ran {
        let start = Instant::now();
        let mut pause = Duration::from_micros(200);
        let status = loop {
            let polled = self.child.try_wait();
            if let Some(status) = polled.or_fail(format_args!("waiting for {}", self.program)) {
                break status;
            }
            assert!(
                start.elapsed() < timeout,
                "testkit: {} still ran after {timeout:?}\n{}",
                self.program,
                self.host.log_tail()
            );
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(10));
        };
        let (stdout, stderr) = self.output.take().or_fail("output taken twice");
        assert!(
            holds_within(Duration::from_secs(10), || stdout.is_finished()
                && stderr.is_finished()),
            "testkit: {} ended ({status}) but left its stdout or stderr to a process that goes on",
            self.program
        );
        Ran {
            program: std::mem::take(&mut self.program),
            status,
            stdout: stdout.join().unwrap_or_default(),
            stderr: stderr.join().unwrap_or_default(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Killed and reaped: a zombie whose parent is the test would keep the host's pid namespace from ending.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A program's end: how it exited and all it wrote.
#[derive(Debug, Clone)]
pub struct Ran {
    /// The command line, for messages.
    pub program: String,
    /// Exit status or signal.
    pub status: ExitStatus,
    /// All of stdout.
    pub stdout: Vec<u8>,
    /// All of stderr.
    pub stderr: Vec<u8>,
}

impl Ran {
    /// Itself, if it exited with 0; else a panic with its output.
    #[track_caller]
    pub fn ok(self) -> Self {
        self.exit(0)
    }

    /// Itself, if it exited with `code`; else a panic with its output.
    #[track_caller]
    pub fn exit(self, code: i32) -> Self {
        assert!(
            self.status.code() == Some(code),
            "testkit: expected exit {code}: {self}"
        );
        self
    }

    /// The exit code, if it was not killed.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// The signal that killed it, if one did.
    pub fn killed_by(&self) -> Option<i32> {
        self.status.signal()
    }

    /// stdout as text; bytes that are no UTF-8 become U+FFFD.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// stderr as text, likewise.
    pub fn errors(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            program, status, ..
        } = self;
        write!(
            f,
            "{program}: {status}\n--- stdout\n{}\n--- stderr\n{}",
            self.text(),
            self.errors()
        )
    }
}
