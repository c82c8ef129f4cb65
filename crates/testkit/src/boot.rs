//! The start of a host: what it needs, and its choices.

use std::fmt::{self, Display};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::unistd::Uid;

use crate::Host;
use crate::journald;
use crate::make::write_default;
use crate::namespace::{Namespaces, processes};

const BOOT: &str = include_str!("boot.sh");

/// What a host is made with, the Debian package that has it, and where it may be.
const PROGRAMS: [(&str, &str); 9] = [
    ("unshare", "util-linux"),
    ("mount", "mount"),
    ("bash", "bash"),
    ("hostname", "hostname"),
    ("ip", "iproute2"),
    ("rsyslogd", "rsyslog"),
    ("postfix", "postfix"),
    ("postmulti", "postfix"),
    ("smtp-source", "postfix"),
];
const PATH: [&str; 4] = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// Why no host can be made here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unavailable(String);

impl Unavailable {
    pub(crate) fn new(why: String) -> Self {
        Self(why)
    }
}

impl Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unavailable {}

/// The choices there are for a host.
#[derive(Debug, Clone)]
pub struct Builder {
    name: String,
    template: &'static str,
    spool: Option<PathBuf>,
    journald: bool,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            name: "rustin".to_owned(),
            template: "RSYSLOG_FileFormat",
            spool: None,
            journald: false,
        }
    }

    /// The host's name, in place of `rustin`.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Logs with `Nov  4 12:22:57` time stamps, in place of RFC 3339 with microseconds.
    #[must_use]
    pub fn traditional_log(mut self) -> Self {
        self.template = "RSYSLOG_TraditionalFileFormat";
        self
    }

    /// Logs to the systemd journal, and to no file.
    #[must_use]
    pub fn journald(mut self) -> Self {
        self.journald = true;
        self
    }

    /// Uses this directory of the machine as /var/spool, in place of an empty tmpfs: for a disk's speed or semantics.
    #[must_use]
    pub fn spool_on(mut self, directory: impl Into<PathBuf>) -> Self {
        self.spool = Some(directory.into());
        self
    }

    /// Starts the host; returns when its system log takes messages. No Postfix runs yet.
    pub fn start(&self) -> Result<Host, Unavailable> {
        if !Uid::effective().is_root() {
            return Err(Unavailable("namespaces and Postfix need root".to_owned()));
        }
        for (program, package) in PROGRAMS {
            if !PATH.iter().any(|dir| Path::new(dir).join(program).exists()) {
                return Err(Unavailable(format!(
                    "no {program} in {}; try: apt-get install {package}",
                    PATH.join(":")
                )));
            }
        }
        if self.journald {
            journald::available()?;
        }
        let mut unshare = self.unshare().map_err(Unavailable)?;
        match self.attach(&mut unshare) {
            Ok((init, namespaces)) => {
                let host = Host::new(&self.name, unshare, init, namespaces);
                let wrote = host.namespaces().enter(|| write_default(&self.name));
                wrote.and_then(|wrote| wrote).map_err(|error| {
                    Unavailable(format!("writing /etc/postfix in a new host: {error}"))
                })?;
                if self.journald {
                    journald::start(&host);
                }
                Ok(host)
            }
            Err(why) => {
                drop(unshare.kill());
                let mut said = String::new();
                if let Some(mut stderr) = unshare.stderr.take() {
                    drop(stderr.read_to_string(&mut said));
                }
                drop(unshare.wait());
                Err(Unavailable(format!("{why}: {}", said.trim_end())))
            }
        }
    }

    fn unshare(&self) -> Result<Child, String> {
        let spool = self.spool.as_deref().unwrap_or(Path::new(""));
        Command::new("unshare")
            .args([
                "--mount",
                "--net",
                "--pid",
                "--uts",
                "--fork",
                "--kill-child",
                "--mount-proc",
            ])
            .args([
                "bash",
                "-c",
                BOOT,
                "testkit-init",
                &self.name,
                self.template,
            ])
            .arg(spool)
            .env("PATH", PATH.join(":"))
            .env("LC_ALL", "C")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("starting unshare: {error}"))
    }

    /// Waits for the host to be up, and takes hold of its namespaces.
    fn attach(&self, unshare: &mut Child) -> Result<(u32, Namespaces), String> {
        let mut said = String::new();
        if let Some(stdout) = unshare.stdout.take() {
            // The pipe closes if the boot script fails, so this always returns.
            let read = BufReader::new(stdout).read_line(&mut said);
            read.map_err(|error| format!("reading from the host's boot script: {error}"))?;
        }
        if said.trim_end() != "ready" {
            return Err("a host could not be set up with namespaces and mounts".to_owned());
        }
        let parent = unshare.id();
        let child = processes()
            .into_iter()
            .find(|process| process.parent == parent);
        let init = child
            .map(|process| process.pid)
            .ok_or_else(|| format!("no child of unshare (pid {parent}) found in /proc"))?;
        let namespaces = Namespaces::of(&PathBuf::from(format!("/proc/{init}")))
            .map_err(|error| format!("opening /proc/{init}/ns: {error}"))?;
        Ok((init, namespaces))
    }
}
