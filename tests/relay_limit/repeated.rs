//! smtpd remembers what it was told of a recipient, and each question renews that: a recipient that is asked for all
//! the time is refused like any other once a pause is in force. Where Postfix must be reloaded for that, nobody's
//! unfinished change of its configuration comes into force with it.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use testkit::host_or_skip;

use crate::hosts::{pause_quickly, relay_limit};

/// How many clients there are, each with a recipient of its own.
const CLIENTS: usize = 3;
/// Questions of a session; then the client comes anew.
const SESSION: usize = 90;
/// Questions of each client, before the pause is ordered and after it is in force.
const WANTED: usize = 60;
const PATIENCE: Duration = Duration::from_secs(400);

struct Session(BufReader<TcpStream>);

impl Session {
    fn open(server: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(server)?;
        stream.set_read_timeout(Some(Duration::from_secs(120)))?;
        let mut session = Self(BufReader::new(stream));
        session.reply()?;
        session.ask("HELO lists.example.org")?;
        Ok(session)
    }

    fn ask(&mut self, command: &str) -> io::Result<String> {
        self.0
            .get_mut()
            .write_all(format!("{command}\r\n").as_bytes())?;
        self.reply()
    }

    fn reply(&mut self) -> io::Result<String> {
        let mut line = String::new();
        match self.0.read_line(&mut line)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(line),
        }
    }
}

/// What is said to one recipient: before, and when the pause has said that it is in force.
#[derive(Default)]
struct Said {
    before: Vec<String>,
    after: Vec<String>,
}

/// Asks for one recipient all the time, until enough was said.
fn client(
    server: SocketAddr,
    recipient: &str,
    warm: &AtomicUsize,
    is_in_force: &AtomicBool,
) -> io::Result<Said> {
    let begun = Instant::now();
    let mut said = Said::default();
    while said.after.len() < WANTED && begun.elapsed() < PATIENCE {
        let mut session = Session::open(server)?;
        for _ in 0..SESSION {
            // Known before the question: an answer that comes late was not given late.
            let is_after = is_in_force.load(Ordering::SeqCst);
            session.ask("MAIL FROM:<>")?;
            let reply = session.ask(&format!("RCPT TO:<{recipient}>"))?;
            match is_after {
                true => said.after.push(reply),
                false => {
                    said.before.push(reply);
                    warm.fetch_add(usize::from(said.before.len() == WANTED), Ordering::SeqCst);
                }
            }
            session.ask("RSET")?;
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    Ok(said)
}

#[test]
fn nothing_is_taken_for_a_recipient_that_is_asked_for_all_the_time() {
    let host = host_or_skip!();
    let sink = host.sink();
    let aol_b = host
        .instance("postfix-aol-b")
        .relay_to(&sink)
        // Else smtpd turns away who is refused so often.
        .param("smtpd_soft_error_limit", "1000")
        .param("smtpd_hard_error_limit", "1000")
        .start();
    relay_limit(&host, &["setup", "aol-b", "--apply"]).ok();
    let server = aol_b.address();
    let is_in_force = AtomicBool::new(false);
    // Clients that have asked often enough.
    let warm = AtomicUsize::new(0);
    let all = std::thread::scope(|scope| {
        let running: Vec<_> = (0..CLIENTS)
            .map(|n| {
                let (host, is_in_force, warm) = (&host, &is_in_force, &warm);
                scope.spawn(move || {
                    host.enter(|| client(server, &format!("joe{n}@aol.com"), warm, is_in_force))
                })
            })
            .collect();
        host.wait_until(PATIENCE, "all to have asked", || {
            warm.load(Ordering::SeqCst) == CLIENTS
        });
        let paused = relay_limit(&host, &pause_quickly("aol-b", "aol.com"));
        is_in_force.store(true, Ordering::SeqCst);
        let all: Vec<Said> = running
            .into_iter()
            .map(|one| one.join().unwrap().unwrap())
            .collect();
        assert_eq!(paused.code(), Some(0), "{paused}");
        assert!(paused.text().contains("; in force"), "{paused}");
        all
    });
    for (n, said) in all.iter().enumerate() {
        assert!(
            said.before[..WANTED]
                .iter()
                .all(|reply| reply.starts_with("250 ")),
            "{n}"
        );
        assert!(said.after.len() >= WANTED, "{n}: {}", said.after.len());
        let taken: Vec<&String> = said
            .after
            .iter()
            .filter(|reply| !reply.starts_with("450 "))
            .collect();
        assert!(
            taken.is_empty(),
            "{n}: {} of {}: {:?}",
            taken.len(),
            said.after.len(),
            taken.first()
        );
    }
}

#[test]
fn an_unfinished_change_of_the_configuration_does_not_come_into_force_with_a_pause() {
    let host = host_or_skip!();
    let sink = host.sink();
    let aol_b = host.instance("postfix-aol-b").relay_to(&sink).start();
    // That changes main.cf, and reloads: nobody's unfinished change.
    relay_limit(&host, &["setup", "aol-b", "--apply"]).ok();
    let qmgr = || -> Vec<u32> {
        let mut all = aol_b.processes();
        all.retain(|(_, name)| name == "qmgr");
        all.into_iter().map(|(pid, _)| pid).collect()
    };
    let before = qmgr();
    assert_eq!(before.len(), 1);
    let is_open = host.enter(|| Session::open(aol_b.address()));
    let now = || -> u64 { host.sh("date +%s").text().trim().parse().unwrap() };
    let since = now();
    host.wait_until(PATIENCE, "two seconds to pass", || now() > since + 2);
    host.sh("touch /etc/postfix-aol-b/master.cf").ok();
    let paused = relay_limit(&host, &pause_quickly("aol-b", "aol.com"));
    assert_eq!(paused.code(), Some(1), "{paused}");
    assert!(
        paused.text().contains("; NOT known to be in force"),
        "{paused}"
    );
    let why = "postfix-aol-b: Postfix was not reloaded: /etc/postfix-aol-b/master.cf was changed since \
               it was last reloaded; when that change is complete: postfix -c /etc/postfix-aol-b reload";
    assert!(paused.errors().contains(why), "{paused}");
    assert_eq!(qmgr(), before);
    // A new smtpd refuses the mail; what the old one takes, nobody knows.
    let check = relay_limit(&host, &["list", "--check"]);
    assert_eq!(check.code(), Some(3), "{check}");
    assert!(
        check
            .text()
            .contains("that are older than the pause still serve clients"),
        "{check}"
    );
    drop(is_open);

    // Whoever asks for it gets it.
    let asked = [&pause_quickly("aol-b", "aim.com")[..], &["--reload"]].concat();
    let paused = relay_limit(&host, &asked);
    assert_eq!(paused.code(), Some(0), "{paused}");
    assert_ne!(qmgr(), before);
    host.wait_until(PATIENCE, "the old smtpd to end", || {
        relay_limit(&host, &["list", "--check"]).code() == Some(0)
    });
}
