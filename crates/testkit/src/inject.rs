//! Mail put into an instance: by sendmail(1), by smtp-source(1), and over SMTP with queue ids reported.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::command::Ran;
use crate::{Instance, Mail};

/// How long an smtpd may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);

impl Instance {
    /// Hands a message to `sendmail`: it goes through maildrop and pickup. Needs no running Postfix.
    #[track_caller]
    pub fn sendmail(&self, mail: &Mail) {
        let mut command = self.command("sendmail").args(["-i", "-f", &mail.sender]);
        if let Some(notify) = &mail.notify {
            command = command.args(["-N", notify]);
        }
        if let Some(ret) = &mail.ret {
            command = command.args(["-R", ret]);
        }
        if let Some(envid) = &mail.envid {
            command = command.args(["-V", envid]);
        }
        if mail.verp {
            command = command.arg("-XV");
        }
        command
            .arg("--")
            .args(&mail.recipients)
            .stdin(mail.content())
            .run()
            .ok();
    }

    /// Submits messages over one SMTP connection; returns their queue ids, in the same order.
    ///
    /// Panics if the smtpd refuses one.
    #[track_caller]
    pub fn submit(&self, mails: impl IntoIterator<Item = Mail>) -> Vec<String> {
        let mails: Vec<Mail> = mails.into_iter().collect();
        let address = self.address;
        let sent = self.host.enter(|| {
            let mut client = Client::connect(address)?;
            let ids: io::Result<Vec<String>> = mails.iter().map(|mail| client.send(mail)).collect();
            client.command("QUIT", 2)?;
            ids
        });
        match sent {
            Ok(ids) => ids,
            Err(error) => {
                let log = self.host.log_tail();
                panic!(
                    "testkit: submitting mail to {} at {address}: {error}\n{log}",
                    self.name
                )
            }
        }
    }

    /// Runs `smtp-source` against its smtpd: `count` messages of `bytes` each over 10 connections, from `sender` to
    /// `recipient` with a running number before it (`1user@…`, `2user@…`).
    #[track_caller]
    pub fn smtp_source(&self, count: usize, bytes: usize, sender: &str, recipient: &str) -> Ran {
        let sessions = count.clamp(1, 10).to_string();
        let command = self
            .host
            .command("smtp-source")
            .args(["-N", "-s", &sessions]);
        let command = command.args(["-m", &count.to_string(), "-l", &bytes.to_string()]);
        let command = command.args(["-f", sender, "-t", recipient]);
        command
            .arg(format!("inet:{}", self.address))
            .timeout(Duration::from_secs(600))
            .run()
            .ok()
    }
}

/// A small SMTP client, for messages whose every detail is the test's.
struct Client {
    reader: BufReader<TcpStream>,
    writer: TcpStream,
}

impl Client {
    fn connect(address: SocketAddr) -> io::Result<Self> {
        let writer = TcpStream::connect_timeout(&address, PATIENCE)?;
        writer.set_read_timeout(Some(PATIENCE))?;
        writer.set_nodelay(true)?;
        let reader = BufReader::new(writer.try_clone()?);
        let mut client = Self { reader, writer };
        client.answer("connecting", 2)?;
        client.command("EHLO testkit.example.org", 2)?;
        Ok(client)
    }

    fn send(&mut self, mail: &Mail) -> io::Result<String> {
        self.command(&mail_from(mail), 2)?;
        for recipient in &mail.recipients {
            let notify = mail.notify.as_ref().map(|when| format!(" NOTIFY={when}"));
            self.command(
                &format!("RCPT TO:<{recipient}>{}", notify.unwrap_or_default()),
                2,
            )?;
        }
        self.command("DATA", 3)?;
        let mut wire = Vec::with_capacity(mail.body.len() + 1024);
        let content = mail.content();
        for line in content.split_inclusive(|&byte| byte == b'\n') {
            if line.starts_with(b".") {
                wire.push(b'.');
            }
            wire.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
            wire.extend_from_slice(b"\r\n");
        }
        wire.extend_from_slice(b".\r\n");
        self.writer.write_all(&wire)?;
        // `250 2.0.0 Ok: queued as 4XyzAb1cDz9`: smtpd.c, data_cmd.
        let answer = self.answer("end of data", 2)?;
        let id = answer
            .rsplit_once(" as ")
            .map(|(_, id)| id.trim().to_owned());
        id.ok_or_else(|| io::Error::other(format!("no queue id in {answer:?}")))
    }

    fn command(&mut self, line: &str, class: u8) -> io::Result<String> {
        self.writer.write_all(format!("{line}\r\n").as_bytes())?;
        self.answer(line, class)
    }

    /// The last line of an answer, whose code must begin with the digit `class`.
    fn answer(&mut self, to: &str, class: u8) -> io::Result<String> {
        loop {
            let mut line = String::new();
            if self.reader.read_line(&mut line)? == 0 {
                return Err(io::Error::other(format!("connection closed after {to:?}")));
            }
            if line.as_bytes().get(3) == Some(&b'-') {
                continue;
            }
            if line.as_bytes().first() != Some(&(b'0' + class)) {
                return Err(io::Error::other(format!("{to:?} was answered {line:?}")));
            }
            return Ok(line);
        }
    }
}

fn mail_from(mail: &Mail) -> String {
    let mut line = format!("MAIL FROM:<{}>", mail.sender);
    if !mail.content().is_ascii() {
        line.push_str(" BODY=8BITMIME");
    }
    if mail.is_utf8() {
        line.push_str(" SMTPUTF8");
    }
    if let Some(ret) = &mail.ret {
        line.push_str(&format!(" RET={ret}"));
    }
    if let Some(envid) = &mail.envid {
        line.push_str(&format!(" ENVID={envid}"));
    }
    if mail.verp {
        line.push_str(" XVERP");
    }
    line
}
