//! Families of words, each in many combinations; and what a temporary refusal may not be taken for.

use knowledge::reasons::{Class, Reasons};
use regex::Regex;
use serde::Deserialize;

use super::corpus;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    family: Vec<Family>,
}

/// Ways to say one thing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Family {
    /// The class; with `not ` in front, any but that one.
    class: String,
    #[serde(default)]
    also: Vec<String>,
    /// The reply code.
    code: u16,
    /// Who or what it is said of; none if the sentences are whole.
    #[serde(default)]
    of: Vec<String>,
    /// What is said comes before whom it is said of.
    #[serde(default)]
    before: bool,
    says: Vec<String>,
}

impl Family {
    fn replies(&self) -> Vec<String> {
        let code = self.code;
        let with = |says: &String| {
            let joined = |of: &String| match self.before {
                true => format!("{code} {says} {of}"),
                false => format!("{code} {of} {says}"),
            };
            match self.of.is_empty() {
                true => vec![format!("{code} {says}")],
                false => self.of.iter().map(joined).collect(),
            }
        };
        self.says.iter().flat_map(with).collect()
    }
}

#[test]
fn whoever_is_named_and_whatever_is_said_of_them() {
    let reasons = Reasons::load(None).unwrap();
    let file: File = toml::from_str(include_str!("families.toml")).unwrap();
    let (mut all, mut wrong) = (0, Vec::new());
    for family in &file.family {
        for reply in family.replies() {
            let found = reasons
                .classify(reply.as_bytes(), None, None)
                .class
                .as_str();
            all += 1;
            let is_right = match family.class.strip_prefix("not ") {
                Some(class) => found != class,
                None => found == family.class || family.also.iter().any(|also| also == found),
            };
            if !is_right {
                wrong.push(format!("{reply}\n  found {found}, not {}", family.class));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(all > 4000, "{all}");
}

/// Classes by which people take addresses off their lists: a refusal for now is none of them, unless it names the
/// mailbox.
#[test]
fn a_refusal_for_now_blames_no_mailbox_that_it_does_not_name() {
    let reasons = Reasons::load(None).unwrap();
    let names = Regex::new(
        r"(?ix) user | mail.?box | recipient | reciepent | rcpt | account | address | inbox | alias | mail.?folder
        | maildir | member | \S@\S | <[^<>]*> | gebruiker | usu[aá?]rio | utente | cuenta | conta | skrzynk
        | пользовател | ящик | posta.kutusu | 帐号 | 用户 | ユーザ | 사용자",
    )
    .unwrap();
    let mut asked = 0;
    for (part, _) in corpus::PARTS {
        for reply in corpus::part(part) {
            let words = reply.text.rsplit(" said: ").next().unwrap_or_default();
            let class = reply.found(&reasons).class;
            if words.starts_with('4') && matches!(class, Class::BadMailbox | Class::InactiveMailbox)
            {
                asked += 1;
                assert!(names.is_match(words), "{class}: {}", reply.text);
            }
        }
    }
    assert!(asked > 10, "{asked}");
}
