//! An SMTP server that plays the providers: it answers by rule, and remembers everything.

mod answer;
mod record;
mod session;

use std::collections::HashMap;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

pub use answer::{Answer, Features, Incoming, Rcpt};
pub use record::{Answered, Delivery, Message, hash_body};

use crate::Host;
use crate::or_fail::{OrFail, lock};
use answer::Rules;
use record::Seen;

/// An SMTP server in a host's network. It accepts all mail until rules say otherwise, and serves any number of
/// connections at once. It stops when dropped.
pub struct Sink {
    host: Host,
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Closing this end ends the thread that accepts connections.
    wake: Option<UnixStream>,
    acceptor: Option<JoinHandle<()>>,
}

/// What the sink and the threads that serve its connections share.
#[derive(Default)]
struct Shared {
    rules: Mutex<Rules>,
    seen: Mutex<Seen>,
    open: Mutex<HashMap<u64, TcpStream>>,
    next: AtomicU64,
    stopping: AtomicBool,
}

impl Sink {
    /// Serves a listener that was bound inside the host.
    pub(crate) fn serve(host: &Host, listener: TcpListener) -> io::Result<Self> {
        let address = listener.local_addr()?;
        listener.set_nonblocking(true)?;
        let shared = Arc::new(Shared::default());
        let (wake, woken) = UnixStream::pair()?;
        let acceptor = std::thread::Builder::new()
            .name(format!("sink {address}"))
            .spawn({
                let shared = Arc::clone(&shared);
                move || accept(&listener, &woken, &shared)
            })?;
        Ok(Self {
            host: host.clone(),
            address,
            shared,
            wake: Some(wake),
            acceptor: Some(acceptor),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its address as a next hop for relayhost or transport maps: `[127.0.2.1]:2525`.
    pub fn nexthop(&self) -> String {
        format!("[{}]:{}", self.address.ip(), self.address.port())
    }

    /// How each RCPT is answered from now on, on open connections too.
    pub fn on_rcpt(&self, rule: impl Fn(&Rcpt) -> Answer + Send + Sync + 'static) {
        lock(&self.shared.rules).rcpt = Arc::new(rule);
    }

    /// How each message is answered at the end of DATA from now on.
    pub fn on_data(&self, rule: impl Fn(&Incoming) -> Answer + Send + Sync + 'static) {
        lock(&self.shared.rules).data = Arc::new(rule);
    }

    /// How new connections are greeted from now on: 220 serves them, 4xx and 5xx turn them away.
    pub fn on_connect(&self, answer: Answer) {
        lock(&self.shared.rules).connect = answer;
    }

    /// What EHLO announces from now on.
    pub fn features(&self, features: Features) {
        lock(&self.shared.rules).features = features;
    }

    /// Everything accepted so far, one entry a recipient of a message, in the order of acceptance.
    pub fn deliveries(&self) -> Vec<Delivery> {
        lock(&self.shared.seen).deliveries.clone()
    }

    /// How many recipients were accepted so far, as in [`deliveries`](Self::deliveries).
    pub fn accepted(&self) -> usize {
        lock(&self.shared.seen).deliveries.len()
    }

    /// Every RCPT answered so far.
    pub fn answered(&self) -> Vec<Answered> {
        lock(&self.shared.seen).answered.clone()
    }

    /// How many RCPTs were answered with this code so far.
    pub fn answered_with(&self, code: u16) -> usize {
        let seen = lock(&self.shared.seen);
        seen.answered
            .iter()
            .filter(|answered| answered.code == code)
            .count()
    }

    /// How many connections there were so far.
    pub fn connections(&self) -> u64 {
        self.shared.next.load(Ordering::Relaxed)
    }

    /// Forgets what was accepted and answered.
    pub fn clear(&self) {
        *lock(&self.shared.seen) = Seen::default();
    }

    /// Waits until at least `count` recipients were accepted, for two minutes.
    #[track_caller]
    pub fn wait_accepted(&self, count: usize) {
        let what = format!("{count} recipients accepted by the sink {}", self.address);
        self.host
            .wait_until(crate::PATIENCE, what, || self.accepted() >= count);
    }

    /// Waits until at least `count` RCPTs were answered with `code`, for two minutes.
    #[track_caller]
    pub fn wait_answered(&self, code: u16, count: usize) {
        let what = format!("{count} RCPTs answered {code} by the sink {}", self.address);
        let enough = || self.answered_with(code) >= count;
        self.host.wait_until(crate::PATIENCE, what, enough);
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        drop(self.wake.take());
        for stream in lock(&self.shared.open).values() {
            // It may be closed already.
            drop(stream.shutdown(Shutdown::Both));
        }
        if let Some(acceptor) = self.acceptor.take() {
            // It panics only where the test has failed already.
            drop(acceptor.join());
        }
    }
}

/// Accepts connections until the other end of `woken` is closed.
fn accept(listener: &TcpListener, woken: &UnixStream, shared: &Arc<Shared>) {
    loop {
        let mut fds = [
            PollFd::new(listener.as_fd(), PollFlags::POLLIN),
            PollFd::new(woken.as_fd(), PollFlags::POLLIN),
        ];
        // An interrupted poll does not matter: what counts is looked at below.
        let _polled = poll(&mut fds, PollTimeout::NONE);
        if shared.stopping.load(Ordering::SeqCst) {
            return;
        }
        match listener.accept() {
            Ok((stream, client)) => {
                let shared = Arc::clone(shared);
                let name = format!("sink session {client}");
                let session = move || shared.session(stream, client);
                std::thread::Builder::new()
                    .name(name)
                    .spawn(session)
                    .or_fail("serving a connection");
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            // The client went away, or this process is short of descriptors for a moment.
            Err(_) => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

impl Shared {
    /// Serves one connection, known to `open` for as long as it lasts.
    fn session(&self, stream: TcpStream, client: SocketAddr) {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        // A connection that breaks is the client's affair: it tries again.
        drop(stream.set_nonblocking(false).and_then(|()| {
            lock(&self.open).insert(id, stream.try_clone()?);
            if self.stopping.load(Ordering::SeqCst) {
                return Ok(());
            }
            session::serve(stream, client, self)
        }));
        lock(&self.open).remove(&id);
    }
}
