//! The Debian package: built, and in a fresh Debian of its own installed, used, removed and purged.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::{METRICS, package, run};

const TIMERS: [&str; 6] = [
    "relay-tools-day.timer",
    "relay-tools-limit.timer",
    "relay-tools-mailq.timer",
    "relay-tools-metrics.timer",
    "relay-tools-react.timer",
    "relay-tools-report.timer",
];
/// A Debian with nothing but what the base system and the tests need.
struct Debian(TempDir);

impl Debian {
    fn new() -> Self {
        Self(testkit::debian::install(
            "bookworm",
            &["cron", "systemd", "man-db"],
        ))
    }

    fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    /// Runs a script in it, with a /proc, processes and a network (none) of its own: all of them end with it.
    fn command(&self, script: &str) -> Command {
        let mut command = Command::new("unshare");
        command
            .args([
                "--mount",
                "--pid",
                "--net",
                "--fork",
                "--kill-child",
                "chroot",
            ])
            .arg(self.0.path())
            .args(["/bin/sh", "-ec"])
            .arg(format!("mount -t proc proc /proc\n{script}"))
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LC_ALL", "C.UTF-8");
        command
    }

    #[track_caller]
    fn run(&self, script: &str) -> String {
        run(&mut self.command(script))
    }

    /// All files and directories, but those of the running system, and what dpkg, debconf, apt and man-db keep for
    /// themselves.
    fn files(&self) -> BTreeSet<String> {
        let kept = "-path /proc -o -path /dev -o -path /run -o -path /tmp -o -path /var/lib/dpkg -o -path /var/log -o \
            -path /var/cache";
        let listed = self.run(&format!("find / \\( {kept} \\) -prune -o -print"));
        listed.lines().map(str::to_owned).collect()
    }
}

/// The tools that the package must hold: those with a manual page.
fn tools() -> Vec<String> {
    let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("man");
    let names = fs::read_dir(pages).unwrap().map(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        name.strip_suffix(".8").unwrap().to_owned()
    });
    names.collect()
}

/// Today, by the tools' clock: no midnight comes while they are tried.
const CLOCK: &str = "--clock=2026-09-19T12:00:00Z";

/// A host with one instance whose log has 3 deliveries of yesterday (1 of them bounced) and 2 of today.
fn a_host(debian: &Debian) {
    let config = debian.path("etc/postfix-aol-a");
    fs::create_dir_all(&config).unwrap();
    fs::create_dir_all(debian.path("etc/postfix")).unwrap();
    fs::create_dir_all(debian.path("var/spool/postfix-aol-a/deferred")).unwrap();
    fs::write(
        debian.path("etc/postfix/main.cf"),
        "compatibility_level = 3.6\nmulti_instance_enable = yes\nmulti_instance_directories = /etc/postfix-aol-a\n",
    )
    .unwrap();
    fs::write(
        config.join("main.cf"),
        "compatibility_level = 3.6\nmulti_instance_name = postfix-aol-a\nsyslog_name = postfix-aol-a\n\
         queue_directory = /var/spool/postfix-aol-a\ndata_directory = /var/lib/postfix-aol-a\n",
    )
    .unwrap();
    let log = "
        line() { printf '%s rustin postfix-aol-a/smtp[7]: %s: to=<u@aol.com>, relay=mx.aol.com[192.0.2.1]:25, delay=1, \
delays=0/0/0/1, dsn=%s, status=%s\\n' \"$1Z\" $2 $3 \"$4\"; }
        {
            line 2026-09-17T12:00:00 A0 2.0.0 'sent (250 ok)'
            line 2026-09-18T00:00:00 A1 2.0.0 'sent (250 ok)'
            line 2026-09-18T12:00:00 A2 2.0.0 'sent (250 ok)'
            line 2026-09-18T23:59:00 A3 5.1.1 'bounced (host mx.aol.com[192.0.2.1] said: 550 5.1.1 no such user (in \
            reply to RCPT TO command))'
            line 2026-09-19T00:00:00 A4 2.0.0 'sent (250 ok)'
            line 2026-09-19T00:00:00 A5 2.0.0 'sent (250 ok)'
        } >/var/log/mail.log";
    debian.run(log);
}

/// The commands of the crontab, as cron hands them to the shell (crontab(5): `\%` is `%`).
fn cron_commands(debian: &Debian) -> Vec<String> {
    let table = fs::read_to_string(debian.path("etc/cron.d/relay-tools")).unwrap();
    let entries = table
        .lines()
        .filter_map(|line| line.split_once("  root  "))
        .filter(|(when, _)| !when.starts_with('#'))
        .map(|(_, command)| command.replace("\\%", "%"));
    entries.collect()
}

#[test]
fn the_package_is_installed_used_removed_and_purged() {
    // Where a host of namespaces can be made, a Debian can be too.
    drop(testkit::host_or_skip!());
    let debian = Debian::new();
    a_host(&debian);
    let before = debian.files();
    fs::write(
        debian.path("tmp/relay-tools.deb"),
        fs::read(package()).unwrap(),
    )
    .unwrap();
    debian.run("dpkg -i /tmp/relay-tools.deb");

    installed(&debian);
    cron_runs(&debian);
    systemd_is_ready(&debian);

    // Removed, what the admin set and what the tools kept stays.
    fs::write(debian.path("etc/default/relay-tools"), "REPORT_TO=\n").unwrap();
    // What tools that are not scheduled keep.
    for kept in [
        "moves/one.jsonl",
        "locks/one",
        "warmup/postfix-aol-a.json",
        "mx-cache.json",
    ] {
        let kept = debian.path("var/lib/relay-tools").join(kept);
        fs::create_dir_all(kept.parent().unwrap()).unwrap();
        fs::write(kept, "{}\n").unwrap();
    }
    debian.run("dpkg -r relay-tools");
    for tool in tools() {
        assert!(!debian.path("usr/sbin").join(&tool).exists(), "{tool}");
    }
    assert!(debian.path("etc/default/relay-tools").exists());
    assert_eq!(days(&debian).len(), 1);
    // Now the lines of cron that are left behind name programs that are gone.
    for command in cron_commands(&debian) {
        assert_eq!(debian.run(&command), "", "{command}");
    }

    // Purged, nothing is left but the journals of moves.
    debian.run("dpkg -P relay-tools");
    fs::remove_dir_all(debian.path(METRICS)).unwrap();
    let left: Vec<_> = debian.files().difference(&before).cloned().collect();
    assert_eq!(
        left,
        [
            "/var/lib/prometheus",
            "/var/lib/relay-tools",
            "/var/lib/relay-tools/moves",
            "/var/lib/relay-tools/moves/one.jsonl",
        ]
    );
}

/// Programs, pages and completions are in place and work.
fn installed(debian: &Debian) {
    for tool in tools() {
        let version = debian.run(&format!("{tool} --version"));
        assert!(version.starts_with(&format!("{tool} ")), "{version}");
        assert!(debian.path("usr/sbin").join(&tool).exists());
        let page = debian.run(&format!("man --warnings {tool} 2>&1 | col -b"));
        assert!(page.contains("SYNOPSIS"), "{tool}: {page}");
        debian.run(&format!(
            "bash -n /usr/share/bash-completion/completions/{tool}\n\
             test -s /usr/share/zsh/vendor-completions/_{tool}\n\
             test -s /usr/share/fish/vendor_completions.d/{tool}.fish"
        ));
    }
    let counts = debian.run(&format!("mail-stats-print --date yesterday {CLOCK}"));
    assert_eq!(
        counts,
        "postfix-aol-a:total:3\npostfix-aol-a:bounced:1\npostfix-aol-a:deferred:0\npostfix-aol-a:sent:2\n\n"
    );
    debian.run("test -s /usr/share/relay-tools/providers.toml");
    debian.run("test -s /usr/share/relay-tools/relay-tools.rules.yml");
}

fn days(debian: &Debian) -> Vec<String> {
    let Ok(entries) = fs::read_dir(debian.path("var/lib/relay-tools/days")) else {
        return Vec::new();
    };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".jsonl")).collect()
}

/// The lines in cron.d do their work, where systemd does not.
fn cron_runs(debian: &Debian) {
    // Nobody is sent a report here: there is no sendmail.
    fs::write(
        debian.path("etc/default/relay-tools"),
        "REPORT_TO=\nMETRICS_DIR=/var/lib/prometheus/node-exporter\n",
    )
    .unwrap();
    let commands = cron_commands(debian);
    assert_eq!(commands.len(), 5);
    fs::create_dir_all(debian.path(METRICS)).unwrap();
    fs::create_dir_all(debian.path("run/systemd/system")).unwrap();
    for command in &commands {
        assert_eq!(debian.run(command), "", "{command}");
    }
    assert_eq!(days(debian), [""; 0]);
    assert_eq!(fs::read_dir(debian.path(METRICS)).unwrap().count(), 0);
    fs::remove_dir(debian.path("run/systemd/system")).unwrap();

    for command in commands.iter().filter(|c| c.contains("--save-day")) {
        let command = command.replace(
            " mail-stats-print -q",
            &format!(" mail-stats-print {CLOCK} -q"),
        );
        assert!(command.contains(CLOCK), "{command}");
        assert_eq!(debian.run(&command), "", "{command}");
    }
    let [day] = &days(debian)[..] else {
        panic!("{:?}", days(debian));
    };
    let record = fs::read_to_string(debian.path("var/lib/relay-tools/days").join(day)).unwrap();
    assert!(record.contains(r#""instance":"postfix-aol-a""#), "{record}");
    assert!(record.contains(r#""complete":true"#), "{record}");
    let metrics =
        fs::read_to_string(debian.path(METRICS).join("relay_mail_yesterday.prom")).unwrap();
    let bounced = r#"relay_mail_deliveries{postfix_instance="postfix-aol-a",status="bounced"} 1"#;
    assert!(metrics.lines().any(|line| line == bounced), "{metrics}");

    // The metrics are left to the real cron: it reads the table its own way, and runs that line each minute.
    debian.run(
        "cron\n\
         for wait in $(seq 180); do\n\
             sleep 1\n\
             if [ -s /var/lib/prometheus/node-exporter/relay_mailq.prom ]; then exit; fi\n\
         done\n\
         echo 'cron has not run the line in three minutes' >&2\n\
         exit 1",
    );
    let mail = fs::read_to_string(debian.path(METRICS).join("relay_mail.prom")).unwrap();
    assert!(
        mail.contains(r#"postfix_instance="postfix-aol-a""#),
        "{mail}"
    );
    let mailq = fs::read_to_string(debian.path(METRICS).join("relay_mailq.prom")).unwrap();
    assert!(
        mailq.contains(r#"postfix_instance="postfix-aol-a""#),
        "{mailq}"
    );
}

/// The timers are enabled, and systemd finds nothing wrong with any unit.
fn systemd_is_ready(debian: &Debian) {
    for timer in TIMERS {
        let link = debian
            .path("etc/systemd/system/timers.target.wants")
            .join(timer);
        assert!(link.is_symlink(), "{timer} is not enabled");
        let said = debian.run(&format!("systemd-analyze verify --man=no {timer} 2>&1"));
        assert_eq!(said, "", "{timer}");
    }
}

/// lintian(1) finds no error and no warning.
#[test]
fn the_package_is_as_debian_wants_it() {
    // Where a host of namespaces can be made, packages can be installed.
    drop(testkit::host_or_skip!());
    let found = Command::new("lintian").arg(package()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&found.stdout), "");
    assert!(found.status.success());
}
