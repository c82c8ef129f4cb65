//! What the tests of `postfix::queue` share: messages as `postqueue -j` has them, and spools from fixtures.

use std::fs::{self, File, Permissions};
use std::ops::ControlFlow;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, UNIX_EPOCH};

use postfix::queue::{Layout, Message, Queue, ScanOptions, ShowqOptions, Spool, Tally};
use serde_json::{Value, json};

/// The object that `postqueue -j` of Postfix 3.7 prints for `message`.
pub(crate) fn as_postqueue(message: &Message) -> Value {
    let recipients: Vec<Value> = message
        .recipients
        .iter()
        .map(|recipient| match &recipient.deferral {
            Some(deferral) => {
                json!({"address": recipient.address, "delay_reason": deferral.reason})
            }
            None => json!({"address": recipient.address}),
        })
        .collect();
    json!({
        "queue_name": message.file.queue.name(),
        "queue_id": message.file.id.as_str(),
        "arrival_time": message.file.arrival_time().seconds(),
        "message_size": message.file.message_size(),
        "forced_expire": message.file.info.is_forced_expire(),
        "sender": message.sender.shown(),
        "recipients": recipients,
    })
}

/// What `postqueue -j` printed, ordered by queue id.
pub(crate) fn parse_postqueue(output: &str) -> Vec<Value> {
    let parse = |line| serde_json::from_str(line).expect("postqueue prints JSON");
    sorted(output.lines().map(parse).collect())
}

/// Messages ordered by queue id.
pub(crate) fn sorted(mut messages: Vec<Value>) -> Vec<Value> {
    messages.sort_by_key(id_of);
    messages
}

/// All messages that Postfix shows of `spool`, as it would, ordered by queue id; and the tally of all its queues.
pub(crate) fn scan(spool: &Spool) -> (Vec<Value>, Tally) {
    let shown = Mutex::new(Vec::new());
    let mut total = Tally::default();
    for queue in Queue::ALL {
        let each = |message: Message| {
            if queue != Queue::Corrupt && !message.file.misplaced {
                shown.lock().unwrap().push(as_postqueue(&message));
            }
            ControlFlow::Continue(())
        };
        let tally = spool
            .scan_messages(
                queue,
                &ShowqOptions::default(),
                &ScanOptions::default(),
                each,
            )
            .expect("the spool can be read");
        total.messages += tally.messages;
        total.being_written += tally.being_written;
        total.vanished += tally.vanished;
        total.misplaced += tally.misplaced;
        total.problems.extend(tally.problems);
    }
    (sorted(shown.into_inner().unwrap()), total)
}

fn id_of(message: &Value) -> String {
    message["queue_id"]
        .as_str()
        .expect("each has an id")
        .to_owned()
}

/// Two lists of messages are the same, or the test says in which message they differ.
pub(crate) fn assert_same(name: &str, ours: &[Value], theirs: &[Value]) {
    let ids = |list: &[Value]| list.iter().map(id_of).collect::<Vec<_>>();
    assert_eq!(ids(ours), ids(theirs), "{name}: not the same messages");
    for (ours, theirs) in ours.iter().zip(theirs) {
        assert_eq!(ours, theirs, "{name}: {} differs", id_of(ours));
    }
}

/// The directory fixtures/spools.
pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/spools")
}

/// A spool of fixtures/spools, and what is expected of it.
pub(crate) struct Fixture {
    pub(crate) name: String,
    source: PathBuf,
    _copy: tempfile::TempDir,
    pub(crate) spool: Spool,
}

impl Fixture {
    /// Copies the spool `source` to a temporary directory, and gives its files the modes and times that git does not
    /// keep: lines `MODE MTIME PATH` of its file `modes`.
    pub(crate) fn new(source: PathBuf) -> Self {
        let copy = tempfile::tempdir().unwrap();
        copy_tree(&source.join("spool"), copy.path());
        for line in read(&source, "modes").lines() {
            let mut words = line.splitn(3, ' ');
            let mut word = || words.next().expect("MODE MTIME PATH");
            let mode = u32::from_str_radix(word(), 8).unwrap();
            let time = UNIX_EPOCH + Duration::from_secs(word().parse().unwrap());
            let path = copy.path().join(word());
            File::options()
                .write(true)
                .open(&path)
                .unwrap()
                .set_modified(time)
                .unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        }
        let layout = layout(&read(&source, "main.cf"));
        Self {
            name: source.file_name().unwrap().to_string_lossy().into_owned(),
            source,
            spool: Spool::new(copy.path(), layout),
            _copy: copy,
        }
    }

    /// All of fixtures/spools, by name.
    pub(crate) fn all() -> Vec<Self> {
        let mut found: Vec<PathBuf> = fs::read_dir(fixtures())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_dir())
            .collect();
        found.sort();
        found.into_iter().map(Self::new).collect()
    }

    /// A file beside the spool, empty if there is none.
    pub(crate) fn expectation(&self, name: &str) -> String {
        read(&self.source, name)
    }
}

/// The layout that a main.cf of `name = value` lines asks for.
fn layout(main_cf: &str) -> Layout {
    let value = |name: &str, default: &str| {
        let line = main_cf.lines().filter_map(|line| line.split_once(" = "));
        let mut value = line
            .filter(|(n, _)| *n == name)
            .map(|(_, value)| value.to_owned());
        value.next_back().unwrap_or_else(|| default.to_owned())
    };
    let depth = value("hash_queue_depth", "1").parse().unwrap();
    Layout::new(&value("hash_queue_names", "deferred, defer"), depth)
}

fn read(directory: &Path, name: &str) -> String {
    match fs::read_to_string(directory.join(name)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        result => result.unwrap(),
    }
}

fn copy_tree(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            fs::create_dir(&to).unwrap();
            copy_tree(&entry.path(), &to);
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(entry.path()).unwrap(), to).unwrap();
        } else {
            fs::write(&to, fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}
