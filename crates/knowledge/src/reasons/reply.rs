//! Telling the remote server's words from what Postfix writes around them.
//!
//! `src/smtp/smtp_proto.c` and `smtp_connect.c` log `host NAME[ADDRESS] said: REPLY (in reply to COMMAND)` and `host
//! NAME[ADDRESS] refused to talk to me: REPLY`, the lines of a reply joined by blanks; `src/qmgr/qmgr_queue.c` and
//! `qmgr_deliver.c` put `delivery temporarily suspended: ` before the reason of an earlier attempt.

use std::borrow::Cow;
use std::net::IpAddr;

use super::stage::Stage;

/// A reply taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reply<'a> {
    /// The server's words, from the status code on; else Postfix's own. Without `(in reply to …)`.
    pub(super) text: Cow<'a, [u8]>,
    /// Where in `text` its lines end: places of blanks.
    pub(super) line_ends: Vec<usize>,
    /// Are they a server's?
    pub(super) from_server: bool,
    /// The server's name and its address, as logged.
    pub(super) server: Option<Server<'a>>,
    /// Which command they answer.
    pub(super) stage: Option<Stage>,
}

/// Who answered: `NAME[ADDRESS]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Server<'a> {
    pub(super) name: &'a [u8],
    pub(super) address: &'a [u8],
}

impl Server<'_> {
    /// Its IP address, if it has one: an LMTP server may have a path.
    pub(super) fn ip(self) -> Option<IpAddr> {
        let text = std::str::from_utf8(self.address).ok()?;
        text.strip_prefix("IPv6:").unwrap_or(text).parse().ok()
    }
}

pub(super) fn read(reply: &[u8]) -> Reply<'_> {
    let mut rest = reply;
    while let Some(inner) = rest.strip_prefix(b"delivery temporarily suspended: ") {
        rest = inner;
    }
    let (server, greeting, said) = match server_and_words(rest) {
        Some((server, greeting, words)) => (Some(server), greeting, words),
        None => (None, false, rest),
    };
    let (said, stage) = without_command(said);
    let stage = if greeting {
        Some(Stage::Connect)
    } else {
        stage
    };
    let from_server = server.is_some() || status_code(&said).is_some();
    let mut line_ends = Vec::new();
    let text = match said {
        Cow::Borrowed(said) => join_lines(said, &mut line_ends),
        Cow::Owned(said) => Cow::Owned(join_lines(&said, &mut line_ends).into_owned()),
    };
    Reply {
        text,
        line_ends,
        from_server,
        server,
        stage,
    }
}

impl Reply<'_> {
    /// The three digits that the server's words begin with.
    pub(super) fn status(&self) -> Option<&[u8]> {
        status_code(&self.text)
    }

    /// The words after the status code.
    pub(super) fn words(&self) -> &[u8] {
        match self.status() {
            Some(_) => self.text.get(4..).unwrap_or_default(),
            None => &self.text,
        }
    }

    /// The same, with `end` for the blank that each line but the last ends with.
    pub(super) fn lines(&self, end: u8) -> Cow<'_, [u8]> {
        let words = self.words();
        let from = self.text.len() - words.len();
        if self.line_ends.is_empty() {
            return Cow::Borrowed(words);
        }
        let mut lines = words.to_vec();
        for at in &self.line_ends {
            if let Some(blank) = at.checked_sub(from).and_then(|at| lines.get_mut(at)) {
                *blank = end;
            }
        }
        Cow::Owned(lines)
    }

    /// The enhanced status code right after the status code (`550 5.1.1 …`), or where qmail and its like write it
    /// (`(#5.1.1)`).
    pub(super) fn enhanced_code(&self) -> Option<&[u8]> {
        self.status()?;
        let words = self.words();
        enhanced_code(words).or_else(|| {
            memchr::memchr_iter(b'#', words).find_map(|at| enhanced_code(&words[at + 1..]))
        })
    }
}

/// The enhanced status code that `text` begins with.
fn enhanced_code(text: &[u8]) -> Option<&[u8]> {
    let end = text
        .iter()
        .position(|&b| b != b'.' && !b.is_ascii_digit())
        .unwrap_or(text.len());
    let code = text[..end].strip_suffix(b".").unwrap_or(&text[..end]);
    let parts = code.split(|&b| b == b'.');
    let is_code = matches!(code.first(), Some(b'2' | b'4' | b'5'))
        && parts.clone().count() == 3
        && parts.clone().all(|p| matches!(p.len(), 1..=3));
    is_code.then_some(code)
}

/// Takes every `(in reply to COMMAND)` out: the last says what the words answer; one further in came with the words
/// of a server that the server asked.
fn without_command(words: &[u8]) -> (Cow<'_, [u8]>, Option<Stage>) {
    const BEGINS: &[u8] = b"(in reply to ";
    let mut found = memchr::memmem::find_iter(words, BEGINS).peekable();
    let Some(&first) = found.peek() else {
        return (Cow::Borrowed(words), None);
    };
    let mut kept = Vec::new();
    let (mut done, mut stage) = (0, None);
    for at in found {
        if at < done {
            continue;
        }
        kept.extend_from_slice(words[done..at].trim_ascii_end());
        let command = &words[at + BEGINS.len()..];
        let len = memchr::memchr(b')', command).unwrap_or(command.len());
        stage = Some(Stage::of_command(&command[..len]));
        done = (at + BEGINS.len() + len + 1).min(words.len());
    }
    if done == words.len() && kept.len() <= first {
        return (Cow::Borrowed(&words[..kept.len()]), stage);
    }
    kept.extend_from_slice(&words[done..]);
    (Cow::Owned(kept), stage)
}

/// The server, whether it is its greeting, and the words of `host NAME[ADDRESS] said: WORDS`. Older versions of
/// Postfix write `connect to NAME[ADDRESS]: server refused to talk to me: WORDS`.
fn server_and_words(text: &[u8]) -> Option<(Server<'_>, bool, &[u8])> {
    let named = text
        .strip_prefix(b"host ")
        .or_else(|| text.strip_prefix(b"connect to "))?;
    let open = memchr::memchr(b'[', named)?;
    let close = open + memchr::memchr(b']', &named[open..])?;
    if named[..open].contains(&b' ') {
        return None;
    }
    let server = Server {
        name: &named[..open],
        address: &named[open + 1..close],
    };
    let rest = &named[close + 1..];
    // The port is there in some messages, from Postfix 2.3 on.
    let rest = rest.strip_prefix(b":").map_or(rest, |port| {
        let digits = port.iter().take_while(|b| b.is_ascii_digit()).count();
        &port[digits..]
    });
    let verbs = [
        (&b" said: "[..], false),
        (b" refused to talk to me: ", true),
        (b": server refused to talk to me: ", true),
        (b" server refused to talk to me: ", true),
    ];
    let (words, greeting) = verbs
        .iter()
        .find_map(|(verb, greeting)| Some((rest.strip_prefix(*verb)?, *greeting)))?;
    Some((server, greeting, words))
}

/// The three digits that a server's reply begins with, if they are followed by a blank, a `-` or nothing.
fn status_code(text: &[u8]) -> Option<&[u8]> {
    let code = text.get(..3)?;
    let is_code = matches!(code[0], b'2'..=b'5') && code[1..].iter().all(u8::is_ascii_digit);
    (is_code && matches!(text.get(3), None | Some(b' ' | b'-'))).then_some(code)
}

/// Leaves out the codes at the beginning of a reply's second and later lines: `550-5.1.1 a b 550 5.1.1 c` is
/// `550-5.1.1 a b c`. A phrase may go on from one line to the next; where the lines were is put in `ends`.
fn join_lines<'a>(words: &'a [u8], ends: &mut Vec<usize>) -> Cow<'a, [u8]> {
    let Some(code) = status_code(words) else {
        return Cow::Borrowed(words);
    };
    let mut joined: Option<Vec<u8>> = None;
    let mut done = 0;
    for at in memchr::memmem::find_iter(&words[3..], code).map(|at| at + 3) {
        let separator = words.get(at + 3);
        if at < done || words[at - 1] != b' ' || !matches!(separator, Some(b' ' | b'-')) {
            continue;
        }
        let out = joined.get_or_insert_with(|| Vec::with_capacity(words.len()));
        out.extend_from_slice(&words[done..at]);
        ends.push(out.len() - 1);
        let blanks = words[at + 4..].iter().take_while(|&&b| b == b' ').count();
        done = at + 4 + blanks + enhanced_code_len(&words[at + 4 + blanks..]);
    }
    match joined {
        Some(mut out) => {
            out.extend_from_slice(&words[done..]);
            Cow::Owned(out)
        }
        None => Cow::Borrowed(words),
    }
}

/// The length of `5.1.1 ` at the beginning of `text`, blank included; 0 if something else is there.
fn enhanced_code_len(text: &[u8]) -> usize {
    let digits = |text: &[u8]| text.iter().take_while(|b| b.is_ascii_digit()).count();
    let mut len = 0;
    for part in 0..3 {
        let found = digits(&text[len..]);
        let end = if part < 2 { b'.' } else { b' ' };
        if found == 0 || found > 3 || text.get(len + found) != Some(&end) {
            return 0;
        }
        len += found + 1;
    }
    len
}

#[cfg(test)]
mod tests;
