//! A host in a directory, with one instance and a log of our own.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use testkit::tools::{self, Ran};

/// Noon of the day after the log's.
pub(crate) const CLOCK: &str = "2026-09-20T12:00:00Z";
/// The day of the log.
pub(crate) const DAY: &str = "2026-09-19";

/// A host in a directory that all may enter.
pub(crate) struct Image(tempfile::TempDir);

impl Image {
    /// A host with these lines in its mail log, each after its time and host: `rustin`, or what is before a NUL.
    pub(crate) fn new(lines: impl IntoIterator<Item = String>) -> Self {
        let directory = tempfile::Builder::new()
            .prefix("strangers-")
            .tempdir_in("/var/tmp")
            .unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let image = Self(directory);
        image.write(
            "etc/postfix/main.cf",
            "multi_instance_directories = /etc/postfix-aol-a\nmyhostname = rustin.example.org\nsyslog_name = \
             postfix-0\n",
        );
        image.write(
            "etc/postfix-aol-a/main.cf",
            "multi_instance_name = postfix-aol-a\nsyslog_name = postfix-aol-a\nqueue_directory = /var/spool/aol-a\n\
             data_directory = /var/lib/aol-a\nmyhostname = aol-a.example.org\n",
        );
        let mut log = String::new();
        for (n, line) in lines.into_iter().enumerate() {
            // All within the day, in order.
            let second = n * 80_000 / 400_000;
            let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
            let (host, line) = line.split_once('\0').unwrap_or(("rustin", &line));
            log.push_str(&format!(
                "{DAY}T{hour:02}:{minute:02}:{second:02}Z {host} {line}\n"
            ));
        }
        image.write("var/log/mail.log", &log);
        image
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    pub(crate) fn write(&self, below: &str, text: &str) {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn root(&self) -> &Path {
        self.0.path()
    }

    /// Runs mail-stats-print on it.
    pub(crate) fn stats(&self, args: &[&str]) -> Ran {
        self.tool("mail-stats-print", args)
    }

    /// Runs a tool on it.
    pub(crate) fn tool(&self, tool: &str, args: &[&str]) -> Ran {
        let clock = format!("--clock={CLOCK}");
        let mut all = vec![clock.as_str(), "--root"];
        all.push(self.root().to_str().unwrap());
        all.extend(args);
        tools::run(tool, all)
    }
}

/// A delivery of an instance, as its smtp logs it.
pub(crate) fn delivery(tag: &str, domain: &str, status: &str, reply: &str) -> String {
    format!(
        "{tag}/smtp[1]: 4F9A1: to=<u@{domain}>, relay=mx.{domain}[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=5.7.1, \
         status={status} ({reply})"
    )
}

/// A backup has its host's links: they mean that host's files, and show none of this one's.
#[test]
fn links_of_an_image_lead_to_its_own_files_alone() {
    let line = |domain: &str| {
        let line = delivery("postfix-aol-a", domain, "bounced", "550 zebra");
        format!("{DAY}T00:00:00Z rustin {line}\n")
    };
    let image = Image::new([]);
    let outside = tempfile::tempdir_in("/var/tmp").unwrap();
    let put = |name: &str, here: &str, there: &str| {
        let path = outside.path().join(name);
        fs::write(&path, here).unwrap();
        image.write(path.strip_prefix("/").unwrap().to_str().unwrap(), there);
        path
    };
    let rule = |class: &str| format!("[[rule]]\nclass = '{class}'\nreply = ['zebra']\n");
    for (name, below, here, there) in [
        (
            "log",
            "var/log/mail.log",
            line("here.example"),
            line("there.example"),
        ),
        (
            "reasons",
            "etc/relay-tools/reasons.toml",
            "not: TOML of this host".to_owned(),
            rule("spam-content"),
        ),
    ] {
        let link = image.path(below);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        drop(fs::remove_file(&link));
        std::os::unix::fs::symlink(put(name, &here, &there), link).unwrap();
    }
    let args = ["--date", DAY, "--by", "domain,reason"];
    let ran = image.stats(&args);
    for expected in [
        ":by:domain:there.example:total:1\n",
        ":by:reason:spam-content:total:1\n",
    ] {
        assert!(ran.out.contains(expected), "{ran:?}");
    }
    // What its host would not find, either.
    fs::remove_dir_all(image.path(outside.path().strip_prefix("/").unwrap().to_str().unwrap()))
        .unwrap();
    let ran = image.stats(&args);
    assert!(
        !(ran.out.clone() + &ran.err).contains("this host"),
        "{ran:?}"
    );
    assert!(!ran.out.contains("here.example"), "{ran:?}");
}

/// journalctl(1) would go by a link in the directory of journals, out of the image.
#[test]
fn no_link_of_an_image_shows_this_hosts_journal() {
    let image = Image::new([]);
    let directory = image.path("var/log/journal/0123456789abcdef0123456789abcdef");
    fs::create_dir_all(&directory).unwrap();
    let link = directory.join("system.journal");
    std::os::unix::fs::symlink("/var/log/journal/x.journal", &link).unwrap();
    let says = "system.journal is a link, which would be followed out of the image";
    for (args, status) in [(&["--format", "json"][..], 2), (&["--check"], 3)] {
        let ran = image.stats(&[&["--journal", "--date", DAY], args].concat());
        let ran = ran.ended(status);
        assert!((ran.out.clone() + &ran.err).contains(says), "{ran:?}");
    }
}
