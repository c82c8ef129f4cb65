//! Jobs that are ended, or held up, at any of their steps.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use testkit::traced::{calls, plain, signalled};
use testkit::{PATIENCE, tools, wait_until};

use crate::image::{CLOCK, DAY, Image, delivery};

const STATE: &str = "var/lib/relay-tools/follow.json";

/// What the timers run.
const JOBS: [&[&str]; 5] = [
    &["mail-stats-print", "-q", "--save-day", "--date", DAY],
    &[
        "mail-stats-print",
        "-q",
        "--follow-state",
        STATE,
        "--format",
        "prom",
        "--output",
        "metrics/a.prom",
    ],
    &[
        "mail-stats-print",
        "-q",
        "--date",
        DAY,
        "--format",
        "prom",
        "--output",
        "metrics/a.prom",
    ],
    &[
        "mailq-distribution",
        "-q",
        "--format",
        "prom",
        "--output",
        "metrics/a.prom",
    ],
    &[
        "mail-stats-print",
        "-q",
        "--format",
        "report",
        "--date",
        DAY,
        "--output",
        "metrics/a.prom",
    ],
];

fn host() -> Image {
    let image =
        Image::new((0..50).map(|_| delivery("postfix-aol-a", "x.example", "sent", "250 ok")));
    for directory in [
        "metrics",
        "var/lib/relay-tools/days",
        "var/spool/aol-a/deferred",
    ] {
        fs::create_dir_all(image.path(directory)).unwrap();
    }
    image.write("metrics/a.prom", "# as it was\n");
    image
}

/// Its arguments: files are the image's.
fn arguments(image: &Image, job: &[&str]) -> Vec<String> {
    let files = [STATE, "metrics/a.prom"];
    let args = job[1..].iter().map(|arg| match files.contains(arg) {
        true => image.path(arg).display().to_string(),
        false => (*arg).to_owned(),
    });
    [format!("--clock={CLOCK}")]
        .into_iter()
        .chain(args)
        .collect()
}

/// All that jobs write: files by name. Where the image is, is left out of them.
fn written(image: &Image) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut todo = vec![image.path("metrics"), image.path("var/lib/relay-tools")];
    while let Some(path) = todo.pop() {
        if path.is_dir() {
            todo.extend(fs::read_dir(path).unwrap().map(|one| one.unwrap().path()));
            continue;
        }
        let name = path
            .strip_prefix(image.root())
            .unwrap()
            .display()
            .to_string();
        let text = fs::read_to_string(&path).unwrap();
        let text = text.replace(image.root().to_str().unwrap(), "");
        found.insert(name, text);
    }
    found
}

/// A lock says who had it last.
fn is_lock(name: &str) -> bool {
    name.ends_with("lock")
}

/// Inodes and times of files, which differ between two images, are all that a state may differ in.
fn is_as(name: &str, text: &str, expected: &BTreeMap<String, String>) -> bool {
    let other = expected.get(name);
    other.is_some_and(|other| is_lock(name) || name == STATE || other == text)
}

#[test]
fn a_job_that_is_terminated_at_any_step_leaves_nothing_and_is_made_up_for() {
    for job in JOBS {
        let tool = tools::path(job[0]);
        let tool = tool.to_str().unwrap();
        let run = |image: &Image, of: &mut dyn FnMut(&Path, &[&str])| {
            let args = arguments(image, job);
            of(
                image.root(),
                &args.iter().map(String::as_str).collect::<Vec<_>>(),
            );
        };
        let image = host();
        let before = written(&image);
        let mut steps = Vec::new();
        run(&image, &mut |root, args| steps = calls(tool, root, args));
        let expected = written(&image);
        assert!(steps.len() >= 3, "{job:?}");
        for step in &steps {
            let image = host();
            run(&image, &mut |root, args| {
                let ran = signalled(tool, root, args, step, "TERM");
                assert!(
                    !ran.status.success() || ran.status.code() == Some(0),
                    "{ran:?}"
                );
            });
            for (name, text) in written(&image) {
                // What is left under a temporary name is removed an hour later.
                if name.contains("/.relay-tools-") {
                    let file = fs::File::options().write(true).open(image.path(&name));
                    let two_hours_ago = SystemTime::now() - Duration::from_secs(7200);
                    file.unwrap().set_modified(two_hours_ago).unwrap();
                    continue;
                }
                let is_whole = is_as(&name, &text, &before) || is_as(&name, &text, &expected);
                assert!(is_whole, "{job:?}, {}: {name} is left: {text}", step.shown);
            }
            run(&image, &mut |root, args| {
                let ran = plain(tool, root, args);
                assert!(ran.status.success(), "{job:?}, {}: {ran:?}", step.shown);
            });
            let after = written(&image);
            let names =
                |files: &BTreeMap<String, String>| files.keys().cloned().collect::<Vec<_>>();
            assert_eq!(names(&after), names(&expected), "{job:?}, {}", step.shown);
            for (name, text) in after {
                assert!(
                    is_as(&name, &text, &expected),
                    "{job:?}, {}: {name}: {text}",
                    step.shown
                );
            }
        }
    }
}

/// Held up where it has its lock: another is refused and says who has it, and the first one ends as if nothing had
/// been.
#[test]
fn a_job_that_is_stopped_holds_up_no_other_for_ever_and_goes_on() {
    let image = host();
    let args = arguments(&image, JOBS[1]);
    let tool = tools::path(JOBS[1][0]);
    let mut stopped = Command::new("strace")
        .args(["-qq", "-f", "-o", "/dev/null", "--trace=renameat,rename"])
        .args(["--inject=renameat,rename:signal=STOP:when=1"])
        .arg(&tool)
        .arg("--root")
        .arg(image.root())
        .args(&args)
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let children = format!("/proc/{0}/task/{0}/children", stopped.id());
    let child = || {
        let children = fs::read_to_string(&children).unwrap_or_default();
        children.split_whitespace().next()?.parse::<i32>().ok()
    };
    let is_stopped = || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", child()?)).ok()?;
        let (_, rest) = stat.rsplit_once(") ")?;
        Some(rest.starts_with(['T', 't']) && image.path(&format!("{STATE}.lock")).exists())
    };
    wait_until(PATIENCE, "a stop", || is_stopped() == Some(true));
    let pid = child().unwrap();
    let other = Command::new(&tool)
        .arg("--root")
        .arg(image.root())
        .args(&args)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&other.stderr);
    assert!(
        !other.status.success() && err.contains(&pid.to_string()),
        "{err}"
    );
    // What was seen may be a stop of strace's, just before its own: a signal that comes in between does not end that.
    let mut ended = None;
    wait_until(PATIENCE, "its end", || {
        ended = stopped.try_wait().unwrap();
        if ended.is_none() {
            // It may be gone by now.
            let sent = kill(Pid::from_raw(pid), Signal::SIGCONT);
            assert!(matches!(sent, Ok(()) | Err(Errno::ESRCH)), "{sent:?}");
        }
        ended.is_some()
    });
    assert!(ended.unwrap().success());
    let metrics = fs::read_to_string(image.path("metrics/a.prom")).unwrap();
    let sent = metrics
        .lines()
        .find(|line| line.starts_with("relay_mail_deliveries_total{") && line.contains("\"sent\""));
    assert!(sent.is_some_and(|line| line.ends_with(" 50")), "{metrics}");
}
