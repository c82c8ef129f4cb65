//! One connection of a sink: the SMTP dialogue (RFC 5321).

use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use super::Shared;
use super::answer::{Answer, Features, Incoming, Rcpt, Rules};
use super::record::{Answered, Delivery, Message, now, split};
use crate::or_fail::lock;

/// The longest command line taken, far above what Postfix sends; more closes the connection.
const LINE_MAX: u64 = 64 * 1024;

struct Session<'s> {
    reader: BufReader<TcpStream>,
    writer: BufWriter<TcpStream>,
    client: SocketAddr,
    shared: &'s Shared,
    mail: Option<Transaction>,
}

/// A message from MAIL on.
struct Transaction {
    sender: String,
    params: String,
    accepted: Vec<Rcpt>,
}

/// Whether the dialogue goes on after a reply.
#[derive(PartialEq, Eq)]
enum Next {
    /// It goes on, after a reply of this code.
    Replied(u16),
    Close,
}

/// Holds the dialogue until either side ends it.
pub(super) fn serve(stream: TcpStream, client: SocketAddr, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut session = Session {
        reader: BufReader::new(stream.try_clone()?),
        writer: BufWriter::new(stream),
        client,
        shared,
        mail: None,
    };
    match session.answer(&session.rules().connect)? {
        Next::Replied(220) => session.dialogue()?,
        Next::Replied(_) | Next::Close => {}
    }
    session.writer.flush()
}

impl Session<'_> {
    fn rules(&self) -> Rules {
        lock(&self.shared.rules).clone()
    }

    fn dialogue(&mut self) -> io::Result<()> {
        while let Some(line) = self.line()? {
            let (verb, argument) = line.split_once(' ').unwrap_or((&line, ""));
            let next = match verb.to_ascii_uppercase().as_str() {
                "EHLO" => {
                    self.mail = None;
                    let features = self.rules().features;
                    self.answer(&Answer::text(250, announce(features)))?
                }
                "HELO" => {
                    self.mail = None;
                    self.answer(&Answer::text(250, "sink.example.org"))?
                }
                "MAIL" => self.mail_from(argument)?,
                "RCPT" => self.rcpt_to(argument)?,
                "DATA" => self.data()?,
                "RSET" => {
                    self.mail = None;
                    self.answer(&Answer::ok())?
                }
                "NOOP" => self.answer(&Answer::ok())?,
                "QUIT" => {
                    self.answer(&Answer::text(221, "2.0.0 Bye"))?;
                    return Ok(());
                }
                _ => self.answer(&Answer::text(502, "5.5.1 Command not implemented"))?,
            };
            if next == Next::Close {
                return Ok(());
            }
        }
        Ok(())
    }

    fn mail_from(&mut self, argument: &str) -> io::Result<Next> {
        let Some((sender, params)) = path(argument, "FROM:") else {
            return self.answer(&Answer::text(501, "5.5.4 Syntax: MAIL FROM:<address>"));
        };
        self.mail = Some(Transaction {
            sender,
            params,
            accepted: Vec::new(),
        });
        self.answer(&Answer::text(250, "2.1.0 Ok"))
    }

    fn rcpt_to(&mut self, argument: &str) -> io::Result<Next> {
        let (Some((recipient, params)), Some(mail)) = (path(argument, "TO:"), &self.mail) else {
            return self.answer(&Answer::text(503, "5.5.1 Not now, or not so"));
        };
        let rcpt = Rcpt {
            sender: mail.sender.clone(),
            recipient,
            params,
            client: self.client,
        };
        let answer = (self.rules().rcpt)(&rcpt);
        // Noted before the reply goes out: what Postfix has logged, the sink has seen.
        lock(&self.shared.seen).answered.push(Answered {
            sender: rcpt.sender.clone(),
            recipient: rcpt.recipient.clone(),
            code: code(&answer),
            client: self.client,
            when: now(),
        });
        if let (true, Some(mail)) = (is_yes(&answer), &mut self.mail) {
            mail.accepted.push(rcpt);
        }
        self.answer(&answer)
    }

    fn data(&mut self) -> io::Result<Next> {
        let mail = match self.mail.take() {
            Some(mail) if !mail.accepted.is_empty() => mail,
            other => {
                self.mail = other;
                return self.answer(&Answer::text(554, "5.5.1 No valid recipients"));
            }
        };
        self.answer(&Answer::text(354, "End data with <CR><LF>.<CR><LF>"))?;
        self.writer.flush()?;
        let content = self.content()?;
        let (header, _) = split(&content);
        let incoming = Incoming {
            recipients: mail.accepted,
            header: header.to_vec(),
        };
        let answer = (self.rules().data)(&incoming);
        if is_yes(&answer) {
            let message = Arc::new(Message::new(mail.params, &content));
            let when = now();
            let deliveries = incoming.recipients.into_iter().map(|rcpt| Delivery {
                sender: rcpt.sender,
                recipient: rcpt.recipient,
                rcpt_params: rcpt.params,
                message: Arc::clone(&message),
                client: rcpt.client,
                when,
            });
            lock(&self.shared.seen).deliveries.extend(deliveries);
        }
        self.answer(&answer)
    }

    /// A message's content, up to the line with the lone dot, which is taken off as are doubled dots.
    fn content(&mut self) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        loop {
            let start = content.len();
            if self.reader.read_until(b'\n', &mut content)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            match content.get(start..) {
                Some(b".\r\n" | b".\n") => {
                    content.truncate(start);
                    return Ok(content);
                }
                Some([b'.', ..]) => {
                    content.remove(start);
                }
                _ => {}
            }
        }
    }

    /// The next command without its line end; none at the end of the connection.
    fn line(&mut self) -> io::Result<Option<String>> {
        // Replies to pipelined commands go out together.
        if self.reader.buffer().is_empty() {
            self.writer.flush()?;
        }
        let mut line = Vec::new();
        (&mut self.reader)
            .take(LINE_MAX)
            .read_until(b'\n', &mut line)?;
        if !line.ends_with(b"\n") {
            return Ok(None);
        }
        Ok(Some(String::from_utf8_lossy(&line).trim_end().to_owned()))
    }

    fn answer(&mut self, answer: &Answer) -> io::Result<Next> {
        match answer {
            Answer::Text { code, lines } => {
                let last = lines.len().saturating_sub(1);
                for (at, line) in lines.iter().enumerate() {
                    let mark = if at == last { ' ' } else { '-' };
                    write!(self.writer, "{code}{mark}")?;
                    self.writer.write_all(line)?;
                    self.writer.write_all(b"\r\n")?;
                }
                Ok(if *code == 421 {
                    Next::Close
                } else {
                    Next::Replied(*code)
                })
            }
            Answer::Drop => Ok(Next::Close),
            Answer::Hang => {
                self.writer.flush()?;
                io::copy(&mut self.reader, &mut io::sink())?;
                Ok(Next::Close)
            }
            Answer::After(pause, answer) => {
                self.writer.flush()?;
                std::thread::sleep(*pause);
                self.answer(answer)
            }
        }
    }
}

fn announce(features: Features) -> String {
    let mut lines = vec!["sink.example.org", "ENHANCEDSTATUSCODES"];
    for (on, keyword) in [
        (features.pipelining, "PIPELINING"),
        (features.eight_bit_mime, "8BITMIME"),
        (features.smtputf8, "SMTPUTF8"),
        (features.dsn, "DSN"),
    ] {
        if on {
            lines.push(keyword);
        }
    }
    lines.join("\n")
}

/// The reply code of an answer, 0 if it has none.
fn code(answer: &Answer) -> u16 {
    match answer {
        Answer::Text { code, .. } => *code,
        Answer::After(_, answer) => code(answer),
        Answer::Drop | Answer::Hang => 0,
    }
}

fn is_yes(answer: &Answer) -> bool {
    (200..300).contains(&code(answer))
}

/// Address and parameters of `FROM:<a@b> SIZE=1` or `TO:<"x>y"@b>`.
fn path(argument: &str, keyword: &str) -> Option<(String, String)> {
    let (start, rest) = argument.split_at_checked(keyword.len())?;
    if !start.eq_ignore_ascii_case(keyword) {
        return None;
    }
    let rest = rest.trim_start().strip_prefix('<')?;
    let (mut quoted, mut escaped) = (false, false);
    let end = rest.find(|char| {
        let is_end = char == '>' && !quoted && !escaped;
        match char {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        is_end
    })?;
    let (address, params) = rest.split_at(end);
    Some((
        address.to_owned(),
        params.trim_start_matches('>').trim().to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::path;

    fn check(argument: &str, expected: Option<(&str, &str)>) {
        let found = path(argument, "TO:");
        let found = found
            .as_ref()
            .map(|(address, params)| (address.as_str(), params.as_str()));
        assert_eq!(found, expected, "{argument}");
    }

    #[test]
    fn addresses_end_at_their_own_bracket() {
        check("TO:<a@b.example>", Some(("a@b.example", "")));
        check(
            "to:<a@b.example> NOTIFY=NEVER ORCPT=x",
            Some(("a@b.example", "NOTIFY=NEVER ORCPT=x")),
        );
        check(r#"TO:<"a>b"@c.example>"#, Some((r#""a>b"@c.example"#, "")));
        check(
            r#"TO:<"a\">"@c.example> X"#,
            Some((r#""a\">"@c.example"#, "X")),
        );
        check("TO:<>", Some(("", "")));
        check("TO:<a", None);
        check("FROM:<a>", None);
    }
}
