//! From a line in a log to the answer of a query: logrotate, node_exporter and Prometheus are the real ones.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::daemons::{Api, Daemon, free_port, wait_for};
use super::{RULES, mailq};
use testkit::prometheus::is_there;
use testkit::tools::{Ran, sh, stats};

/// A host with a log, and a directory for node_exporter.
struct Host(tempfile::TempDir);

impl Host {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        // node_exporter is another user.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        for name in ["log", "textfile", "data"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        fs::write(dir.path().join("log/mail.log"), "").unwrap();
        Self(dir)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn deliver(&self, from: u32, n: u32, status: &str) {
        let mut log = fs::File::options()
            .append(true)
            .open(self.path("log/mail.log"))
            .unwrap();
        for id in from..from + n {
            writeln!(
                log,
                "2026-09-19T10:00:00Z rustin postfix-aol-a/smtp[9]: A{id:05}: to=<u@aol.com>, relay=none, delay=1, \
                 dsn=2.0.0, status={status} (x)"
            )
            .unwrap();
        }
    }

    fn stats(&self) -> Ran {
        let [log, state, output] =
            ["log/mail.log", "follow.json", "textfile/relay_mail.prom"].map(|name| self.path(name));
        let mut args = [
            "--log",
            "",
            "--follow-state",
            "",
            "--output",
            "",
            "--format",
            "prom",
        ]
        .map(PathBuf::from);
        (args[1], args[3], args[5]) = (log, state, output);
        stats(args)
    }

    /// What the cron jobs do every minute.
    fn run(&self) {
        self.stats().ended(0);
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/rustin");
        let output = self.path("textfile/relay_mailq.prom");
        let output = output.to_str().unwrap();
        mailq(&[
            "--root",
            root,
            "--counts-only",
            "--format",
            "prom",
            "--output",
            output,
        ]);
    }

    fn rotate(&self) {
        let conf = self.path("logrotate.conf");
        let log = self.path("log/mail.log");
        fs::write(
            &conf,
            format!("{} {{\ncreate\nrotate 3\ncompress\n}}\n", log.display()),
        )
        .unwrap();
        let dir = self.0.path().display();
        sh(&format!(
            "logrotate --force --state {dir}/rotated {dir}/logrotate.conf 2>&1"
        ));
    }
}

fn start_node_exporter(host: &Host) -> (u16, Daemon) {
    let port = free_port();
    let mut command = Command::new("setpriv");
    let nobody = [
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "prometheus-node-exporter",
    ];
    command
        .args(nobody)
        .args(["--collector.disable-defaults", "--collector.textfile"]);
    command.arg(format!(
        "--collector.textfile.directory={}",
        host.path("textfile").display()
    ));
    command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
    (
        port,
        Daemon::start(&mut command, &host.path("node_exporter.log")),
    )
}

fn start_prometheus(host: &Host, target: u16) -> (Api, Daemon) {
    // Once a minute would be too seldom here.
    let rules = fs::read_to_string(format!("{RULES}/relay-tools.rules.yml")).unwrap();
    fs::write(
        host.path("rules.yml"),
        rules.replace("interval: 1m", "interval: 1s"),
    )
    .unwrap();
    let config = host.path("prometheus.yml");
    let text = format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\n\
         rule_files: [rules.yml]\n\
         scrape_configs:\n  - job_name: relays\n    static_configs:\n      - {{targets: ['127.0.0.1:{target}'], \
         labels: {{instance: rustin}}}}\n"
    );
    fs::write(&config, text).unwrap();
    let port = free_port();
    let mut command = Command::new("prometheus");
    command.arg(format!("--config.file={}", config.display()));
    command.arg(format!(
        "--storage.tsdb.path={}",
        host.path("data").display()
    ));
    command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
    (
        Api(port),
        Daemon::start(&mut command, &host.path("prometheus.log")),
    )
}

fn log_of(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn a_query_gives_the_numbers_of_the_log_through_a_rotation() {
    let programs = [
        ("prometheus", "prometheus"),
        ("prometheus-node-exporter", "prometheus-node-exporter"),
        ("curl", "curl"),
        ("logrotate", "logrotate"),
    ];
    if !programs
        .iter()
        .all(|(program, package)| is_there(program, package))
    {
        return;
    }
    let host = Host::new();
    host.deliver(0, 40, "sent");
    host.deliver(40, 2, "bounced");
    host.run();
    let (target, mut exporter) = start_node_exporter(&host);
    let (api, mut prometheus) = start_prometheus(&host, target);
    let deliveries = "sum by (status) \
        (relay_mail_deliveries_total{instance=\"rustin\",postfix_instance=\"postfix-aol-a\",status=\"sent\"})";
    let first = wait_for("the first scrape", || {
        assert!(
            exporter.lives(),
            "{}",
            log_of(&host.path("node_exporter.log"))
        );
        assert!(
            prometheus.lives(),
            "{}",
            log_of(&host.path("prometheus.log"))
        );
        api.query(deliveries)
    });
    assert_eq!(first, 40.0);
    let query = |query: &str| api.query(query);
    assert_eq!(query("sum(relay_mail_deliveries_total)"), Some(42.0));
    assert_eq!(query("node_textfile_scrape_error"), Some(0.0));
    // Counted by hand in the fixture's spool.
    assert_eq!(
        query("sum(relay_mailq_messages{postfix_instance=\"postfix-aol-b\"})"),
        Some(20.0)
    );
    // What is written just before and after a rotation, 60 in all.
    host.deliver(100, 25, "sent");
    host.rotate();
    host.deliver(200, 35, "sent");
    host.run();
    assert!(host.path("log/mail.log.1.gz").exists());
    wait_for("a scrape behind the rotation", || {
        query(deliveries).filter(|n| *n == 100.0)
    });
    // A counter that only rises: no restart, and an increase of what came.
    assert_eq!(
        query("max(resets(relay_mail_deliveries_total[5m]))"),
        Some(0.0)
    );
    // Without extrapolation to the ends of the range, which a few scrapes do not reach.
    let increase = "max_over_time(relay_mail_deliveries_total{status=\"sent\"}[5m]) - \
        min_over_time(relay_mail_deliveries_total{status=\"sent\"}[5m])";
    assert_eq!(query(increase), Some(60.0));
    let rate = wait_for("a rate", || {
        query("increase(relay_mail_deliveries_total{status=\"sent\"}[5m])")
    });
    assert!((60.0..200.0).contains(&rate), "{rate}");
    // The rules are loaded, and evaluated without an error.
    let rules = wait_for("an evaluation of every rule", || {
        let rules = api.get("/api/v1/rules", None)?;
        let groups = rules["data"]["groups"].as_array()?.clone();
        let all: Vec<_> = groups
            .iter()
            .flat_map(|g| g["rules"].as_array().cloned().unwrap_or_default())
            .collect();
        (!all.is_empty() && all.iter().all(|rule| rule["health"] != "unknown")).then_some(all)
    });
    assert!(rules.iter().all(|rule| rule["health"] == "ok"), "{rules:?}");
    // A run in which the log was emptied is told to Prometheus too.
    fs::write(host.path("log/mail.log"), "").unwrap();
    host.deliver(300, 1, "bounced");
    host.stats().ended(1);
    wait_for("the gap", || {
        query("relay_mail_log_gaps_total").filter(|n| *n == 1.0)
    });
    assert_eq!(query("sum(relay_mail_deliveries_total)"), Some(103.0));
}
