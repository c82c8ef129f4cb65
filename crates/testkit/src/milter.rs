//! A mail filter (milter) that answers as the test says: enough of Sendmail's protocol, version 6, for Postfix
//! (`src/milter/milter8.c`).

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use crate::Host;
use crate::or_fail::OrFail;

/// What a milter may ask for: all that version 6 has.
const ALL_ACTIONS: u32 = 0x1ff;

/// Where in a session the milter is asked, and what the client said there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// The client's name.
    Connect(String),
    /// HELO or EHLO, and its argument.
    Helo(String),
    /// MAIL FROM, the address in its brackets.
    Mail(String),
    /// RCPT TO, the address in its brackets.
    Rcpt(String),
    /// DATA.
    Data,
    /// The end of the message: its header lines, `Name: value`.
    EndOfMessage(Vec<String>),
}

/// What a milter says to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// Go on.
    Continue,
    /// Refuse, for good.
    Reject,
    /// Refuse, for now.
    TempFail,
    /// Accept and throw away.
    Discard,
    /// Refuse with this reply, code first.
    Reply(String),
    /// Accept and put on hold, at the end of the message only.
    Quarantine(String),
}

/// A milter that runs for as long as the test process lives.
#[derive(Debug, Clone)]
pub struct Milter {
    address: SocketAddr,
}

impl Milter {
    /// The milter as smtpd_milters and non_smtpd_milters name it: `inet:127.0.0.1:8891`.
    pub fn service(&self) -> String {
        format!("inet:{}", self.address)
    }
}

impl Host {
    /// A milter on this port of 127.0.0.1, that answers by `rules`.
    #[track_caller]
    pub fn milter(
        &self,
        port: u16,
        rules: impl Fn(&Asked) -> Said + Send + Sync + 'static,
    ) -> Milter {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let bound = self.enter(|| TcpListener::bind(address));
        let listener = bound.or_fail(format_args!("starting a milter on {address}"));
        let rules = Arc::new(rules);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let rules = Arc::clone(&rules);
                // A connection that Postfix cuts short is not the milter's business.
                std::thread::spawn(move || talk(stream, &*rules).ok());
            }
        });
        Milter { address }
    }
}

fn talk(mut stream: TcpStream, rules: &dyn Fn(&Asked) -> Said) -> io::Result<()> {
    let mut headers = Vec::new();
    loop {
        let (command, data) = read_packet(&mut stream)?;
        let asked = match command {
            b'O' => {
                let words = [6_u32, ALL_ACTIONS, 0].map(u32::to_be_bytes);
                write_packet(&mut stream, b'O', &words.concat())?;
                continue;
            }
            // Macros and aborts have no answer.
            b'D' | b'A' => continue,
            b'Q' => return Ok(()),
            b'C' => Asked::Connect(string(&data)),
            b'H' => Asked::Helo(string(&data)),
            b'M' => {
                headers.clear();
                Asked::Mail(string(&data))
            }
            b'R' => Asked::Rcpt(string(&data)),
            b'T' => Asked::Data,
            b'E' => Asked::EndOfMessage(std::mem::take(&mut headers)),
            b'L' => {
                let mut parts = data.split(|&b| b == 0).map(string);
                let name = parts.next().unwrap_or_default();
                headers.push(format!("{name}: {}", parts.next().unwrap_or_default()));
                write_packet(&mut stream, b'c', b"")?;
                continue;
            }
            _ => {
                write_packet(&mut stream, b'c', b"")?;
                continue;
            }
        };
        match rules(&asked) {
            Said::Continue => write_packet(&mut stream, b'c', b"")?,
            Said::Reject => write_packet(&mut stream, b'r', b"")?,
            Said::TempFail => write_packet(&mut stream, b't', b"")?,
            Said::Discard => write_packet(&mut stream, b'd', b"")?,
            Said::Reply(text) => write_packet(&mut stream, b'y', &terminated(&text))?,
            Said::Quarantine(why) => {
                write_packet(&mut stream, b'q', &terminated(&why))?;
                write_packet(&mut stream, b'c', b"")?;
            }
        }
    }
}

fn string(data: &[u8]) -> String {
    let end = data.iter().position(|&b| b == 0).unwrap_or(data.len());
    String::from_utf8_lossy(data.get(..end).unwrap_or_default()).into_owned()
}

fn terminated(text: &str) -> Vec<u8> {
    [text.as_bytes(), b"\0"].concat()
}

fn read_packet(stream: &mut TcpStream) -> io::Result<(u8, Vec<u8>)> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut packet = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut packet)?;
    if packet.is_empty() {
        return Err(io::Error::other("an empty packet"));
    }
    let command = packet.remove(0);
    Ok((command, packet))
}

fn write_packet(stream: &mut TcpStream, command: u8, data: &[u8]) -> io::Result<()> {
    let length = u32::try_from(data.len().saturating_add(1)).map_err(io::Error::other)?;
    let head = length.to_be_bytes();
    stream.write_all(&[&head, [command].as_slice(), data].concat())
}
