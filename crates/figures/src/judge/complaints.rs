//! What Postfix says of itself, judged by who says it.

use postfix::log::Severity;

use super::{Level, Programs};
use crate::complaints::ComplaintRow;

/// Programs whose warnings quote what strangers send. What they say counts only where it stands in front.
const QUOTING: [&str; 7] = [
    "smtpd",
    "postscreen",
    "smtp",
    "lmtp",
    "dnsblog",
    "tlsproxy",
    "cleanup",
];

/// How bad a complaint is. Warnings are not judged, since strangers can make Postfix warn; but for those of a full
/// disk, or of a program that dies, which nobody can make it say.
pub fn judge(complaint: &ComplaintRow, programs: &Programs) -> Level {
    let among = |names: &[String]| names.contains(&complaint.service);
    match complaint.severity {
        Severity::Warning => warning(complaint, programs),
        _ if among(&programs.ignored) => Level::Ok,
        Severity::Fatal | Severity::Panic if among(&programs.critical) => Level::Critical,
        Severity::Fatal | Severity::Panic | Severity::Error => Level::Warning,
    }
}

fn warning(complaint: &ComplaintRow, programs: &Programs) -> Level {
    let (text, service) = (complaint.text.as_str(), complaint.service.as_str());
    // Whose message it is about stands in front.
    let text = text.strip_prefix("QUEUEID: ").unwrap_or(text);
    let is_grave = programs.warnings.iter().any(|words| {
        // `* lookup error` begins with a word of the configuration: a table, a parameter.
        let begins = match words.strip_prefix("* ") {
            Some(words) => text
                .split_once(' ')
                .is_some_and(|(_, rest)| rest.starts_with(words)),
            None => text.starts_with(words.as_str()),
        };
        let ends = || {
            text.strip_suffix(words.as_str())
                .is_some_and(|t| t.ends_with(": "))
        };
        match service {
            // master's own words, and the programs' names.
            "master" => text.contains(words.as_str()),
            quoting if QUOTING.contains(&quoting) => begins,
            _ => begins || ends(),
        }
    });
    // `process /usr/lib/postfix/sbin/qmgr pid N killed by signal 11`
    let names = |program: &String| {
        let mut words = text.split([' ', ':']);
        words.any(|word| {
            word.rsplit_once('/')
                .is_some_and(|(_, name)| name == program)
        })
    };
    match is_grave {
        false => Level::Ok,
        true if service == "master" && programs.critical.iter().any(names) => Level::Critical,
        true => Level::Warning,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Rules;

    #[test]
    fn warnings_that_nobody_can_make_up() {
        let programs = Rules::load(None).unwrap().complaints;
        let check = |service: &str, text: &str, level| {
            let row = ComplaintRow {
                severity: Severity::Warning,
                service: service.to_owned(),
                text: text.to_owned(),
                count: 3,
            };
            assert_eq!(judge(&row, &programs), level, "{row}");
        };
        let full = "mail_queue_enter: create file maildrop/N.N: No space left on device";
        check("postdrop", full, Level::Warning);
        check(
            "smtpd",
            "not enough free space in mail queue: 0 bytes < 1.5*message size limit",
            Level::Warning,
        );
        // As cleanup says it, without an inode; and mail that leaves by another address than the one that is set.
        check("cleanup", full, Level::Warning);
        let bind = "smtp_connect_addr: bind ADDRESS: Cannot assign requested address";
        check("smtp", bind, Level::Warning);
        check("smtp", &format!("host HOST said: {bind}"), Level::Ok);
        check(
            "cleanup",
            "problem talking to service rewrite: Connection timed out",
            Level::Warning,
        );
        check(
            "cleanup",
            "QUEUEID: virtual_alias_maps map lookup problem for x@y.example -- message not accepted, try again later",
            Level::Warning,
        );
        check(
            "trivial-rewrite",
            "hash:/etc/postfix/x lookup error for \"*\"",
            Level::Warning,
        );
        check("smtpd", "hostname x map lookup problem for y", Level::Ok);
        // Of master, whichever program ends so.
        let ended = "process /usr/lib/postfix/sbin/smtp pid N exit status 1";
        check("master", ended, Level::Warning);
        check("master", &ended.replace("smtp ", "qmgr "), Level::Critical);
        // A client says so.
        let says = "non-SMTP command from HOST[…]: No space left on device";
        check("smtpd", says, Level::Ok);
        check(
            "cleanup",
            "header Subject: x: No space left on device",
            Level::Ok,
        );
        check(
            "smtpd",
            "hostname HOST does not resolve to address ADDRESS",
            Level::Ok,
        );
        let qmgr = "process /usr/lib/postfix/sbin/qmgr pid N killed by signal 11";
        check("master", qmgr, Level::Critical);
        check("master", &qmgr.replace("qmgr", "smtp"), Level::Warning);
        check(
            "master",
            "/usr/lib/postfix/sbin/qmgr: bad command startup -- throttling",
            Level::Critical,
        );
        check("anvil", qmgr, Level::Ok);
    }

    /// In the words of Postfix 3.7 with OpenSSL 3, made to have each of these faults.
    #[test]
    fn what_is_wrong_with_its_own_certificate() {
        let programs = Rules::load(None).unwrap().complaints;
        let check = |text: &str, level| {
            for service in ["smtpd", "smtp", "tlsproxy"] {
                let row = ComplaintRow {
                    severity: Severity::Warning,
                    service: service.to_owned(),
                    text: crate::complaints::folded(text.as_bytes(), true),
                    count: 1,
                };
                assert_eq!(judge(&row, &programs), level, "{row}");
            }
        };
        for text in [
            "cannot get RSA certificate from file \"/etc/ssl/none.pem\": disabling TLS support",
            "cannot get RSA private key from file \"/etc/ssl/key2.pem\": disabling TLS support",
            "error opening chain file: /etc/ssl/none.pem: No such file or directory",
            "No PEM data in /etc/ssl/g.pem",
            "error loading private keys and certificates from: /etc/ssl/g.pem: disabling TLS support",
            "Invalid TLS protocol list \"nonsense\": disabling TLS support",
            // Behind `cannot load Certification Authority data`, which is no warning.
            "TLS library problem: error:80000002:system library::No such file or directory:../crypto/bio/bss_file.c:67:\
             calling fopen(/etc/ssl/noca.pem, r):",
        ] {
            check(text, Level::Warning);
        }
        // What peers can make it say: that they took the certificate for one that has expired, or went away.
        for text in [
            "TLS library problem: error:0A000415:SSL routines::sslv3 alert certificate expired:\
             ../ssl/record/rec_layer_s3.c:1586:SSL alert number 45:",
            "TLS library problem: error:80000068:system library::Connection reset by peer:../crypto/x.c:1:",
            "TLS library problem: error:0A00010B:SSL routines::wrong version number:../ssl/x.c:1:",
        ] {
            check(text, Level::Ok);
        }
    }
}
