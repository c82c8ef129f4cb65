//! An SMTP client that says what it is told, and tells what it was answered: an independent count.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use testkit::{Host, Instance};

/// What the client says in one session, line by line; a message is `DATA` and then its text, in one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Session {
    lines: Vec<String>,
}

impl Session {
    pub(crate) fn helo(name: &str) -> Self {
        Self::default().say(&format!("EHLO {name}"))
    }

    pub(crate) fn say(mut self, line: &str) -> Self {
        self.lines.push(line.to_owned());
        self
    }

    pub(crate) fn mail(self, from: &str) -> Self {
        self.say(&format!("MAIL FROM:<{from}>"))
    }

    pub(crate) fn rcpt(self, to: &str) -> Self {
        self.say(&format!("RCPT TO:<{to}>"))
    }

    /// Header lines, a blank line and a body.
    pub(crate) fn data(self, text: &str) -> Self {
        self.say("DATA").say(&format!("{text}\r\n."))
    }

    /// Says it all to the smtpd of `instance`: the codes of its answers, the greeting's first. After a 421, or once the
    /// other side has hung up, nothing more is said; where DATA is refused, no text is sent.
    pub(crate) fn run(&self, instance: &Instance) -> Vec<u16> {
        talk(instance.host(), instance.address(), &self.lines)
    }
}

fn talk(host: &Host, address: SocketAddr, lines: &[String]) -> Vec<u16> {
    let stream = host.enter(|| TcpStream::connect(address)).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    let mut codes = Vec::new();
    let mut answer = |codes: &mut Vec<u16>| {
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return false;
            }
            if line.as_bytes().get(3) != Some(&b'-') {
                codes.push(line[..3].parse().unwrap());
                return codes.last() != Some(&421);
            }
        }
    };
    let mut goes_on = answer(&mut codes);
    for line in lines.iter().chain([&"QUIT".to_owned()]) {
        let is_text = line.ends_with("\r\n.");
        if !goes_on || is_text && codes.last() != Some(&354) {
            break;
        }
        if write!(writer, "{line}\r\n").is_err() {
            break;
        }
        goes_on = answer(&mut codes);
    }
    codes
}
