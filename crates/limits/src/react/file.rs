//! The rules' file, /etc/relay-tools/react.toml.

use std::path::Path;

use knowledge::reasons::Class;
use knowledge::toml_text;
use postfix::{Problem, Span};
use serde::Deserialize;
use toml::Spanned;

use super::{Act, Rule, Rules};

const FORM: &str = "rules are most = \"50%\", mail = \"root\", and [[rule]] with code or class, at_least, within, do = \
                    \"pause\" or \"rate\" (with rate), for, and perhaps provider and instance";

/// Of two addresses, one.
const MOST: u64 = 50;

/// What is counted is kept from run to run, in a file.
const MOST_COUNTED: u64 = 100_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    most: Option<Spanned<String>>,
    mail: Option<OneOrMore>,
    #[serde(default)]
    rule: Vec<Spanned<RuleTable>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl OneOrMore {
    fn all(self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text],
            Self::More(all) => all,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleTable {
    code: Option<OneOrMore>,
    class: Option<OneOrMore>,
    provider: Option<String>,
    instance: Option<String>,
    at_least: u64,
    within: String,
    #[serde(rename = "do")]
    act: String,
    rate: Option<String>,
    #[serde(rename = "for")]
    lasts: String,
}

impl Rules {
    /// Reads the rules.
    ///
    /// # Errors
    /// The first thing wrong in them: nothing is done by rules of which a part cannot be read.
    pub fn parse(text: &str, path: &Path) -> Result<Self, Problem> {
        let file: File = toml_text::parse(text, path, FORM)?;
        let most_percent = match &file.most {
            None => MOST,
            Some(most) => percent(most.get_ref()).ok_or_else(|| {
                let what = format!(
                    "most = \"{}\" is not a share such as 50%; {FORM}",
                    most.get_ref()
                );
                toml_text::problem(text, path, most.span().start, what)
            })?,
        };
        let mut rules = Vec::new();
        for entry in file.rule {
            let at = entry.span().start;
            rules.push(
                rule(entry.into_inner())
                    .map_err(|why| toml_text::problem(text, path, at, format!("{why}; {FORM}")))?,
            );
        }
        Ok(Self {
            most_percent,
            mail_to: file.mail.map(OneOrMore::all).unwrap_or_default(),
            rules,
        })
    }
}

fn percent(text: &str) -> Option<u64> {
    let number = text.strip_suffix('%')?.trim();
    let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    number.parse().ok().filter(|n| is_number && *n <= 100)
}

fn rule(entry: RuleTable) -> Result<Rule, String> {
    let codes = entry.code.map(OneOrMore::all).unwrap_or_default();
    let classes = entry.class.map(OneOrMore::all).unwrap_or_default();
    if codes.is_empty() == classes.is_empty() || codes.iter().any(|code| code.trim().is_empty()) {
        return Err("a rule counts a code or a class".to_owned());
    }
    let classes = classes.iter().map(|word| word.parse::<Class>());
    let classes = classes
        .collect::<Result<Vec<_>, _>>()
        .map_err(|why| why.to_string())?;
    let span = |name: &str, text: &str| {
        let span = text.parse::<Span>().ok().filter(|span| *span > Span::ZERO);
        span.ok_or_else(|| format!("{name} = \"{text}\" is not a time such as 10m"))
    };
    if entry.at_least == 0 {
        return Err("at_least = 0 would act without any reason".to_owned());
    }
    if entry.at_least > MOST_COUNTED {
        let many = entry.at_least;
        return Err(format!(
            "at_least = {many}: no more than {MOST_COUNTED} are kept from run to run"
        ));
    }
    let act = match (entry.act.as_str(), &entry.rate) {
        ("pause", None) => Act::Pause,
        ("rate", Some(rate)) => Act::Rate(
            rate.parse()
                .map_err(|why| format!("rate = \"{rate}\": {why}"))?,
        ),
        (act, _) => return Err(format!("do = \"{act}\", with or without rate")),
    };
    let lasts = span("for", &entry.lasts)?;
    if lasts > crate::LONGEST {
        let text = &entry.lasts;
        return Err(format!(
            "for = \"{text}\": nothing is held for longer than a year"
        ));
    }
    Ok(Rule {
        codes,
        classes,
        provider: entry.provider.map(|name| name.to_ascii_lowercase()),
        instance: entry.instance,
        at_least: entry.at_least,
        within: span("within", &entry.within)?,
        act,
        lasts,
    })
}
