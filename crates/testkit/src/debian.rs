//! A Debian of any release as it is installed, booted by systemd: its journald, its Postfix, its units.
#![allow(clippy::unwrap_used, reason = "a test has nothing better to do")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use crate::tools::Ran;
use crate::wait::{PATIENCE, wait_until};

const BOOT: &str = include_str!("debian.sh");

/// Packages are kept here, so that each is fetched once.
const CACHE: &str = "/var/cache/relay-tools-tests";

/// Distinguishes hosts of one process.
static STARTED: AtomicU32 = AtomicU32::new(0);

/// Installs a release, such as `trixie`, with these packages, from `DEBIAN_MIRROR` or deb.debian.org.
pub fn install(release: &str, packages: &[&str]) -> TempDir {
    let root = TempDir::new().unwrap();
    fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let mirror = std::env::var("DEBIAN_MIRROR");
    fs::create_dir_all(CACHE).unwrap();
    let made = Command::new("debootstrap")
        .args(["--variant=minbase", &format!("--cache-dir={CACHE}")])
        .args([&format!("--include={}", packages.join(",")), release])
        .arg(root.path())
        .arg(mirror.as_deref().unwrap_or("http://deb.debian.org/debian"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&made.stdout);
    assert!(made.status.success(), "debootstrap {release}: {said}");
    root
}

/// A Debian that runs, and is thrown away afterwards.
#[derive(Debug)]
pub struct Debian {
    root: TempDir,
    /// Runs while systemd does.
    boot: Child,
    /// systemd, as this machine numbers it.
    init: u32,
    name: String,
}

impl Debian {
    /// Installs a release with systemd, Postfix and these packages, and boots it. It has a network of its own, with
    /// nothing in it but itself.
    pub fn boot(release: &str, packages: &[&str]) -> Self {
        let always = [
            "systemd",
            "systemd-sysv",
            "dbus",
            "postfix",
            "iproute2",
            "procps",
        ];
        let root = install(release, &[&always, packages].concat());
        Self::start(root, release)
    }

    fn start(root: TempDir, release: &str) -> Self {
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let name = format!("{release}-{}-{number}", std::process::id());
        let boot = Command::new("unshare")
            .args([
                "--mount",
                "--propagation",
                "private",
                "sh",
                "-c",
                BOOT,
                "boot",
            ])
            .arg(root.path())
            .arg(&name)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut debian = Self {
            root,
            boot,
            init: 0,
            name,
        };
        let pid = debian.boot.id();
        let children = format!("/proc/{pid}/task/{pid}/children");
        wait_until(PATIENCE, "systemd to start", || {
            let ended = debian.boot.try_wait().unwrap();
            assert_eq!(ended, None, "systemd could not be started");
            let found = fs::read_to_string(&children).unwrap_or_default();
            debian.init = found.trim().parse().unwrap_or(0);
            let comm = fs::read_to_string(format!("/proc/{}/comm", debian.init));
            comm.is_ok_and(|comm| comm.trim() == "systemd")
        });
        wait_until(PATIENCE, "the boot to be over", || {
            let ran = debian.run("systemctl is-system-running");
            matches!(ran.out.trim(), "running" | "degraded")
        });
        debian
    }

    /// Where a file of it is.
    pub fn path(&self, below: &str) -> PathBuf {
        self.root.path().join(below)
    }

    /// Puts a file of this machine there.
    pub fn copy(&self, file: &Path, to: &str) {
        let to = self.path(to);
        fs::write(&to, fs::read(file).unwrap()).unwrap();
        fs::set_permissions(&to, fs::metadata(file).unwrap().permissions()).unwrap();
    }

    /// Runs a script of the shell in it, as root.
    pub fn run(&self, script: &str) -> Ran {
        let root = format!("/proc/{}/root", self.init);
        let out = Command::new("nsenter")
            .args(["--mount", "--pid", "--uts", "--net", "--ipc", "--cgroup"])
            .args(["-t", &self.init.to_string(), &format!("--root={root}")])
            .args([
                "/usr/bin/env",
                "--chdir=/",
                "-i",
                "LC_ALL=C.UTF-8",
                "TZ=UTC",
            ])
            .arg("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .args(["sh", "-euc", script])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        Ran {
            status: out.status.code(),
            out: String::from_utf8_lossy(&out.stdout).into_owned(),
            err: String::from_utf8_lossy(&out.stderr).into_owned(),
        }
    }

    /// What a script prints, which must succeed.
    #[track_caller]
    pub fn ok(&self, script: &str) -> String {
        self.run(script).ended(0).out
    }
}

impl Drop for Debian {
    fn drop(&mut self) {
        // Its init dies with it, and with that every process.
        self.boot.kill().ok();
        self.boot.wait().ok();
        // The cgroups are left, the innermost first; they are seen from a mount that only this shell has.
        let script =
            "mount -t cgroup2 cgroup2 /mnt && find \"/mnt/$1\" -depth -type d -exec rmdir {} +";
        let removed = Command::new("unshare")
            .args([
                "--mount",
                "--propagation",
                "private",
                "sh",
                "-c",
                script,
                "sh",
            ])
            .arg(&self.name)
            .stderr(Stdio::null())
            .status();
        drop(removed);
    }
}
