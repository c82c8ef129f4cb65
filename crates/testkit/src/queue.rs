//! An instance's queue, as Postfix's own programs and the directories show it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::Instance;
use crate::command::Ran;
use crate::or_fail::OrFail;

impl Instance {
    /// What `postqueue -j` lists: one object a message.
    #[track_caller]
    pub fn postqueue(&self) -> Vec<Value> {
        let text = self.command("postqueue").arg("-j").run().ok().text();
        let parse = |line: &str| {
            serde_json::from_str(line).or_fail(format_args!("reading postqueue's {line:?}"))
        };
        text.lines().map(parse).collect()
    }

    /// The names of the files in a queue (`maildrop`, `incoming`, `active`, `deferred`, `hold`, `corrupt`, or `defer`
    /// for the defer logs), sorted. Looks into the directories: needs no running Postfix.
    #[track_caller]
    pub fn ids(&self, queue: &str) -> Vec<String> {
        let name = |path: &PathBuf| {
            path.file_name()
                .map(|name| name.to_string_lossy().into_owned())
        };
        let mut ids: Vec<String> = self.files(queue).iter().filter_map(name).collect();
        ids.sort_unstable();
        ids
    }

    /// How many files there are in a queue.
    #[track_caller]
    pub fn count(&self, queue: &str) -> usize {
        self.files(queue).len()
    }

    /// The files of a queue by their paths in the host, hashed subdirectories included, in no order.
    #[track_caller]
    pub fn files(&self, queue: &str) -> Vec<PathBuf> {
        let dir = self.queue_dir.join(queue);
        let mut files = Vec::new();
        let walked = self.host.enter(|| walk(&dir, &mut files));
        walked.or_fail(format_args!("listing {} in the host", dir.display()));
        files
    }

    /// The file of a message, in whichever queue it is now.
    #[track_caller]
    pub fn file(&self, id: &str) -> Option<PathBuf> {
        let queues = [
            "maildrop", "incoming", "active", "deferred", "hold", "corrupt",
        ];
        let mut files = queues.iter().flat_map(|queue| self.files(queue));
        files.find(|path| path.ends_with(id))
    }

    /// What `postcat -q` prints of a message.
    #[track_caller]
    pub fn postcat(&self, id: &str) -> String {
        self.command("postcat").args(["-q", id]).run().ok().text()
    }

    /// Runs `postsuper` with these arguments, such as `["-h", "ALL"]`.
    #[track_caller]
    pub fn postsuper<const N: usize>(&self, args: [&str; N]) -> Ran {
        self.command("postsuper").args(args).run().ok()
    }

    /// Tries to deliver all deferred mail now (`postqueue -f`).
    #[track_caller]
    pub fn flush(&self) {
        self.command("postqueue").arg("-f").run().ok();
    }

    /// Sends a request to a service, such as `("public", "pickup", "W")` to wake pickup (postkick(1)).
    #[track_caller]
    pub fn postkick(&self, class: &str, service: &str, request: &str) {
        self.command("postkick")
            .args([class, service, request])
            .run()
            .ok();
    }

    /// Waits until a queue holds exactly `count` messages, for a minute.
    #[track_caller]
    pub fn wait_for(&self, queue: &str, count: usize) {
        let what = format!("{count} in {queue}");
        self.wait_until(crate::PATIENCE, &what, || self.count(queue) == count);
    }

    /// Waits until all mail is either gone or put aside: nothing in maildrop, incoming and active, for two minutes.
    #[track_caller]
    pub fn wait_idle(&self) {
        let busy = ["maildrop", "incoming", "active"];
        self.wait_until(
            crate::PATIENCE,
            "maildrop, incoming and active empty",
            || {
                // In the order that mail takes, so that none is missed between two looks.
                busy.iter().all(|queue| self.count(queue) == 0)
            },
        );
    }
}

/// Collects the files below `dir`. What goes away meanwhile was moved by Postfix; what comes may be missed.
fn walk(dir: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}
