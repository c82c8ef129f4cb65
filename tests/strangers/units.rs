//! The systemd units: how much they are let do, and that they do their work with that, under a real systemd.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::boot::Booted;
use crate::{is_root, repository};

/// Each service, how much systemd may think it is let do, and what it cannot be without.
const UNITS: [(&str, f64, &[&str]); 7] = [
    ("relay-tools-day.service", 3.0, &[]),
    ("relay-tools-metrics.service", 3.0, &[]),
    ("relay-tools-mailq.service", 3.0, &[]),
    // Those that hand mail to sendmail, whose postdrop is set-gid, or run Postfix's other programs.
    ("relay-tools-report.service", 4.0, &["PrivateNetwork=yes"]),
    (
        "relay-tools-failed@.service",
        4.0,
        &[
            "PrivateNetwork=yes",
            "OnFailure=relay-tools-failed@%n.service",
        ],
    ),
    // It makes maps that Postfix reads.
    (
        "relay-tools-limit.service",
        3.0,
        &["PrivateNetwork=yes", "UMask=0027"],
    ),
    // It asks smtpd and the DNS.
    (
        "relay-tools-react.service",
        4.0,
        &["PrivateNetwork=yes", "UMask=0027", "IPAddressDeny=any"],
    ),
];

#[test]
fn none_of_the_services_is_forgotten() {
    let files = fs::read_dir(repository().join("dist/systemd")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let found: BTreeSet<String> = names.filter(|name| name.ends_with(".service")).collect();
    let known: BTreeSet<String> = UNITS.iter().map(|(name, ..)| (*name).to_owned()).collect();
    assert_eq!(found, known);
}

fn unit(name: &str) -> String {
    fs::read_to_string(repository().join("dist/systemd").join(name)).unwrap()
}

#[test]
fn systemd_thinks_little_of_what_they_are_let_do() {
    for (name, most, _) in UNITS {
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
    for (name, _, without) in UNITS {
        let unit = unit(name);
        for line in [
            "OnFailure=relay-tools-failed@%n.service",
            "ProtectSystem=strict",
            "PrivateDevices=yes",
            "PrivateNetwork=yes",
            "IPAddressDeny=any",
            "RestrictNamespaces=yes",
            "LockPersonality=yes",
            "UMask=0027",
        ] {
            let has = unit.lines().any(|l| l == line);
            assert_eq!(has, !without.contains(&line), "{name}: {line}");
        }
        for setting in [
            "TimeoutStartSec=",
            "MemoryMax=",
            "TasksMax=",
            "CapabilityBoundingSet=",
            "SystemCallFilter=",
            "ReadWritePaths=",
        ] {
            assert!(
                unit.lines().any(|l| l.starts_with(setting)),
                "{name} lacks {setting}"
            );
        }
        // Why it is root, and why it is without these.
        let said = |word: &str| {
            let comments = unit.lines().filter(|line| line.starts_with('#'));
            comments.clone().any(|line| line.contains(word))
        };
        for setting in without
            .iter()
            .filter(|line| !line.starts_with("OnFailure="))
        {
            let (setting, _) = setting.split_once('=').unwrap();
            let other = [
                "As relay-tools-report.service",
                "As relay-tools-limit.service",
            ];
            let is_there = said(setting) || other.iter().any(|as_other| said(as_other));
            let is_mask = setting == "UMask" && said("reads the maps that it makes");
            assert!(
                is_there || is_mask,
                "{name} does not say why it is without {setting}"
            );
        }
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
         mkdir -p /var/lib/prometheus/node-exporter; chown -R prometheus:prometheus /var/lib/prometheus\n\
         rm -rf /var/lib/relay-tools; rm -f /var/spool/postfix/maildrop/*; systemctl daemon-reload"
    ));
    for (unit, ..) in UNITS.iter().filter(|(name, ..)| !name.contains('@')) {
        host.ok(&format!("systemctl start {unit}"));
    }
    // Its metrics are there to be read by the directory's owner.
    for file in [
        "relay_mail.prom",
        "relay_mailq.prom",
        "relay_mail_yesterday.prom",
    ] {
        host.ok(&format!(
            "setpriv --reuid=prometheus --regid=prometheus --clear-groups grep -q postfix_instance \
             /var/lib/prometheus/node-exporter/{file}"
        ));
    }
    // Twice: files that are there keep their owner.
    host.ok("chown prometheus /var/lib/prometheus/node-exporter/*.prom; systemctl start relay-tools-metrics.service \
        relay-tools-mailq.service");
    let owner = host.ok("stat -c %U /var/lib/prometheus/node-exporter/relay_mail.prom");
    assert_eq!(owner.trim(), crate::METRICS);
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
        "setpriv --reuid=prometheus --regid=prometheus --clear-groups sh -c '{trap}'"
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
    let mail = host.wait_for_mail("is not a regular file");
    assert!(mail.contains(failed), "{mail}");

    a_pause_ends_by_its_unit(&host);
    a_rule_pauses_by_its_unit(&host);
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
    let tick = |until: &str| {
        while !host.inside(until).status.success() {
            assert!(begun.elapsed() < Duration::from_secs(300), "{until}");
            host.ok("systemctl start relay-tools-limit.service");
            std::thread::sleep(Duration::from_secs(1));
        }
    };
    tick("! grep -q '^aol.com' /etc/postfix/relay-limit");
    host.ok("! postmap -q aol.com $(postconf -h transport_maps)");
    // That Postfix takes the mail again was not seen while he keeps it from answering, and is not said.
    host.ok("relay-limit list | grep -q aol.com; cd /var/spool/postfix/private; mv was rewrite");
    tick("relay-limit list | grep -qx 'nothing is in force'");
    host.ok("postfix stop");
}

/// Two real instances, one of which a provider refuses: relay-limit react pauses it from its unit, and mails that.
fn a_rule_pauses_by_its_unit(host: &Booted) {
    // No rules, nothing to do.
    host.ok("systemctl start relay-tools-react.service");
    host.write(
        "/etc/relay-tools/react.toml",
        "mail = 'root'\n[[rule]]\ncode = 'TSS04'\nat_least = 20\nwithin = '10m'\ndo = 'pause'\nfor = '2h'\n",
    );
    host.ok(
        "set -e; postfix start; postmulti -e init
        n=25; for i in a b; do n=$((n + 1)); name=postfix-aol-$i
            ip address add 192.0.2.$n/32 dev lo; postmulti -I $name -G relays -e create
            postconf -c /etc/$name -X master_service_disable authorized_submit_users
            postconf -c /etc/$name inet_interfaces=192.0.2.$n smtp_bind_address=192.0.2.$n myhostname=$name.example.org \\
                mynetworks=192.0.2.0/24 maillog_file=/var/log/mail.log alias_maps= multi_instance_enable=yes
            postmulti -i $name -p start; relay-limit setup $name --apply
        done
        for n in $(seq 20); do
            echo \"$(date -u +%FT%TZ) rustin postfix-aol-b/smtp[1]: 4F9A$n: to=<u$n@aol.com>, relay=mx[192.0.2.1]:25, delay=1, \\
                delays=0/0/0/1, dsn=4.7.0, status=deferred (host mx[192.0.2.1] said: 421 4.7.0 [TSS04] deferred)\"
        done | sed 's/, *delays/, delays/' >>/var/log/mail.log; rm -f /var/spool/postfix/maildrop/*; postmulti -i - -p stop",
    );
    host.ok("systemctl start relay-tools-react.service");
    let listed = host.ok("relay-limit list");
    assert!(
        listed.contains("postfix-aol-b") && listed.contains("by relay-limit react; in force"),
        "{listed}"
    );
    host.wait_for_mail("Subject: relay-limit react: postfix-aol-b, aol");
    host.ok("for i in a b; do postmulti -i postfix-aol-$i -p stop; done");
}
