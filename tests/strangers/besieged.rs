//! Every job in its unit, while all of SECURITY.md's attackers are at work: it ends, and within its memory.

use crate::boot::Booted;
use crate::is_root;

/// The jobs.
const JOBS: [&str; 6] = ["day", "metrics", "mailq", "report", "limit", "react"];

/// A stranger: 20,000 made-up domains, codes and addresses in the host's log. A local user: 40,000 made-up tags, and
/// one line of 64 MB; and a
/// moment ago, 20,000 refusals of a provider that rules are about.
const FLOOD: &str = r#"
day=$(date -u -d yesterday +%F)
awk -v day=$day 'BEGIN { for (n = 0; n < 60000; n++) { s = n / 4
    tag = n % 3 ? "postfix-" n : "postfix"
    printf "%sT%02d:%02d:%02dZ rustin %s/smtp[1]: 4F9A1: to=<u@d%d.example>, relay=mx[192.0.2.1]:25, delay=1, delays=0/0/0/1, " \
        "dsn=4.7.%d, status=deferred (host mx[192.0.2.1] said: 421 4.7.0 (TSS%05d) messages from 10.%d.%d.9 deferred %d)\n",
        day, s / 3600, s / 60 % 60, s % 60, tag, n, n % 1000, n, n / 256 % 256, n % 256, n } }' >/var/log/mail.log
head -c 64000000 /dev/zero | tr '\0' x >>/var/log/mail.log; echo >>/var/log/mail.log
now=$(date -u +%FT%TZ)
awk -v now=$now 'BEGIN { for (n = 0; n < 20000; n++)
    printf "%s rustin postfix/smtp[1]: 4F9A3: to=<u%d@aol.com>, relay=mx[192.0.2.1]:25, delay=1, delays=0/0/0/1, " \
        "dsn=4.7.0, status=deferred (host mx[192.0.2.1] said: 421 4.7.0 [TSS04] messages from 10.%d.%d.9 deferred)\n",
        now, n, n / 256, n % 256 }' >>/var/log/mail.log
echo "$now rustin postfix/smtp[1]: 4F9A2: to=<u@x.y>, relay=mx[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 ok)" >>/var/log/mail.log
"#;

/// Whoever owns the log's directory: older logs that are no files, have no end, or lead round in a circle.
const LOGS: &str = r"
cd /var/log; rm -f mail.log.*
head -c 20000000 /dev/zero | gzip -1 >mail.log.1.gz
mkfifo mail.log.2; ln -s mail.log.4 mail.log.3; ln -s mail.log.3 mail.log.4; ln -s /dev/zero mail.log.5
mkdir mail.log.6; truncate -s 1T mail.log.7; ln -s /proc/kmsg mail.log.8
touch -d '3 days ago' mail.log.7 mail.log.1.gz
chown -h nobody /var/log/mail.log*
";

/// The mail owner: files in the queue that are none, have no end, and are 10,000.
const QUEUE: &str = r"
chown -R postfix /var/spool/postfix/deferred
cat >/tmp/owner <<'E'
set -e; cd /var/spool/postfix/deferred; mkdir -p A; cd A
mkfifo A1111111111; ln -s /dev/zero A2222222222; truncate -s 1T A3333333333; mkdir A4444444444
ln -s A6666666666 A5555555555; ln -s A5555555555 A6666666666; ln -s .. B; ln -s A ../B
for n in $(seq 100000 110000); do echo x >A$n; done
E
setpriv --reuid=postfix --regid=postfix --clear-groups sh /tmp/owner
";

/// The metrics user: a FIFO in the place of a file. A local user: all that he can open of the tools' is locked.
const LOCKS: &str = r"
setpriv --reuid=prometheus --regid=prometheus --clear-groups \
    mkfifo /var/lib/prometheus/node-exporter/relay_mailq.prom
setpriv --reuid=nobody --regid=nogroup --clear-groups sh -c '
    for f in $(find /var/lib/relay-tools -readable 2>/dev/null); do flock -xn $f sleep 1000 & done; true' >/dev/null 2>&1 &
";

#[test]
fn every_job_ends_within_its_limits() {
    if !is_root() {
        return;
    }
    let Some(host) = Booted::installed(&["mail-stats-print", "mailq-distribution", "relay-limit"])
    else {
        eprintln!("SKIPPED: systemd does not start here");
        return;
    };
    host.write(
        "/etc/postfix/main.cf",
        "compatibility_level = 3.6\nmyhostname = rustin.example.org\nmaillog_file = /var/log/mail.log\nalias_maps =\n",
    );
    host.ok(
        "mkdir -p /var/lib/prometheus/node-exporter; chown -R prometheus:prometheus /var/lib/prometheus\n\
         rm -rf /var/lib/relay-tools; rm -f /var/spool/postfix/maildrop/*; mkdir -p /var/lib/relay-tools/limits\n\
         echo x >/var/lib/relay-tools/limits/journal.jsonl",
    );
    host.write(
        "/etc/relay-tools/react.toml",
        "most = '100%'\n[[rule]]\ncode = 'TSS04'\nat_least = 5\nwithin = '10m'\ndo = 'pause'\nfor = '2h'\n\
         [[rule]]\nclass = 'rate-limited'\nat_least = 5\nwithin = '1d'\ndo = 'rate'\nrate = '60/h'\nfor = '2h'\n",
    );
    host.ok(FLOOD);
    host.ok(LOGS);
    host.ok(QUEUE);
    // Less than the units let them have, and by address space too: not every kernel counts what a unit has.
    for job in JOBS {
        host.write(
            &format!("/etc/systemd/system/relay-tools-{job}.service.d/tight.conf"),
            "[Service]\nMemoryMax=400M\nLimitAS=1200M\nTimeoutStartSec=10min\n",
        );
    }
    host.ok("systemctl daemon-reload");
    // Once in peace, so that there is something to hold; then with all that is held.
    for round in [
        "metrics", "day", "LOCKS", "metrics", "mailq", "day", "report", "limit", "react",
    ] {
        if round == "LOCKS" {
            host.ok(LOCKS);
            continue;
        }
        let unit = format!("relay-tools-{round}.service");
        host.inside(&format!("systemctl start {unit}"));
        let said = host.ok(&format!(
            "systemctl show -p Result -p ExecMainStatus {unit}"
        ));
        let lines: Vec<&str> = said.lines().collect();
        let is_blocked = round == "mailq";
        let expected = match is_blocked {
            // It may not write, and says so.
            true => "Result=exit-code",
            false => "Result=success",
        };
        assert!(
            lines.contains(&expected),
            "{round}: {said}{}",
            host.ok(&format!("journalctl --no-pager -n 20 -u {unit}"))
        );
    }
    // What was seen is there, and small.
    let sizes = host.ok(
        "stat -c '%s %n' /var/lib/relay-tools/days/* /var/lib/relay-tools/follow.json \
        /var/lib/prometheus/node-exporter/relay_mail.prom",
    );
    assert_eq!(sizes.lines().count(), 3, "{sizes}");
    for line in sizes.lines() {
        let size: u64 = line.split(' ').next().unwrap().parse().unwrap();
        assert!(size <= 1_000_000, "{line}");
    }
    let mails = host.maildrop();
    let report = mails
        .iter()
        .find(|mail| mail.contains("/smtp") || mail.contains("deferred"));
    assert!(
        report.is_some_and(|mail| mail.len() <= 110_000),
        "{}",
        mails.len()
    );
}

/// Is a unit's memory limited here at all? Where it is, one that wants more is killed, and a person hears of it.
#[test]
fn a_unit_that_wants_more_memory_than_it_has_is_ended() {
    if !is_root() {
        return;
    }
    let Some(host) = Booted::installed(&[]) else {
        eprintln!("SKIPPED: systemd does not start here");
        return;
    };
    if !host
        .inside("grep -qw memory /sys/fs/cgroup/cgroup.subtree_control || test -d /sys/fs/cgroup/memory/system.slice")
        .status
        .success()
    {
        eprintln!("SKIPPED: this kernel lends no memory controller to a systemd in a namespace");
        return;
    }
    host.ok("rm -f /var/spool/postfix/maildrop/*; mkdir -p /var/lib/prometheus/node-exporter");
    // It has as many bytes in memory as it is told.
    let greedy = "#!/bin/sh\nn=$(cat /etc/wanted); head -c $n /dev/zero | tail -c $n >/dev/null\n";
    host.write("/usr/sbin/mailq-distribution", greedy);
    host.ok("chmod 755 /usr/sbin/mailq-distribution");
    host.write(
        "/etc/systemd/system/relay-tools-mailq.service.d/tight.conf",
        "[Service]\nMemoryMax=64M\nMemorySwapMax=0\n",
    );
    host.ok("systemctl daemon-reload");
    let starts = |wanted: &str| {
        host.write("/etc/wanted", wanted);
        let ran = host.inside("systemctl start relay-tools-mailq.service");
        ran.status.success()
    };
    assert!(starts("16000000"));
    assert!(!starts("200000000"));
    host.wait_for_mail("relay-tools-mailq.service failed on ");
}
