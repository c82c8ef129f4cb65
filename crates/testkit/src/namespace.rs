//! Entering a host's namespaces from threads of the test.

use std::fs::File;
use std::io;
use std::panic::resume_unwind;
use std::path::Path;

use nix::sched::{CloneFlags, setns, unshare};
use nix::unistd::{chroot, fchdir};

/// The namespaces of a host, held open so that they are always this host's, even once its processes are gone.
pub(crate) struct Namespaces {
    mount: File,
    net: File,
    uts: File,
    pid: File,
    /// Its root directory, which is not that of its mount namespace where the tests run in a chroot.
    root: File,
}

impl Namespaces {
    /// The namespaces that the process at `proc` (a directory such as `/proc/123`) is in.
    pub(crate) fn of(proc: &Path) -> io::Result<Self> {
        let open = |name: &str| File::open(proc.join("ns").join(name));
        Ok(Self {
            mount: open("mnt")?,
            net: open("net")?,
            uts: open("uts")?,
            pid: open("pid")?,
            root: File::open(proc.join("root"))?,
        })
    }

    /// Runs `work` on a thread that sees the host's files, network and name (and threads it starts see them too).
    ///
    /// Its process id stays outside: /proc, which lists the host's processes, has no `self` for it.
    pub(crate) fn enter<T: Send>(&self, work: impl FnOnce() -> T + Send) -> io::Result<T> {
        on_a_thread(|| {
            self.join()?;
            Ok(work())
        })
    }

    /// Runs `start`, which starts a process, so that the process is in the host's pid namespace as well.
    ///
    /// Only processes can be started so: the kernel refuses a new thread whose process ids would differ.
    pub(crate) fn start_process<T: Send>(
        &self,
        start: impl FnOnce() -> io::Result<T> + Send,
    ) -> io::Result<T> {
        on_a_thread(|| {
            self.join()?;
            setns(&self.pid, CloneFlags::CLONE_NEWPID)?;
            start()
        })
    }

    fn join(&self) -> io::Result<()> {
        // A thread may change its mount namespace only if it shares root and working directory with no other.
        unshare(CloneFlags::CLONE_FS)?;
        setns(&self.uts, CloneFlags::CLONE_NEWUTS)?;
        setns(&self.net, CloneFlags::CLONE_NEWNET)?;
        setns(&self.mount, CloneFlags::CLONE_NEWNS)?;
        fchdir(&self.root)?;
        chroot(".")?;
        Ok(())
    }
}

/// Runs `work` on a thread of its own, and hands on its value or its panic.
fn on_a_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        scope
            .spawn(work)
            .join()
            .unwrap_or_else(|panic| resume_unwind(panic))
    })
}

/// A process as /proc/PID/stat has it (proc(5)).
pub(crate) struct Process {
    pub(crate) pid: u32,
    pub(crate) name: String,
    pub(crate) parent: u32,
}

/// The processes that /proc lists: for a thread inside a host, that host's. What ends meanwhile is left out.
pub(crate) fn processes() -> Vec<Process> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(process).collect()
}

fn process(pid: u32) -> Option<Process> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // `12 (name) S 1 …`; the name may hold anything, parentheses too.
    let (name, after) = stat.split_once('(')?.1.rsplit_once(") ")?;
    let mut after = after.split(' ');
    let (state, parent) = (after.next()?, after.next()?);
    // A zombie has ended; its parent just has not looked yet.
    (state != "Z").then_some(Process {
        pid,
        name: name.to_owned(),
        parent: parent.parse().ok()?,
    })
}
