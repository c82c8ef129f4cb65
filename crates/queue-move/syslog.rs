//! Lines for the host's mail log.

use std::cell::RefCell;
use std::os::unix::net::UnixDatagram;

use cli::Context;
use postfix::{Time, Zone};

/// Facility mail, severity info (RFC 3164).
const PRIORITY: u8 = 2 << 3 | 6;

/// The way to the host's syslog daemon; there is none where an image is looked at, or nobody listens. A daemon that
/// does not read is never waited for: the journal of the move has it all.
pub(crate) struct Syslog {
    zone: Zone,
    socket: Option<UnixDatagram>,
    /// Lines that were not taken.
    lost: RefCell<u64>,
}

impl Syslog {
    #[allow(clippy::disallowed_methods, reason = "/dev is root's alone")]
    pub(crate) fn open(cx: &Context) -> Self {
        let socket = cx.root().is_this_host().then(|| {
            let socket = UnixDatagram::unbound().ok()?;
            socket.set_nonblocking(true).ok()?;
            socket.connect("/dev/log").ok()?;
            Some(socket)
        });
        Self {
            zone: cx.site().syslog_zone(),
            socket: socket.flatten(),
            lost: RefCell::new(0),
        }
    }

    /// A line, `now`.
    pub(crate) fn say(&self, now: Time, text: &str) {
        let Some(socket) = &self.socket else { return };
        let time = cli::syslog::stamp(self.zone, now);
        let text = postfix::escape(text);
        let pid = std::process::id();
        let line = format!("<{PRIORITY}>{time} queue-move[{pid}]: {text}");
        let mut sent = socket.send(line.as_bytes());
        for _ in 0..PATIENCE {
            if !matches!(&sent, Err(e) if e.kind() == std::io::ErrorKind::WouldBlock) {
                break;
            }
            // It takes some hundred lines at a time, if it reads at all.
            if *self.lost.borrow() > 0 {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
            sent = socket.send(line.as_bytes());
        }
        if sent.is_err() {
            *self.lost.borrow_mut() += 1;
        }
    }

    /// How many lines nobody took.
    pub(crate) fn lost(&self) -> u64 {
        *self.lost.borrow()
    }
}

/// Tries, some milliseconds apart, before it is clear that nobody reads.
const PATIENCE: u32 = 100;
