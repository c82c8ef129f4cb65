//! Lines for the host's mail log.

use std::os::unix::net::UnixDatagram;

use cli::Context;

/// Facility mail, severity info (RFC 3164).
const PRIORITY: u8 = 2 << 3 | 6;

/// The way to the host's syslog daemon; there is none where an image is looked at, or nobody listens.
pub(crate) struct Syslog(Option<UnixDatagram>);

impl Syslog {
    pub(crate) fn open(cx: &Context) -> Self {
        let socket = cx.root().is_this_host().then(|| {
            let socket = UnixDatagram::unbound().ok()?;
            socket.connect("/dev/log").ok()?;
            Some(socket)
        });
        Self(socket.flatten())
    }

    /// A line. That it could not be written is no reason to stop: the journal has it all.
    pub(crate) fn say(&self, now: i64, text: &str) {
        let Some(socket) = &self.0 else { return };
        let time = chrono::DateTime::from_timestamp(now, 0).unwrap_or_default();
        let time = time.with_timezone(&chrono::Local).format("%b %e %H:%M:%S");
        let text = postfix::escape(text);
        let pid = std::process::id();
        let line = format!("<{PRIORITY}>{time} queue-move[{pid}]: {text}");
        drop(socket.send(line.as_bytes()));
    }
}
