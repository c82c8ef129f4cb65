//! One question to one server: over UDP, and over TCP where the answer is too long for that.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use crate::Failure;
use crate::wire::{Query, Reply};

/// Asks `server` and waits until `deadline` at the latest.
pub(crate) fn exchange(
    server: SocketAddr,
    query: &Query,
    deadline: Instant,
) -> Result<Reply, Failure> {
    let reply = over_udp(server, query, deadline)?;
    if reply.is_truncated() {
        return over_tcp(server, query, deadline);
    }
    Ok(reply)
}

fn over_udp(server: SocketAddr, query: &Query, deadline: Instant) -> Result<Reply, Failure> {
    let any: SocketAddr = if server.is_ipv4() {
        (Ipv4Addr::UNSPECIFIED, 0).into()
    } else {
        (Ipv6Addr::UNSPECIFIED, 0).into()
    };
    let tried = |e| network(server, &e);
    let socket = UdpSocket::bind(any).map_err(tried)?;
    // The kernel then drops what others send, and reports a port that nobody listens on.
    socket.connect(server).map_err(tried)?;
    socket.send(query.bytes()).map_err(tried)?;
    let mut buffer = [0; u16::MAX as usize];
    loop {
        socket
            .set_read_timeout(Some(left(deadline)?))
            .map_err(tried)?;
        match socket.recv(&mut buffer) {
            Ok(length) => {
                if let Some(reply) = buffer.get(..length).and_then(|bytes| query.reply(bytes)) {
                    return Ok(reply);
                }
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(network(server, &e)),
        }
    }
}

fn over_tcp(server: SocketAddr, query: &Query, deadline: Instant) -> Result<Reply, Failure> {
    let tried = |e| network(server, &e);
    let mut stream = TcpStream::connect_timeout(&server, left(deadline)?).map_err(tried)?;
    let length = u16::try_from(query.bytes().len()).map_err(|_| Failure::Malformed)?;
    let mut request = length.to_be_bytes().to_vec();
    request.extend_from_slice(query.bytes());
    stream
        .set_write_timeout(Some(left(deadline)?))
        .map_err(tried)?;
    stream.write_all(&request).map_err(tried)?;
    let mut length = [0; 2];
    read_whole(&mut stream, &mut length, server, deadline)?;
    let mut bytes = vec![0; usize::from(u16::from_be_bytes(length))];
    read_whole(&mut stream, &mut bytes, server, deadline)?;
    query.reply(&bytes).ok_or(Failure::Malformed)
}

/// Fills `buffer`; a server that sends a byte a second gets no more time than another.
fn read_whole(
    stream: &mut TcpStream,
    buffer: &mut [u8],
    server: SocketAddr,
    deadline: Instant,
) -> Result<(), Failure> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        stream
            .set_read_timeout(Some(left(deadline)?))
            .map_err(|e| network(server, &e))?;
        match stream.read(rest) {
            Ok(0) => return Err(Failure::Malformed),
            Ok(length) => filled += length,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(network(server, &e)),
        }
    }
    Ok(())
}

/// The time left, never zero: that would mean "wait for ever" to a socket.
fn left(deadline: Instant) -> Result<Duration, Failure> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(Failure::Timeout);
    }
    Ok(left)
}

fn network(server: SocketAddr, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Failure::Timeout,
        io::ErrorKind::ConnectionRefused => {
            Failure::Network(format!("no DNS server is answering at {server}"))
        }
        _ => Failure::Network(format!("cannot ask {server}: {error}")),
    }
}
