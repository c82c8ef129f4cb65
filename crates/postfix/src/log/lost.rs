//! What a syslog daemon says of messages that it threw away because there were too many at a time.

use super::cursor::Cursor;

/// Messages that are not in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dropped<'a> {
    /// How many, if it says so.
    pub messages: Option<u64>,
    /// Who threw them away: `systemd-journald`, `rsyslogd`.
    pub program: &'a [u8],
    /// What it says.
    pub text: &'a [u8],
}

/// Reads what journald and rsyslogd say:
///
/// - `Suppressed 6160 messages from postfix@-.service` (systemd, `src/journal/journald-rate-limit.c`; older versions
///   name
///   the control group). What another service lost does not concern a mail log.
/// - `imuxsock[pid 706]: begin to drop messages due to rate-limiting`, `imuxsock lost 12 messages from pid 706 due to
///   rate-limiting`, `imjournal: 12 messages lost due to rate-limiting (20000 allowed within 600 seconds)` (rsyslog,
///   `runtime/ratelimit.c`, `plugins/imuxsock`, `plugins/imjournal`).
pub(super) fn parse<'a>(program: &'a [u8], message: &'a [u8]) -> Option<Dropped<'a>> {
    let messages = match program {
        b"systemd-journald" | b"systemd-journal" | b"journal" => suppressed(message)?,
        b"rsyslogd" => dropped(message)?,
        _ => return None,
    };
    Some(Dropped {
        messages,
        program,
        text: message,
    })
}

fn suppressed(message: &[u8]) -> Option<Option<u64>> {
    let mut c = Cursor(message);
    if !c.eat(b"Suppressed ") {
        return None;
    }
    let messages = c.number(1, 18);
    if !(c.eat(b" messages from ") || c.eat(b" message from ")) {
        return None;
    }
    let unit = c.word();
    let is_mail = |word: &[u8]| memchr::memmem::find(unit, word).is_some();
    (is_mail(b"postfix") || is_mail(b"mail") || !unit.ends_with(b".service")).then_some(messages)
}

fn dropped(message: &[u8]) -> Option<Option<u64>> {
    memchr::memmem::find(message, b"due to rate-limiting")?;
    let at = memchr::memmem::find(message, b" messages ");
    let before = at.and_then(|at| message.get(..at)).unwrap_or_default();
    let number = before.rsplit(|b| *b == b' ').next().unwrap_or_default();
    Some(Cursor(number).number(1, 18))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_that_were_thrown_away() {
        let check = |program: &str, message: &str, expected: Option<Option<u64>>| {
            let found = parse(program.as_bytes(), message.as_bytes());
            assert_eq!(found.map(|lost| lost.messages), expected, "{message}");
        };
        let journald = "systemd-journald";
        check(
            journald,
            "Suppressed 6160 messages from postfix@-.service",
            Some(Some(6160)),
        );
        check(
            journald,
            "Suppressed 9 messages from /system.slice/postfix.service",
            Some(Some(9)),
        );
        check(
            journald,
            "Suppressed 9 messages from user.slice",
            Some(Some(9)),
        );
        check(journald, "Suppressed 9 messages from nginx.service", None);
        check(journald, "Journal stopped", None);
        let rsyslogd = "rsyslogd";
        check(
            rsyslogd,
            "imuxsock[pid 706]: begin to drop messages due to rate-limiting",
            Some(None),
        );
        check(
            rsyslogd,
            "imuxsock lost 12 messages from pid 706 due to rate-limiting",
            Some(Some(12)),
        );
        check(
            rsyslogd,
            "imjournal: 345 messages lost due to rate-limiting (20000 allowed within 600 seconds)",
            Some(Some(345)),
        );
        check(rsyslogd, "[origin software=\"rsyslogd\"] start", None);
        check(
            "postfix/smtp",
            "Suppressed 6160 messages from postfix",
            None,
        );
    }
}
