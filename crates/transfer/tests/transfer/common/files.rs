//! The files of the spools that tests make: which are whole, what could be delivered.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use postfix::queue::read_envelope;

use tempfile::TempDir;

use super::{MAIL, NOW, Spools};

pub(crate) fn expected() -> BTreeMap<String, usize> {
    let mail = MAIL.iter().map(|(id, ..)| format!("{id}@example.org"));
    mail.chain(["held@example.org".to_owned()])
        .map(|sender| (sender, 1))
        .collect()
}

pub(crate) fn walk(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, files);
        } else {
            files.push(path);
        }
    }
}

/// The sender of a complete queue file.
pub(crate) fn sender_of(path: &Path) -> Option<String> {
    whole(path)
}

pub(crate) fn whole(path: &Path) -> Option<String> {
    let file = fs::File::open(path).unwrap();
    let size = file.metadata().unwrap().len();
    let envelope = read_envelope(&file, size, path, &mut Vec::new()).value;
    let sender = String::from_utf8(envelope.sender?).unwrap();
    envelope.complete.then_some(sender)
}

/// The sender, if Postfix would take the file for mail.
pub(super) fn deliverable(path: &Path) -> Option<String> {
    let mode = fs::metadata(path).unwrap().mode();
    (mode & 0o700 == 0o700).then(|| whole(path)).flatten()
}

/// A queue file as cleanup(8) writes it, but for the records that do not matter here.
pub(crate) fn write_mail(path: &Path, sender: &str, recipients: &[&str], mtime: i64) {
    let mut file = Vec::new();
    let mut record = |kind: u8, text: &str| {
        file.push(kind);
        file.push(u8::try_from(text.len()).unwrap());
        file.extend_from_slice(text.as_bytes());
    };
    let content = "Subject: test";
    record(
        b'C',
        &format!(
            "{:>15}{:>16}{:>16}{:>16}{:>16}{:>16}",
            0,
            0,
            recipients.len(),
            0,
            20,
            0
        ),
    );
    record(b'T', &format!("{} 5", NOW - 1000));
    record(b'A', "create_time=1799999000");
    record(b'S', sender);
    for recipient in recipients {
        record(b'O', recipient);
        record(b'R', recipient);
    }
    record(b'M', "");
    record(b'N', content);
    record(b'X', "");
    record(b'E', "");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, file).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
    set_mtime(path, mtime);
}

pub(crate) fn set_mtime(path: &Path, mtime: i64) {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(mtime.unsigned_abs());
    fs::File::open(path).unwrap().set_modified(time).unwrap();
}

/// Two directories of one file system, or of two.
pub(super) fn directories(cross_device: bool) -> (TempDir, TempDir) {
    // In memory, for there are thousands of them; the other file system is that of the build.
    let first = tempfile::tempdir_in("/dev/shm").unwrap();
    let second = if cross_device {
        tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
    } else {
        tempfile::tempdir_in("/dev/shm").unwrap()
    };
    let device = |dir: &TempDir| fs::metadata(dir.path()).unwrap().dev();
    assert_eq!(device(&first) != device(&second), cross_device);
    (first, second)
}

impl Spools {
    /// All files below FROM's queue directory, with what makes a file the same: for "as it was before". Of a message,
    /// and
    /// of its log, the sender stands for the name.
    pub(crate) fn state(&self) -> Vec<(PathBuf, u32, i64, i64, Vec<u8>)> {
        let mut files = Vec::new();
        walk(self.from_dir.path(), &mut files);
        let names: BTreeMap<String, String> = MAIL
            .iter()
            .map(|(id, ..)| (self.now_called(id), (*id).to_owned()))
            .collect();
        let facts = |path: PathBuf| {
            let meta = fs::metadata(&path).unwrap();
            // When a defer log was written is no matter.
            let mail = !path.to_string_lossy().contains("/defer/");
            let time = if mail {
                (meta.mtime(), meta.mtime_nsec())
            } else {
                (0, 0)
            };
            let content = fs::read(&path).unwrap();
            let below = path.strip_prefix(self.from_dir.path()).unwrap();
            let queue = PathBuf::from(below.components().next().unwrap().as_os_str());
            let name = path.file_name().unwrap().to_str().unwrap();
            let shown = queue.join(names.get(name).map_or(name, String::as_str));
            (shown, meta.mode() & 0o7777, time.0, time.1, content)
        };
        let mut facts: Vec<_> = files.into_iter().map(facts).collect();
        facts.sort();
        facts
    }
}
