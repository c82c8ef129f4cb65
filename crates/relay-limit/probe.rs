//! Postfix asked: would it take this mail?

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use cli::Context;
use host::machine::Interfaces;
use host::patience::Patience;
use host::rewrite::{Resolved, Rewrite};
use postfix::config::{Instance, Service};

/// How long an smtpd may take for an answer, whole. Some greet late, on purpose; one that its owner has taken over may
/// send a byte now and then for ever.
const PATIENCE: Duration = Duration::from_secs(15);

/// Of all servers.
static WAITED: Patience = Patience::new(PATIENCE);

/// The local part of the recipients asked about: nobody's.
const PROBE: &str = "relay-limit-probe";

/// What trivial-rewrite says of all addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sent {
    /// All are kept, for this limit's reason.
    Kept,
    /// This one is not: where it is sent.
    Elsewhere(String, Resolved),
    /// It could not be asked.
    Unknown(String),
}

/// Where the mail of `addresses` is sent: is it kept with an answer that begins with `text`?
pub(crate) fn resolve(client: &mut Rewrite, addresses: &[String], text: &str) -> Sent {
    for address in addresses {
        match client.resolve(address) {
            Ok(Resolved::To { transport, nexthop })
                if transport == "retry" && nexthop.contains(text) => {}
            Ok(other) => return Sent::Elsewhere(address.clone(), other),
            Err(e) => {
                let hint = match e.kind() {
                    io::ErrorKind::PermissionDenied => "; run it as root",
                    _ => "",
                };
                return Sent::Unknown(format!("{}: {e}{hint}", client.socket().display()));
            }
        }
    }
    Sent::Kept
}

/// An address to ask about for each key of a map: `relay-limit-probe@aol.com`. `turn` makes it one that was not asked
/// about before, since smtpd remembers answers for half a minute.
pub(crate) fn addresses(keys: &[String], turn: u32) -> Vec<String> {
    let pid = std::process::id();
    let address = |key: &String| match (key.as_str(), key.strip_prefix('.')) {
        ("*", _) => format!("{PROBE}-{pid}-{turn}@{PROBE}.example.com"),
        (_, Some(below)) => format!("{PROBE}-{pid}-{turn}@{PROBE}.{below}"),
        (key, _) if key.contains('@') => key.to_owned(),
        (key, _) => format!("{PROBE}-{pid}-{turn}@{key}"),
    };
    keys.iter().map(address).collect()
}

/// What an smtpd said of a recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RcptAnswer {
    /// It refuses it for now, for our reason.
    Refused(String),
    /// It takes it.
    Taken(String),
    /// Something else, or nothing: whether it would take mail of others is not known.
    Other(String),
}

/// The addresses at which the instance's smtpd, or a postscreen before it, listens.
pub(crate) fn listeners(cx: &Context, instance: &Instance) -> Vec<SocketAddr> {
    let services = instance.services(cx.root()).value;
    let mut found = Vec::new();
    for service in services.services() {
        if !matches!(service.command.as_str(), "smtpd" | "postscreen") || wraps(service) {
            continue;
        }
        let Some((host, port)) = service.listens_on() else {
            continue;
        };
        let port = match port {
            "smtp" => 25,
            "submission" => 587,
            "smtps" | "submissions" => continue,
            number => match number.parse() {
                Ok(number) => number,
                Err(_) => continue,
            },
        };
        let hosts = match host {
            Some(host) => vec![host.to_owned()],
            None => instance.parameters().list("inet_interfaces"),
        };
        found.extend(
            hosts
                .iter()
                .flat_map(|host| at(host))
                .map(|ip| SocketAddr::new(ip, port)),
        );
    }
    found.sort();
    found.dedup();
    found
}

/// TLS from the first byte on.
fn wraps(service: &Service) -> bool {
    let own = service.overrides().into_iter().rev();
    let mut values = own.filter(|(name, _)| name == "smtpd_tls_wrappermode");
    values
        .next()
        .is_some_and(|(_, value)| value.trim().eq_ignore_ascii_case("yes"))
}

/// The addresses that `host` stands for, as far as they can be connected to from here.
fn at(host: &str) -> Vec<IpAddr> {
    match host {
        "all" => Interfaces::read()
            .map_or_else(|_| Vec::new(), |found| found.outward().take(1).collect()),
        "loopback-only" | "localhost" => vec![IpAddr::from([127, 0, 0, 1])],
        address => address
            .trim_matches(['[', ']'])
            .parse()
            .into_iter()
            .collect(),
    }
}

/// A connection that is read from until a moment, and no longer.
struct Stream {
    socket: TcpStream,
    patience: Duration,
    end: Instant,
}

impl io::Read for Stream {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let left = self.end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.socket.set_read_timeout(Some(left))?;
        self.socket.read(to)
    }
}

/// Asks the smtpd at `server` whether it takes mail for `recipient`: RCPT, and no message.
pub(crate) fn ask(server: SocketAddr, recipient: &str, text: &str) -> RcptAnswer {
    let said = patiently(|patience| dialogue(server, recipient, text, patience));
    said.unwrap_or_else(|e| RcptAnswer::Other(e.to_string()))
}

/// Asks as long as all that were asked before leave time for it.
fn patiently<T>(ask: impl FnOnce(Duration) -> io::Result<T>) -> io::Result<T> {
    let smtpd = Path::new("smtpd");
    let (patience, begun) = (WAITED.of(smtpd)?, Instant::now());
    ask(patience).map_err(|e| WAITED.spent(smtpd, begun.elapsed(), e))
}

/// Connects to the smtpd at `server`, waits for its greeting, and leaves: from which address. Whatever it greets with,
/// it has logged who came.
pub(crate) fn visit(server: SocketAddr) -> io::Result<IpAddr> {
    patiently(|patience| {
        let mut stream = open(server, patience)?;
        let own = stream.get_ref().socket.local_addr()?.ip();
        reply(&mut stream)?;
        // Whether it says goodbye makes no difference.
        drop(command_reply(&mut stream, "QUIT"));
        Ok(own)
    })
}

fn open(server: SocketAddr, patience: Duration) -> io::Result<BufReader<Stream>> {
    let socket = TcpStream::connect_timeout(&server, patience)?;
    socket.set_write_timeout(Some(patience))?;
    let end = Instant::now();
    Ok(BufReader::new(Stream {
        socket,
        patience,
        end,
    }))
}

fn dialogue(
    server: SocketAddr,
    recipient: &str,
    text: &str,
    patience: Duration,
) -> io::Result<RcptAnswer> {
    let mut stream = open(server, patience)?;
    let greeting = reply(&mut stream)?;
    if !greeting.starts_with('2') {
        return Ok(RcptAnswer::Other(greeting));
    }
    for command in ["EHLO localhost", "MAIL FROM:<>"] {
        let said = command_reply(&mut stream, command)?;
        if !said.starts_with('2') {
            return Ok(RcptAnswer::Other(said));
        }
    }
    let said = command_reply(&mut stream, &format!("RCPT TO:<{recipient}>"))?;
    // Whether it says goodbye makes no difference.
    drop(command_reply(&mut stream, "QUIT"));
    Ok(match said.as_bytes().first() {
        Some(b'2') => RcptAnswer::Taken(said),
        Some(b'4') if said.contains(text) => RcptAnswer::Refused(said),
        _ => RcptAnswer::Other(said),
    })
}

fn command_reply(stream: &mut BufReader<Stream>, command: &str) -> io::Result<String> {
    let line = format!("{command}\r\n");
    stream.get_mut().socket.write_all(line.as_bytes())?;
    reply(stream)
}

/// The last line of a reply.
fn reply(stream: &mut BufReader<Stream>) -> io::Result<String> {
    let patience = stream.get_ref().patience;
    stream.get_mut().end = Instant::now() + patience;
    // No server has more to say than this.
    for _ in 0..100 {
        let mut line = Vec::new();
        stream.by_ref().take(4096).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if line.get(3) != Some(&b'-') {
            return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
        }
    }
    Err(io::Error::other("a reply without an end"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// Says something for ever, a byte at a time, from a moment of the dialogue on.
    fn drips(after: &'static [u8]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            client.write_all(after).unwrap();
            while client.write_all(b"2").is_ok() {
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        address
    }

    #[test]
    fn an_smtpd_that_never_ends_its_answer_is_not_waited_for_for_ever() {
        for after in [
            &b""[..],
            b"220-",
            b"220 a\r\n250-",
            b"220 a\r\n250 a\r\n250 ok\r\n",
        ] {
            let server = drips(after);
            let patience = Duration::from_millis(300);
            let said = dialogue(server, "a@example.com", "paused", patience);
            let why = said.unwrap_err().kind();
            let late = [io::ErrorKind::TimedOut, io::ErrorKind::WouldBlock];
            assert!(late.contains(&why), "{why}");
        }
    }
}
