//! One run at a time goes on with a file of `--follow-state`.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use cli::Failure;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

/// A lock beside a file that is replaced, and so cannot be locked itself. The kernel gives it up when the process ends.
pub(crate) struct Lock(#[allow(dead_code, reason = "held, not read")] Flock<File>);

impl Lock {
    /// Takes the lock of `state`: the file `state` with `.lock` behind its name, which stays there.
    pub(crate) fn take(state: &Path) -> anyhow::Result<Self> {
        let path = beside(state);
        // /var/lib/relay-tools on a host that has none yet; not a path with a slip in it.
        if let Some(directory) = path.parent() {
            drop(std::fs::create_dir(directory));
        }
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false);
        let failed = |e| Failure::io("cannot lock", &path, e);
        let file = options.mode(0o600).open(&path).map_err(failed)?;
        let mut lock = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => lock,
            Err((mut file, Errno::EWOULDBLOCK)) => {
                let mut holder = String::new();
                // Who it is only helps.
                drop(file.read_to_string(&mut holder));
                let holder = match holder.trim() {
                    "" => "another run".to_owned(),
                    pid => format!("another run (process {pid})"),
                };
                let what = format!("{holder} goes on with {} now", state.display());
                let hint =
                    "what this one would have read, the next one reads; two jobs need a FILE each";
                return Err(Failure::new(what).hint(hint).into());
            }
            Err((_, e)) => return Err(failed(e.into()).into()),
        };
        // On a full disk, too, the lock is had.
        drop(lock.set_len(0));
        drop(lock.rewind());
        drop(writeln!(lock, "{}", std::process::id()));
        Ok(Self(lock))
    }
}

fn beside(state: &Path) -> PathBuf {
    let mut name = state.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}
