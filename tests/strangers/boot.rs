//! A systemd of our own, on a copy of this machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use testkit::tools;

use crate::repository;

/// A systemd that is the first process of namespaces of its own, on a copy (an overlay) of this machine.
pub(crate) struct Booted {
    outside: Child,
    directory: tempfile::TempDir,
    pid: String,
}

/// Mounts the copy at $1/r, and starts systemd in it. Units of devices, seats and networks are left out.
const BOOT: &str = r#"
set -e
mount -t tmpfs none "$1"; mkdir "$1/u" "$1/w" "$1/r"
mount -t overlay none -o "lowerdir=/,upperdir=$1/u,workdir=$1/w" "$1/r"
cd "$1/r"
mount -t proc proc proc; mount -t sysfs sysfs sys; mount -t cgroup2 none sys/fs/cgroup
mount -t tmpfs -o mode=755 none dev; mkdir dev/pts dev/shm dev/mqueue dev/hugepages
for n in null zero full random urandom tty; do touch dev/$n; mount --bind /dev/$n dev/$n; done
ln -s /proc/self/fd dev/fd; ln -s pts/ptmx dev/ptmx
mount -t tmpfs -o mode=755 none run; mount -t tmpfs -o mode=1777 none tmp
rm -rf etc/systemd/system; mkdir etc/systemd/system; : > etc/machine-id
for u in systemd-udevd systemd-udev-trigger systemd-resolved systemd-networkd systemd-timesyncd systemd-logind dbus \
    systemd-sysctl systemd-modules-load kmod-static-nodes systemd-firstboot systemd-sysusers; do
    ln -s /dev/null etc/systemd/system/$u.service
done
mkdir -p oldroot; pivot_root . oldroot; umount -l /oldroot; mount --make-rshared /
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --system --unit=basic.target --show-status=no </dev/null
"#;

impl Booted {
    pub(crate) fn new() -> Option<Self> {
        let directory = tempfile::tempdir_in("/var/tmp").unwrap();
        let outside = Command::new("unshare")
            .args([
                "--fork",
                "--kill-child",
                "--pid",
                "--mount",
                "--cgroup",
                "--ipc",
                "--uts",
                "--net",
            ])
            .args(["--propagation", "private", "bash", "-c", BOOT, "boot"])
            .arg(directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut booted = Self {
            outside,
            directory,
            pid: String::new(),
        };
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(60) {
            let children = format!("/proc/{0}/task/{0}/children", booted.outside.id());
            booted.pid = fs::read_to_string(children)
                .unwrap_or_default()
                .trim()
                .to_owned();
            let is_up = || {
                let said = booted.inside("systemctl is-system-running");
                matches!(
                    String::from_utf8_lossy(&said.stdout).trim(),
                    "running" | "degraded"
                )
            };
            if !booted.pid.is_empty() && is_up() {
                return Some(booted);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        None
    }

    /// One with these tools, and with the units and their settings as they are installed.
    pub(crate) fn installed(tools: &[&str]) -> Option<Self> {
        let host = Self::new()?;
        for tool in tools {
            fs::copy(tools::path(tool), host.path("/usr/sbin").join(tool)).unwrap();
        }
        for unit in fs::read_dir(repository().join("dist/systemd")).unwrap() {
            let unit = unit.unwrap();
            host.write(
                &format!("/etc/systemd/system/{}", unit.file_name().to_str().unwrap()),
                &fs::read_to_string(unit.path()).unwrap(),
            );
        }
        host.write(
            "/etc/default/relay-tools",
            &fs::read_to_string(repository().join("dist/default")).unwrap(),
        );
        Some(host)
    }

    /// Runs a script in it.
    pub(crate) fn inside(&self, script: &str) -> Output {
        Command::new("nsenter")
            .args(["--all", "--target", &self.pid, "sh", "-c", script])
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    #[track_caller]
    pub(crate) fn ok(&self, script: &str) -> String {
        let ran = self.inside(script);
        let said = String::from_utf8_lossy(&ran.stdout).into_owned();
        let errors = String::from_utf8_lossy(&ran.stderr);
        let log = || {
            self.inside("journalctl --no-pager -n 40; systemctl status --no-pager 'relay-tools*'")
        };
        assert!(
            ran.status.success(),
            "{script}: {said}{errors}\n{}",
            String::from_utf8_lossy(&log().stdout)
        );
        said
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        Path::new(&format!("/proc/{}/root", self.pid)).join(path.trim_start_matches('/'))
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
        fs::write(self.path(path), text).unwrap();
    }

    /// What waits in the maildrop, by text.
    pub(crate) fn maildrop(&self) -> Vec<String> {
        let files = fs::read_dir(self.path("/var/spool/postfix/maildrop")).unwrap();
        let read = |path: PathBuf| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
        files.map(|file| read(file.unwrap().path())).collect()
    }
}

impl Drop for Booted {
    fn drop(&mut self) {
        self.outside.kill().ok();
        self.outside.wait().ok();
        let _path = &self.directory;
    }
}
