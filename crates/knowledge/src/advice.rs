//! What to do about a provider's code: how long to wait, and the command, ready to be pasted.
//!
//! The table is TOML: `data/advice.toml` is compiled in, and the host's /etc/relay-tools/advice.toml is tried before
//! it. Every entry says what it rests on, what of it is our own, and when it was written: advice ages.

use std::path::Path;

use legible::shell::quoted;
use postfix::{Day, Problem, Span};
use serde::Deserialize;
use toml::Spanned;

use crate::reasons::Class;
use crate::toml_text;

const BUILT_IN: &str = include_str!("../data/advice.toml");
const BUILT_IN_PATH: &str = "(compiled in) crates/knowledge/data/advice.toml";
const FORM: &str =
    "an entry is [[advice]] with code or class, from, means, wait, then, page, source and date";

/// The table.
#[derive(Debug, Clone)]
pub struct AdviceTable {
    entries: Vec<Advice>,
}

/// What is advised for some codes, or for a class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    codes: Vec<String>,
    classes: Vec<Class>,
    /// Whose codes they are: `Yahoo/AOL`.
    pub from: String,
    /// What they say: `volume or complaints`.
    pub means: String,
    /// How long to wait, in words: `2-4 h`.
    pub wait: String,
    /// For how long to pause, as `relay-limit pause --for` takes it; `None`: a pause is no help.
    pub pause: Option<String>,
    /// What to do then, or instead.
    pub then: String,
    /// The provider's page, for an admin to read; that it was read here is said by `source` alone.
    pub page: String,
    /// What was read, and what of the entry is not from there.
    pub source: String,
    /// When the entry was written, or its source last read.
    pub date: Day,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    advice: Vec<Spanned<AdviceEntry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AdviceEntry {
    #[serde(default)]
    code: Vec<String>,
    #[serde(default)]
    class: Vec<String>,
    from: String,
    means: String,
    wait: String,
    pause: Option<String>,
    then: String,
    page: String,
    source: String,
    date: String,
}

impl AdviceTable {
    /// The compiled-in table, with the entries of `added` (a text of the same form, and its path) before it.
    ///
    /// # Errors
    /// The first thing wrong in `added`: no source or no date among it.
    pub fn load(added: Option<(&str, &Path)>) -> Result<Self, Problem> {
        let mut entries = Vec::new();
        if let Some((text, path)) = added {
            read(text, path, &mut entries)?;
        }
        read(BUILT_IN, Path::new(BUILT_IN_PATH), &mut entries)?;
        Ok(Self { entries })
    }

    /// What is advised for a code; where it is not known, for the class.
    pub fn find(&self, code: Option<&str>, class: Class) -> Option<&Advice> {
        self.of_code(code)
            .or_else(|| self.entries.iter().find(|one| one.classes.contains(&class)))
    }

    /// What is advised for the first code of the table that an admin's own words name, and that code.
    pub fn in_words<'w>(&self, words: &'w str) -> Option<(&'w str, &Advice)> {
        let words = words.split(|c: char| c.is_whitespace() || "[](),;:".contains(c));
        words.filter(|word| !word.is_empty()).find_map(|word| {
            let word = word.trim_end_matches('.');
            Some((word, self.of_code(Some(word))?))
        })
    }

    fn of_code(&self, code: Option<&str>) -> Option<&Advice> {
        let code = code?;
        self.entries
            .iter()
            .find(|one| one.codes.iter().any(|pattern| fits(pattern, code)))
    }

    /// All entries, in the order in which they are tried.
    pub fn entries(&self) -> &[Advice] {
        &self.entries
    }
}

impl Advice {
    /// In a line, for an instance's name as relay-limit takes it:
    /// `TSS04 (Yahoo/AOL: volume or complaints; wait 2-4 h): relay-limit pause aol-b --for 4h; then resume at half`.
    /// Without an instance the command is left out. `what` is the code, or the class's word.
    pub fn line(&self, what: &str, instance: Option<&str>) -> String {
        let mut steps = Vec::new();
        if let (Some(instance), Some(pause)) = (instance, &self.pause) {
            steps.push(self.command(what, instance, pause));
        }
        steps.push(self.then.clone());
        let (from, means, wait) = (&self.from, &self.means, &self.wait);
        format!(
            "{what} ({from}: {means}; wait {wait}): {}",
            steps.join("; ")
        )
    }

    fn command(&self, what: &str, instance: &str, pause: &str) -> String {
        let reason = match self.codes.is_empty() {
            true => String::new(),
            false => format!(" --reason {}", quoted(what)),
        };
        let instance = quoted(instance);
        format!("relay-limit pause {instance} --for {pause}{reason}")
    }
}

fn fits(pattern: &str, code: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(begin) => code.starts_with(begin),
        None => pattern == code,
    }
}

fn read(text: &str, path: &Path, entries: &mut Vec<Advice>) -> Result<(), Problem> {
    let file: File = toml_text::parse(text, path, FORM)?;
    for entry in file.advice {
        let at = entry.span().start;
        let wrong = |what: &str| toml_text::problem(text, path, at, format!("{what}; {FORM}"));
        let entry = entry.into_inner();
        if entry.code.is_empty() == entry.class.is_empty() {
            return Err(wrong("the entry is for a code or for a class"));
        }
        let classes = entry.class.iter().map(|word| word.parse::<Class>());
        let classes = classes.collect::<Result<Vec<_>, _>>();
        let classes = classes.map_err(|why| wrong(&why.to_string()))?;
        let is_empty = |text: &String| text.trim().is_empty();
        let said = [
            &entry.from,
            &entry.means,
            &entry.wait,
            &entry.then,
            &entry.page,
        ];
        if said.into_iter().any(is_empty) || entry.code.iter().any(is_empty) {
            return Err(wrong("an empty text says nothing"));
        }
        if is_empty(&entry.source) {
            return Err(wrong("source = '': say where this was read"));
        }
        if let Some(pause) = &entry.pause
            && pause.parse::<Span>().is_err()
        {
            return Err(wrong(&format!(
                "pause = \"{pause}\" is not a time such as 4h"
            )));
        }
        let date = entry.date.parse().map_err(|_| {
            let what = format!("date = \"{}\" is not a date such as 2026-11-28", entry.date);
            wrong(&what)
        })?;
        entries.push(Advice {
            codes: entry.code,
            classes,
            from: entry.from,
            means: entry.means,
            wait: entry.wait,
            pause: entry.pause,
            then: entry.then,
            page: entry.page,
            source: entry.source,
            date,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(text: &str) -> Result<AdviceTable, Problem> {
        AdviceTable::load(Some((text, Path::new("advice.toml"))))
    }

    #[test]
    fn a_command_is_ready_to_be_pasted() {
        let table = AdviceTable::load(None).unwrap();
        let check = |code: Option<&str>, class, instance, expected: &str| {
            let what = code.unwrap_or("blocked");
            let line = table.find(code, class).unwrap().line(what, instance);
            assert_eq!(line, expected);
        };
        check(
            Some("TSS04"),
            Class::RateLimited,
            Some("aol-b"),
            "TSS04 (Yahoo/AOL: volume or complaints; wait 2-4 h): relay-limit pause aol-b --for 4h --reason TSS04; \
             then resume at half",
        );
        check(
            Some("XYZ1"),
            Class::Blocked,
            Some("it's b"),
            "XYZ1 (any provider: refused for the address's reputation; wait 4 h, or until removal was requested): \
             relay-limit pause \"it's b\" --for 4h; then resume at half",
        );
        check(
            Some("HM08"),
            Class::Blocked,
            None,
            "HM08 (Apple: refused for the message or the address's reputation; wait a day): look at what was sent; \
             write to the postmaster",
        );
        assert_eq!(table.find(None, Class::BadMailbox), None);
        // Broadcom's and Vade's codes are not Comcast's, though they begin alike.
        for code in ["BL0001", "RL01"] {
            let found = table.find(Some(code), Class::Blocked).unwrap();
            assert_eq!(found.from, "any provider", "{code}");
        }
        // What will not be taken again is not resumed after some hours.
        for code in ["TS03", "TSS09", "TSS11"] {
            let refused = table.find(Some(code), Class::Blocked).unwrap();
            assert!(refused.means.contains("will not succeed"), "{refused:?}");
        }
        let (code, _) = table
            .in_words("blocked again: [TSS04], since noon")
            .unwrap();
        assert_eq!(code, "TSS04");
        assert!(table.in_words("nobody knows").is_none());
    }

    const WHOLE: &str = "[[advice]]\ncode = ['TSS04']\nfrom = 'AOL'\nmeans = 'm'\nwait = '1 h'\nthen = 't'\n\
                         page = 'p'\nsource = 's'\ndate = '2026-01-02'\n";

    #[test]
    fn without_source_and_date_there_is_no_advice() {
        // The site's own comes first.
        let table = own(WHOLE).unwrap();
        assert_eq!(table.find(Some("TSS04"), Class::Other).unwrap().from, "AOL");
        let check = |from: &str, to: &str, why: &str| {
            let error = own(&WHOLE.replace(from, to)).unwrap_err().to_string();
            assert!(error.starts_with("advice.toml"), "{error}");
            assert!(error.contains(why), "{error}");
        };
        check("source = 's'\n", "", "missing field `source`");
        check("source = 's'", "source = ' '", "where this was read");
        check("date = '2026-01-02'\n", "", "missing field `date`");
        check("2026-01-02", "yesterday", "is not a date");
        check("code = ['TSS04']\n", "", "for a code or for a class");
        check("code = ['TSS04']", "class = ['bad']", "not a reason class");
        check("code = ['TSS04']", "code = ['']", "says nothing");
        check(
            "wait = '1 h'",
            "wait = '1 h'\npause = 'long'",
            "is not a time",
        );
        check("wait = '1 h'", "weight = '1 h'", "unknown field");
    }

    #[test]
    fn every_entry_has_a_source_that_is_not_of_the_future() {
        let table = AdviceTable::load(None).unwrap();
        assert!(table.entries().len() > 8);
        for one in table.entries() {
            assert!(one.page.starts_with("https://"), "{one:?}");
            assert!(one.date.to_string().as_str() <= "2026-11-29", "{one:?}");
        }
    }
}
