//! Postfix itself, asked where mail goes: trivial-rewrite's resolve service, which smtpd and the queue manager ask as
//! well.
//!
//! The question and the answer are attributes, a name and a value each, with a null byte behind each and one more at
//! the end (Postfix `src/global/resolve_clnt.c`, `src/util/attr_print0.c`). Newer servers announce their protocol
//! first. Nothing is changed by asking.

use std::fmt;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use guarded::at;
use postfix::config::Instance;
use rustix::fs::OFlags;

use crate::patience::Patience;

/// How long an answer may take in all, whoever gives it. A table on a server may be slow.
const PATIENCE: Duration = Duration::from_secs(30);

/// Of all instances: each has a server of its own, whose socket is the mail owner's.
static WAITED: Patience = Patience::new(PATIENCE);

/// RESOLVE_FLAG_FAIL (`src/global/resolve_clnt.h`): a table failed.
const FAIL: u32 = 1 << 3;

/// A list of attributes that is longer than this is invalid.
const MAX_ATTRIBUTES: usize = 32;

/// Where an address is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// To this destination.
    To {
        /// A service of master.cf: `smtp`, `retry`.
        transport: String,
        /// What it is handed as its next hop; for `retry` and `error`, what is to be answered.
        nexthop: String,
    },
    /// A table failed: the mail waits.
    Fails,
}

impl fmt::Display for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::To { transport, nexthop } => write!(f, "{transport}:{nexthop}"),
            Self::Fails => f.write_str("nowhere: a table failed"),
        }
    }
}

/// A connection to an instance's trivial-rewrite. It is made anew where the server has ended it, as it does now and
/// then.
#[derive(Debug)]
pub struct Rewrite {
    socket: PathBuf,
    queue_directory: PathBuf,
    service: String,
    waited: &'static Patience,
    stream: Option<BufReader<Stream>>,
}

/// A connection that is read from until a moment, and no longer: the socket's directory is the mail owner's, who may
/// answer a byte a minute.
#[derive(Debug)]
struct Stream {
    socket: UnixStream,
    end: Instant,
}

impl Stream {
    fn left(&self) -> io::Result<Duration> {
        let left = self.end.saturating_duration_since(Instant::now());
        match left.is_zero() {
            true => Err(io::ErrorKind::TimedOut.into()),
            false => Ok(left),
        }
    }
}

/// A time limit of a socket ends with EAGAIN (socket(7), SO_RCVTIMEO).
fn late(e: io::Error) -> io::Error {
    match e.kind() {
        io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
        _ => e,
    }
}

impl io::Read for Stream {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(Some(self.left()?))?;
        self.socket.read(to).map_err(late)
    }
}

impl io::Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(Some(self.left()?))?;
        self.socket.write(bytes).map_err(late)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}

impl Rewrite {
    /// Nothing is asked yet. The instance must run: otherwise nobody answers.
    pub fn new(instance: &Instance) -> Self {
        let service = match instance.get("rewrite_service_name") {
            name if name.is_empty() => "rewrite".to_owned(),
            name => name,
        };
        Self::at(instance.queue_directory(), service, &WAITED)
    }

    fn at(queue_directory: &Path, service: String, waited: &'static Patience) -> Self {
        Self {
            socket: queue_directory.join("private").join(&service),
            queue_directory: queue_directory.to_owned(),
            service,
            waited,
            stream: None,
        }
    }

    fn connect(&self, patience: Duration) -> io::Result<BufReader<Stream>> {
        let end = Instant::now() + patience;
        let root = at::directory(&self.queue_directory)?;
        let private = at::open(&root, "private", OFlags::PATH | OFlags::DIRECTORY)?;
        let socket = at::connect((&private, self.service.as_ref()), patience)?;
        socket.set_nonblocking(false)?;
        Ok(BufReader::new(Stream { socket, end }))
    }

    /// The socket that is asked at.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Where mail to `address` is sent.
    ///
    /// # Errors
    /// There is nobody to ask, or it is not permitted: the socket is root's.
    pub fn resolve(&mut self, address: &str) -> io::Result<Resolved> {
        self.resolve_from("", address)
    }

    /// The same for mail of a sender (empty for the null sender), by which some tables choose.
    ///
    /// # Errors
    /// As [`Self::resolve`].
    pub fn resolve_from(&mut self, sender: &str, address: &str) -> io::Result<Resolved> {
        use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
        if sender.contains('\0') || address.contains('\0') {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let asked = Path::new("trivial-rewrite");
        let patience = self.waited.of(asked)?;
        let found = match self.try_resolve(sender, address, patience) {
            // It ends a connection after a number of questions, and itself when a table has changed.
            Err(e) if matches!(e.kind(), UnexpectedEof | BrokenPipe | ConnectionReset) => {
                self.stream = None;
                self.try_resolve(sender, address, patience)
            }
            result => result,
        };
        found.map_err(|e| self.waited.spent(asked, patience, e))
    }

    fn try_resolve(
        &mut self,
        sender: &str,
        address: &str,
        patience: Duration,
    ) -> io::Result<Resolved> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.connect(patience)?,
        };
        stream.get_mut().end = Instant::now() + patience;
        let question = format!("request\0resolve\0sender\0{sender}\0address\0{address}\0\0");
        stream.get_mut().write_all(question.as_bytes())?;
        let answer = loop {
            let attributes = read(&mut stream)?;
            // An announcement of the protocol has none.
            if attributes.iter().any(|(name, _)| name == "transport") {
                break attributes;
            }
        };
        let get = |wanted: &str| {
            // Of the two that are called "flags", the last is the answer's.
            let mut found = answer.iter().rev().filter(|(name, _)| name == wanted);
            found.next().map_or_else(String::new, |(_, v)| v.clone())
        };
        let flags: u32 = get("flags").parse().unwrap_or(FAIL);
        // The first asks for a new connection.
        let first = answer.first();
        if first.is_some_and(|(name, value)| name == "flags" && value == "0") {
            self.stream = Some(stream);
        }
        Ok(match flags & FAIL {
            0 => Resolved::To {
                transport: get("transport"),
                nexthop: get("nexthop"),
            },
            _ => Resolved::Fails,
        })
    }
}

/// A list of attributes, up to the null byte that ends it.
fn read(stream: &mut BufReader<Stream>) -> io::Result<Vec<(String, String)>> {
    let mut attributes = Vec::new();
    while attributes.len() < MAX_ATTRIBUTES {
        let name = word(stream)?;
        if name.is_empty() {
            return Ok(attributes);
        }
        let value = word(stream)?;
        attributes.push((name, value));
    }
    Err(io::Error::other("no answer from trivial-rewrite"))
}

fn word(stream: &mut BufReader<Stream>) -> io::Result<String> {
    let mut bytes = Vec::new();
    stream.by_ref().take(8192).read_until(0, &mut bytes)?;
    match bytes.pop() {
        Some(0) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    /// A queue directory whose owner has laid what `lay` makes where trivial-rewrite's socket is.
    fn check(lay: impl FnOnce(&Path), says: &str) {
        let queue = tempfile::tempdir().unwrap();
        std::fs::create_dir(queue.path().join("private")).unwrap();
        lay(&queue.path().join("private/rewrite"));
        let waited = Box::leak(Box::new(Patience::new(Duration::from_millis(300))));
        let mut rewrite = Rewrite::at(queue.path(), "rewrite".to_owned(), waited);
        let why = rewrite.resolve("u@example.org").unwrap_err().to_string();
        assert!(why.contains(says), "{why}");
    }

    #[test]
    fn a_server_that_does_not_answer_is_not_waited_for_for_ever() {
        let mut held = Vec::new();
        // Nobody accepts, and no more can wait.
        let full = |path: &Path| {
            let listener = UnixListener::bind(path).unwrap();
            let least = nix::sys::socket::Backlog::new(0).unwrap();
            nix::sys::socket::listen(&listener, least).unwrap();
            held.push(UnixStream::connect(path).unwrap());
            std::mem::forget(listener);
        };
        check(full, "temporarily unavailable");
        // It answers a byte at a time: each in time, and never all.
        let drip = |path: &Path| {
            let listener = UnixListener::bind(path).unwrap();
            std::thread::spawn(move || {
                let (mut one, _) = listener.accept().unwrap();
                while one.write_all(b"x").is_ok() {
                    std::thread::sleep(Duration::from_millis(10));
                }
            });
        };
        check(drip, "timed out");
        // It answers for ever, and never what was asked.
        let flood = |path: &Path| {
            let listener = UnixListener::bind(path).unwrap();
            std::thread::spawn(move || {
                let (mut one, _) = listener.accept().unwrap();
                while one.write_all(b"a\0b\0\0").is_ok() {}
            });
        };
        check(flood, "timed out");
    }

    #[test]
    fn what_is_no_socket_of_that_directory_is_not_asked() {
        let elsewhere = tempfile::tempdir().unwrap();
        let real = elsewhere.path().join("real");
        let _listener = UnixListener::bind(&real).unwrap();
        check(
            |path| std::os::unix::fs::symlink(&real, path).unwrap(),
            "is not a socket",
        );
        check(|path| std::fs::write(path, "x").unwrap(), "is not a socket");
    }
}
