//! docs/verdicts.md: what each tool says where something is missing. Each cell is tried on a host of its own, and a
//! tool cannot read, ask or run anything that has no row.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use tempfile::TempDir;
use testkit::tools::{self, Ran, run_with};

use crate::files;

/// Makes `$1` a whole host of the bundled one, `$2`: with what git does not keep, without its damaged files, and with
/// logs of three days without incident, day records to be added up, a warm-up that is planned, and rules to react by.
/// `$3` is relay-warmup.
const WHOLE: &str = r#"
set -eu
cp -a "$2" "$1"
bash "$1/restore"
cd "$1"
rm var/spool/postfix-therest-a/deferred/core.dump var/spool/postfix-therest-a/deferred/9/4jYYwn4G{Cgz5w,12z5v}
printf 'postfix:x:%s:%s::/:/bin/false\n' "$(id -u)" "$(id -g)" >etc/passwd
for i in postfix postfix-{aol-a,aol-b,msn-a,therest-a,yahoo-a}; do
    mkdir -p var/spool/$i/{maildrop,incoming,active,deferred,hold,corrupt,defer,bounce} etc/$i
    for s in pickup cleanup qmgr smtp error retry; do echo "$s unix n - n - 0 $s"; done >etc/$i/master.cf
    echo 'rewrite unix n - n - 0 trivial-rewrite' >>etc/$i/master.cf
done
rm var/log/*
n=2
for day in 17 18 19; do
    log=var/log/mail.log.$n
    [ $n != 0 ] || log=var/log/mail.log
    for hour in {00..23}; do for minute in 05 25 45; do for i in aol-a aol-b msn-a therest-a yahoo-a; do
        echo "2026-09-${day}T$hour:$minute:00.000000+00:00 rustin postfix-$i/smtp[7]: 4HnkK$day$hour$minute:" \
            "to=<a@aol.com>, relay=mx.aol.com[192.0.2.9]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 ok)"
    done; done; done >$log
    touch -d "2026-09-${day}T23:45:00Z" $log
    n=$((n - 1))
done
mkdir records etc/relay-tools
for day in 15 16 17; do cp var/lib/relay-tools/days/2026-09-$day.*.jsonl records/$day.jsonl; done
"$3" plan aol-a --volume 1000 --start 2026-09-19 --root . --clock=2026-09-19T06:00:00Z >/dev/null
printf '%s\n' 'mail = "root"' '[[rule]]' 'code = "TSS04"' 'at_least = 5' 'within = "1h"' 'do = "pause"' \
    'for = "1h"' >etc/relay-tools/react.toml
"#;

/// What can be missing.
struct Thing {
    name: String,
    /// What is done to the host; nothing, for what is not there anyway.
    how: String,
    /// Where it is read from, or `network`, `journalctl`.
    from: Vec<String>,
}

/// Some cells: what is said where this is missing.
struct Said {
    tool: String,
    thing: String,
    /// Arguments of the outputs.
    outputs: Vec<String>,
    /// None: as before.
    exit: Option<i32>,
    words: Vec<String>,
}

/// What is between backticks.
fn code(cell: &str) -> Vec<String> {
    let parts = cell.split('`').skip(1).step_by(2);
    parts.map(str::to_owned).collect()
}

fn page() -> (Vec<Thing>, Vec<Said>) {
    let text = files::text("docs/verdicts.md".as_ref());
    let (mut things, mut said) = (Vec::new(), Vec::new());
    let (mut section, mut always, mut outputs) = (String::new(), String::new(), Vec::new());
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("## ") {
            section = name.to_owned();
            always = String::new();
        } else if let Some(args) = line.strip_prefix("Always with: ") {
            always = code(args).concat() + " ";
        } else if let Some(all) = line.strip_prefix("Outputs: ") {
            outputs = code(all);
        }
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        // One that needs a running host is tried by the tool's own tests.
        let is_row = line.starts_with("| ")
            && cells[0] != "missing"
            && !cells[0].starts_with("---")
            && !section.ends_with("on a running host");
        if is_row && section == "What can be missing" {
            things.push(Thing {
                name: cells[0].to_owned(),
                how: code(cells[1]).concat(),
                from: code(cells[2]),
            });
        } else if is_row {
            for thing in cells[0].split(", ") {
                let own = code(cells[1]);
                said.push(Said {
                    // A tool may have a section for each of its modes.
                    tool: section.split(':').next().unwrap_or_default().to_owned(),
                    thing: thing.to_owned(),
                    outputs: match own.is_empty() {
                        true => outputs.iter().map(|one| format!("{always}{one}")).collect(),
                        false => own.iter().map(|one| format!("{always}{one}")).collect(),
                    },
                    exit: cells[2].parse().ok(),
                    words: code(cells[3]),
                });
            }
        }
    }
    (things, said)
}

fn whole(dir: &TempDir, name: &str) -> String {
    let root = dir.path().join(name);
    let root = root.to_str().unwrap();
    let bundled = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/rustin");
    let made = Command::new("bash")
        .args(["-c", WHOLE, "-", root, bundled])
        .arg(tools::path("relay-warmup"))
        .env("TZ", "UTC")
        .status();
    assert!(made.unwrap().success());
    root.to_owned()
}

fn tool(root: &str, tool: &str, args: &str) -> Ran {
    let args = args.split(' ').filter(|arg| !arg.is_empty());
    // The mail in its queues came after its logs end.
    let clock = match tool {
        "mailq-distribution" => "--clock=2026-11-25T06:00:00Z",
        _ => "--clock=2026-09-20T06:00:00Z",
    };
    let clock = [clock, "--root", root];
    let mut command = Command::new(tools::path(tool));
    command.args(args).args(clock).env("TZ", "UTC");
    run_with(command.current_dir(root), b"")
}

/// The tables' cells, tried.
#[test]
fn each_cell_is_so() {
    let (things, said) = page();
    let dir = tempfile::tempdir().unwrap();
    // Runs that keep something keep it in a copy.
    let made = whole(&dir, "made");
    let sound = format!("{made}-sound");
    tools::sh(&format!("cp -a {made} {sound}"));
    let before = Before::default();
    let wrong = Mutex::new(Vec::new());
    let next = AtomicUsize::new(0);
    // Where no server answers, time passes without work.
    let many = 2 * std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..many {
            scope.spawn(|| {
                while let Some(thing) = things.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let host = tempfile::tempdir_in(dir.path()).unwrap();
                    let host = host.path().join("host");
                    let host = host.to_str().unwrap();
                    tools::sh(&format!("cp -a {made} {host}; cd {host}; {}", thing.how));
                    for row in said.iter().filter(|row| row.thing == thing.name) {
                        let found = row.outputs.iter().flat_map(|output| {
                            let was = before.of(&sound, &row.tool, output);
                            cell((row, output), thing, (host, &sound), &was)
                        });
                        let found: Vec<String> = found.collect();
                        wrong.lock().unwrap().extend(found);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What each tool says in each output of a host that lacks nothing: asked once.
#[derive(Default)]
struct Before(Mutex<BTreeMap<(String, String), Once>>);

type Once = Arc<OnceLock<Arc<Ran>>>;

impl Before {
    fn of(&self, sound: &str, name: &str, output: &str) -> Arc<Ran> {
        let key = (name.to_owned(), output.to_owned());
        let one = self.0.lock().unwrap().entry(key).or_default().clone();
        one.get_or_init(|| Arc::new(tool(sound, name, output)))
            .clone()
    }
}

/// What is wrong with a cell.
fn cell(
    (row, output): (&Said, &String),
    thing: &Thing,
    (host, sound): (&str, &str),
    was: &Ran,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let ran = tool(host, &row.tool, output);
    let at = format!("{} {output}, {}", row.tool, thing.name);
    // Lines of messages come as threads find them.
    let lines = |text: &str, root: &str| {
        let text = text.replace(root, "");
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let same = |now: &str, then: &str| lines(now, host) == lines(then, sound);
    let is_as_before =
        ran.status == was.status && same(&ran.out, &was.out) && same(&ran.err, &was.err);
    let Some(exit) = row.exit else {
        if !is_as_before {
            wrong.push(format!(
                "{at}: not as before: {:?} {}{}",
                ran.status, ran.out, ran.err
            ));
        }
        return wrong;
    };
    // Nothing is taken away for the DNS: no server answers on any of these hosts.
    if is_as_before && !thing.how.is_empty() {
        wrong.push(format!("{at}: as before, but more is said of it"));
    }
    if ran.status != Some(exit) {
        wrong.push(format!(
            "{at}: exit {:?}: {}{}",
            ran.status, ran.out, ran.err
        ));
    }
    for word in &row.words {
        if !ran.out.contains(word.as_str()) && !ran.err.contains(word.as_str()) {
            wrong.push(format!("{at}: no {word}: {}{}", ran.out, ran.err));
        }
    }
    wrong
}

/// Each tool has a cell for each thing, in each output that it has.
#[test]
fn no_cell_is_left_out() {
    let (things, said) = page();
    let names: BTreeSet<&str> = said.iter().map(|row| row.tool.as_str()).collect();
    for path in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/man")).unwrap() {
        let name = path.unwrap().file_name().into_string().unwrap();
        let name = name.trim_end_matches(".8");
        assert!(
            names.contains(name) || name.contains('.'),
            "{name} has no section"
        );
    }
    for name in names {
        let of = |row: &&Said| row.tool == name;
        let outputs: BTreeSet<&str> = said
            .iter()
            .filter(of)
            .flat_map(|row| &row.outputs)
            .map(String::as_str)
            .collect();
        for thing in &things {
            let rows = said.iter().filter(of).filter(|row| row.thing == thing.name);
            let mut left = outputs.clone();
            for output in rows.flat_map(|row| &row.outputs) {
                assert!(
                    left.remove(output.as_str()),
                    "{name}, {}: {output} twice",
                    thing.name
                );
            }
            assert!(left.is_empty(), "{name}, {}: {left:?} not said", thing.name);
        }
        // Of tools with subcommands, their help has no formats.
        let help = tools::run(name, ["--help"]).out;
        let formats = help
            .lines()
            .skip_while(|line| !line.trim_start().starts_with("--format"));
        let formats = formats
            .skip(1)
            .take_while(|line| !line.trim_start().starts_with("--"));
        for format in
            formats.filter_map(|line| line.trim_start().strip_prefix("- ")?.split_once(':'))
        {
            let format = format!("--format {}", format.0);
            assert!(
                outputs.iter().any(|output| output.contains(&format)),
                "{name}: no {format}"
            );
        }
    }
}

/// What a tool opens below the host's root, connects to, or runs, is among what can be missing.
#[test]
fn each_source_has_a_row() {
    let (things, said) = page();
    let dir = tempfile::tempdir().unwrap();
    let root = whole(&dir, "host");
    let commands: BTreeSet<(&str, &str)> = said
        .iter()
        .flat_map(|row| {
            row.outputs
                .iter()
                .map(|output| (row.tool.as_str(), output.as_str()))
        })
        .collect();
    let mut without = BTreeSet::new();
    for (name, output) in commands {
        let log = dir.path().join("calls");
        let mut command = Command::new("strace");
        command.args([
            "-f",
            "-y",
            "-qq",
            "-s",
            "300",
            "-e",
            "trace=open,openat,openat2,connect,execve",
            "-o",
        ]);
        command
            .arg(&log)
            .arg(tools::path(name))
            .args(output.split(' '));
        command.args(["--clock=2026-09-20T06:00:00Z", "--root", &root]);
        run_with(command.env("TZ", "UTC").current_dir(&root), b"");
        let known: Vec<&str> = things
            .iter()
            .flat_map(|thing| thing.from.iter().map(String::as_str))
            .collect();
        let is_known = |what: &str| {
            known.iter().any(|known| match known.strip_suffix('*') {
                Some(start) => what.starts_with(start),
                None => what == *known,
            })
        };
        let calls = fs::read_to_string(&log).unwrap();
        assert!(calls.contains("execve("), "{name}: nothing was traced");
        // What a thread is asked for is said where its call begins.
        for line in calls.lines().filter(|line| !line.contains(" resumed>")) {
            // It is run in the host's directory, which is said beside each whole path, too.
            let line = line.replace(&format!("AT_FDCWD<{root}>, \"/"), "\"/");
            // Below an open directory: `openat(5</host/var/spool>, "name"`.
            let line = line.replace(">, \"", "/");
            let what = match line.split_once(root.as_str()) {
                Some((_, path)) if line.contains(" open") => {
                    path.split('"').next().unwrap_or_default()
                }
                _ if line.contains("AF_INET") => "network",
                _ if line.contains("execve(") && line.contains("journalctl") => "journalctl",
                _ => continue,
            };
            // A directory on the way to something, that may be missing.
            let is_way = line.contains("O_PATH")
                || Path::new(&root).join(what.trim_start_matches('/')).is_dir();
            if !what.is_empty() && !is_way && !is_known(what) {
                without.insert(format!("{name}: {what}"));
            }
        }
    }
    assert!(
        without.is_empty(),
        "no row in docs/verdicts.md: {without:#?}"
    );
}
