//! A private machine: its start, its end, and its files.

use std::ffi::OsStr;
use std::fmt::{self, Display};
use std::path::Path;
use std::process::Child;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::command::{Cmd, Ran};
use crate::namespace::Namespaces;
use crate::or_fail::OrFail;
use crate::wait::holds_within;
use crate::{Builder, InstanceBuilder, Sink, Unavailable};

/// A private machine with a file tree, a network (only loopback), processes and a system log of its own.
///
/// The programs and data of the real machine are all visible in it, /etc and /var/lib as they are there; /var/spool,
/// /var/log and /run start empty; what it writes to any of these is its own. Elsewhere (/tmp, the build directory) it
/// reads and writes the machine's files. Clones are the same host; when the last one goes, the host ends with all
/// its processes.
#[derive(Clone)]
pub struct Host(Arc<Inner>);

struct Inner {
    name: String,
    /// unshare(1), which waits for the host's process 1 and takes it along when killed.
    unshare: Child,
    namespaces: Namespaces,
    /// Process 1 of the host, as the test sees it.
    init: u32,
    instances: AtomicU8,
    sinks: AtomicU8,
    making: Mutex<()>,
}

impl Host {
    /// A host that is up: process 1 of `namespaces` is `init`, and `unshare` waits for it.
    pub(crate) fn new(name: &str, unshare: Child, init: u32, namespaces: Namespaces) -> Self {
        Self(Arc::new(Inner {
            name: name.to_owned(),
            unshare,
            namespaces,
            init,
            instances: AtomicU8::new(0),
            sinks: AtomicU8::new(0),
            making: Mutex::new(()),
        }))
    }

    /// Starts a host named rustin, as [`builder`](Self::builder) leaves it.
    pub fn start() -> Result<Self, Unavailable> {
        Self::builder().start()
    }

    /// A host to be.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// Its host name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The process id, as the test sees it, of the host's process 1; all others die with it.
    pub fn init_pid(&self) -> u32 {
        self.0.init
    }

    /// An instance to be: `postfix-aol-a` gets /etc/postfix-aol-a and an address of its own.
    pub fn instance(&self, name: &str) -> InstanceBuilder {
        let count = self.0.instances.fetch_add(1, Ordering::Relaxed);
        InstanceBuilder::new(self, name, [127, 0, 0, count.saturating_add(11)].into())
    }

    /// The default instance to be, in /etc/postfix, without an smtpd unless it is given one.
    pub fn default_instance(&self) -> InstanceBuilder {
        InstanceBuilder::default_instance(self)
    }

    /// An SMTP server that accepts all, on an address of its own, port 2525.
    #[track_caller]
    pub fn sink(&self) -> Sink {
        let count = self.0.sinks.fetch_add(1, Ordering::Relaxed);
        self.sink_at(([127, 0, 2, count.saturating_add(1)], 2525))
    }

    /// An SMTP server that accepts all, on a loopback address and port of the test's choice.
    #[track_caller]
    pub fn sink_at(&self, address: impl Into<std::net::SocketAddr>) -> Sink {
        let address = address.into();
        let bound = self.enter(|| std::net::TcpListener::bind(address));
        let sink = bound.and_then(|listener| Sink::serve(self, listener));
        sink.or_fail(format_args!("starting a sink on {address}"))
    }

    /// A program to run inside: by absolute path (any path of the machine outside the host's own directories), or by
    /// name, looked up in the usual PATH.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Cmd {
        Cmd::new(self, program.as_ref())
    }

    /// Runs a program with arguments to its end.
    #[track_caller]
    pub fn run<const N: usize>(&self, line: [&str; N]) -> Ran {
        let (program, args) = line.split_first().or_fail("an empty command line");
        self.command(program).args(args).run()
    }

    /// Runs a shell script to its end; it must exit with 0.
    #[track_caller]
    pub fn sh(&self, script: &str) -> Ran {
        self.command("bash")
            .args(["-euo", "pipefail", "-c", script])
            .run()
            .ok()
    }

    /// Runs `work` on a thread that sees this host's files, network and name: for library code under test.
    ///
    /// Threads that it starts see the same. Processes that it starts have the machine's process ids: use
    /// [`command`](Self::command) for those.
    #[track_caller]
    pub fn enter<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.namespaces()
            .enter(work)
            .or_fail("entering the host's namespaces")
    }

    /// The content of a file of the host.
    #[track_caller]
    pub fn read(&self, path: impl AsRef<Path>) -> Vec<u8> {
        let path = path.as_ref();
        let read = self.enter(|| std::fs::read(path));
        read.or_fail(format_args!("reading {} in the host", path.display()))
    }

    /// Writes a file of the host, and the directories above it where they are missing.
    #[track_caller]
    pub fn write(&self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        let (path, content) = (path.as_ref(), content.as_ref());
        let written = self.enter(|| {
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)?;
            }
            std::fs::write(path, content)
        });
        written.or_fail(format_args!("writing {} in the host", path.display()));
    }

    /// /var/log/mail.log so far; empty while nothing was logged. Lines come a moment after what they report.
    #[track_caller]
    pub fn mail_log(&self) -> String {
        let read = self.enter(|| std::fs::read("/var/log/mail.log"));
        String::from_utf8_lossy(&read.unwrap_or_default()).into_owned()
    }

    /// Waits until `condition` holds; panics after `timeout` with the tail of mail.log.
    #[track_caller]
    pub fn wait_until(
        &self,
        timeout: Duration,
        what: impl Display,
        condition: impl FnMut() -> bool,
    ) {
        if !holds_within(timeout, condition) {
            let log = self.log_tail();
            panic!("testkit: waited {timeout:?} in vain for: {what}\n{log}");
        }
    }

    /// Waits until mail.log has `text`.
    #[track_caller]
    pub fn wait_for_log(&self, text: &str) {
        self.wait_until(
            crate::PATIENCE,
            format_args!("{text:?} in mail.log"),
            || self.mail_log().contains(text),
        );
    }

    /// The last lines of mail.log under a heading, for messages. Never panics.
    pub(crate) fn log_tail(&self) -> String {
        let log = self
            .namespaces()
            .enter(|| std::fs::read("/var/log/mail.log"));
        let log = log.and_then(|read| read).unwrap_or_default();
        let text = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines
            .get(lines.len().saturating_sub(40)..)
            .unwrap_or_default();
        format!(
            "--- the end of mail.log ({} lines)\n{}",
            lines.len(),
            tail.join("\n")
        )
    }

    /// Held while an instance's files are written.
    pub(crate) fn making(&self) -> &Mutex<()> {
        &self.0.making
    }

    pub(crate) fn namespaces(&self) -> &Namespaces {
        &self.0.namespaces
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host")
            .field("name", &self.0.name)
            .field("init", &self.0.init)
            .finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Process 1 ends at the end of its stdin. unshare waits for it, and the kernel lets it go only when all the
        // host's other processes are gone.
        drop(self.unshare.stdin.take());
        let ended = |unshare: &mut Child| !matches!(unshare.try_wait(), Ok(None));
        if !holds_within(Duration::from_secs(10), || ended(&mut self.unshare)) {
            drop(self.unshare.kill());
            drop(self.unshare.wait());
        }
    }
}
