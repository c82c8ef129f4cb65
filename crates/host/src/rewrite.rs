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
use std::time::Duration;

use postfix::config::Instance;

/// How long an answer may take. A table on a server may be slow.
const PATIENCE: Duration = Duration::from_secs(30);

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
    stream: Option<BufReader<UnixStream>>,
}

impl Rewrite {
    /// Nothing is asked yet. The instance must run: otherwise nobody answers.
    pub fn new(instance: &Instance) -> Self {
        let service = match instance.get("rewrite_service_name") {
            name if name.is_empty() => "rewrite".to_owned(),
            name => name,
        };
        Self {
            socket: instance.queue_directory().join("private").join(service),
            stream: None,
        }
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
        match self.try_resolve(sender, address) {
            // It ends a connection after a number of questions, and itself when a table has changed.
            Err(e) if matches!(e.kind(), UnexpectedEof | BrokenPipe | ConnectionReset) => {
                self.stream = None;
                self.try_resolve(sender, address)
            }
            result => result,
        }
    }

    fn try_resolve(&mut self, sender: &str, address: &str) -> io::Result<Resolved> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => connect(&self.socket)?,
        };
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

fn connect(socket: &Path) -> io::Result<BufReader<UnixStream>> {
    let stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(BufReader::new(stream))
}

/// A list of attributes, up to the null byte that ends it.
fn read(stream: &mut BufReader<UnixStream>) -> io::Result<Vec<(String, String)>> {
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

fn word(stream: &mut BufReader<UnixStream>) -> io::Result<String> {
    let mut bytes = Vec::new();
    stream.by_ref().take(8192).read_until(0, &mut bytes)?;
    match bytes.pop() {
        Some(0) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
