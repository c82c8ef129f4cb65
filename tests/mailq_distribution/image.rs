//! Host images with spools of the fixtures, and mailq-distribution run on them.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use testkit::tools::{Ran, run, set_mtime, sh};

/// A host image, called rustin.
pub(crate) struct Image(TempDir);

impl Image {
    /// A host without an instance.
    pub(crate) fn new() -> Self {
        let image = Self(tempfile::tempdir().unwrap());
        fs::create_dir_all(image.path("etc")).unwrap();
        fs::create_dir_all(image.path("var/spool")).unwrap();
        fs::write(image.path("etc/hostname"), "rustin\n").unwrap();
        image
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    /// The queue directory of an instance.
    pub(crate) fn spool(&self, name: &str) -> PathBuf {
        self.path(&format!("var/spool/postfix-{name}"))
    }

    /// An instance with a queue directory that may not be there.
    pub(crate) fn configure(&self, name: &str, queue_directory: &str) {
        let dir = self.path(&format!("etc/postfix-{name}"));
        fs::create_dir_all(&dir).unwrap();
        let main_cf = format!("queue_directory = {queue_directory}\n");
        fs::write(dir.join("main.cf"), main_cf).unwrap();
    }

    /// An instance with the mail of a spool of the fixtures.
    pub(crate) fn instance(&self, name: &str, fixture: &str) {
        self.configure(name, &format!("/var/spool/postfix-{name}"));
        let (from, to) = (self.fixture(fixture), self.spool(name));
        sh(&format!("cp -r {}/spool {}", from.display(), to.display()));
        // git keeps neither modes nor times.
        for line in fs::read_to_string(from.join("modes")).unwrap().lines() {
            let mut words = line.splitn(3, ' ');
            let mode = u32::from_str_radix(words.next().unwrap(), 8).unwrap();
            let time = words.next().unwrap().parse().unwrap();
            let path = to.join(words.next().unwrap());
            if path.is_file() {
                set_mtime(&path, time);
                fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
            }
        }
    }

    pub(crate) fn fixture(&self, name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fixtures/spools")
            .join(name)
    }

    /// What postqueue -j listed for a spool of the fixtures.
    pub(crate) fn postqueue(&self, fixture: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.fixture(fixture).join("postqueue.json")).unwrap();
        let messages = text.lines().map(|line| serde_json::from_str(line).unwrap());
        messages.collect()
    }

    /// All files of an instance's queue directory.
    pub(crate) fn files(&self, name: &str) -> Vec<PathBuf> {
        let found = sh(&format!("find {} -type f", self.spool(name).display()));
        found.lines().map(PathBuf::from).collect()
    }

    /// Runs the tool on this host.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Ran {
        let mut all = vec!["--root".into(), self.0.path().as_os_str().to_owned()];
        all.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        run("mailq-distribution", all)
    }

    /// What it prints as JSON, if all goes well and nothing is told.
    #[track_caller]
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        self.json_ended(0, args)
    }

    #[track_caller]
    pub(crate) fn json_ended(&self, status: i32, args: &[&str]) -> Value {
        let ran = self
            .run([&["--format", "json"], args].concat())
            .ended(status);
        assert!(status != 0 || ran.err.is_empty(), "{}", ran.err);
        serde_json::from_str(&ran.out).unwrap()
    }
}

/// aol-b is the fullest, then aol-a; msn-a has local submissions, and one that is not complete.
pub(crate) fn image() -> Image {
    let image = Image::new();
    // `postqueue.json` beside these spools is what Postfix listed for them: 10 deferred and 2 on hold in real-default,
    // 4 submissions and 1 deferred in real-maildrop, 2 deferred in empty, one of which has no content.
    image.instance("aol-a", "real-default");
    image.instance("msn-a", "real-maildrop");
    image.instance("aol-b", "real-default");
    let aol_b = image.spool("aol-b");
    for (queue, id) in [
        ("incoming", "1A2B301"),
        ("active", "1A2B302"),
        ("corrupt", "1A2B303"),
    ] {
        fs::create_dir_all(aol_b.join(queue)).unwrap();
        let message = image.spool("aol-a").join("deferred/0/0A70332");
        fs::copy(message, aol_b.join(queue).join(id)).unwrap();
    }
    let written = image.spool("msn-a").join("maildrop/1A2B304");
    fs::write(&written, "F").unwrap();
    fs::set_permissions(&written, Permissions::from_mode(0o600)).unwrap();
    image
}
