//! Programs that the tools run are the host's own, whoever's PATH and environment they were started with.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use testkit::tools;

use crate::image::{CLOCK, Image, delivery};

#[test]
fn a_program_in_the_callers_path_is_not_run() {
    let image = Image::new([delivery("postfix-aol-a", "x.example", "sent", "250 ok")]);
    let theirs = image.path("bin");
    fs::create_dir(&theirs).unwrap();
    let mark = image.path("ran");
    for program in [
        "journalctl",
        "postmap",
        "postconf",
        "postqueue",
        "postsuper",
        "postfix",
        "sendmail",
        "ssh",
        "gzip",
        "xz",
        "systemctl",
        "sh",
    ] {
        let path = theirs.join(program);
        fs::write(
            &path,
            format!("#!/bin/bash\necho {program} >> {}\n", mark.display()),
        )
        .unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let runs: [&[&str]; 12] = [
        &["mail-stats-print", "--journal"],
        &["mail-stats-print", "--journal-dir", "/var/tmp"],
        &[
            "mail-stats-print",
            "--format",
            "report",
            "--mail-to",
            "root@localhost",
        ],
        &["mail-stats-print", "--save-day"],
        &["mailq-distribution"],
        &["queue-report", "aol-a"],
        &["queue-move", "aol-a", "postfix-0", "--dry-run"],
        &["relay-instances"],
        &["relay-limit", "list"],
        &["relay-limit", "tick"],
        &["relay-transport", "check"],
        &["relay-warmup", "status", "aol-a"],
    ];
    for own in [false, true] {
        for run in runs {
            // What mails or ends pauses on this very machine is not for a test.
            if own
                && (run.contains(&"--mail-to")
                    || run.contains(&"tick")
                    || run.contains(&"--save-day"))
            {
                continue;
            }
            let (tool, args) = run.split_first().unwrap();
            let mut command = Command::new(tools::path(tool));
            command
                .args(args)
                .arg(format!("--clock={CLOCK}"))
                .env("PATH", &theirs);
            command
                .env("LD_LIBRARY_PATH", &theirs)
                .env("MAIL_CONFIG", image.path("etc/postfix"));
            if !own {
                command.arg("--root").arg(image.root());
            }
            command.stdin(Stdio::null()).output().unwrap();
            let ran = fs::read_to_string(&mark).unwrap_or_default();
            assert_eq!(ran, "", "{run:?}");
        }
    }
}
