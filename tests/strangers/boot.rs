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

/// The control groups of a kernel: where memory is counted, and where processes are.
const GROUPS: [&str; 4] = ["", "unified", "memory", "systemd"];

/// Its processes are counted apart ($2) from this machine's, and from those of another test.
const APART: &str = r#"
for d in "" unified memory systemd; do
    d=/sys/fs/cgroup/$d
    if test -e $d/cgroup.procs; then mkdir "$d/$2" && echo $$ >"$d/$2/cgroup.procs"; fi
done 2>/dev/null
exec unshare --fork --kill-child --pid --mount --cgroup --ipc --uts --net --propagation private bash -c "$3" boot "$1"
"#;

/// Mounts the copy at $1/r, and starts systemd in it. Units of devices, seats and networks are left out.
const BOOT: &str = r#"
set -e
mount -t tmpfs none "$1"; mkdir "$1/u" "$1/w" "$1/r"
mount -t overlay none -o "lowerdir=/,upperdir=$1/u,workdir=$1/w" "$1/r"
cd "$1/r"
mount -t proc proc proc; mount -t sysfs sysfs sys; mount -t cgroup2 none sys/fs/cgroup
# A kernel that counts memory in control groups of the first kind lends it to no other.
if ! grep -qw memory sys/fs/cgroup/cgroup.controllers && grep -q ^memory /proc/cgroups; then
    umount sys/fs/cgroup; mount -t tmpfs -o mode=755 none sys/fs/cgroup; cd sys/fs/cgroup; mkdir systemd memory
    mount -t cgroup -o none,name=systemd none systemd; mount -t cgroup -o memory none memory; cd "$1/r"
fi
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
        let outside = Command::new("bash")
            .args(["-c", APART, "apart"])
            .arg(directory.path())
            .arg(group(directory.path()))
            .arg(BOOT)
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

    /// Waits until a mail with this text is in the maildrop: a file is there before the mail in it is whole.
    #[track_caller]
    pub(crate) fn wait_for_mail(&self, text: &str) -> String {
        let begun = Instant::now();
        loop {
            let mut mails = self.maildrop().into_iter();
            if let Some(mail) = mails.find(|mail| mail.contains(text)) {
                return mail;
            }
            let mails = || self.maildrop();
            assert!(
                begun.elapsed() < Duration::from_secs(120),
                "{text}: {:?}",
                mails()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// What waits in the maildrop, by text.
    pub(crate) fn maildrop(&self) -> Vec<String> {
        let files = fs::read_dir(self.path("/var/spool/postfix/maildrop")).unwrap();
        let read = |path: PathBuf| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
        files.map(|file| read(file.unwrap().path())).collect()
    }
}

/// The name of its control groups.
fn group(directory: &Path) -> String {
    format!(
        "relay-tools{}",
        directory.file_name().unwrap().to_str().unwrap()
    )
}

impl Drop for Booted {
    fn drop(&mut self) {
        self.outside.kill().ok();
        self.outside.wait().ok();
        let name = group(self.directory.path());
        // The last of its processes may still be about to end.
        let empty = |group: &str| {
            let directory = Path::new("/sys/fs/cgroup").join(group).join(&name);
            let mut find = Command::new("find");
            find.arg(&directory)
                .args(["-depth", "-type", "d", "-exec", "rmdir", "{}", "+"]);
            find.stderr(Stdio::null()).status().ok();
            !directory.exists()
        };
        let begun = Instant::now();
        while !GROUPS.iter().all(|group| empty(group)) && begun.elapsed() < Duration::from_secs(20)
        {
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
