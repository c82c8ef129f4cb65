//! The cases of `config.rs`, Postfix's defaults and instances made by postmulti, asked of the real Postfix.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use super::cases::{Case, EXPANSION, Expected, HOSTS, READING};
use postfix::config::{Host, Instance, MainCf, MasterCf, Parameters, Service};
use postfix::{Parsed, Root};
use tempfile::TempDir;
use testkit::host_or_skip;

/// postconf knows the parameters of a transport only if it is there.
const MASTER_CF: &str =
    "smtp unix - - n - - smtp\nslow unix - - n - - smtp\nprog unix - n n - - pipe\n";

/// What differs between Debian's point releases, processes and machines: two are set, so that parameters that refer
/// to them agree, the others are left out.
const PINNED: &str = "mail_version = 3.7\nmynetworks = 127.0.0.0/8\n";
const VOLATILE: [&str; 4] = [
    "debugger_command",
    "mail_release_date",
    "process_id",
    "process_name",
];

/// A configuration directory, which hosts see too.
fn directory(main_cf: &[u8], master_cf: &[u8]) -> TempDir {
    let dir = TempDir::new().unwrap();
    for (name, text) in [("main.cf", main_cf), ("master.cf", master_cf)] {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        // Postfix waits a second before it trusts a file that has just been written.
        let long_ago = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let file = File::options().write(true).open(path).unwrap();
        file.set_modified(long_ago).unwrap();
    }
    dir
}

/// Runs postconf for so many seconds and in 256 MiB at most.
fn postconf(host: &testkit::Host, seconds: u32, dir: &Path, args: &[&str]) -> testkit::Ran {
    let limits = "ulimit -v 262144; exec timeout \"$@\"";
    let command = host.command("sh").args(["-c", limits, "sh"]);
    let command = command.args([&seconds.to_string(), "postconf", "-c"]);
    command.arg(dir).args(args).run()
}

/// White space as postconf prints it (`pcf_print_line`).
fn as_printed(value: &[u8]) -> String {
    let words: Vec<&[u8]> = value
        .split(|b| b" \t\r\n".contains(b))
        .filter(|word| !word.is_empty())
        .collect();
    String::from_utf8_lossy(&words.join(&b' ')).into_owned()
}

/// Does postconf say what the case says?
fn check(host: &testkit::Host, case: &Case) {
    let dir = directory(case.main_cf, MASTER_CF.as_bytes());
    let seconds = if case.expected == Expected::FailsHere {
        2
    } else {
        60
    };
    let ran = postconf(host, seconds, dir.path(), &["-x", "-h", case.parameter]);
    let said = ran.errors();
    let shows = case.shows;
    match case.expected {
        Expected::Is(expected) => {
            assert!(
                ran.code() == Some(0) && !said.contains("unknown parameter"),
                "{shows}: {ran}"
            );
            let value = ran.text();
            let value = value.strip_suffix('\n').unwrap();
            assert_eq!(value, as_printed(expected.as_bytes()), "{shows}: {said}");
        }
        Expected::Fails => {
            assert!(ran.code() != Some(0), "{shows}: postconf had no objection");
            let why = ["macro processing error", "bad conversion"];
            assert!(why.iter().any(|why| said.contains(why)), "{shows}: {said}");
        }
        Expected::IsBeside(_) => {
            assert!(
                ran.code() != Some(0) && said.contains("main.cf, line"),
                "{shows}: {ran}"
            );
        }
        Expected::FailsHere => {
            assert!(ran.code() != Some(0), "{shows}: postconf came to an end");
        }
    }
}

#[test]
fn postconf_agrees_with_every_case() {
    let rustin = host_or_skip!();
    let full = host_or_skip!(testkit::Host::builder().name("rustin.example.org"));
    let hosts = [&rustin, &full];
    let cases: Vec<&Case> = READING.iter().chain(EXPANSION).chain(HOSTS).collect();
    // Many at a time: before postconf ends with an error, it waits a second.
    std::thread::scope(|scope| {
        for some in cases.chunks(4) {
            scope.spawn(move || {
                for case in some {
                    let host = hosts.iter().find(|host| host.name() == case.hostname);
                    check(host.unwrap(), case);
                }
            });
        }
    });
}

/// Compares all that postconf prints for a configuration directory.
fn check_all(host: &testkit::Host, dir: &Path, parameters: &Parameters) {
    let printed = postconf(host, 60, dir, &["-x"]).ok().text();
    let mut compared = 0;
    for line in printed.lines() {
        let (name, value) = line.split_once(" =").unwrap();
        if !VOLATILE.contains(&name) {
            let ours = as_printed(&parameters.expand(name).unwrap());
            assert_eq!(ours, value.trim_start(), "{name} of {}", dir.display());
            compared += 1;
        }
    }
    assert!(compared > 800, "only {compared} parameters");
}

/// Whether the defaults of the Postfix that is installed are those that we have; if not, says so.
fn is_our_version(host: &testkit::Host) -> bool {
    let version = host
        .run(["postconf", "-d", "-h", "mail_version"])
        .ok()
        .text();
    let ours = version.starts_with("3.7.");
    if !ours {
        let line = format!(
            "NOT COMPARED: defaults of Postfix {}, ours are of 3.7\n",
            version.trim()
        );
        std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()).unwrap();
    }
    ours
}

#[test]
fn postconf_agrees_with_every_default() {
    let host = host_or_skip!();
    if !is_our_version(&host) {
        return;
    }
    let dir = directory(PINNED.as_bytes(), MASTER_CF.as_bytes());
    let main_cf = MainCf::parse(dir.path(), PINNED.as_bytes()).value;
    check_all(
        &host,
        dir.path(),
        &Parameters::new(main_cf, dir.path(), host.name()),
    );
}

#[test]
fn instances_made_by_postmulti_are_found_as_postmulti_lists_them() {
    let host = host_or_skip!();
    // What a fresh /etc/postfix and an admin's commands make; the files are aged for postmulti, which would wait.
    host.sh(&format!(
        "age() {{ touch -d 2024-01-01 /etc/postfix*/main.cf; }}
        printf 'compatibility_level = 3.6\\n{PINNED}' > /etc/postfix/main.cf; age
        postmulti -e init; age
        postmulti -e create -I postfix-aol-a -G relay; age
        postmulti -e create -I postfix-aol-b -G relay; age
        postmulti -e create -I - -G therest config_directory=/etc/postfix-x queue_directory=/var/spool/qx \
            data_directory=/var/lib/dx; age
        postmulti -e enable -i postfix-aol-a; age
        for dir in /etc/postfix-*; do printf '{PINNED}' >> $dir/main.cf; done; age
        postconf -c /etc/postfix-aol-b -e 'smtp_bind_address = 127.0.0.12' 'syslog_name = $multi_instance_name' \
            'transport_maps = hash:$config_directory/transport'; age",
        PINNED = PINNED.replace('\n', "\\n"),
    ));
    let Parsed {
        value: found,
        problems,
    } = host.enter(|| Host::discover(&Root::default(), host.name()));
    assert_eq!(problems, []);
    let line = |i: &Instance| {
        let name = if i.get("multi_instance_name").is_empty() {
            "-"
        } else {
            i.name()
        };
        let group = i.group().unwrap_or_else(|| "-".to_owned());
        let enabled = if i.is_enabled() { "y" } else { "n" };
        format!(
            "{name} {group} {enabled} {}",
            i.config_directory().display()
        )
    };
    let mut ours: Vec<String> = found.instances().iter().map(line).collect();
    let listed = host.run(["postmulti", "-l"]).ok().text();
    let mut theirs: Vec<String> = listed
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    ours.sort();
    theirs.sort();
    assert_eq!(ours, theirs);
    assert_eq!(ours.len(), 4);
    for instance in found.instances() {
        let postfix_says = |name: &str| {
            let ran = postconf(&host, 60, instance.config_directory(), &["-x", "-h", name]);
            ran.ok().text().trim_end().to_owned()
        };
        assert_eq!(
            instance.queue_directory(),
            Path::new(&postfix_says("queue_directory"))
        );
        assert_eq!(
            instance.data_directory(),
            Path::new(&postfix_says("data_directory"))
        );
        assert_eq!(instance.syslog_name(), postfix_says("syslog_name"));
        if is_our_version(&host) {
            check_all(&host, instance.config_directory(), instance.parameters());
        }
        let services = host.enter(|| instance.services(&Root::default()));
        assert_eq!(services.problems, []);
        assert_eq!(services.value.running("pickup").count(), 1);
        // postmulti sets master_service_disable in new instances: they take no mail from the network.
        let listens = services.value.running("smtpd").next().is_some();
        assert_eq!(listens, instance.is_default(), "{}", instance.name());
    }
}

#[test]
fn postconf_agrees_with_our_reading_of_master_cf() {
    let host = host_or_skip!();
    let master_cf: &[u8] =
        b"# comment\nsmtp inet n - y - - smtpd\n  -o smtpd_x=y\n# inside\n\t-o smtpd_z=1\n\
        192.0.2.1:smtp inet n - n - 1 postscreen\npickup unix n - - 60? 1 pickup\n\
        out unix - - - - 0 pipe flags=R user=nobody argv=/bin/x { a  b } ${nexthop}\n";
    let dir = directory(b"", master_cf);
    let printed = postconf(&host, 60, dir.path(), &["-F", "*/*/command"])
        .ok()
        .text();
    let parsed = MasterCf::parse(Path::new("master.cf"), master_cf);
    assert_eq!(parsed.problems, []);
    let ours: Vec<String> = parsed
        .value
        .services()
        .iter()
        .map(as_printed_service)
        .collect();
    assert_eq!(ours, printed.lines().collect::<Vec<_>>());
}

/// A service as `postconf -F` prints its command.
fn as_printed_service(service: &Service) -> String {
    let Service {
        name,
        kind,
        command,
        ..
    } = service;
    let mut line = format!("{name}/{}/command = {command}", kind.as_str());
    for arg in &service.args {
        let (open, close) = if arg.contains(' ') {
            ("{", "}")
        } else {
            ("", "")
        };
        line.push_str(&format!(" {open}{arg}{close}"));
    }
    line
}
