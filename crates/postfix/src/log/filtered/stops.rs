//! Mail that smtpd(8), postscreen(8) or cleanup(8) stopped.
//!
//! The lines are those of Postfix `src/smtpd/smtpd_check.c` (`log_whatsup`), `src/smtpd/smtpd.c` (`check_milter_reply`,
//! and `proxy-reject`), `src/postscreen/postscreen_smtpd.c` (`psc_rcpt_cmd`) and `postscreen.c`,
//! `src/cleanup/cleanup_milter.c` (`cleanup_milter_apply`, `cleanup_milter_hbc_log`) and
//! `src/cleanup/cleanup_message.c` (`cleanup_act_log`, `cleanup_mime_error_callback`):
//!
//! ```text
//! QUEUEID: ACTION: STAGE from NAME[ADDRESS]: REPLY; from=<…> to=<…> proto=… helo=<…>
//! QUEUEID: ACTION: header SUBJECT: … from ORIGIN; from=<…> to=<…> proto=… helo=<…>: TEXT
//! ```
//!
//! Who, how and where come before anything that a stranger wrote, and only they decide what is counted.

use crate::Time;
use memchr::memmem;

use super::super::cursor::Cursor;
use super::super::delivery::{MOST_STOPS, repeated};
use super::{Action, Kind, Stage, Stop, queue_id};

/// What a line of smtpd, postscreen or cleanup is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum FilterLine<'a> {
    /// Mail was stopped.
    Stopped(Stopped<'a>),
    /// `QUEUEID: message-id=…`: queue id and message id.
    Arrived(&'a [u8], &'a [u8]),
    /// Begins as one of these, and cannot be read: cut short, say.
    Broken,
    /// Something else.
    Other,
}

/// As [`super::Stop`], without what the line's head says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Stopped<'a> {
    pub(in super::super) queue_id: Option<&'a [u8]>,
    pub(in super::super) whole: bool,
    pub(in super::super) kind: Kind,
    pub(in super::super) stage: Stage,
    pub(in super::super) temporary: bool,
    pub(in super::super) header: Option<&'a [u8]>,
    pub(in super::super) reason: &'a [u8],
    pub(in super::super) repeat: u64,
}

impl<'a> Stopped<'a> {
    pub(in super::super) fn into_stop(
        self,
        time: Option<Time>,
        host: &'a [u8],
        tag: &'a [u8],
    ) -> Stop<'a> {
        Stop {
            time,
            host,
            tag,
            queue_id: self.queue_id,
            whole: self.whole,
            kind: self.kind,
            stage: self.stage,
            temporary: self.temporary,
            header: self.header,
            reason: self.reason,
            repeat: self.repeat,
        }
    }
}

/// Reads a message of smtpd.
pub(in super::super) fn smtpd(message: &[u8]) -> FilterLine<'_> {
    let mut c = Cursor(message);
    let repeat = repeated(&mut c, MOST_STOPS);
    let mut proxy = c;
    let (id, kind) = if proxy.eat(b"proxy-reject: ") {
        c = proxy;
        (None, Kind::ProxyReject)
    } else {
        let Some(id) = queue_id(&mut c) else {
            return FilterLine::Other;
        };
        match action(&mut c) {
            Some(kind) => (id, kind),
            None => return FilterLine::Other,
        }
    };
    let read = |c| {
        let (stage, reason) = reply(c, kind == Kind::ProxyReject)?;
        Some(Stopped {
            queue_id: id,
            // The content of a message is no recipient's.
            whole: id.is_some()
                && (stage == Stage::EndOfMessage || kind.action() != Action::Reject),
            kind,
            stage,
            temporary: reason.first() == Some(&b'4'),
            header: None,
            reason,
            repeat: repeat?,
        })
    };
    read(c).map_or(FilterLine::Broken, FilterLine::Stopped)
}

/// Reads a message of postscreen, which knows a client only by its address, and refuses recipients and connections
/// only: `NOQUEUE: reject: RCPT from [ADDRESS]:PORT: REPLY; from=<…>, to=<…>, proto=…, helo=<…>`.
pub(in super::super) fn postscreen(message: &[u8]) -> FilterLine<'_> {
    let mut c = Cursor(message);
    let repeat = repeated(&mut c, MOST_STOPS);
    if queue_id(&mut c) != Some(None) || !c.eat(b"reject: ") {
        return FilterLine::Other;
    }
    let read = || {
        let (stage, reason) = reply(c, false)?;
        Some(Stopped {
            queue_id: None,
            whole: false,
            kind: Kind::PostscreenReject,
            stage,
            // It logs no reply of a connection for which it has no room, which it answers with 421.
            temporary: stage == Stage::Connect || reason.first() == Some(&b'4'),
            header: None,
            reason,
            repeat: repeat?,
        })
    };
    read().map_or(FilterLine::Broken, FilterLine::Stopped)
}

/// Reads a message of cleanup.
pub(in super::super) fn cleanup(message: &[u8]) -> FilterLine<'_> {
    let mut c = Cursor(message);
    let repeat = repeated(&mut c, MOST_STOPS);
    let Some(Some(id)) = queue_id(&mut c) else {
        return FilterLine::Other;
    };
    if c.eat(b"message-id=") {
        return FilterLine::Arrived(id, c.0);
    }
    let mut by_table = c;
    let (kind, content) = if by_table.eat(b"milter-header-") || by_table.eat(b"milter-body-") {
        match action(&mut by_table) {
            Some(kind) => (in_content(kind), Some(by_table)),
            None => return FilterLine::Other,
        }
    } else {
        match action(&mut c) {
            Some(kind @ (Kind::MilterReject | Kind::MilterDiscard | Kind::MilterHold)) => {
                (kind, None)
            }
            Some(kind) => (in_content(kind), Some(c)),
            None => return FilterLine::Other,
        }
    };
    let read = || {
        let (stage, header, reason) = match content {
            Some(c) => self::content(c)?,
            None => {
                let (stage, reason) = reply(c, false)?;
                (stage, None, reason)
            }
        };
        Some(Stopped {
            queue_id: Some(id),
            whole: true,
            kind,
            stage,
            temporary: reason.first() == Some(&b'4') && kind.action() == Action::Reject,
            header,
            reason,
            repeat: repeat?,
        })
    };
    read().map_or(FilterLine::Broken, FilterLine::Stopped)
}

/// Takes the word that says what was done, if it is one that stops mail.
fn action(c: &mut Cursor<'_>) -> Option<Kind> {
    let known = [
        (&b"reject: "[..], Kind::Reject),
        (b"milter-reject: ", Kind::MilterReject),
        (b"milter-discard: ", Kind::MilterDiscard),
        (b"milter-hold: ", Kind::MilterHold),
        (b"discard: ", Kind::Discard),
        (b"hold: ", Kind::Hold),
    ];
    let found = known.into_iter().find(|(word, _)| c.eat(word));
    found.map(|(_, kind)| kind)
}

/// The same word, said of a message's content.
fn in_content(kind: Kind) -> Kind {
    match kind {
        Kind::Discard => Kind::ContentDiscard,
        Kind::Hold => Kind::ContentHold,
        _ => Kind::ContentReject,
    }
}

/// `STAGE from NAME[ADDRESS]: REPLY; …` (of a proxy filter, `STAGE: REPLY; …`): the stage and the reply.
fn reply(mut c: Cursor<'_>, proxy: bool) -> Option<(Stage, &[u8])> {
    let behind = if proxy { &b": "[..] } else { b" from " };
    let stage = Stage::ALL.iter().copied().find(|stage| {
        let mut probe = c;
        let found = probe.eat(stage.as_str().as_bytes()) && probe.eat(behind);
        if found {
            c = probe;
        }
        found
    })?;
    if !proxy {
        client(&mut c)?;
        if !c.eat(b": ") {
            return None;
        }
    }
    let context = [
        &b"; from=<"[..],
        b"; to=<",
        b"; proto=",
        b"; helo=<",
        b"; sasl_",
    ];
    let ends = context.iter().filter_map(|mark| memmem::find(c.0, mark));
    let reason = match ends.min() {
        Some(end) => c.0.get(..end)?,
        None => c.0.strip_suffix(b";").unwrap_or(c.0),
    };
    Some((stage, reason))
}

/// Takes `NAME[ADDRESS]`, perhaps with `:PORT` (smtpd_client_port_logging), or postscreen's `[ADDRESS]:PORT`. Postfix
/// lets only host names pass for one.
fn client(c: &mut Cursor<'_>) -> Option<()> {
    c.until(|b| b == b'[' || b == b' ');
    address_and_port(c)
}

fn address_and_port(c: &mut Cursor<'_>) -> Option<()> {
    if !c.eat(b"[") {
        return None;
    }
    c.until(|b| b == b']' || b == b' ');
    if !c.eat(b"]") {
        return None;
    }
    let mut port = *c;
    if port.eat(b":") && port.number(1, 5).is_some() {
        *c = port;
    }
    Some(())
}

/// How much of a header or of a line cleanup logs, in bytes.
const CONTENT_MAX: usize = 200;

/// Where in a message's content, the header's name, the rule's text.
type Content<'a> = (Stage, Option<&'a [u8]>, &'a [u8]);

/// `CLASS LINE from ORIGIN; …: TEXT`: the class, the header's name, and the text.
fn content(mut c: Cursor<'_>) -> Option<Content<'_>> {
    let classes = [
        (&b"header "[..], Stage::Header),
        (b"body ", Stage::Body),
        (b"content ", Stage::Content),
        (b"mime-error ", Stage::MimeError),
    ];
    let (_, stage) = classes.into_iter().find(|(word, _)| c.eat(word))?;
    if stage == Stage::MimeError {
        // Postfix's own words; the line that is meant follows them.
        let end = memmem::find(c.0, b": ")?;
        memmem::find(c.0, b" from ")?;
        return Some((stage, None, c.0.get(..end)?));
    }
    let header = (stage == Stage::Header).then(|| header_name(c)).flatten();
    // The line may say ` from x; from=<y>: z` itself. What Postfix says begins behind at most 200 bytes of it.
    let text = memmem::find_iter(c.0, b" from ")
        .take_while(|at| *at <= CONTENT_MAX)
        .filter_map(|at| behind_origin(c.0.get(at.saturating_add(6)..)?))
        .last();
    // A line that was cut short in its context still says what was done.
    let cut = || memmem::find(c.0, b" from ").map(|_| &b""[..]);
    Some((stage, header, text.or_else(cut)?))
}

/// The name of the header that the line is.
fn header_name(mut c: Cursor<'_>) -> Option<&[u8]> {
    const LONGEST: usize = 40;
    let name = c.until(|b| !b.is_ascii_alphanumeric() && b != b'-' && b != b'_');
    (c.peek() == Some(b':') && (1..=LONGEST).contains(&name.len())).then_some(name)
}

/// What follows `ORIGIN; from=<…> to=<…> proto=… helo=<…>`: `: TEXT`, or nothing.
fn behind_origin(text: &[u8]) -> Option<&[u8]> {
    let mut c = Cursor(text);
    let name = c.until(|b| matches!(b, b'[' | b' ' | b';'));
    if name.is_empty() {
        return None;
    }
    if c.peek() == Some(b'[') {
        address_and_port(&mut c)?;
    }
    if !c.eat(b";") {
        return None;
    }
    for name in [&b" from=<"[..], b" to=<"] {
        if c.eat(name) {
            address(&mut c)?;
        }
    }
    if c.eat(b" proto=") {
        c.until(|b| b == b' ' || b == b':');
    }
    if c.eat(b" helo=<") {
        // Postfix lets no `>` stand in it (smtpd.c, NEUTER_CHARACTERS).
        c.until(|b| b == b'>');
        if !c.eat(b">") {
            return None;
        }
    }
    if c.0.is_empty() {
        return Some(b"");
    }
    c.eat(b": ").then_some(c.0)
}

/// Takes an address up to the `>` that a field, the rule's text or nothing follows.
fn address(c: &mut Cursor<'_>) -> Option<()> {
    let mut from = super::super::delivery::quoted_local_part(c.0).unwrap_or(0);
    loop {
        let at = memchr::memchr(b'>', c.0.get(from..)?)?.saturating_add(from);
        let rest = c.0.get(at.saturating_add(1)..)?;
        let goes_on = [&b" to=<"[..], b" proto=", b" helo=<", b": "];
        if rest.is_empty() || goes_on.iter().any(|next| rest.starts_with(next)) {
            c.0 = rest;
            return Some(());
        }
        from = at.saturating_add(1);
    }
}
