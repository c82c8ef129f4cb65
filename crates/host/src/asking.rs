//! Does a relay take mail from here? It is asked as smtp(8) would ask it, from the same address and by the same name,
//! as far as RCPT TO; then the session is reset and ended. No message is ever sent.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::fd::AsRawFd as _;
use std::time::{Duration, Instant};

use nix::sys::socket::sockopt::SendTimeout;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrStorage, bind, connect, setsockopt, socket,
};
use nix::sys::time::{TimeVal, TimeValLike as _};

use crate::ports::PATIENCE;

/// What all of a session may take: postscreen(8) lets others wait for six seconds.
const SESSION: Duration = Duration::from_secs(10);
/// The longest reply that is read, in bytes.
const REPLY: u64 = 16 * 1024;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The address to connect from; absent, the system's choice.
    pub from: Option<IpAddr>,
    /// The HELO name.
    pub helo: String,
    /// The recipient.
    pub recipient: String,
}

/// What the relay said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// It takes the recipient.
    Takes,
    /// It does not, with this code and the reply's first line. Written by others.
    Refuses(u16, String),
}

/// Asks the relay at `address`.
///
/// # Errors
/// As [`crate::ports::knock`]; or it does not speak SMTP, or does not answer in time.
pub fn ask(address: &SocketAddr, question: &Question) -> io::Result<Said> {
    let stream = reach(address, question.from)?;
    let mut session = Session {
        reader: BufReader::new(stream),
        end: Instant::now() + SESSION,
    };
    let said = session.ask(question);
    // Politeness: whether it is heard makes no difference.
    let _reset = session.reader.get_mut().write_all(b"RSET\r\nQUIT\r\n");
    said
}

/// A connection from there. An address that this host does not have is passed over, as smtp(8) does
/// (smtp_bind_address_enforce).
#[allow(
    clippy::disallowed_methods,
    reason = "sockets of the Internet, which have no path"
)]
fn reach(address: &SocketAddr, from: Option<IpAddr>) -> io::Result<TcpStream> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::Inet,
        SocketAddr::V6(_) => AddressFamily::Inet6,
    };
    let fd = socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    if let Some(ip) = from {
        let own = SockaddrStorage::from(SocketAddr::new(ip, 0));
        let _unbound = bind(fd.as_raw_fd(), &own);
    }
    // It bounds connect(2), too (socket(7)).
    let patience = TimeVal::seconds(i64::try_from(PATIENCE.as_secs()).unwrap_or(i64::MAX));
    setsockopt(&fd, SendTimeout, &patience)?;
    match connect(fd.as_raw_fd(), &SockaddrStorage::from(*address)) {
        Ok(()) => Ok(TcpStream::from(fd)),
        Err(nix::errno::Errno::EINPROGRESS) => Err(io::ErrorKind::TimedOut.into()),
        Err(errno) => Err(errno.into()),
    }
}

struct Session {
    reader: BufReader<TcpStream>,
    end: Instant,
}

impl Session {
    fn ask(&mut self, question: &Question) -> io::Result<Said> {
        let Question {
            helo, recipient, ..
        } = question;
        let mut reply = self.reply()?;
        if reply.0 != 220 {
            // For whatever reason: smtp(8) goes on to the next address, and the mail waits (smtp_skip_5xx_greeting).
            return Ok(Said::Refuses(reply.0.min(421), reply.1));
        }
        reply = self.command(&format!("EHLO {helo}"))?;
        if reply.0 >= 500 {
            reply = self.command(&format!("HELO {helo}"))?;
        }
        for next in ["MAIL FROM:<>", &format!("RCPT TO:<{recipient}>")] {
            if !(200..300).contains(&reply.0) {
                break;
            }
            reply = self.command(next)?;
        }
        Ok(match reply.0 {
            200..300 => Said::Takes,
            code => Said::Refuses(code, reply.1),
        })
    }

    fn command(&mut self, line: &str) -> io::Result<(u16, String)> {
        // What would end a command early is in none.
        let line: String = line.chars().filter(|c| !c.is_control()).collect();
        write!(self.reader.get_mut(), "{line}\r\n")?;
        self.reply()
    }

    /// A reply's code, and its first line.
    fn reply(&mut self) -> io::Result<(u16, String)> {
        let mut first = None;
        let mut left = REPLY;
        loop {
            let time = self.end.saturating_duration_since(Instant::now());
            if time.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.reader.get_ref().set_read_timeout(Some(time))?;
            let mut line = Vec::new();
            let read = self.reader.by_ref().take(left).read_until(b'\n', &mut line);
            let read = read.map_err(|e| match e.kind() {
                io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
                _ => e,
            })?;
            left = left.saturating_sub(read as u64);
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            let code = text.get(..3).and_then(|code| code.parse::<u16>().ok());
            let Some(code) = code.filter(|code| (200..600).contains(code)) else {
                let what = match read {
                    0 => "the connection was closed",
                    _ => "the answer is not SMTP's",
                };
                return Err(io::Error::new(io::ErrorKind::InvalidData, what));
            };
            let is_last = text.as_bytes().get(3) != Some(&b'-');
            let first = first.get_or_insert(text);
            if is_last {
                return Ok((code, first.clone()));
            }
        }
    }
}
