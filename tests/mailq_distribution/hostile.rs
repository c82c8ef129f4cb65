//! mailq-distribution where something is wrong: strangers' text, damaged spools, odd directories, wrong usage.

use std::fs;
use std::os::unix::fs::symlink;

use crate::image::{Image, image};
use serde_json::Value;
use testkit::tools::run;

#[test]
fn strangers_text_reaches_no_terminal_raw() {
    let image = Image::new();
    image.instance("aol-a", "real-default");
    let file = image.spool("aol-a").join("deferred/0/0A70332");
    let mut bytes = fs::read(&file).unwrap();
    // As long as before: a domain that clears the screen, and turns the text around.
    let hostile = "\x1b[2J\u{202e}x.a".as_bytes();
    assert_eq!(hostile.len(), b"example.com".len() - 1);
    let domain = b"@example.com";
    while let Some(at) = bytes.windows(domain.len()).position(|w| w == domain) {
        bytes[at + 1..at + 1 + hostile.len()].copy_from_slice(hostile);
        bytes[at + domain.len() - 1] = b':';
    }
    fs::write(&file, bytes).unwrap();
    for (format, by) in [
        ("table", "domain,sender-domain"),
        ("text", "domain,sender-domain"),
        ("json", "domain,sender-domain"),
        ("csv", "domain,sender-domain"),
        ("prom", "provider,age"),
    ] {
        let ran = image.run(["--by", by, "--format", format]).ended(0);
        assert!(
            !ran.out.contains(['\x1b', '\u{202e}']) && ran.err.is_empty(),
            "{format}: {:?}",
            ran.out
        );
    }
    let table = image.run(["--by", "domain"]).ended(0).out;
    assert!(table.contains("\\x1b[2j\\u{202e}x.a:"), "{table}");
    let text = image
        .run(["--by", "domain", "--format", "text"])
        .ended(0)
        .out;
    assert!(
        text.contains(":by:domain:\\x1b[2j\\u{202e}x.a\\x3a:deferred:1\n"),
        "{text}"
    );
}

/// Each of them cut in its middle, and one byte of what comes behind the content at least: it is said in each mode that
/// opens it, and of whole ones nothing.
#[test]
fn a_file_that_is_cut_short_is_reported_in_every_mode() {
    let image = Image::new();
    image.instance("aol-a", "real-default");
    let path = image.spool("aol-a").join("deferred/0/0A70332");
    let whole = fs::read(&path).unwrap();
    let extracted = whole.windows(2).rposition(|w| w == b"X\0").unwrap();
    let modes = [
        &[][..],
        &["--by", "age"],
        &["--by", "sender-domain"],
        &["--by", "domain"],
        &["--format", "prom"],
    ];
    for args in modes {
        fs::write(&path, &whole).unwrap();
        let ran = image.run(args).ended(0);
        assert_eq!(ran.err, "", "{args:?}");
        for length in [whole.len() / 2, extracted, extracted + 1] {
            fs::write(&path, &whole[..length]).unwrap();
            let ran = image.run(args).ended(1);
            let lines = ran.err.lines().filter(|line| line.contains("0A70332"));
            assert!(lines.count() > 0, "{args:?} {length}: {}", ran.err);
        }
    }
    let ran = image.run(["--check"]);
    assert!(ran.out.contains("1 problem"), "{}", ran.out);
    // No file is opened.
    image.run(["--counts-only"]).ended(0);
}

#[test]
fn what_is_no_queue_file_is_reported_and_the_rest_is_shown() {
    let image = Image::new();
    image.instance("aol-a", "real-default");
    let spool = image.spool("aol-a");
    let deferred = spool.join("deferred/0");
    testkit::tools::sh(&format!("mkfifo {}", deferred.join("1A2B305").display()));
    symlink("/etc/passwd", deferred.join("1A2B306")).unwrap();
    fs::create_dir(deferred.join("1A2B307")).unwrap();
    fs::write(deferred.join("no-id"), "x").unwrap();
    for flags in [&[][..], &["--counts-only"], &["--by", "domain"]] {
        let mut args = vec!["--format", "text"];
        args.extend(flags);
        let ran = image.run(&args).ended(1);
        assert!(
            ran.out.contains("postfix-aol-a:deferred:10\n"),
            "{}",
            ran.out
        );
        for what in [
            "is a FIFO",
            "is a symbolic link",
            "is a directory",
            "its name is not a queue id",
        ] {
            assert!(ran.err.contains(what), "{}", ran.err);
        }
    }
    let found = image.json_ended(1, &[]);
    assert_eq!(array(&found["problems"]).len(), 4);
}

#[test]
fn damaged_files_are_counted_and_told() {
    for spool in [
        "garbage",
        "empty",
        "truncated-in-record",
        "length-2-gib",
        "pointer-loop",
    ] {
        let image = Image::new();
        image.instance("aol-a", spool);
        let found = image.json_ended(1, &["--by", "domain"]);
        assert_eq!(found["total"]["deferred"], 2, "{spool}");
        assert!(!array(&found["problems"]).is_empty(), "{spool}");
    }
}

#[test]
fn a_queue_directory_that_is_not_there_is_a_row_of_zeros_and_a_problem() {
    let image = Image::new();
    image.instance("aol-a", "real-default");
    image.configure("aol-b", "/var/spool/postfix-aol-b");
    let ran = image.run(["--format", "text"]).ended(1);
    assert!(
        ran.out.contains("postfix-aol-b:total:0\n") && ran.out.contains("postfix-aol-a:total:12\n")
    );
    assert!(
        ran.err
            .contains("var/spool/postfix-aol-b: the queue directory does not exist"),
        "{}",
        ran.err
    );
    // Quiet, and still known by the exit status.
    assert_eq!(image.run(["-q"]).ended(1).err, "");
}

#[test]
fn a_directory_that_two_instances_claim_is_counted_once() {
    let image = Image::new();
    image.instance("aol-a", "real-default");
    image.configure("aol-b", "/var/spool/../spool/postfix-aol-a");
    let ran = image.run(["--format", "json"]).ended(1);
    let found: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        (&found["total"]["total"], &found["complete"]),
        (&12.into(), &false.into())
    );
    assert_eq!(found["instances"][0]["total"], 12);
    assert_eq!(found["instances"][1]["total"], 12);
    assert!(
        ran.err
            .contains("postfix-aol-a and postfix-aol-b claim the same queue directory"),
        "{}",
        ran.err
    );
    let metrics = image.run(["--format", "prom"]).ended(1).out;
    assert!(metrics.contains("relay_mailq_complete 0\n"), "{metrics}");
    assert_eq!(image.json(&["aol-b"])["total"]["total"], 12);
    // Their daemons take each other's mail, whichever is asked for.
    let share =
        "postfix-aol-a and postfix-aol-b share the queue directory /var/spool/postfix-aol-a";
    for asked in [&[][..], &["aol-a"], &["aol-b"]] {
        let line = image.run([&["--check"], asked].concat()).ended(2).out;
        assert!(
            line.starts_with("CRITICAL: ") && line.contains(share),
            "{line}"
        );
    }
    // Without a word in main.cf both are Postfix's default.
    let bare = Image::new();
    for name in ["postfix", "postfix-aol-a"] {
        let directory = bare.path(&format!("etc/{name}"));
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("main.cf"), "").unwrap();
    }
    fs::create_dir_all(bare.path("var/spool/postfix/deferred")).unwrap();
    let line = bare.run(["--check"]).ended(2).out;
    assert!(
        line.contains("share the queue directory /var/spool/postfix"),
        "{line}"
    );
}

#[test]
fn hash_depths_are_obeyed() {
    let image = Image::new();
    image.instance("aol-a", "real-flat");
    let main_cf = image.path("etc/postfix-aol-a/main.cf");
    let listed = image.postqueue("real-flat").len() as u64;
    assert!(listed > 0);
    let told = image.json_ended(1, &[]);
    assert_eq!(
        told["total"]["total"],
        listed,
        "{}",
        fs::read_to_string(&main_cf).unwrap()
    );
    let more = fs::read_to_string(image.fixture("real-flat").join("main.cf")).unwrap();
    let text = fs::read_to_string(&main_cf).unwrap();
    fs::write(&main_cf, format!("{text}{more}")).unwrap();
    assert_eq!(image.json(&[])["total"]["total"], listed);
}

#[test]
fn output_goes_into_a_file_whole() {
    let image = image();
    let path = image.path("mailq.prom");
    let ran = image
        .run(["--format", "prom", "--output", path.to_str().unwrap()])
        .ended(0);
    assert_eq!(ran.out, "");
    assert!(
        fs::read_to_string(path)
            .unwrap()
            .contains("queue=\"deferred\"} 10\n")
    );
}

#[test]
fn wrong_usage_is_reported() {
    let image = image();
    for (args, text) in [
        (&["--by", "colour"][..], "colour"),
        (&["--top", "3"], "--by"),
        (&["--counts-only", "--by", "age"], "--by"),
        (&["--warn-count", "3"], "--check"),
        (&["--watch", "0"], "--watch 0"),
        (&["--watch", "5", "--format", "csv"], "--watch"),
        (&["--watch", "5", "--output", "/dev/null"], "--output"),
    ] {
        let ran = image.run(args).ended(2);
        assert!(
            ran.out.is_empty() && ran.err.contains(text),
            "{args:?}: {}",
            ran.err
        );
    }
    for args in [
        &["--check", "--output", "/dev/null"][..],
        &["--check", "--format", "json"],
        &["--check", "--watch"],
    ] {
        let ran = image.run(args).ended(3);
        let expected = format!("UNKNOWN: {} cannot be used with --check\n", args[1]);
        assert_eq!(ran.out, expected, "{args:?}");
    }
}

#[test]
fn a_host_without_instances_is_an_error() {
    let empty = tempfile::tempdir().unwrap();
    let ran = run(
        "mailq-distribution",
        ["--root", empty.path().to_str().unwrap()],
    )
    .ended(2);
    assert!(ran.err.contains("no Postfix instance"), "{}", ran.err);
}

#[test]
fn idle_instances_cost_no_threads() {
    let image = Image::new();
    image.instance("aol-a", "real-default");
    let clones = |image: &Image| {
        let trace = image.path("trace");
        let strace = ["-f", "-qq", "-e", "trace=clone,clone3", "-o"];
        let ran = std::process::Command::new("strace")
            .args(strace)
            .arg(&trace)
            .arg(crate::TOOL)
            .arg("--root")
            .arg(image.path(""))
            .output()
            .unwrap();
        assert!(ran.status.success(), "{ran:?}");
        let calls = fs::read_to_string(trace).unwrap();
        calls.lines().filter(|line| line.contains("clone")).count()
    };
    let alone = clones(&image);
    for at in 0..50 {
        let name = format!("idle-{at}");
        image.configure(&name, &format!("/var/spool/postfix-{name}"));
        for queue in ["maildrop", "incoming", "active", "deferred", "hold"] {
            fs::create_dir_all(image.spool(&name).join(queue)).unwrap();
        }
    }
    assert_eq!(clones(&image), alone);
}

fn array(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}
