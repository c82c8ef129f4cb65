//! What the mail owner, taken over, lays in a queue: no tool waits for it, shows a file of root's, or loses sight of
//! mail.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use testkit::tools;

use crate::image::Image;
use crate::{MAIL, as_user, give, is_root, repository};

/// In the place of messages and of their logs, in each queue.
const TRAPS: &str = r"
for queue in incoming active deferred deferred/A hold defer bounce maildrop; do
    mkdir -p $queue; (cd $queue
    mkfifo 4F9A1B0001; ln -s /dev/zero 4F9A1B0002; ln -s $SECRET 4F9A1B0003; mkdir 4F9A1B0004; ln -s . 4F9A1B0005
    truncate -s 1T 4F9A1B0006; head -c 300000 /dev/urandom >4F9A1B0007
    printf 'C\377\377\377\377\377\377\377\377\177' >4F9A1B0008
    printf 'C\004 9 9T\012999999999 S\200\200\200\200\020' >4F9A1B0009; chmod 700 4F9A1B000[6-9])
done
for n in $(seq 1 400); do mkdir -p hold/$n/$n; done
";

#[test]
fn what_the_mail_owner_lays_in_a_queue_stops_no_tool_and_hides_no_mail() {
    if !is_root() {
        return;
    }
    let image = Image::new([]);
    for file in ["etc/passwd", "etc/group"] {
        image.write(file, &fs::read_to_string(format!("/{file}")).unwrap());
    }
    image.write("secret", "the secret of root\n");
    fs::set_permissions(image.path("secret"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::create_dir_all(image.path("var/spool")).unwrap();
    let mut copy = Command::new("cp");
    copy.arg("-a")
        .arg(repository().join("fixtures/spools/real-default/spool"));
    assert!(
        copy.arg(image.path("var/spool/aol-a"))
            .status()
            .unwrap()
            .success()
    );
    for entry in walkdir::WalkDir::new(image.path("var/spool")) {
        give(entry.unwrap().path(), MAIL);
    }
    let run = |args: &[&str]| {
        let mut timed = Command::new("timeout");
        timed.args(["--kill-after=1", "120", "prlimit", "--as=1200000000"]);
        timed
            .arg(tools::path(args[0]))
            .args(&args[1..])
            .arg("--root")
            .arg(image.root());
        let ran = timed.stdin(Stdio::null()).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (ran.status.code(), text(&ran.stdout), text(&ran.stderr))
    };
    let ids = ["queue-report", "aol-a", "--ids", "--all"];
    let (_, before, err) = run(&ids);
    assert!(before.lines().count() > 3, "{before}{err}");
    let script = format!("SECRET={}\n{TRAPS}", image.path("secret").display());
    assert!(as_user(MAIL, &image.path("var/spool/aol-a"), &script));
    let (status, after, err) = run(&ids);
    // Not all could be read, and that is said.
    assert_eq!(status, Some(1), "{err}");
    for id in before.lines() {
        assert!(after.lines().any(|line| line == id), "{id}: {after}{err}");
    }
    for of in [
        &["mailq-distribution"][..],
        &[
            "mailq-distribution",
            "--by",
            "domain,age",
            "--format",
            "json",
        ],
        &["mailq-distribution", "--check", "--warn-count", "1000000"],
        &["queue-report", "aol-a", "--all"],
        &["queue-report", "aol-a", "--format", "jsonl"],
        &["queue-move", "hold", "aol-a", "--dry-run"],
        &["queue-move", "clean", "aol-a", "--dry-run"],
        &["queue-move", "history"],
        &["mail-stats-print", "--format", "report"],
    ] {
        let (status, out, err) = run(of);
        let what = format!("{of:?}: {status:?} {out} {err}");
        assert!(status.is_some_and(|status| status <= 3), "{what}");
        assert!(
            !what.contains("panicked") && !what.contains("the secret of root"),
            "{what}"
        );
        // A verdict says that not all was seen.
        assert!(!out.starts_with("OK"), "{what}");
    }
}
