//! Programs that the tools run: by absolute path, without the caller's environment, bounded in time and in what they
//! say.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Seek as _, Write as _};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::kept::{Kept, gather};
use crate::place::Place;
use crate::threads::thread;
use crate::walk::Links;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::{Pid, Signal, kill_process_group};

/// How many bytes of standard error are kept, unless more are asked for: of its beginning, and of its end.
const MOST_ERRORS: usize = 8 << 10;
/// How long between two looks at whether a program that says nothing more has ended.
const PAUSE: Duration = Duration::from_millis(2);
/// How long the rest of standard error is waited for: what a program has started may hold it for ever.
const LINGER: Duration = Duration::from_secs(1);

/// A program to be run once.
#[derive(Debug)]
pub struct Program {
    path: PathBuf,
    arguments: Vec<OsString>,
    input: Vec<u8>,
    patience: Duration,
    environment: Vec<(&'static str, &'static str)>,
    most_errors: usize,
    user: Option<(u32, u32)>,
    /// What must be root's, or the caller's, for it to be run: itself, and what it is configured by.
    vouched: Vec<PathBuf>,
}

/// What a program said, and how it ended.
#[derive(Debug)]
pub struct Said {
    /// All of its standard output.
    pub out: Vec<u8>,
    /// How it ended.
    pub ended: Ended,
}

/// How a program ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit status.
    pub status: ExitStatus,
    /// Its standard error; of much, the beginning and the end.
    pub errors: String,
    /// Was it killed because its output was not read to the end?
    pub is_cut: bool,
}

impl Ended {
    /// The last line that it wrote to standard error; if there is none, its status.
    pub fn reason(&self) -> String {
        let lines = self.errors.lines().map(str::trim);
        match lines.rev().find(|line| !line.is_empty()) {
            Some(line) => line.to_owned(),
            None => self.status.to_string(),
        }
    }
}

impl Program {
    /// The program at an absolute `path`, which nobody but root and the caller may have put there. If it takes longer
    /// than `patience` (in all; of a stream: to say something more), it is killed with all that it has started.
    pub fn new(path: impl Into<PathBuf>, patience: Duration) -> Self {
        let path = path.into();
        let vouched = vec![path.clone()];
        Self {
            vouched,
            ..Self::own(path, patience)
        }
    }

    /// The same of a program of this package beside the one that runs: whoever could exchange it could this one.
    pub fn own(path: impl Into<PathBuf>, patience: Duration) -> Self {
        Self {
            path: path.into(),
            vouched: Vec::new(),
            arguments: Vec::new(),
            input: Vec::new(),
            patience,
            environment: vec![("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), ("LC_ALL", "C")],
            most_errors: MOST_ERRORS,
            user: None,
        }
    }

    /// `-c DIRECTORY`, for a program of Postfix's. What its main.cf says is done as root (`daemon_directory` is where
    /// postfix(1) finds what it runs): it is not run with one that another than root or the caller could have written.
    #[must_use]
    pub fn configured(mut self, directory: &Path) -> Self {
        self.vouched.push(directory.join("main.cf"));
        self.arg("-c").arg(directory)
    }

    /// Variables of its environment, beside PATH and LC_ALL.
    #[must_use]
    pub fn envs(mut self, more: impl IntoIterator<Item = (&'static str, &'static str)>) -> Self {
        self.environment.extend(more);
        self
    }

    /// How many bytes of its standard error are kept: half of it of the beginning, half of the end.
    #[must_use]
    pub fn keep_errors(mut self, most: usize) -> Self {
        self.most_errors = most;
        self
    }

    /// Whom it runs as: user and group, and no other groups.
    #[must_use]
    pub fn user(mut self, user: u32, group: u32) -> Self {
        self.user = Some((user, group));
        self
    }

    /// An argument behind those that it has.
    #[must_use]
    pub fn arg(self, argument: impl AsRef<OsStr>) -> Self {
        self.args([argument])
    }

    /// The same of several.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, more: impl IntoIterator<Item = A>) -> Self {
        let more = more.into_iter().map(|a| a.as_ref().to_owned());
        self.arguments.extend(more);
        self
    }

    /// What it reads from its standard input, if not nothing. It has all of it at once: were this process killed while
    /// it wrote to a pipe, half a message would be sent.
    #[must_use]
    pub fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = bytes.into();
        self
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs it to its end, and keeps at most `most` bytes of standard output.
    ///
    /// # Errors
    /// It cannot be started, says more than that, or does not end in time. A failure of it is not an error: see
    /// [`Ended::status`].
    pub fn run(self, most: usize) -> io::Result<Said> {
        let end = Instant::now() + self.patience;
        let (out, ended) = self.stream(|output| {
            output.end = Some(end);
            let mut out = Vec::new();
            let limit = u64::try_from(most).unwrap_or(u64::MAX);
            output.take(limit.saturating_add(1)).read_to_end(&mut out)?;
            match out.len() > most {
                true => Err(io::Error::other(format!("it wrote more than {most} bytes"))),
                false => Ok(out),
            }
        })?;
        Ok(Said { out: out?, ended })
    }

    /// Runs it while `read` reads its standard output. If that does not read to the end, the program is killed.
    ///
    /// # Errors
    /// It cannot be started, or does not end in time once it has closed its output.
    pub fn stream<T>(self, read: impl FnOnce(&mut Output) -> T) -> io::Result<(T, Ended)> {
        let patience = self.patience;
        let mut running = self.start()?;
        let Some(pipe) = running.child.stdout.take() else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let mut output = Output {
            pipe,
            patience,
            end: None,
            at_end: false,
        };
        let value = read(&mut output);
        let is_cut = !output.at_end;
        if is_cut {
            running.kill();
        }
        drop(output);
        let ended = running.end(patience)?;
        Ok((value, Ended { is_cut, ..ended }))
    }

    fn start(self) -> io::Result<Running> {
        if !self.path.is_absolute() {
            let what = "not an absolute path; programs are not searched for";
            return Err(io::Error::new(io::ErrorKind::NotFound, what));
        }
        for path in &self.vouched {
            let known = Place::find(path, Links::Ours).and_then(|place| place.vouch(&self.path));
            match known {
                // What is not there now may be another's in a moment. Of the program itself, its start says so.
                Err(e) if e.kind() == io::ErrorKind::NotFound && *path == self.path => {}
                Err(e) if e.kind() == io::ErrorKind::NotFound => {
                    let what = format!("there is no {}", path.display());
                    return Err(io::Error::other(what));
                }
                known => known?,
            }
        }
        let stdin = match self.input.as_slice() {
            [] => Stdio::null(),
            bytes => Stdio::from(in_memory(bytes)?),
        };
        let mut command = Command::new(&self.path);
        command.args(&self.arguments).current_dir("/");
        command.env_clear().envs(self.environment);
        command.process_group(0).stdin(stdin);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        let mut child = command.spawn()?;
        let errors = Arc::new(Mutex::new(Kept::new(self.most_errors)));
        let (pipe, kept) = (child.stderr.take(), Arc::clone(&errors));
        let started = thread().spawn(move || gather(pipe?, &kept));
        let gathering = match started {
            Ok(gathering) => gathering,
            Err(why) => {
                child.kill()?;
                child.wait()?;
                return Err(why);
            }
        };
        Ok(Running {
            child,
            errors,
            gathering,
        })
    }
}

/// A file without a name that holds these bytes, to be read from its beginning.
fn in_memory(bytes: &[u8]) -> io::Result<File> {
    let mut file = File::from(memfd_create("input", MemfdFlags::CLOEXEC)?);
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(file)
}

/// A program that has been started. It does not outlive this.
struct Running {
    child: Child,
    errors: Arc<Mutex<Kept>>,
    gathering: JoinHandle<Option<()>>,
}

impl Running {
    /// Waits for its end.
    fn end(&mut self, patience: Duration) -> io::Result<Ended> {
        let wait = |limit: Duration, over: &mut dyn FnMut() -> io::Result<bool>| {
            let begun = Instant::now();
            while !over()? {
                if begun.elapsed() >= limit {
                    return Ok(false);
                }
                std::thread::sleep(PAUSE);
            }
            io::Result::Ok(true)
        };
        let mut status = None;
        wait(patience, &mut || {
            status = self.child.try_wait()?;
            Ok(status.is_some())
        })?;
        let Some(status) = status else {
            return Err(late(patience));
        };
        wait(LINGER, &mut || Ok(self.gathering.is_finished()))?;
        let errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Ended {
            status,
            errors: errors.text(),
            is_cut: false,
        })
    }

    /// Ends it, and all that it has started and that has stayed in its group. Only while it has not been waited for:
    /// the number may be another's then.
    fn kill(&mut self) {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            kill_process_group(group, Signal::KILL).ok();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.kill();
            drop(self.child.wait());
        }
    }
}

/// What the text of an error holds where a program, or what it waits for, has not answered in time: nothing is known
/// then.
pub const NO_ANSWER: &str = "no answer within";

fn late(patience: Duration) -> io::Error {
    let what = format!("{NO_ANSWER} {} s", patience.as_secs());
    io::Error::new(io::ErrorKind::TimedOut, what)
}

/// What a running program says. Reading fails (`TimedOut`) if it says nothing for as long as its patience.
#[derive(Debug)]
pub struct Output {
    pipe: ChildStdout,
    patience: Duration,
    /// When it is to have ended.
    end: Option<Instant>,
    at_end: bool,
}

impl Read for Output {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let left = match self.end {
            Some(end) => end.saturating_duration_since(Instant::now()),
            None => self.patience,
        };
        let wait = Timespec::try_from(left).unwrap_or(Timespec {
            tv_sec: i64::MAX,
            tv_nsec: 0,
        });
        let fd = self.pipe.as_fd();
        let mut waited = [PollFd::new(&fd, PollFlags::IN)];
        if poll(&mut waited, Some(&wait))? == 0 {
            return Err(late(self.patience));
        }
        let read = self.pipe.read(to)?;
        self.at_end = read == 0 && !to.is_empty();
        Ok(read)
    }
}
