//! Whose entries are Postfix's own, by what journald itself noted of the sender.
//!
//! Anyone may send journald a message with any facility and any tag. Fields that begin with an underscore are
//! journald's (systemd.journal-fields(7), TRUSTED JOURNAL FIELDS): the user is what the kernel says of the sender's
//! socket, the unit and the program are what /proc says of the process.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// System accounts have ids below this one (Debian Policy, 9.2.2).
const FIRST_PERSON: u32 = 1000;

/// Who may say what became of the mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    /// The user ids of the instances' `mail_owner`s; absent where they are not known (another host's journal): any
    /// system account may be one then.
    pub owners: Option<Vec<u32>>,
    /// Where the instances' programs are (postconf(5), `daemon_directory`).
    pub daemon_directories: Vec<PathBuf>,
}

/// What journald noted of an entry's sender. Empty is a field that the entry lacks.
#[derive(Debug, Clone, Copy, Default)]
pub(in super::super) struct Sender<'a> {
    /// `_UID`.
    pub(in super::super) uid: &'a [u8],
    /// `_TRANSPORT`.
    pub(in super::super) transport: &'a [u8],
    /// `_SYSTEMD_UNIT`.
    pub(in super::super) unit: &'a [u8],
    /// `_EXE`.
    pub(in super::super) exe: &'a [u8],
}

/// How far an entry is to be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Origin {
    /// It is Postfix's (or spamd's) own.
    Own,
    /// Sent by root or by the mail owner, and of the process nothing more is known: it had ended when journald looked.
    Unknown,
    /// Anyone else's.
    Stranger,
}

impl Trust {
    /// Of the sender of an entry with the tag `identifier`.
    ///
    /// Its user must be root or a mail owner, and its process must belong to a unit of Postfix or be one of Postfix's
    /// programs. Neither alone will do: users have programs run by Postfix's units (`|command` in ~/.forward), and may
    /// run Postfix's programs. spamd, which is a script, is known by its unit, or by root.
    ///
    /// An entry without user and transport was not sent to a journald at all: it was made by systemd-journal-remote(8)
    /// from other text, and is believed as far as that.
    pub(in super::super) fn origin(&self, identifier: &[u8], sender: &Sender<'_>) -> Origin {
        if sender.uid.is_empty() && sender.transport.is_empty() {
            return Origin::Own;
        }
        let Some(uid) = number(sender.uid) else {
            return Origin::Stranger;
        };
        if identifier == b"spamd" {
            let is_own = uid == 0 || is_unit(sender.unit, b"spam");
            return if is_own {
                Origin::Own
            } else {
                Origin::Stranger
            };
        }
        let is_owner = match &self.owners {
            Some(owners) => owners.contains(&uid),
            None => uid < FIRST_PERSON,
        };
        if uid != 0 && !is_owner {
            return Origin::Stranger;
        }
        if is_unit(sender.unit, b"postfix") || self.is_program(sender.exe) {
            Origin::Own
        } else if sender.unit.is_empty() && sender.exe.is_empty() {
            Origin::Unknown
        } else {
            Origin::Stranger
        }
    }

    /// A program that was replaced while it runs is `/usr/lib/postfix/sbin/smtp (deleted)`.
    fn is_program(&self, exe: &[u8]) -> bool {
        let exe = Path::new(OsStr::from_bytes(exe));
        self.daemon_directories
            .iter()
            .any(|directory| exe.starts_with(directory))
    }
}

/// A unit that the administrator or the distribution made for Postfix: `postfix.service`, `postfix@aol\x2da.service`.
pub(super) fn is_postfix_unit(unit: &[u8]) -> bool {
    is_unit(unit, b"postfix")
}

/// Units of users, which they name as they like, are in another field.
fn is_unit(unit: &[u8], name: &[u8]) -> bool {
    unit.starts_with(name) && unit.ends_with(b".service")
}

fn number(digits: &[u8]) -> Option<u32> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sender is `uid transport unit exe`, `-` for what is missing.
    #[track_caller]
    fn check(identifier: &str, sender: &str, expected: Origin) {
        let fields = sender.split(' ').map(|field| match field {
            "-" => "",
            field => field,
        });
        let fields: Vec<&[u8]> = fields.map(str::as_bytes).collect();
        let [uid, transport, unit, exe] = fields[..] else {
            panic!("{sender}");
        };
        let sender_of = Sender {
            uid,
            transport,
            unit,
            exe,
        };
        let trust = Trust {
            owners: Some(vec![106]),
            daemon_directories: vec!["/usr/lib/postfix/sbin".into()],
        };
        let found = trust.origin(identifier.as_bytes(), &sender_of);
        assert_eq!(found, expected, "{identifier} of {sender}");
    }

    #[test]
    fn postfix_is_known_by_its_user_and_by_its_unit_or_program() {
        let check = |sender: &str, expected| check("postfix-aol-a/smtp", sender, expected);
        let unit = r"postfix@aol\x2da.service";
        check(
            &format!("106 syslog {unit} /usr/lib/postfix/sbin/smtp"),
            Origin::Own,
        );
        check(&format!("0 syslog {unit} -"), Origin::Own);
        check(
            "106 syslog session-3.scope /usr/lib/postfix/sbin/smtp",
            Origin::Own,
        );
        check("106 syslog - /usr/lib/postfix/sbin/smtp", Origin::Own);
        // A user's ~/.forward runs a command in Postfix's unit, and LD_PRELOAD makes anything of Postfix's programs.
        check(
            &format!("1000 syslog {unit} /usr/bin/logger"),
            Origin::Stranger,
        );
        check(
            "1000 syslog session-3.scope /usr/lib/postfix/sbin/smtp",
            Origin::Stranger,
        );
        check(
            "1000 syslog user@1000.service /usr/bin/logger",
            Origin::Stranger,
        );
        check(
            "33 syslog apache2.service /usr/bin/logger",
            Origin::Stranger,
        );
        check("33 syslog - -", Origin::Stranger);
        check("0 syslog cron.service /usr/bin/logger", Origin::Stranger);
        check(
            "106 syslog session-3.scope /usr/bin/logger",
            Origin::Stranger,
        );
        check(
            "106 syslog - /usr/lib/postfix/sbin-of-mine/smtp",
            Origin::Stranger,
        );
        check("106 syslog - -", Origin::Unknown);
        check("0 syslog - -", Origin::Unknown);
        check("- kernel - -", Origin::Stranger);
        check("- - - -", Origin::Own);
        check("-1 syslog postfix.service -", Origin::Stranger);
    }

    #[test]
    fn spamd_is_known_by_its_unit() {
        check(
            "spamd",
            "115 syslog spamd.service /usr/bin/perl",
            Origin::Own,
        );
        check(
            "spamd",
            "0 syslog session-1.scope /usr/bin/perl",
            Origin::Own,
        );
        check(
            "spamd",
            "1000 syslog session-1.scope /usr/bin/perl",
            Origin::Stranger,
        );
        check(
            "spamd",
            "106 syslog postfix.service /usr/bin/logger",
            Origin::Stranger,
        );
    }

    #[test]
    fn of_another_host_any_system_account_may_be_the_mail_owner() {
        let trust = Trust {
            owners: None,
            daemon_directories: Vec::new(),
        };
        let sender = |uid| Sender {
            uid,
            transport: b"syslog",
            unit: b"postfix@-.service",
            exe: b"",
        };
        assert_eq!(trust.origin(b"postfix/smtp", &sender(b"999")), Origin::Own);
        assert_eq!(
            trust.origin(b"postfix/smtp", &sender(b"1000")),
            Origin::Stranger
        );
    }
}
