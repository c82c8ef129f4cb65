//! The host of fixtures/rustin as it was, and queue-report run on it; messages as `postqueue -j` has them.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use testkit::journal::{Journal, Sender};
use testkit::tools::{Ran, run, sh};

/// A copy of fixtures/rustin with modes and times put right, or of another image.
pub(crate) struct Image(TempDir);

impl Image {
    /// Rustin, all of it.
    pub(crate) fn rustin() -> Self {
        let image = Self(tempfile::tempdir().unwrap());
        let from = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/rustin");
        let to = image.path("");
        sh(&format!("cp -r {from}/. {0} && {0}/restore", to.display()));
        image
    }

    /// A host with one instance, postfix-x, which has the mail of a spool of fixtures/spools.
    pub(crate) fn with_spool(fixture: &Path) -> Self {
        let image = Self(tempfile::tempdir().unwrap());
        let to = image.path("");
        let script = format!(
            "cd {from}; mkdir -p {to}/etc/postfix-x {to}/var/spool; cp -r spool {to}/var/spool/postfix-x
            [ ! -e main.cf ] || cp main.cf {to}/etc/postfix-x/
            printf 'compatibility_level = 3.6\\nqueue_directory = /var/spool/postfix-x\\n' >>{to}/etc/postfix-x/main.cf
            [ ! -e modes ] || while read -r mode time path; do
                touch -d @$time {to}/var/spool/postfix-x/$path; chmod $mode {to}/var/spool/postfix-x/$path
            done <modes",
            from = fixture.display(),
            to = to.display()
        );
        sh(&script);
        image
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    /// Gives it a journal that has these lines of a log.
    pub(crate) fn journal(&self, lines: &str) {
        let owner = format!(
            "postfix:x:{}:113::/var/spool/postfix:/bin/false\n",
            Sender::OWNER
        );
        std::fs::write(self.path("etc/passwd"), owner).unwrap();
        let mut journal =
            Journal::new(&self.path("var/log/journal/fedcba9876543210fedcba9876543210"));
        journal.log(lines);
        journal.write("system.journal");
    }

    /// Runs the tool on this host, as from cron: no terminal anywhere.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Ran {
        run(
            "queue-report",
            [OsStr::new("--root"), self.0.path().as_os_str()]
                .into_iter()
                .map(OsStr::to_owned)
                .chain(args.into_iter().map(|arg| arg.as_ref().to_owned())),
        )
    }

    /// What it prints as JSON, if it ends with `status`.
    #[track_caller]
    pub(crate) fn json(&self, status: i32, args: &[&str]) -> Value {
        let ran = self
            .run([&["--format", "json"], args].concat())
            .ended(status);
        serde_json::from_str(&ran.out).unwrap()
    }

    /// The messages that it prints as JSON lines, if all goes well and nothing is told.
    #[track_caller]
    pub(crate) fn messages(&self, args: &[&str]) -> Vec<Value> {
        let ran = self.run([&["--format", "jsonl"], args].concat()).ended(0);
        assert_eq!(ran.err, "");
        parse(&ran.out)
    }

    /// The ids of what is selected, in the order of the output.
    #[track_caller]
    pub(crate) fn ids(&self, args: &[&str]) -> Vec<String> {
        let ran = self.run([&["--ids"], args].concat()).ended(0);
        ran.out.lines().map(str::to_owned).collect()
    }
}

/// JSON lines.
pub(crate) fn parse(text: &str) -> Vec<Value> {
    let parse = |line: &str| serde_json::from_str(line).unwrap();
    text.lines().map(parse).collect()
}

/// What `postqueue -j` recorded for an instance of rustin.
pub(crate) fn postqueue(instance: &str) -> Vec<Value> {
    let root = env!("CARGO_MANIFEST_DIR");
    let path = format!("{root}/fixtures/rustin/postqueue/{instance}.json");
    parse(&std::fs::read_to_string(path).unwrap())
}

/// Our messages are those of `postqueue -j`, value by value; and what we have beside those is of the right kind.
#[track_caller]
pub(crate) fn assert_superset(name: &str, ours: Vec<Value>, theirs: Vec<Value>) {
    let mut ours: Vec<Value> = ours.into_iter().map(without_more).collect();
    let mut theirs = theirs;
    let id = |message: &Value| message["queue_id"].as_str().unwrap().to_owned();
    ours.sort_by_key(id);
    theirs.sort_by_key(id);
    let ids = |list: &[Value]| list.iter().map(id).collect::<Vec<_>>();
    assert_eq!(ids(&ours), ids(&theirs), "{name}: not the same messages");
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(ours, theirs, "{name}: {} differs", id(ours));
    }
}

/// A message without what `postqueue -j` does not have.
fn without_more(mut message: Value) -> Value {
    let object = message.as_object_mut().unwrap();
    assert!(object.remove("instance").unwrap().is_string());
    let next = object.remove("next_attempt").unwrap();
    assert_eq!(next.is_i64(), object["queue_name"] == "deferred");
    assert!(object.remove("expires").unwrap().is_i64());
    for recipient in object["recipients"].as_array_mut().unwrap() {
        let recipient = recipient.as_object_mut().unwrap();
        let is_deferred = recipient.contains_key("delay_reason");
        for name in ["dsn", "reason_class"] {
            assert_eq!(
                recipient.remove(name).unwrap().is_string(),
                is_deferred,
                "{name}"
            );
        }
        let orig = recipient.remove("orig_address").unwrap();
        assert!(orig.is_string() || orig.is_null());
    }
    message
}
