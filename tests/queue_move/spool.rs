//! What is in the two spools of an image: files as they are, and what real Postfix would send.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Instance directories below an image.
pub(crate) const FROM: &str = "var/spool/postfix-aol-a";
pub(crate) const TO: &str = "var/spool/postfix-aol-b";
/// Whence mail is or may be delivered.
pub(crate) const QUEUES: [&str; 5] = ["maildrop", "incoming", "active", "deferred", "hold"];

/// How often each (sender, recipient to be served) is there.
pub(crate) type Pairs = BTreeMap<(String, String), usize>;
/// Path below the spool, mode, owner, modification time, content.
pub(crate) type State = BTreeMap<PathBuf, (u32, u32, (i64, i64), Vec<u8>)>;

/// Mail and logs below a spool. A file is named for what is in it, and a log for its message: a copy that comes back
/// bears a name that fits its own inode.
pub(crate) fn state(spool: &Path) -> State {
    let mut paths = Vec::new();
    for dir in QUEUES
        .iter()
        .chain(&["defer", "bounce", "trace", "corrupt"])
    {
        walk(&spool.join(dir), &mut paths);
    }
    let name = |path: &Path| path.file_name().unwrap().to_owned();
    let is_mail = |path: &&PathBuf| {
        let queue = path.strip_prefix(spool).unwrap().iter().next().unwrap();
        QUEUES.iter().any(|name| *name == queue)
    };
    let mails: HashMap<_, _> = paths
        .iter()
        .filter(is_mail)
        .map(|path| (name(path), said(&fs::read(path).unwrap())))
        .collect();
    let facts = |path: PathBuf| {
        let meta = fs::metadata(&path).unwrap();
        let below = path.strip_prefix(spool).unwrap();
        let queue = PathBuf::from(below.iter().next().unwrap());
        let below = match mails.get(&name(&path)) {
            Some(said) => queue.join(said),
            None => below.to_owned(),
        };
        let mut time = (meta.mtime(), meta.mtime_nsec());
        let mut content = fs::read(&path).unwrap();
        if below.starts_with("defer") {
            // When a log was written is no matter: bounce(8) does not ask.
            time = (0, 0);
            content = reasons(&content);
        }
        (below, (meta.mode() & 0o7777, meta.uid(), time, content))
    };
    paths.into_iter().map(facts).collect()
}

/// A word for a content.
fn said(content: &[u8]) -> String {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    format!("{:x}", hasher.finish())
}

/// The two are equal, or the first difference is shown.
pub(crate) fn same(now: &State, before: &State, when: &str) {
    let shown = |state: &State, path: &Path| {
        let (mode, owner, time, content) = state.get(path)?;
        let text = String::from_utf8_lossy(content).into_owned();
        Some(format!("{mode:o} {owner} {time:?} {text}"))
    };
    for path in now.keys().chain(before.keys()) {
        let name = path.display();
        assert_eq!(shown(now, path), shown(before, path), "{when}: {name}");
    }
}

/// A defer log without what is there for old versions and for notices alone.
fn reasons(log: &[u8]) -> Vec<u8> {
    let lines = log.split_inclusive(|&b| b == b'\n');
    let kept = lines.filter(|line| !line.starts_with(b"<") && !line.starts_with(b"dsn_orig_rcpt="));
    kept.flatten().copied().collect()
}

pub(crate) fn walk(dir: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).into_iter().flatten() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => walk(&path, paths),
            false => paths.push(path),
        }
    }
}

/// The queue files of both instances, whatever their mode.
pub(crate) fn files(root: &Path) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    for queue in QUEUES {
        walk(&root.join(FROM).join(queue), &mut paths);
        walk(&root.join(TO).join(queue), &mut paths);
    }
    paths
}

/// Those that Postfix takes for mail (MAIL_QUEUE_STAT_READY).
pub(crate) fn ready(root: &Path) -> Vec<PathBuf> {
    let mut paths = files(root);
    paths.retain(|path| fs::metadata(path).unwrap().mode() & 0o700 == 0o700);
    paths
}

/// Who is still to be served by these files, as postcat(1) reads them.
pub(crate) fn pairs(files: &[PathBuf]) -> Pairs {
    let mut pairs = Pairs::new();
    if files.is_empty() {
        return pairs;
    }
    let ran = Command::new("postcat")
        .arg("-e")
        .args(files)
        .output()
        .unwrap();
    assert!(ran.status.success(), "{ran:?}");
    let mut sender = String::new();
    for line in String::from_utf8(ran.stdout).unwrap().lines() {
        if let Some(address) = line.strip_prefix("sender: ") {
            address.clone_into(&mut sender);
        }
        if let Some(address) = line.strip_prefix("recipient: ") {
            *pairs
                .entry((sender.clone(), address.to_owned()))
                .or_insert(0) += 1;
        }
    }
    pairs
}
