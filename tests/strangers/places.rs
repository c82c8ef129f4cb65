//! What is no file, has no end, or is not what its name says, in the place of each file that is read.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use testkit::tools;

use crate::image::{CLOCK, DAY, Image, delivery};
use crate::{MAIL, give, ids, is_root};

/// The files, below a host's root, and a run of a tool that reads it.
const FILES: [(&str, &[&str]); 16] = [
    ("etc/postfix/main.cf", &["relay-instances"]),
    ("etc/postfix-aol-a/main.cf", &["queue-report", "aol-a"]),
    (
        "etc/postfix-aol-a/master.cf",
        &["relay-warmup", "check", "aol-a"],
    ),
    (
        "etc/relay-tools/providers.toml",
        &["relay-transport", "print"],
    ),
    (
        "etc/relay-tools/reasons.toml",
        &["mail-stats-print", "--by", "reason"],
    ),
    (
        "etc/relay-tools/advice.toml",
        &["queue-report", "aol-a", "--group-by", "reason"],
    ),
    ("etc/default/relay-tools", &["mail-stats-print", "--check"]),
    (
        "etc/localtime",
        &["mail-stats-print", "--format", "report", "--date", DAY],
    ),
    ("etc/timezone", &["mail-stats-print", "--date", DAY]),
    ("etc/hostname", &["mailq-distribution"]),
    ("var/log/mail.log", &["relay-transport", "discover"]),
    (
        "var/log/mail.log",
        &[
            "mail-stats-print",
            "--follow-state",
            "STATE",
            "--format",
            "prom",
        ],
    ),
    ("var/log/mail.log.1", &["mail-stats-print", "--date", DAY]),
    (
        "var/lib/relay-tools/limits/journal.jsonl",
        &["relay-limit", "list"],
    ),
    ("var/lib/relay-tools/moves", &["queue-move", "history"]),
    (
        "var/lib/relay-tools/warmup/postfix-aol-a.json",
        &["relay-warmup", "status", "aol-a"],
    ),
];

fn lay(trap: &str, at: &Path) {
    fs::create_dir_all(at.parent().unwrap()).unwrap();
    drop(fs::remove_file(at));
    match trap {
        "a FIFO" => assert!(Command::new("mkfifo").arg(at).status().unwrap().success()),
        "a device" => symlink("/dev/zero", at).unwrap(),
        "a directory" => fs::create_dir(at).unwrap(),
        "a terabyte" => fs::File::create(at).unwrap().set_len(1 << 40).unwrap(),
        "a circle" => symlink(at, at).unwrap(),
        "nesting" => fs::write(at, "[{\"a\":".repeat(100_000)).unwrap(),
        _ => fs::write(at, [0xff, 0, b'\n', 0x80].repeat(100_000)).unwrap(),
    }
}

/// Ends by itself, in a gigabyte of memory, without a fault of its own.
fn run(image: &Image, of: &[&str]) -> (Option<i32>, String, String) {
    let (tool, args) = of.split_first().unwrap();
    let state = image.path("state.json").display().to_string();
    let ran = Command::new("timeout")
        .args(["--kill-after=1", "60", "prlimit", "--as=1200000000"])
        .arg(tools::path(tool))
        .arg(format!("--clock={CLOCK}"))
        .args(
            args.iter()
                .map(|arg| if *arg == "STATE" { &state } else { *arg }),
        )
        .args(["--root".as_ref(), image.root()])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (ran.status.code(), text(ran.stdout), text(ran.stderr))
}

#[test]
fn what_is_laid_in_the_place_of_a_file_stops_no_tool() {
    for (file, of) in FILES {
        for trap in [
            "a FIFO",
            "a device",
            "a directory",
            "a terabyte",
            "a circle",
            "nesting",
            "bytes",
        ] {
            let image = Image::new([delivery("postfix-aol-a", "x.example", "sent", "250 ok")]);
            fs::create_dir_all(image.path("var/spool/aol-a/deferred")).unwrap();
            lay(trap, &image.path(file));
            let (status, _, err) = run(&image, of);
            let what = format!("{trap} for {file}, {of:?}: {status:?} {err}");
            assert!(status.is_some_and(|status| status <= 3), "{what}");
            assert!(
                !err.contains("internal error") && !err.contains("panicked"),
                "{what}"
            );
        }
    }
}

/// copytruncate leaves such logs, and whoever may write to the directory: a job that follows it counts what is there.
#[test]
fn a_log_that_only_claims_to_have_a_terabyte_is_followed_at_once() {
    let sent = |n: usize| {
        let line = delivery("postfix-aol-a", "x.example", "sent", "250 ok");
        format!("{DAY}T00:00:{n:02}Z rustin {line}\n")
    };
    let image = Image::new([]);
    image.write("var/log/mail.log", &sent(1));
    let log = || {
        fs::OpenOptions::new()
            .append(true)
            .open(image.path("var/log/mail.log"))
            .unwrap()
    };
    let follow = [
        "mail-stats-print",
        "--follow-state",
        "STATE",
        "--format",
        "prom",
    ];
    let check = |expected: &str| {
        let (status, out, err) = run(&image, &follow);
        assert!(status.is_some_and(|status| status < 2), "{status:?} {err}");
        let mut lines = out.lines();
        let sent = lines.find(|line| {
            line.starts_with("relay_mail_deliveries_total{") && line.contains("\"sent\"")
        });
        assert!(
            sent.is_some_and(|line| line.ends_with(expected)),
            "{expected}: {out}"
        );
    };
    // In a directory that has no line but those before the hole; and with lines behind it.
    log().set_len(1 << 40).unwrap();
    check(" 1");
    log()
        .write_all(format!("\n{}", sent(2)).as_bytes())
        .unwrap();
    check(" 2");
    log().write_all(sent(3).as_bytes()).unwrap();
    log().set_len((1 << 40) + (1 << 39)).unwrap();
    check(" 3");
}

/// The head of an xz file says how much memory it wants, up to 4 GiB, whatever is in it.
#[test]
fn an_archive_that_wants_all_memory_is_reported_and_not_given_it() {
    let image = Image::new([]);
    let log = image.path("var/log/mail.log.1");
    let sent = delivery("postfix-aol-a", "x.example", "sent", "250 ok");
    fs::write(&log, format!("{DAY}T00:00:00Z rustin {sent}\n")).unwrap();
    assert!(Command::new("xz").arg(&log).status().unwrap().success());
    let log = image.path("var/log/mail.log.1.xz");
    let dates = ["mail-stats-print", "--date", DAY];
    let (status, out, err) = run(&image, &dates);
    assert!(status == Some(0) && out.contains(":sent:1\n"), "{out}{err}");

    // The block's header: its size, flags, LZMA2 (0x21), one byte of properties, the dictionary, padding, CRC32.
    let mut bytes = fs::read(&log).unwrap();
    let end = 12 + (usize::from(bytes[12]) + 1) * 4 - 4;
    assert_eq!((bytes[14], bytes[15]), (0x21, 1));
    bytes[16] = 40;
    let sum = crc32(&bytes[12..end]);
    bytes[end..end + 4].copy_from_slice(&sum.to_le_bytes());
    fs::write(&log, bytes).unwrap();
    let (status, out, err) = run(&image, &dates);
    assert!(
        status == Some(1) && !out.contains(":sent:1\n"),
        "{out}{err}"
    );
    assert!(
        err.contains("mail.log.1.xz") && err.contains("memory"),
        "{err}"
    );
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg())
        })
    })
}

/// As many bytes as a tool may not have memory for, in a few hundred thousand at most.
#[test]
fn an_archive_that_holds_more_than_all_memory_is_read_to_its_end() {
    let image = Image::new([]);
    let sent = delivery("postfix-aol-a", "x.example", "sent", "250 ok");
    let line = format!("{DAY}T00:00:00Z rustin {sent}");
    for (program, ending) in [
        ("zstd -1", "zst"),
        ("bzip2 -1", "bz2"),
        ("xz -1", "xz"),
        ("gzip -9", "gz"),
    ] {
        let log = image.path(&format!("bomb.{ending}"));
        let bomb = "(echo \"$0\"; head -c 150000000 /dev/zero; echo; echo \"$0\") | $1 >\"$2\"";
        let made = Command::new("sh")
            .args(["-ec", bomb, &line, program])
            .arg(&log)
            .status();
        assert!(made.unwrap().success());
        assert!(fs::metadata(&log).unwrap().len() < 150_000, "{program}");
        let ran = Command::new("prlimit")
            .arg("--as=120000000")
            .arg(tools::path("mail-stats-print"))
            .args([&format!("--clock={CLOCK}"), "--log"])
            .arg(&log)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let out = String::from_utf8_lossy(&ran.stdout);
        let err = String::from_utf8_lossy(&ran.stderr);
        assert!(out.contains("postfix-aol-a:total:2\n"), "{out}{err}");
    }
}

/// Directories in directories, whose names are long, or are written to a terminal: in each queue, and beside the logs.
const NESTED: &str = r#"
for $queue (@ARGV) {
    for $name ("A", "N" x 255, "\e]0;x\a\n" . "\xe2\x80\xae" x 50) {
        chdir $queue or die; for (1 .. 500) { mkdir $name, 0700; chdir $name or die }
        open F, ">4F9A1B2C3D" or die; chmod 0700, F
    }
}
"#;

#[test]
fn directories_without_an_end_stop_no_tool() {
    if !is_root() {
        return;
    }
    let image = Image::new([delivery("postfix-aol-a", "x.example", "sent", "250 ok")]);
    for file in ["etc/passwd", "etc/group"] {
        image.write(file, &fs::read_to_string(format!("/{file}")).unwrap());
    }
    let queues = [
        "maildrop", "incoming", "active", "deferred", "hold", "corrupt", "defer", "bounce",
    ];
    let mut all = vec![image.path("var/log")];
    all.extend(queues.map(|queue| image.path(&format!("var/spool/aol-a/{queue}"))));
    for directory in &all {
        fs::create_dir_all(directory).unwrap();
        give(directory, MAIL);
    }
    let mut perl = Command::new("perl");
    let (uid, gid) = ids(MAIL);
    perl.args(["-e", NESTED]).args(&all).uid(uid).gid(gid);
    assert!(perl.status().unwrap().success());
    for of in [
        &["mailq-distribution"][..],
        &["mailq-distribution", "--by", "domain"],
        &["queue-report", "aol-a"],
        &["queue-move", "hold", "aol-a", "--dry-run"],
        &["queue-move", "clean", "aol-a", "--dry-run"],
        &["mail-stats-print", "--date", DAY],
        &["mail-stats-print", "--format", "report", "--date", DAY],
        &["relay-instances"],
        &["relay-limit", "list"],
        &["relay-transport", "discover"],
        &["relay-warmup", "list"],
    ] {
        let (status, out, err) = run(&image, of);
        let what = format!("{of:?}: {status:?} {out} {err}");
        assert!(status.is_some_and(|status| status <= 2), "{what}");
        assert!(!err.contains("panicked") && err.len() < 50_000, "{what}");
        assert!(
            !(out + &err).contains(['\u{1b}', '\u{7}', '\u{202e}']),
            "{what}"
        );
    }
}
