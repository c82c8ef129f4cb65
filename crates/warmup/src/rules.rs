//! What a sending day is judged by: `data/rules.toml` is compiled in, the host's /etc/relay-tools/warmup.toml says
//! otherwise.

use std::path::Path;

use knowledge::toml_text;
use postfix::Problem;
use serde::Deserialize;

const BUILT_IN: &str = include_str!("../data/rules.toml");
const BUILT_IN_PATH: &str = "(compiled in) crates/warmup/data/rules.toml";
const FORM: &str = "rules have judged_from, over_cap, used, idle_days; [bounced], [blocked], [deferred] with hold and \
    step_back; \
[rate_limited] with above, times, hold and step_back";

/// Percentages of a day's attempts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Above this: hold.
    pub hold: f64,
    /// Above this: step back.
    pub step_back: f64,
}

/// When a provider asks for less ever more often.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rising {
    /// Percent of a day's attempts that are no reason to worry.
    pub above: f64,
    /// So much as on the sending day before is no rise.
    pub times: f64,
    /// Percent: above this, rising or not, hold.
    pub hold: f64,
    /// Percent: above this, rising or not, step back.
    pub step_back: f64,
}

/// The rules.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// From this many attempts on, percentages are taken as they are; below, the lower end of their interval is.
    pub judged_from: u64,
    /// Percent of the cap.
    pub over_cap: f64,
    /// Percent of the cap, delivered: a day with less does not count.
    pub used: f64,
    /// Days.
    pub idle_days: u32,
    /// Refused for good.
    pub bounced: Bounds,
    /// Refused because of the address's reputation.
    pub blocked: Bounds,
    /// To be tried again.
    pub deferred: Bounds,
    /// Asked to be slower.
    pub rate_limited: Rising,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct File {
    judged_from: Option<u64>,
    over_cap: Option<f64>,
    used: Option<f64>,
    idle_days: Option<u32>,
    #[serde(default)]
    bounced: BoundsTable,
    #[serde(default)]
    blocked: BoundsTable,
    #[serde(default)]
    deferred: BoundsTable,
    #[serde(default)]
    rate_limited: RisingTable,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct BoundsTable {
    hold: Option<f64>,
    step_back: Option<f64>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct RisingTable {
    above: Option<f64>,
    times: Option<f64>,
    hold: Option<f64>,
    step_back: Option<f64>,
}

impl Rules {
    /// The rules, `own` (a file's text, and the path it came from) over those compiled in.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn load(own: Option<(&str, &Path)>) -> Result<Self, Problem> {
        // All of them are in there; see the test.
        let zero = Bounds {
            hold: 0.0,
            step_back: 0.0,
        };
        let mut rules = Self {
            judged_from: 0,
            over_cap: 0.0,
            used: 0.0,
            idle_days: 0,
            bounced: zero,
            blocked: zero,
            deferred: zero,
            rate_limited: Rising {
                above: 0.0,
                times: 0.0,
                hold: 0.0,
                step_back: 0.0,
            },
        };
        rules.add(BUILT_IN, Path::new(BUILT_IN_PATH))?;
        if let Some((text, path)) = own {
            rules.add(text, path)?;
        }
        Ok(rules)
    }

    fn add(&mut self, text: &str, path: &Path) -> Result<(), Problem> {
        let file: File = toml_text::parse(text, path, FORM)?;
        // Each limit: its name, what the file says, and the field that it is for.
        macro_rules! limits {
            ($($($name:ident).+),+) => {
                [$((stringify!($($name).+), file.$($name).+, &mut self.$($name).+)),+]
            };
        }
        let limits = limits![
            over_cap,
            used,
            bounced.hold,
            bounced.step_back,
            blocked.hold,
            blocked.step_back,
            deferred.hold,
            deferred.step_back,
            rate_limited.above,
            rate_limited.times,
            rate_limited.hold,
            rate_limited.step_back
        ];
        for (name, value, own) in limits {
            match value {
                Some(value) if !(0.0..=1000.0).contains(&value) => {
                    let what = format!("{name} = {value}: it must be 0 to 1000");
                    return Err(Problem::new(path, what));
                }
                Some(value) => *own = value,
                None => {}
            }
        }
        self.judged_from = file.judged_from.unwrap_or(self.judged_from);
        self.idle_days = file.idle_days.unwrap_or(self.idle_days);
        if self.idle_days == 0 {
            return Err(Problem::new(path, "idle_days = 0: it must be 1 or more"));
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
        assert_eq!(
            rules,
            Rules {
                judged_from: 50,
                over_cap: 110.0,
                used: 75.0,
                idle_days: 30,
                bounced: Bounds {
                    hold: 3.0,
                    step_back: 10.0
                },
                blocked: Bounds {
                    hold: 0.5,
                    step_back: 0.5
                },
                deferred: Bounds {
                    hold: 50.0,
                    step_back: 100.0
                },
                rate_limited: Rising {
                    above: 1.0,
                    times: 1.25,
                    hold: 5.0,
                    step_back: 25.0
                },
            }
        );
    }

    #[test]
    fn a_file_says_otherwise_and_leaves_the_rest() {
        let own = "idle_days = 14\n[bounced]\nhold = 2\n";
        let rules = Rules::load(Some((own, Path::new("w.toml")))).unwrap();
        assert_eq!(rules.idle_days, 14);
        assert_eq!(
            rules.bounced,
            Bounds {
                hold: 2.0,
                step_back: 10.0
            }
        );
        assert_eq!(rules.judged_from, 50);
    }

    #[test]
    fn files_that_are_wrong() {
        let check = |own: &str, expected: &str| {
            let problem = Rules::load(Some((own, Path::new("w.toml")))).unwrap_err();
            let problem = problem.to_string();
            assert!(problem.starts_with(expected), "{problem}");
        };
        check(
            "[bounced]\nhold = -1",
            "w.toml: bounced.hold = -1: it must be 0 to 1000",
        );
        check(
            "[bounced]\nholds = 1",
            "w.toml, line 2: unknown field `holds`",
        );
        check("used = \"much\"", "w.toml, line 1: ");
        check("[blocked]\nhold = nan", "w.toml: blocked.hold = NaN");
        check("idle_days = 0", "w.toml: idle_days = 0");
    }
}
