//! Where the result goes: standard output, or the file of `--output`.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use guarded::{Draft, Kind, Links, Place};

use crate::interrupt::Remover;
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

    pub(crate) fn open(&self, links: Links) -> anyhow::Result<Stream> {
        let sink = match &self.path {
            None => Sink::direct(raw_stdout()),
            Some(path) => {
                open_file(path, links).map_err(|e| cannot_write("cannot write", path, e))?
            }
        };
        Ok(Stream {
            sink: Some(sink),
            path: self.path.clone(),
            closed: Arc::clone(&self.closed),
        })
    }
}

impl Target {
    /// Writes the whole result to `stream`, which this has opened. It is not an error if nobody reads it any more.
    pub(crate) fn write(&self, mut stream: Stream, result: &[u8]) -> anyhow::Result<()> {
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

/// The error that a file cannot be written, with the way to make its directory where that is missing.
pub fn cannot_write(tried: &str, path: &Path, reason: io::Error) -> Failure {
    let refused = guarded::is_refused(&reason);
    let missing = path.parent().filter(|parent| {
        reason.kind() == io::ErrorKind::NotFound && !parent.as_os_str().is_empty()
    });
    let failure = Failure::io(tried, path, reason);
    match missing {
        _ if refused => failure.hint("name the file itself, on a path that only root can change"),
        Some(parent) if !parent.exists() => {
            let parent = parent.to_string_lossy();
            let parent = shlex::try_quote(&parent).unwrap_or_default();
            failure.hint(format!("mkdir -p {parent} makes its directory"))
        }
        _ => failure,
    }
}

enum Sink {
    /// Standard output, a device, a FIFO: what is written is gone.
    Direct(BufWriter<Box<dyn Write + Send>>),
    /// A file beside the one to be, which it becomes in the end.
    Beside(BufWriter<Draft>, Remover),
}

impl Sink {
    fn direct(out: Box<dyn Write + Send>) -> Self {
        Self::Direct(BufWriter::with_capacity(BUFFER, out))
    }
}

/// The result on its way out; what is buffered is lost unless [`Stream::finish`] or `flush` is called. A `--output`
/// file appears when [`Stream::finish`] is called; if it never is, the file stays as it was.
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
            Some(Sink::Beside(out, _remover)) => put_in_place(out),
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
            Some(path) => cannot_write("cannot write", path, reason),
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
pub fn replace_file(place: &Place, content: &[u8]) -> anyhow::Result<()> {
    let failed = |e| cannot_write("cannot write", place.path(), e);
    let mut draft = place.draft().map_err(failed)?;
    let _remover = Remover::new(&draft);
    let written = draft.write_all(content).and_then(|()| draft.put());
    Ok(written.map_err(failed)?)
}

/// Makes a file with this content, whole or not at all, unless there is one already.
///
/// # Errors
/// There is one (`AlreadyExists`), or it cannot be written.
pub fn create_file(place: &Place, content: &[u8]) -> io::Result<()> {
    let mut draft = place.draft()?;
    let _remover = Remover::new(&draft);
    draft.write_all(content)?;
    draft.put_new()
}

/// Opens the file of `--output`: what is not a regular file (a FIFO, /dev/null) is written to as it is, unless a job
/// does.
fn open_file(path: &Path, links: Links) -> io::Result<Sink> {
    if let Some(open) = guarded::descriptor(path) {
        return Ok(Sink::direct(Box::new(open?)));
    }
    let place = Place::find(path, links)?;
    if links != Links::Never && place.kind()? == Some(Kind::Other) {
        return Ok(Sink::direct(Box::new(place.stream()?)));
    }
    let draft = place.draft()?;
    let remover = Remover::new(&draft);
    if links == Links::Never {
        // Metrics are for another user's daemon.
        draft.share()?;
    }
    Ok(Sink::Beside(
        BufWriter::with_capacity(BUFFER, draft),
        remover,
    ))
}

fn put_in_place(out: BufWriter<Draft>) -> io::Result<()> {
    let draft = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    draft.put()
}
