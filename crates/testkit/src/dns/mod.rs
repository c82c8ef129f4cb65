//! DNS servers for the tests: NSD with real zones, and some that no zone can make.
#![allow(clippy::unwrap_used, reason = "a test has nothing better to do")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::wait::holds_within;
use crate::{Host, Running};
use nix::sys::signal::Signal;
use tempfile::TempDir;

pub mod zones;

/// An NSD that runs in a host, and ends with this value.
pub struct Nsd {
    process: Running,
    _dir: TempDir,
    /// Address and port.
    pub address: String,
}

impl Drop for Nsd {
    fn drop(&mut self) {
        // It ends its servers before itself. Killed, it would leave them the port for a moment, and the next NSD none.
        if self.process.signal(Signal::SIGTERM) {
            holds_within(crate::PATIENCE, || !self.process.is_running());
        }
    }
}

/// Starts NSD on port 53 of `ip` with these zones: names, and texts of zone files. A zone without a text has no file,
/// so that NSD can answer nothing but SERVFAIL for it.
pub fn nsd(host: &Host, ip: &str, zones: &[(&str, Option<&str>)]) -> Nsd {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().display();
    let mut config = format!(
        "server:\n  ip-address: {ip}\n  port: 53\n  username: \"\"\n  zonesdir: \"{place}\"\n  database: \"\"\n  \
         pidfile: \"\"\n  xfrdfile: \"{place}/xfrd\"\n  zonelistfile: \"{place}/list\"\n  xfrdir: \"{place}\"\n  \
         server-count: 1\n\
         remote-control:\n  control-enable: no\n"
    );
    for (name, text) in zones {
        config.push_str(&format!("zone:\n  name: {name}\n  zonefile: {name}.zone\n"));
        if let Some(text) = text {
            std::fs::write(dir.path().join(format!("{name}.zone")), text).unwrap();
        }
    }
    let path = dir.path().join("nsd.conf");
    std::fs::write(&path, config).unwrap();
    assert!(
        Path::new("/usr/sbin/nsd").exists(),
        "no /usr/sbin/nsd: it is in Debian's package nsd (tests/run --install)"
    );
    let mut process = host.command("nsd").arg("-d").arg("-c").arg(&path).spawn();
    let address = format!("{ip}:53");
    let server: SocketAddr = address.parse().unwrap();
    crate::wait_until(crate::PATIENCE, "nsd to answer", || {
        assert!(process.is_running(), "nsd ended");
        host.enter(|| {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            socket
                .set_read_timeout(Some(Duration::from_millis(200)))
                .unwrap();
            // The root's NS records, which it refuses to give.
            let question = b"\x12\x34\0\0\0\x01\0\0\0\0\0\0\0\0\x02\0\x01";
            socket.send_to(question, server).is_ok() && socket.recv(&mut [0; 512]).is_ok()
        })
    });
    Nsd {
        process,
        _dir: dir,
        address,
    }
}

/// What a [`fake`] server does with a question.
#[derive(Debug, Clone, Copy)]
pub enum Manners {
    /// Nothing.
    Silent,
    /// Asks the server behind it, and answers as from its cache.
    Remembers,
    /// The same, after packets that do not answer the question.
    Noisy,
    /// The same, only for questions without EDNS; it does not understand others.
    Old,
    /// Answers that the answer is too long; over TCP, it sends one byte a second.
    Drips,
}

/// Starts a server at an address of the host, which asks the one `behind`. It goes on until the test ends.
pub fn fake(host: &Host, at: &str, behind: Option<&Nsd>, manners: Manners) -> String {
    let behind: Option<SocketAddr> = behind.map(|nsd| nsd.address.parse().unwrap());
    let (socket, up, tcp) = host.enter(|| {
        let up = UdpSocket::bind("127.0.0.1:0").unwrap();
        (
            UdpSocket::bind(at).unwrap(),
            up,
            TcpListener::bind(at).unwrap(),
        )
    });
    if matches!(manners, Manners::Drips) {
        thread::spawn(move || {
            for stream in tcp.incoming() {
                thread::spawn(move || {
                    let mut stream = stream.unwrap();
                    stream.read_exact(&mut [0; 12]).unwrap();
                    for byte in [2, 0].into_iter().chain([0; 512]) {
                        if stream.write_all(&[byte]).is_err() {
                            break;
                        }
                        thread::sleep(Duration::from_secs(1));
                    }
                });
            }
        });
    }
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok((length, client)) = socket.recv_from(&mut buffer) {
            let question = buffer[..length].to_vec();
            // The bits of RFC 1035, section 4.1.1: QR, AA and TC in the third byte, RCODE in the fourth.
            let reply = |third: u8, rcode: u8| {
                let mut reply = question.clone();
                reply[2] |= third;
                reply[3] |= rcode;
                socket.send_to(&reply, client).unwrap();
            };
            let has_edns = question[11] > 0;
            match manners {
                Manners::Silent => continue,
                Manners::Drips => {
                    reply(0x82, 0);
                    continue;
                }
                Manners::Old if has_edns => {
                    reply(0x80, 1);
                    continue;
                }
                Manners::Noisy => {
                    socket.send_to(b"", client).unwrap();
                    socket.send_to(b"\xff\xff\xff", client).unwrap();
                    let mut spoofed = question.clone();
                    spoofed[0] ^= 0x55;
                    spoofed[2] |= 0x84;
                    spoofed[3] |= 3;
                    socket.send_to(&spoofed, client).unwrap();
                    // The answer to another question, with the right id.
                    let mut other = question.clone();
                    other[2] |= 0x84;
                    other[13] ^= 1;
                    socket.send_to(&other, client).unwrap();
                }
                Manners::Old | Manners::Remembers => {}
            }
            up.send_to(&question, behind.unwrap()).unwrap();
            let length = up.recv(&mut buffer).unwrap();
            buffer[2] &= !0x04;
            socket.send_to(&buffer[..length], client).unwrap();
        }
    });
    at.to_owned()
}
