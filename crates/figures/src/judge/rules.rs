//! The limits: `data/judge.toml` is compiled in, the host's /etc/relay-tools/judge.toml says otherwise.

use std::path::Path;

use postfix::Problem;
use serde::Deserialize;

use super::Limits;
use knowledge::toml_text;

const BUILT_IN: &str = include_str!("../../data/judge.toml");
const BUILT_IN_PATH: &str = "(compiled in) judge.toml";
const FORM: &str = "it has [blocked], [bounced] and [deferred] with warning, critical and from";
const NONE: Limits = Limits {
    warning: 100.0,
    critical: 100.0,
    from: 1,
};

/// The limits of a day's, or a window's, delivery attempts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// Refused because of the address's reputation.
    pub blocked: Limits,
    /// Refused for good.
    pub bounced: Limits,
    /// To be tried again.
    pub deferred: Limits,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    blocked: Table,
    #[serde(default)]
    bounced: Table,
    #[serde(default)]
    deferred: Table,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Table {
    warning: Option<f64>,
    critical: Option<f64>,
    from: Option<u64>,
}

impl Rules {
    /// The rules, `own` (a file's text, and the path it came from) over those compiled in.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn load(own: Option<(&str, &Path)>) -> Result<Self, Problem> {
        // All of them are in the file; see the test.
        let mut rules = Self {
            blocked: NONE,
            bounced: NONE,
            deferred: NONE,
        };
        rules.add(BUILT_IN, Path::new(BUILT_IN_PATH))?;
        if let Some((text, path)) = own {
            rules.add(text, path)?;
        }
        Ok(rules)
    }

    fn add(&mut self, text: &str, path: &Path) -> Result<(), Problem> {
        let file: File = toml_text::parse(text, path, FORM)?;
        let tables = [
            ("blocked", file.blocked, &mut self.blocked),
            ("bounced", file.bounced, &mut self.bounced),
            ("deferred", file.deferred, &mut self.deferred),
        ];
        for (name, table, limits) in tables {
            for (word, value) in [("warning", table.warning), ("critical", table.critical)] {
                if let Some(value) = value.filter(|value| !(0.0..=100.0).contains(value)) {
                    let what = format!("{name}.{word} = {value}: it must be 0 to 100");
                    return Err(Problem::new(path, what));
                }
            }
            *limits = Limits {
                warning: table.warning.unwrap_or(limits.warning),
                critical: table.critical.unwrap_or(limits.critical),
                from: table.from.unwrap_or(limits.from),
            };
            if limits.warning > limits.critical {
                let what = format!(
                    "{name}.warning = {} is above critical = {}, and would never warn",
                    limits.warning, limits.critical
                );
                return Err(Problem::new(path, what));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults() {
        let rules = Rules::load(None).unwrap();
        let of = |limits: Limits| (limits.warning, limits.critical, limits.from);
        assert_eq!(of(rules.blocked), (1.0, 10.0, 1));
        assert_eq!(of(rules.bounced), (10.0, 50.0, 4));
        assert_eq!(of(rules.deferred), (20.0, 50.0, 4));
    }

    #[test]
    fn a_file_says_otherwise_and_leaves_the_rest() {
        let own = "[blocked]\nwarning = 0.2\n";
        let rules = Rules::load(Some((own, Path::new("judge.toml")))).unwrap();
        assert_eq!((rules.blocked.warning, rules.blocked.critical), (0.2, 10.0));
        assert_eq!(rules.deferred, Rules::load(None).unwrap().deferred);
    }

    #[test]
    fn files_that_are_wrong() {
        let check = |own: &str, expected: &str| {
            let problem = Rules::load(Some((own, Path::new("j.toml")))).unwrap_err();
            let problem = problem.to_string();
            assert!(problem.starts_with(expected), "{problem}");
        };
        check(
            "[blocked]\nwarning = nan",
            "j.toml: blocked.warning = NaN: it must be 0 to 100",
        );
        check(
            "[blocked]\nwarning = 30",
            "j.toml: blocked.warning = 30 is above critical = 10",
        );
        check("[bocked]", "j.toml, line 1: unknown field `bocked`");
        check("[bounced]\nfrom = -1", "j.toml, line 2: ");
    }
}
