//! `--check` as monitoring runs it: by Debian's negate, and by a real NRPE server that runs it through sudo.

use testkit::prometheus::is_there;
use testkit::{Host, Mail, Ran, host_or_skip};

const PLUGINS: &str = "/usr/lib/nagios/plugins";
const STATS: &str = env!("CARGO_BIN_EXE_mail-stats-print");
const MAILQ: &str = env!("CARGO_BIN_EXE_mailq-distribution");
const RELAYS: &str = env!("CARGO_BIN_EXE_relay-instances");

/// A check, what it answers, and with which exit status.
struct Check {
    name: &'static str,
    command: String,
    status: i32,
    begins: &'static str,
}

/// Of a host on which 5 of 30 deliveries were refused for its reputation, 3 messages wait, and postfix-off-a does not
/// run.
fn checks() -> Vec<Check> {
    let check = |name, tool: &str, args: &str, status, begins| Check {
        name,
        command: format!("{tool} --check {args}"),
        status,
        begins,
    };
    vec![
        check(
            "mail_ok",
            STATS,
            "--warn-blocked 20% aol-a",
            0,
            "OK: 30 deliveries of postfix-aol-a",
        ),
        check(
            "mail_warning",
            STATS,
            "--warn-blocked 4 --crit-blocked 10 aol-a",
            1,
            "WARNING: postfix-aol-a: 5 blocked",
        ),
        check(
            "mail_critical",
            STATS,
            "--crit-blocked 4 aol-a",
            2,
            "CRITICAL: postfix-aol-a: 5 blocked",
        ),
        check("mail_unknown", STATS, "no-such", 3, "UNKNOWN: "),
        check(
            "mailq_ok",
            MAILQ,
            "--warn-count 200 --crit-count 500 aol-a",
            0,
            "OK: 3 in the mailq",
        ),
        check(
            "mailq_warning",
            MAILQ,
            "--warn-count 2 --crit-count 500 aol-a",
            1,
            "WARNING: postfix-aol-a: 3 in the mailq",
        ),
        check(
            "mailq_critical",
            MAILQ,
            "--warn-count 1 --crit-count 2 aol-a",
            2,
            "CRITICAL: postfix-aol-a: 3 in the mailq",
        ),
        check("mailq_unknown", MAILQ, "--warn-count x", 3, "UNKNOWN: "),
        check("relays_ok", RELAYS, "aol-a", 0, "OK: "),
        check(
            "relays_critical",
            RELAYS,
            "off-a",
            2,
            "CRITICAL: postfix-off-a is enabled but not running",
        ),
        check("relays_unknown", RELAYS, "no-such", 3, "UNKNOWN: "),
    ]
}

fn host_with_mail(host: &Host) {
    let aol = host
        .instance("postfix-aol-a")
        .address([192, 0, 2, 41].into())
        .param("defer_transports", "smtp")
        .start();
    host.instance("postfix-off-a")
        .address([192, 0, 2, 42].into())
        .create();
    for n in 0..3 {
        aol.sendmail(&Mail::new("news@lists.example", &format!("u{n}@aol.com")));
    }
    aol.wait_for("deferred", 3);
    // A line of its own that came later would be counted too.
    let deferred = || host.mail_log().matches("status=deferred").count();
    host.wait_until(testkit::PATIENCE, "three lines of it", || deferred() == 3);
    let delivery = |status: &str, reply: &str| {
        format!(
            "2026-09-19T10:00:00Z relay postfix-aol-a/smtp[9]: 4F9A1: to=<u@aol.com>, relay=none, delay=1, dsn=5.7.1, \
             status={status} ({reply})\n"
        )
    };
    let blocked = "host mx said: 550 5.7.1 Service unavailable; client [198.51.100.7] blocked using zen.spamhaus.org";
    let log = [
        delivery("sent", "250 ok").repeat(25),
        delivery("bounced", blocked).repeat(5),
    ];
    host.write("/var/log/mail.log", log.concat());
}

/// Runs a command line in the host, whatever its exit status.
fn shell(host: &Host, script: &str) -> Ran {
    host.command("bash").args(["-c", script]).run()
}

/// One line, with the status; returns it.
#[track_caller]
fn line(ran: &Ran, status: i32) -> String {
    assert_eq!(ran.status.code(), Some(status), "{ran}");
    let text = ran.text();
    assert_eq!(text.lines().count(), 1, "{ran}");
    text
}

/// What is the same each time: ages grow.
fn before_perfdata(line: &str) -> &str {
    line.split(" | ").next().unwrap_or(line).trim_end()
}

#[test]
fn negate_turns_the_answers_round() {
    let host = host_or_skip!();
    if !is_there(&format!("{PLUGINS}/negate"), "monitoring-plugins-basic") {
        return;
    }
    host_with_mail(&host);
    for check in checks() {
        let direct = line(&shell(&host, &check.command), check.status);
        assert!(direct.starts_with(check.begins), "{direct}");
        // OK and CRITICAL change places, the others stay.
        let (status, word) = match check.status {
            0 => (2, "CRITICAL"),
            2 => (0, "OK"),
            1 => (1, "WARNING"),
            _ => (3, "UNKNOWN"),
        };
        let negated = line(
            &shell(&host, &format!("{PLUGINS}/negate -s {}", check.command)),
            status,
        );
        // The ages in it may be a second older by now.
        let after = line(&shell(&host, &check.command), check.status);
        let is_it = [&direct, &after].iter().any(|direct| {
            let (_, told) = before_perfdata(direct).split_once(": ").unwrap();
            before_perfdata(&negated) == format!("{word}: {told}")
        });
        assert!(is_it, "{negated}\n{direct}");
    }
}

#[test]
fn nrpe_hands_on_what_the_tools_answer() {
    let host = host_or_skip!();
    let programs = [
        ("/usr/sbin/nrpe", "nagios-nrpe-server"),
        ("/usr/lib/nagios/plugins/check_nrpe", "nagios-nrpe-plugin"),
        ("/usr/bin/sudo", "sudo"),
    ];
    if !programs
        .iter()
        .all(|(program, package)| is_there(program, package))
    {
        return;
    }
    host_with_mail(&host);
    let mut config = "server_address=127.0.0.1\nserver_port=5666\nallowed_hosts=127.0.0.1\npid_file=/run/nrpe.pid\n\
                      nrpe_user=nagios\nnrpe_group=nagios\nlog_file=/run/nrpe.log\ncommand_prefix=/usr/bin/sudo\n".to_owned();
    for check in checks() {
        config.push_str(&format!("command[{}]={}\n", check.name, check.command));
    }
    host.write("/etc/nagios/test.cfg", config);
    host.write(
        "/etc/sudoers.d/relay-tools",
        "nagios ALL=(root) NOPASSWD: ALL\n",
    );
    host.sh("chmod 440 /etc/sudoers.d/relay-tools");
    let server = host
        .command("/usr/sbin/nrpe")
        .args(["-c", "/etc/nagios/test.cfg", "-f", "-n"])
        .spawn();
    let ask = |name: &str| {
        shell(
            &host,
            &format!("{PLUGINS}/check_nrpe -H 127.0.0.1 -n {name}"),
        )
    };
    host.wait_until(testkit::PATIENCE, "NRPE to answer", || {
        ask("").status.success()
    });
    let ages = regex::Regex::new(r"oldest \d+s").unwrap();
    for check in checks() {
        let direct = line(&shell(&host, &check.command), check.status);
        let asked = line(&ask(&format!("-c {}", check.name)), check.status);
        // Mail grows older from the one to the other.
        let without = |line: &str| {
            ages.replace_all(before_perfdata(line), "oldest")
                .into_owned()
        };
        assert_eq!(without(&asked), without(&direct));
        // UNKNOWN because of a wrong argument has measured nothing.
        assert_eq!(asked.contains(" | "), direct.contains(" | "));
    }
    server.kill();
}

/// Performance data as the Perl module of the Monitoring Plugins project reads them, `LABEL VALUE UNIT WARN CRIT`.
const PERL: &str = r#"
    use Monitoring::Plugin::Performance;
    my ($data) = <STDIN> =~ /\| (.*)/ or die "no performance data";
    for (Monitoring::Plugin::Performance->parse_perfstring($data)) {
        print join(" ", $_->label, $_->value, $_->uom || "-", map { defined $_ && length $_ ? $_ : "-" } $_->warning, $_->critical), "\n";
    }
"#;

#[test]
fn another_parser_reads_the_performance_data() {
    let host = host_or_skip!();
    let module = "/usr/share/perl5/Monitoring/Plugin/Performance.pm";
    assert!(
        std::path::Path::new(module).exists(),
        "Debian's package libmonitoring-plugin-perl"
    );
    host_with_mail(&host);
    let parsed = |command: &str| {
        let answer = shell(&host, command);
        let ran = host
            .command("perl")
            .args(["-e", PERL])
            .stdin(answer.stdout.clone())
            .run()
            .ok();
        let data = answer.text();
        let words = data.split_once(" | ").unwrap().1.split_whitespace().count();
        let lines: Vec<String> = ran.text().lines().map(str::to_owned).collect();
        // Nothing was passed over.
        assert_eq!(lines.len(), words, "{data}");
        lines
    };
    let stats = parsed(&format!(
        "{STATS} --check --warn-blocked 4 --crit-blocked 10 --crit-bounced 50% aol-a"
    ));
    for expected in [
        "postfix-aol-a 30 - - -",
        "postfix-aol-a_blocked 5 - 4 10",
        "postfix-aol-a_bounced 5 - - -",
        "postfix-aol-a_bounced_rate 16.67 % - 50",
        "postfix-aol-a_deferred 0 - - -",
    ] {
        assert!(
            stats.iter().any(|line| line == expected),
            "{expected}: {stats:?}"
        );
    }
    let mailq = parsed(&format!(
        "{MAILQ} --check --warn-count 200 --crit-count 500 --crit-age 1d aol-a"
    ));
    assert!(
        mailq.contains(&"postfix-aol-a 3 - 200 500".to_owned()),
        "{mailq:?}"
    );
    let age = mailq
        .iter()
        .find(|line| line.starts_with("postfix-aol-a_oldest "))
        .unwrap();
    assert!(age.ends_with(" s - 86400"), "{age}");
    let relays = parsed(&format!("{RELAYS} --check"));
    assert!(
        relays.iter().any(|line| line.starts_with("instances ")),
        "{relays:?}"
    );
}
