//! The cases of `config.rs` and Postfix's defaults, asked of the real postconf.
#![allow(clippy::unwrap_used, reason = "a step that fails fails its test")]

#[path = "config_cases/mod.rs"]
mod cases;

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use cases::{Case, EXPANSION, Expected, HOSTS, READING};
use postfix::config::{MainCf, MasterCf, Parameters, Service};
use tempfile::TempDir;

/// The master.cf of every case: postconf knows the parameters of a transport only if it is there.
const MASTER_CF: &str =
    "smtp unix - - n - - smtp\nslow unix - - n - - smtp\nprog unix - n n - - pipe\n";

/// For what is asked beside the cases.
const HOSTNAME: &str = "rustin";

/// Tells, past the test harness's capture, that a test did not happen.
fn skipped(test: &str, why: &str) {
    let line = format!("SKIPPED {test}: {why}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

/// A configuration directory.
fn directory(main_cf: &[u8]) -> TempDir {
    let dir = TempDir::new().unwrap();
    for (name, text) in [("main.cf", main_cf), ("master.cf", MASTER_CF.as_bytes())] {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        // Postfix waits a second before it trusts a file that has just been written.
        let long_ago = std::time::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_modified(long_ago)
            .unwrap();
    }
    dir
}

/// Runs postconf with a host name of its own, for so many seconds and in 256 MiB at most.
fn postconf(hostname: &str, seconds: u32, args: &[&str]) -> Output {
    let script = "echo \"$1\" > /proc/sys/kernel/hostname && shift && ulimit -v 262144 && exec timeout \"$@\"";
    let mut command = Command::new("unshare");
    command
        .args([
            "--uts",
            "sh",
            "-c",
            script,
            "sh",
            hostname,
            &seconds.to_string(),
            "postconf",
        ])
        .args(args)
        .env("PATH", PATH);
    command.output().unwrap()
}

const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// Can postconf be asked at all? If not, why not.
fn missing() -> Option<&'static str> {
    if !Path::new("/usr/sbin/postconf").exists() {
        return Some("Postfix is not installed (apt-get install postfix)");
    }
    let namespace = Command::new("unshare").args(["--uts", "true"]).status();
    (!namespace.is_ok_and(|status| status.success()))
        .then_some("unshare --uts is not permitted: run it as root")
}

/// White space as postconf prints it (`pcf_print_line`).
fn as_printed(value: &[u8]) -> Vec<u8> {
    let words: Vec<&[u8]> = value
        .split(|b| b" \t\r\n".contains(b))
        .filter(|word| !word.is_empty())
        .collect();
    words.join(&b' ')
}

/// Does postconf say what the case says?
fn check(case: &Case) {
    let dir = directory(case.main_cf);
    let seconds = if case.expected == Expected::FailsHere {
        2
    } else {
        30
    };
    let output = postconf(
        case.hostname,
        seconds,
        &[
            "-c",
            dir.path().to_str().unwrap(),
            "-x",
            "-h",
            case.parameter,
        ],
    );
    let said = String::from_utf8_lossy(&output.stderr);
    let shows = case.shows;
    match case.expected {
        Expected::Is(expected) => {
            assert!(
                output.status.success() && !said.contains("unknown parameter"),
                "{shows}: {said}"
            );
            let value = output.stdout.strip_suffix(b"\n").unwrap();
            // The table holds text: what is not UTF-8 is compared as our reader shows it.
            assert_eq!(
                String::from_utf8_lossy(value).as_bytes(),
                as_printed(expected.as_bytes()),
                "{shows}: {said}"
            );
        }
        Expected::Fails => {
            assert!(
                !output.status.success(),
                "{shows}: postconf had no objection"
            );
            assert!(
                said.contains("macro processing error") || said.contains("bad conversion"),
                "{shows}: {said}"
            );
        }
        Expected::IsBeside(_) => {
            assert!(
                !output.status.success() && said.contains("main.cf, line"),
                "{shows}: {said}"
            );
        }
        Expected::FailsHere => {
            assert!(!output.status.success(), "{shows}: postconf came to an end");
        }
    }
}

#[test]
fn postconf_agrees_with_every_case() {
    if let Some(why) = missing() {
        return skipped("postconf_agrees_with_every_case", why);
    }
    // Many at a time: before postconf ends with an error, it waits a second.
    let cases: Vec<&Case> = READING.iter().chain(EXPANSION).chain(HOSTS).collect();
    std::thread::scope(|scope| {
        for some in cases.chunks(4) {
            scope.spawn(|| some.iter().for_each(|case| check(case)));
        }
    });
}

#[test]
fn postconf_agrees_with_every_default() {
    let test = "postconf_agrees_with_every_default";
    if let Some(why) = missing() {
        return skipped(test, why);
    }
    let version =
        String::from_utf8(postconf(HOSTNAME, 30, &["-d", "-h", "mail_version"]).stdout).unwrap();
    if !version.starts_with("3.7.") {
        return skipped(
            test,
            &format!(
                "the defaults are those of Postfix 3.7, this is {}",
                version.trim()
            ),
        );
    }
    // Debian's point releases differ in the one, machines in the other, and some defaults quote them.
    let main_cf = b"mail_version = 3.7\nmynetworks = 127.0.0.0/8\n";
    let dir = directory(main_cf);
    let main_cf = MainCf::parse(dir.path(), main_cf).value;
    let parameters = Parameters::new(main_cf, dir.path(), HOSTNAME);
    let output = postconf(HOSTNAME, 30, &["-c", dir.path().to_str().unwrap(), "-x"]);
    let printed = String::from_utf8(output.stdout).unwrap();
    let mut compared = 0;
    for line in printed.lines() {
        let (name, value) = line.split_once(" =").unwrap();
        // These change with each release and process.
        if ["mail_release_date", "process_id", "process_name"].contains(&name) {
            continue;
        }
        let ours = as_printed(&parameters.expand(name).unwrap());
        assert_eq!(String::from_utf8_lossy(&ours), value.trim_start(), "{name}");
        compared += 1;
    }
    assert!(compared > 800, "only {compared} defaults");
}

#[test]
fn postconf_agrees_with_our_reading_of_master_cf() {
    let test = "postconf_agrees_with_our_reading_of_master_cf";
    if let Some(why) = missing() {
        return skipped(test, why);
    }
    let master_cf: &[u8] =
        b"# comment\nsmtp inet n - y - - smtpd\n  -o smtpd_x=y\n# inside\n\t-o smtpd_z=1\n\
        192.0.2.1:smtp inet n - n - 1 postscreen\npickup unix n - - 60? 1 pickup\n\
        out unix - - - - 0 pipe flags=R user=nobody argv=/bin/x { a  b } ${nexthop}\n";
    let dir = directory(b"");
    fs::write(dir.path().join("master.cf"), master_cf).unwrap();
    let output = postconf(
        HOSTNAME,
        30,
        &["-c", dir.path().to_str().unwrap(), "-F", "*/*/command"],
    );
    let printed = String::from_utf8(output.stdout).unwrap();
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
    let mut line = format!(
        "{}/{}/command = {}",
        service.name,
        service.kind.as_str(),
        service.command
    );
    for arg in &service.args {
        let braces = if arg.contains(' ') {
            ("{", "}")
        } else {
            ("", "")
        };
        line.push_str(&format!(" {}{arg}{}", braces.0, braces.1));
    }
    line
}
