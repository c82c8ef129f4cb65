//! Where the result goes: standard output, or the file of `--output`.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tempfile::NamedTempFile;

use crate::interrupt::Leftover;
use host::Failure;

/// Bytes gathered before a write.
const BUFFER: usize = 64 * 1024;

/// Where the result is to go.
#[derive(Debug)]
pub(crate) struct Target {
    /// None is standard output.
    path: Option<PathBuf>,
    closed: Arc<AtomicBool>,
}

impl Target {
    /// What `--output` names. `-` and the names that Linux has for standard output are standard output.
    pub(crate) fn of(output: Option<&Path>) -> Self {
        let names_stdout = |p: &&Path| {
            ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"]
                .map(Path::new)
                .contains(p)
        };
        Self {
            path: output.filter(|p| !names_stdout(p)).map(Path::to_owned),
            closed: Arc::default(),
        }
    }

    pub(crate) fn is_stdout(&self) -> bool {
        self.path.is_none()
    }

    /// Has a write found that nobody reads standard output (or the FIFO) any more?
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    pub(crate) fn open(&self) -> anyhow::Result<Stream> {
        let sink = match &self.path {
            None => Sink::direct(raw_stdout()),
            Some(path) => open_file(path).map_err(|e| cannot_write(path, e))?,
        };
        Ok(Stream {
            sink: Some(sink),
            path: self.path.clone(),
            closed: Arc::clone(&self.closed),
        })
    }
}

impl Target {
    /// Writes the whole result. That nobody reads it any more is no error.
    pub(crate) fn write(&self, result: &[u8]) -> anyhow::Result<()> {
        let mut stream = self.open()?;
        let written = stream.write_all(result).map_err(Into::into);
        match written.and_then(|()| stream.finish()) {
            Err(_) if self.is_closed() => Ok(()),
            ended => ended,
        }
    }
}

/// Standard output without std's own line buffer, where it can be had.
fn raw_stdout() -> Box<dyn Write + Send> {
    use std::os::fd::AsFd;
    match io::stdout().as_fd().try_clone_to_owned() {
        Ok(fd) => Box::new(File::from(fd)),
        Err(_) => Box::new(io::stdout()),
    }
}

fn cannot_write(path: &Path, reason: io::Error) -> Failure {
    Failure::io("cannot write", path, reason)
}

enum Sink {
    /// Standard output, a device, a FIFO: what is written is gone.
    Direct(BufWriter<Box<dyn Write + Send>>),
    /// A file beside the one to be, which it becomes in the end.
    Beside(BufWriter<NamedTempFile>, PathBuf, Leftover),
}

impl Sink {
    fn direct(out: Box<dyn Write + Send>) -> Self {
        Self::Direct(BufWriter::with_capacity(BUFFER, out))
    }
}

/// The result on its way out; what is buffered is lost unless [`Stream::finish`] or `flush` is called. A `--output` file appears when [`Stream::finish`] is called; if it never is, the file
/// stays as it was.
pub struct Stream {
    sink: Option<Sink>,
    path: Option<PathBuf>,
    closed: Arc<AtomicBool>,
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream").field("path", &self.path).finish()
    }
}

impl Stream {
    /// Writes out what is buffered; a file is synced and takes its name.
    ///
    /// # Errors
    /// The output cannot be written. A pipe that nobody reads any more is an error here too, by which [`crate::run`]
    /// ends the tool quietly: hand it on.
    pub fn finish(mut self) -> anyhow::Result<()> {
        let ended = match self.sink.take() {
            Some(Sink::Direct(mut out)) => out.flush(),
            Some(Sink::Beside(out, path, _leftover)) => put_in_place(out, &path),
            None => Ok(()),
        };
        ended.map_err(|e| self.cannot(e).into())
    }

    fn write_or_flush<T>(
        &mut self,
        act: impl FnOnce(&mut dyn Write) -> io::Result<T>,
    ) -> io::Result<T> {
        let done = match &mut self.sink {
            Some(Sink::Direct(out)) => act(out),
            Some(Sink::Beside(out, ..)) => act(out),
            None => Err(io::ErrorKind::NotConnected.into()),
        };
        done.map_err(|e| io::Error::new(e.kind(), self.cannot(e)))
    }

    fn note_closed(&self, e: &io::Error) {
        if e.kind() == io::ErrorKind::BrokenPipe {
            self.closed.store(true, Ordering::Relaxed);
        }
    }

    fn cannot(&self, reason: io::Error) -> Failure {
        self.note_closed(&reason);
        match &self.path {
            Some(path) => cannot_write(path, reason),
            None => Failure::new("cannot write: standard output").because(reason),
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // A BufWriter would write its rest; but the tool has failed, and what it had must not look like a result.
        if let Some(Sink::Direct(out)) = self.sink.take() {
            drop(out.into_parts());
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_or_flush(|out| out.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write_or_flush(|out| out.flush())
    }
}

/// Gives a file this content, whole or not at all: written under a temporary name, synced, and renamed. Mode and owner
/// of an old file are kept. For files that a tool keeps for itself, such as where it has read to.
///
/// # Errors
/// The file cannot be written; it is as it was then.
pub fn replace_file(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let mut stream = Target {
        path: Some(path.to_owned()),
        closed: Arc::default(),
    }
    .open()?;
    stream.write_all(content)?;
    stream.finish()
}

/// Makes a file with this content, whole or not at all, unless there is one already.
///
/// # Errors
/// There is one (`AlreadyExists`), or it cannot be written.
pub fn create_file(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = temporary_file(directory_of(path))?;
    let _leftover = Leftover::new(file.path());
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map_err(|e| e.error)?;
    drop(File::open(directory_of(path)).and_then(|d| d.sync_all()));
    Ok(())
}

/// Opens the file of `--output`: what is no regular file (a FIFO, /dev/null) is written to as it is.
fn open_file(path: &Path) -> io::Result<Sink> {
    // Following links here, and not by readlink, lets the kernel refuse a stranger's link in /tmp
    // (proc_sys_fs(5), protected_symlinks).
    let old = match fs::metadata(path) {
        Ok(old) => Some(old),
        Err(e) if e.kind() == io::ErrorKind::NotFound => None,
        Err(e) => return Err(e),
    };
    if let Some(old) = &old {
        if old.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if !old.is_file() || names_open_file(path) {
            let out = OpenOptions::new().write(true).open(path)?;
            return Ok(Sink::direct(Box::new(out)));
        }
        // A rename would replace even a file that must not be written to.
        drop(OpenOptions::new().append(true).open(path)?);
    }
    let target = behind_links(path)?;
    let file = temporary_file(directory_of(&target))?;
    let leftover = Leftover::new(file.path());
    if let Some(old) = old {
        // Owner first: a change of owner clears mode bits. Who may not give files away keeps them.
        drop(std::os::unix::fs::fchown(
            file.as_file(),
            Some(old.uid()),
            Some(old.gid()),
        ));
        file.as_file()
            .set_permissions(Permissions::from_mode(old.mode() & 0o777))?;
    }
    let file = BufWriter::with_capacity(BUFFER, file);
    Ok(Sink::Beside(file, target, leftover))
}

/// A new file under a name that no other has, with the mode that the umask leaves.
fn temporary_file(directory: &Path) -> io::Result<NamedTempFile> {
    // The error of tempfile adds the temporary name, which says nothing to the user.
    let mut reason = None;
    let made = tempfile::Builder::new()
        .prefix(".relay-tools-")
        .make_in(directory, |path| {
            let mut options = OpenOptions::new();
            let opened = options.write(true).create_new(true).mode(0o666).open(path);
            opened.inspect_err(|e| reason = e.raw_os_error())
        });
    made.map_err(|e| reason.map_or(e, io::Error::from_raw_os_error))
}

/// Does the path name something that a process has open already (`--output >(gzip)`), and no place in a directory?
fn names_open_file(path: &Path) -> bool {
    path.starts_with("/dev/fd") || path.starts_with("/proc") || path == Path::new("/dev/stderr")
}

/// The file that a path leads to, so that a link stays a link.
fn behind_links(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Ok(found) => Ok(found),
        Err(e) if e.kind() == io::ErrorKind::NotFound => match fs::read_link(path) {
            Ok(target) => Ok(path.parent().unwrap_or(Path::new("")).join(target)),
            Err(_) => Ok(path.to_owned()),
        },
        Err(e) => Err(e),
    }
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    }
}

fn put_in_place(out: BufWriter<NamedTempFile>, path: &Path) -> io::Result<()> {
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|e| e.error)?;
    // Not every file system can sync a directory (EINVAL), and the file is in its place by now.
    drop(File::open(directory_of(path)).and_then(|d| d.sync_all()));
    Ok(())
}
