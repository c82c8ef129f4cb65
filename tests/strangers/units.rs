//! The systemd units: how much they are let do, and that they do their work with that, under a real systemd.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::boot::Booted;
use crate::{is_root, repository};

const UNITS: [(&str, f64); 5] = [
    ("relay-tools-limit.service", 3.0),
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
            "IPAddressDeny=any",
            "RestrictNamespaces=yes",
            "LockPersonality=yes",
            // relay-limit makes maps that Postfix reads.
            match name {
                "relay-tools-limit.service" => "UMask=0022",
                _ => "UMask=0027",
            },
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
    // Those that run none of Postfix's programs, which need the host's addresses, though nothing is sent to any.
    for name in ["day", "metrics", "mailq"] {
        let unit = unit(&format!("relay-tools-{name}.service"));
        assert!(unit.contains("\nPrivateNetwork=yes\n"), "{name}");
    }
}

#[test]
fn they_do_their_work_with_what_they_are_let_and_no_more() {
    if !is_root() {
        return;
    }
    let Some(host) = Booted::installed(&["mail-stats-print", "mailq-distribution", "relay-limit"])
    else {
        eprintln!("SKIPPED: systemd does not start here");
        return;
    };
    // An address that only this network has: Postfix's programs end where it is not.
    host.ok("ip link set lo up; ip address add 192.0.2.25/32 dev lo");
    host.write(
        "/etc/postfix/main.cf",
        "compatibility_level = 3.6\nmyhostname = rustin.example.org\nmaillog_file = /var/log/mail.log\nalias_maps =\n\
         inet_interfaces = 192.0.2.25\n",
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

    a_pause_ends_by_its_unit(&host);
}

/// A real Postfix is paused, and relay-limit tick ends that from its unit, beside a mail owner who lays a socket in the
/// way at which nobody answers.
fn a_pause_ends_by_its_unit(host: &Booted) {
    // Not before there is anything to end.
    host.ok("systemctl start relay-tools-limit.service");
    host.ok("chown root /var/log/mail.log; postfix start; relay-limit setup - --apply");
    // It began two hours ago, less what is needed to see that it holds.
    host.ok(
        "clock=$(date -u -d '2 hours ago 20 seconds' +%FT%TZ); relay-limit --clock=$clock pause - --domain aol.com \\
         --for 2h --last --yes --resolver=127.0.0.1:9 --timeout=1s; grep -q aol.com /etc/postfix/relay-limit",
    );
    let wait =
        "use IO::Socket::UNIX; $s = IO::Socket::UNIX->new(Local => shift, Listen => 1); sleep 1000";
    let lay = format!(
        "cd /var/spool/postfix/private; mv rewrite was; setpriv --reuid=postfix --regid=postfix --clear-groups \\
         perl -e '{wait}' $PWD/rewrite >/dev/null 2>&1 & \\
         while ! test -S /var/spool/postfix/private/rewrite; do sleep 0.05; done"
    );
    host.ok(&lay);
    let begun = Instant::now();
    while host.ok("relay-limit list").trim() != "nothing is in force" {
        assert!(begun.elapsed() < Duration::from_secs(300));
        host.ok("systemctl start relay-tools-limit.service");
        std::thread::sleep(Duration::from_secs(1));
    }
    host.ok("! grep -q '^aol.com' /etc/postfix/relay-limit; ! postmap -q aol.com $(postconf -h transport_maps)");
    host.ok("postfix stop");
}
