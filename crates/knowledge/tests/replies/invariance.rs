//! What must not decide: which command was answered, who is named, how the words are written.

use knowledge::reasons::{By, Class, Reasons};
use regex::Regex;

use super::corpus::{self, Reply};

/// Names that strangers may choose.
const HOSTILE: [&str; 8] = [
    "spam@d.example",
    "blacklist@blocked.example",
    "dkim@spf.example",
    "retired.joe@quota.full.example",
    "spf-news@lists.example",
    "\"user unknown\"@greylist.example",
    "o'banned#1@xn--virus-abc.example",
    "x+rate-limited=zen.spamhaus.org@dmarc.example",
];

const COMMANDS: [&str; 7] = [
    "MAIL FROM command",
    "RCPT TO command",
    "HELO command",
    "EHLO command",
    "DATA command",
    "end of DATA command",
    "STARTTLS command",
];

/// A reply in its parts: `host … said: `, the words.
fn parts(text: &str) -> (&str, &str) {
    let head = Regex::new(
        r"^(?:delivery temporarily suspended: )*host \S+ (?:said|refused to talk to me): ",
    )
    .unwrap();
    let at = head.find(text).map_or(0, |m| m.end());
    text.split_at(at)
}

fn is_servers(reply: &Reply) -> bool {
    let (head, words) = parts(&reply.text);
    !head.is_empty() || words.starts_with(['4', '5'])
}

/// Checks that each of `others` has the class of the reply itself.
fn check(what: &str, others: impl Fn(&Reply) -> Vec<String>) {
    let reasons = Reasons::load(None).unwrap();
    let class = |text: &str, reply: &Reply| {
        let dsn = reply.dsn.as_deref().map(str::as_bytes);
        reasons.classify(text.as_bytes(), dsn, None).class
    };
    let mut wrong = Vec::new();
    for (part, _) in corpus::PARTS {
        for reply in corpus::part(part) {
            let expected = class(&reply.text, &reply);
            for other in others(&reply) {
                let found = class(&other, &reply);
                if found != expected {
                    wrong.push(format!(
                        "{expected} became {found}:\n  {}\n  {other}",
                        reply.text
                    ));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{what}, {}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn the_command_that_was_answered() {
    let suffix = Regex::new(r" ?\(in reply to [^)]*\)$").unwrap();
    check("command", |reply| {
        if !is_servers(reply) {
            return Vec::new();
        }
        let bare = suffix.replace(&reply.text, "").into_owned();
        let answers = COMMANDS
            .iter()
            .map(|command| format!("{bare} (in reply to {command})"));
        answers.chain([bare.clone()]).collect()
    });
}

#[test]
fn an_address_that_is_quoted() {
    let address = Regex::new(r"\w[\w+*=/-]*(?:\.[\w+*=/-]+)*@[\w-]+(?:\.[\w-]+)*").unwrap();
    check("address", |reply| {
        let (head, words) = parts(&reply.text);
        if !words.contains('@') || words.contains("://") && words.contains("id=") {
            return Vec::new();
        }
        let with = |name: &&str| {
            format!(
                "{head}{}",
                address.replace_all(words, regex::NoExpand(name))
            )
        };
        HOSTILE.iter().map(with).collect()
    });
}

#[test]
fn a_host_that_is_named() {
    let names = Regex::new(
        r"\b(?:mx|mail|smtp|relay\d?|host)\.[\w.-]*\bexample(?:\.(?:org|net|com|jp))?\b",
    )
    .unwrap();
    check("host", |reply| {
        let (head, words) = parts(&reply.text);
        let with = |name: &&str| format!("{head}{}", names.replace_all(words, *name));
        [
            "mx.spam-filter.example",
            "blocklist.quota.example",
            "unknown.user.example.net",
        ]
        .iter()
        .map(with)
        .collect()
    });
}

#[test]
fn case_blanks_and_quotes() {
    check("writing", |reply| {
        let (head, words) = parts(&reply.text);
        if !is_servers(reply) {
            return Vec::new();
        }
        // The suffix is Postfix's own.
        let end = words.rfind(" (in reply to ").unwrap_or(words.len());
        let (words, suffix) = words.split_at(end);
        let others = [
            words.to_uppercase(),
            words.to_lowercase(),
            words.replace(' ', "  "),
            words.replace('\'', "\u{2019}"),
            words.replace('\'', "\u{2018}").replace('"', "\u{201c}"),
        ];
        others.map(|words| format!("{head}{words}{suffix}")).into()
    });
}

#[test]
fn digits() {
    let stays = Regex::new(r"^[245]\d\d|\b[245]\.\d{1,3}\.\d{1,3}\b|\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]*:[0-9a-fA-F:]+|https?://\S+|\b[245]\d\d\b").unwrap();
    check("digits", |reply| {
        let (head, words) = parts(&reply.text);
        let mut other = head.to_owned();
        let mut done = 0;
        for kept in stays.find_iter(words) {
            other.push_str(&changed(&words[done..kept.start()]));
            other.push_str(kept.as_str());
            done = kept.end();
        }
        other.push_str(&changed(&words[done..]));
        vec![other]
    });
}

fn changed(text: &str) -> String {
    let digit = |c: char| match c.to_digit(10) {
        Some(d) => char::from_digit((d + 3) % 10, 10).unwrap(),
        None => c,
    };
    text.chars().map(digit).collect()
}

/// A server's words in two lines, for each place where a line may end: not in what Postfix adds.
fn in_two_lines(reply: &Reply) -> Vec<String> {
    let (head, words) = parts(&reply.text);
    let (Some(code), Some(rest)) = (words.get(..3), words.get(4..)) else {
        return Vec::new();
    };
    if !is_servers(reply) || !words[3..].starts_with(' ') {
        return Vec::new();
    }
    let own = reply.dsn.as_deref().filter(|dsn| rest.starts_with(*dsn));
    let rest = own.map_or(rest, |own| rest[own.len()..].trim_start());
    let own = own.map_or_else(String::new, |own| format!("{own} "));
    let blanks = rest.match_indices(' ').map(|(at, _)| at);
    let last = rest.find(" (in reply to").unwrap_or(rest.len());
    blanks
        .filter(|at| *at < last)
        .map(|at| {
            let (one, two) = (&rest[..at], &rest[at + 1..]);
            format!("{head}{code}-{own}{one} {code} {own}{two}")
        })
        .collect()
}

#[test]
fn lines() {
    check("lines", in_two_lines);
}

/// Another name, case, blanks, lines and command, all in one.
#[test]
fn several_at_once() {
    let address = Regex::new(r"\w[\w+*=/-]*(?:\.[\w+*=/-]+)*@[\w-]+(?:\.[\w-]+)*").unwrap();
    let suffix = Regex::new(r" ?\(in reply to [^)]*\)$").unwrap();
    check("several", |reply| {
        let (head, words) = parts(&reply.text);
        let bare = suffix.replace(words, "");
        let has_links = bare.contains("://") && bare.contains("id=");
        let name = HOSTILE[reply.text.len() % HOSTILE.len()];
        let named = match has_links {
            false => address.replace_all(&bare, regex::NoExpand(name)),
            true => bare,
        };
        let mut other = reply.clone();
        other.text = format!("{head}{named}");
        let mut all = in_two_lines(&other);
        if all.is_empty() {
            return Vec::new();
        }
        // One place for each reply, and not the same in all of them.
        let one = all.swap_remove(reply.text.len() % all.len());
        let (head, words) = parts(&one);
        let loud = words.to_uppercase().replace(' ', "  ");
        vec![format!("{head}{loud} (in reply to MAIL FROM command)")]
    });
}

/// Where words suffice, a code beside them that says nothing (RFC 3463, X.0.0 and X.5.0) changes nothing.
#[test]
fn an_enhanced_code_that_says_nothing() {
    let reasons = Reasons::load(None).unwrap();
    let code = Regex::new(r"^([45])(\d\d) [^\d\s#]").unwrap();
    let mut wrong = Vec::new();
    for (part, _) in corpus::PARTS {
        for reply in corpus::part(part) {
            let found = reply.found(&reasons);
            let (head, words) = parts(&reply.text);
            let Some(of) = code.captures(words) else {
                continue;
            };
            if found.by != By::Words {
                continue;
            }
            for dsn in [format!("{}.0.0", &of[1]), format!("{}.5.0", &of[1])] {
                let with = format!("{head}{} {dsn} {}", &words[..3], &words[4..]);
                let other = reasons.classify(with.as_bytes(), Some(dsn.as_bytes()), None);
                if other.class != found.class {
                    wrong.push(format!("{} became {}: {with}", found.class, other.class));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_enhanced_code_where_words_suffice() {
    let reasons = Reasons::load(None).unwrap();
    let code = Regex::new(r"^([245]\d\d[ -])[245]\.\d{1,3}\.\d{1,3}[ :]+").unwrap();
    for (part, _) in corpus::PARTS {
        for reply in corpus::part(part) {
            let found = reply.found(&reasons);
            let (head, words) = parts(&reply.text);
            if found.by != By::Words || !code.is_match(words) {
                continue;
            }
            let bare = format!("{head}{}", code.replace(words, "$1"));
            let without = reasons.classify(bare.as_bytes(), None, None);
            assert_eq!(without.class, found.class, "{bare}");
        }
    }
}

/// 25 mailboxes that do not exist are no block, whatever they are called.
#[test]
fn no_stranger_makes_a_block() {
    let reasons = Reasons::load(None).unwrap();
    for name in HOSTILE {
        for said in [
            format!(
                "550 5.1.1 <{name}>: Recipient address rejected: User unknown in virtual mailbox table"
            ),
            format!("550 5.1.1 <{name}> User doesn't exist: {name}"),
            format!("550 No such user {name}"),
            format!(
                "550-5.1.1 The email account that you tried to reach does not exist. {name} 550 5.1.1 x - gsmtp"
            ),
        ] {
            let reply =
                format!("host mx.example[192.0.2.1] said: {said} (in reply to RCPT TO command)");
            let found = reasons.classify(reply.as_bytes(), Some(b"5.1.1"), None);
            assert_eq!(found.class, Class::BadMailbox, "{reply}");
        }
    }
}
