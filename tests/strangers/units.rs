//! The systemd units: how much they are let do, and that they do their work with that, under a real systemd.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use testkit::tools;

use crate::{is_root, repository};

const UNITS: [(&str, f64); 4] = [
    ("relay-tools-day.service", 3.0),
    ("relay-tools-metrics.service", 3.0),
    ("relay-tools-mailq.service", 3.0),
    // It hands mail to sendmail, whose postdrop is set-gid.
    ("relay-tools-report.service", 4.0),
];

fn unit(name: &str) -> String {
    fs::read_to_string(repository().join("dist/systemd").join(name)).unwrap()
}

#[test]
fn systemd_thinks_little_of_what_they_are_let_do() {
    for (name, most) in UNITS {
        let path = repository().join("dist/systemd").join(name);
        let Ok(ran) = Command::new("systemd-analyze")
            .args(["security", "--offline=true", "--no-pager"])
            .arg(&path)
            .output()
        else {
            eprintln!("SKIPPED: there is no systemd-analyze");
            return;
        };
        let out = String::from_utf8_lossy(&ran.stdout);
        let (_, said) = out.rsplit_once("Overall exposure level for ").unwrap();
        let level = said
            .split_whitespace()
            .find_map(|word| word.parse::<f64>().ok());
        assert!(level.unwrap() <= most, "{said}");
    }
}

#[test]
fn they_end_and_a_person_hears_of_failures() {
    for (name, _) in UNITS {
        let unit = unit(name);
        for line in [
            "OnFailure=relay-tools-failed@%n.service",
            "ProtectSystem=strict",
            "PrivateDevices=yes",
            "PrivateNetwork=yes",
            "RestrictNamespaces=yes",
            "LockPersonality=yes",
            "UMask=0027",
        ] {
            assert!(unit.lines().any(|l| l == line), "{name} lacks {line}");
        }
        for setting in [
            "TimeoutStartSec=",
            "MemoryMax=",
            "CapabilityBoundingSet=",
            "SystemCallFilter=",
            "ReadWritePaths=",
        ] {
            assert!(
                unit.lines().any(|l| l.starts_with(setting)),
                "{name} lacks {setting}"
            );
        }
    }
    assert!(
        unit("relay-tools-limit.service").contains("\nOnFailure=relay-tools-failed@%n.service\n")
    );
}

/// A systemd that is the first process of namespaces of its own, on a copy (an overlay) of this machine.
struct Booted {
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
    fn new() -> Option<Self> {
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

    /// Runs a script in it.
    fn inside(&self, script: &str) -> Output {
        Command::new("nsenter")
            .args(["--all", "--target", &self.pid, "sh", "-c", script])
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    #[track_caller]
    fn ok(&self, script: &str) -> String {
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

    fn path(&self, path: &str) -> PathBuf {
        Path::new(&format!("/proc/{}/root", self.pid)).join(path.trim_start_matches('/'))
    }

    fn write(&self, path: &str, text: &str) {
        fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
        fs::write(self.path(path), text).unwrap();
    }

    /// What waits in the maildrop, by text.
    fn maildrop(&self) -> Vec<String> {
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

#[test]
fn they_do_their_work_with_what_they_are_let_and_no_more() {
    if !is_root() {
        return;
    }
    let Some(host) = Booted::new() else {
        eprintln!("SKIPPED: systemd does not start here");
        return;
    };
    for tool in ["mail-stats-print", "mailq-distribution"] {
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
    host.write(
        "/etc/postfix/main.cf",
        "compatibility_level = 3.6\nmyhostname = rustin.example.org\nmaillog_file = /var/log/mail.log\nalias_maps =\n",
    );
    let days: String = [3, 2, 1, 0].map(|ago| {
        let day = format!("{ago} days ago");
        format!("$(date -u -d '{day}' +%Y-%m-%d)T00:00:01Z rustin postfix/smtp[1]: 4F9A{ago}: to=<u@x.y>, \
            relay=mx[192.0.2.1]:25, \
                 delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 ok)\n")
    }).concat();
    // The log is not root's, and the metrics' directory is another user's.
    host.ok(&format!(
        "cat > /var/log/mail.log <<E\n{days}E\nchown nobody:adm /var/log/mail.log; chmod 640 /var/log/mail.log\n\
         mkdir -p /var/lib/prometheus/node-exporter; chown -R 65534:65534 /var/lib/prometheus\n\
         rm -rf /var/lib/relay-tools; rm -f /var/spool/postfix/maildrop/*; systemctl daemon-reload"
    ));
    for (unit, _) in UNITS {
        host.ok(&format!("systemctl start {unit}"));
    }
    // Its metrics are there to be read by the directory's owner.
    for file in [
        "relay_mail.prom",
        "relay_mailq.prom",
        "relay_mail_yesterday.prom",
    ] {
        host.ok(&format!(
            "setpriv --reuid=65534 --regid=65534 --clear-groups grep -q postfix_instance \
             /var/lib/prometheus/node-exporter/{file}"
        ));
    }
    // Twice: files that are there keep their owner.
    host.ok("chown 65534 /var/lib/prometheus/node-exporter/*.prom; systemctl start relay-tools-metrics.service \
        relay-tools-mailq.service");
    let owner = host.ok("stat -c %u /var/lib/prometheus/node-exporter/relay_mail.prom");
    assert_eq!(owner.trim(), "65534");
    assert_eq!(host.ok("ls /var/lib/relay-tools/days | wc -l").trim(), "1");
    // The report is in the maildrop, whole.
    let mails = host.maildrop();
    assert_eq!(mails.len(), 1);
    assert!(
        mails[0].contains("Subject: ") && mails[0].contains("postfix"),
        "{}",
        mails[0]
    );

    // The directory's owner lays a FIFO there: the job ends, has not gone on, and root gets a mail.
    let before = host.ok("sha256sum /var/lib/relay-tools/follow.json");
    let trap = "cd /var/lib/prometheus/node-exporter; rm relay_mail.prom; mkfifo relay_mail.prom";
    host.ok(&format!(
        "setpriv --reuid=65534 --regid=65534 --clear-groups sh -c '{trap}'"
    ));
    assert!(
        !host
            .inside("systemctl start relay-tools-metrics.service")
            .status
            .success()
    );
    assert_eq!(
        host.ok("sha256sum /var/lib/relay-tools/follow.json"),
        before
    );
    let failed = "Subject: relay-tools-metrics.service failed on ";
    let is_it = |mail: &String| mail.contains(failed) && mail.contains("is not a regular file");
    let begun = Instant::now();
    // A file is there before the mail in it is whole.
    while !host.maildrop().iter().any(is_it) && begun.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(100));
    }
    let mails = host.maildrop();
    assert!(mails.iter().any(is_it), "{mails:?}");
}
