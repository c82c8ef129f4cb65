//! mail-stats-print --follow-state while real instances deliver and their logs are rotated by logrotate (rsyslogd's)
//! and by `postfix logrotate` (postlogd's): the counters are what the sink saw.

use testkit::prometheus::{is_there, value};
use testkit::{Host, Instance, Mail, Sink, host_or_skip};

/// What the counters of an instance say of deliveries that were sent.
fn counted(host: &Host, instance: &Instance) -> usize {
    let tool = env!("CARGO_BIN_EXE_mail-stats-print");
    let args = ["--follow-state", "/run/follow.json", "--format", "prom"];
    let text = host.command(tool).args(args).run().ok().text();
    assert_eq!(value(&text, "relay_mail_log_gaps_total"), 0.0);
    let labels = format!(
        "{{postfix_instance=\"{}\",status=\"sent\"}}",
        instance.name()
    );
    value(&text, &format!("relay_mail_deliveries_total{labels}")) as usize
}

fn accepted(sink: &Sink, instance: &Instance) -> usize {
    let address = instance.address().ip();
    let all = sink.deliveries();
    all.iter().filter(|d| d.client.ip() == address).count()
}

#[test]
fn counters_are_what_the_sink_saw_through_rotations() {
    let host = host_or_skip!();
    if !is_there("logrotate", "logrotate") {
        return;
    }
    let sink = host.sink();
    let aol = host.instance("postfix-aol-a").relay_to(&sink).start();
    let msn = host
        .instance("postfix-msn-a")
        .relay_to(&sink)
        .param("maillog_file", "/var/log/postfix-msn-a.log")
        .param("maillog_file_prefixes", "/var/log")
        .start();
    host.write(
        "/etc/logrotate-test.conf",
        "/var/log/mail.log {\nrotate 5\ncreate\ncompress\ndelaycompress\npostrotate\nkill -HUP $(cat \
         /run/testkit/rsyslog.pid)\nendscript\n}\n",
    );
    for round in 0..4 {
        for instance in [&aol, &msn] {
            // They are under way while the logs are rotated.
            instance.submit(
                (0..25).map(|n| Mail::new("s@lists.example", &format!("u{round}-{n}@x.example"))),
            );
        }
        if round % 2 == 0 {
            counted(&host, &aol);
        }
        host.sh("logrotate --force --state /run/rotated /etc/logrotate-test.conf");
        // Its names are of the second.
        host.sh(
            "while ls /var/log | grep -q msn-a.log.$(date +%Y%m%d-%H%M%S); do sleep 0.05; done
             postfix -c /etc/postfix-msn-a logrotate",
        );
    }
    sink_has_all(&host, &sink, [&aol, &msn]);
    for instance in [&aol, &msn] {
        let what = format!("{}: log and sink agree", instance.name());
        host.wait_until(testkit::PATIENCE, &what, || counted(&host, instance) == 100);
        // And no more.
        assert_eq!(counted(&host, instance), 100);
    }
    let names = host.sh("ls /var/log").text();
    assert!(names.contains("mail.log.2.gz"), "{names}");
    let packed = |name: &str| name.starts_with("postfix-msn-a.log.20") && name.ends_with(".gz");
    assert!(names.lines().any(packed), "{names}");
}

fn sink_has_all(host: &Host, sink: &Sink, instances: [&Instance; 2]) {
    for instance in instances {
        host.wait_until(testkit::PATIENCE, "all mail at the sink", || {
            accepted(sink, instance) == 100
        });
    }
}
