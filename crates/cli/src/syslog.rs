//! Lines for the host's mail log.

use std::os::unix::net::UnixDatagram;

use postfix::{Time, Zone};

use crate::Context;

/// Facility mail, severity info (RFC 3164).
const PRIORITY: u8 = 2 << 3 | 6;

/// The way to the host's syslog daemon; there is none where an image is looked at, or nobody listens.
#[derive(Debug)]
pub struct Syslog {
    tool: String,
    zone: Zone,
    socket: Option<UnixDatagram>,
}

impl Syslog {
    /// Connects, for the tool of this name.
    #[allow(clippy::disallowed_methods, reason = "/dev is root's alone")]
    pub fn open(cx: &Context, tool: &str) -> Self {
        let connect = || {
            let socket = UnixDatagram::unbound().ok()?;
            // A daemon that is stopped must not stop the tool.
            socket.set_nonblocking(true).ok()?;
            socket.connect("/dev/log").ok()?;
            Some(socket)
        };
        Self {
            tool: tool.to_owned(),
            zone: cx.site().syslog_zone(),
            socket: cx.root().is_this_host().then(connect).flatten(),
        }
    }

    /// A line, at `now`. That it could not be written is no reason to stop: the journal has
    /// it all.
    pub fn say(&self, now: Time, text: &str) {
        let Some(socket) = &self.socket else { return };
        let time = stamp(self.zone, now);
        let text = postfix::escape(text);
        let (tool, pid) = (&self.tool, std::process::id());
        let line = format!("<{PRIORITY}>{time} {tool}[{pid}]: {text}");
        drop(socket.send(line.as_bytes()));
    }
}

/// The time of a line, as RFC 3164 has it.
pub fn stamp(zone: Zone, at: Time) -> String {
    let time = zone.at(at).unwrap_or_default();
    time.format("%b %e %H:%M:%S").to_string()
}
