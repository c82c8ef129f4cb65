//! The answer of `--check`: one line for a monitoring system, as the monitoring-plugin guidelines have it
//! (<https://www.monitoring-plugins.org/doc/guidelines.html>).

use std::fmt;

/// A plugin's verdict, the worse the greater (UNKNOWN outranks a warning, never a critical state).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// All is well: 0.
    Ok,
    /// Look at it today: 1.
    Warning,
    /// It could not be found out: 3.
    Unknown,
    /// Look at it now: 2.
    Critical,
}

impl Level {
    /// The exit status.
    pub fn status(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
        }
    }

    /// The word that the line begins with.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// The verdict on `value`, which is bad above `warn` and worse above `crit`.
    pub fn above(value: f64, warn: Option<f64>, crit: Option<f64>) -> Self {
        if crit.is_some_and(|limit| value > limit) {
            Self::Critical
        } else if warn.is_some_and(|limit| value > limit) {
            Self::Warning
        } else {
            Self::Ok
        }
    }
}

/// One measured value after the `|`: `label=value[unit];warn;crit;min`.
#[derive(Debug, Clone, PartialEq)]
pub struct Perf {
    /// What it is. Quoted where it holds blanks; `=` and `'` become `_`.
    pub label: String,
    /// The value.
    pub value: f64,
    /// `s`, `%`, `B`, `c` (a counter), or nothing.
    pub unit: &'static str,
    /// The value above which it is a WARNING.
    pub warn: Option<f64>,
    /// The value above which it is CRITICAL.
    pub crit: Option<f64>,
    /// The smallest value there can be.
    pub min: Option<f64>,
}

impl Perf {
    /// A count, of 0 or more.
    pub fn count(label: impl Into<String>, value: f64) -> Self {
        Self {
            label: label.into(),
            value,
            unit: "",
            warn: None,
            crit: None,
            min: Some(0.0),
        }
    }

    /// The same, in a unit.
    #[must_use]
    pub fn unit(mut self, unit: &'static str) -> Self {
        self.unit = unit;
        self
    }

    /// The same, with its limits.
    #[must_use]
    pub fn limits(mut self, warn: Option<f64>, crit: Option<f64>) -> Self {
        self.warn = warn;
        self.crit = crit;
        self
    }
}

impl fmt::Display for Perf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let label = plain(&self.label).replace(['=', '\''], "_");
        if label.contains(' ') || label.is_empty() {
            write!(f, "'{label}'")?;
        } else {
            f.write_str(&label)?;
        }
        if self.value.is_finite() {
            write!(f, "={}{}", self.value, self.unit)?;
        } else {
            // Not measured, as the guidelines have it: a rate of no mail at all, say.
            f.write_str("=U")?;
        }
        let fields = [self.warn, self.crit, self.min];
        let used = fields
            .iter()
            .rposition(Option::is_some)
            .map_or(0, |last| last + 1);
        for field in fields.iter().take(used) {
            match field {
                Some(value) => write!(f, ";{value}")?,
                None => f.write_str(";")?,
            }
        }
        Ok(())
    }
}

/// The whole line: `WARNING: aol-b: 312 in the mailq | mailq=312;200;500;0`.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// How bad it is.
    pub level: Level,
    /// One line for a person. May quote strangers' text: it is escaped here, and a `|` becomes `/`.
    pub text: String,
    /// The measured values.
    pub perf: Vec<Perf>,
}

/// This many findings are named, the worst first; the others are counted.
const NAMED: usize = 5;

impl Verdict {
    /// The verdict on what was `found`, which should come in order of weight: the worst of it decides. What is
    /// [`Level::Ok`] is not named; where nothing else was found, `well` says what is well.
    pub fn of(found: Vec<(Level, String)>, well: impl FnOnce() -> String, perf: Vec<Perf>) -> Self {
        let mut found = found;
        // Stable: within a level the order stays.
        found.sort_by_key(|(level, _)| std::cmp::Reverse(*level));
        found.retain(|(level, _)| *level != Level::Ok);
        let level = found.first().map_or(Level::Ok, |(worst, _)| *worst);
        let named = found.iter().take(NAMED).map(|(_, text)| text.as_str());
        let mut text = named.collect::<Vec<_>>().join("; ");
        match found.len() {
            0 => text = well(),
            n if n > NAMED => text.push_str(&format!("; and {} more", n - NAMED)),
            _ => {}
        }
        Self { level, text, perf }
    }

    /// A verdict without measured values.
    pub fn new(level: Level, text: impl Into<String>) -> Self {
        Self {
            level,
            text: text.into(),
            perf: Vec::new(),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.level.as_str(), plain(&self.text))?;
        for (n, perf) in self.perf.iter().enumerate() {
            write!(f, "{}{perf}", if n == 0 { " | " } else { " " })?;
        }
        Ok(())
    }
}

/// Text that keeps to its one line and its side of the `|`.
fn plain(text: &str) -> String {
    postfix::escape(text).to_string().replace('|', "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(verdict: &Verdict, expected: &str) {
        assert_eq!(verdict.to_string(), expected);
    }

    #[test]
    fn the_line_is_as_the_guidelines_have_it() {
        check(&Verdict::new(Level::Ok, "all well"), "OK: all well");
        let mut v = Verdict::new(Level::Warning, "postfix-aol-b: 312 in the mailq");
        v.perf = vec![
            Perf::count("mailq", 312.0).limits(Some(200.0), Some(500.0)),
            Perf::count("oldest age", 7200.0).unit("s"),
            Perf::count("rate", f64::NAN).unit("%"),
            Perf {
                min: None,
                ..Perf::count("bounced", 2.5).unit("%")
            },
        ];
        check(
            &v,
            "WARNING: postfix-aol-b: 312 in the mailq | mailq=312;200;500;0 'oldest age'=7200s;;;0 rate=U;;;0 \
             bounced=2.5%",
        );
    }

    #[test]
    fn the_worst_is_named_first_and_the_rest_counted() {
        let found = |levels: &[Level]| {
            let named = levels
                .iter()
                .zip('a'..)
                .map(|(level, name)| (*level, name.to_string()));
            Verdict::of(named.collect(), || "well".to_owned(), Vec::new())
        };
        let (ok, warning, unknown, critical) =
            (Level::Ok, Level::Warning, Level::Unknown, Level::Critical);
        check(&found(&[]), "OK: well");
        check(&found(&[ok, ok]), "OK: well");
        check(
            &found(&[ok, warning, unknown, warning, critical]),
            "CRITICAL: e; c; b; d",
        );
        check(&found(&[warning; 6]), "WARNING: a; b; c; d; e; and 1 more");
    }

    #[test]
    fn text_keeps_to_its_place() {
        let mut v = Verdict::new(Level::Critical, "a|b\n\x1b[2Jc");
        v.perf = vec![Perf::count("it's=1|x", 1.0)];
        check(&v, "CRITICAL: a/b\\n\\x1b[2Jc | it_s_1/x=1;;;0");
    }

    #[test]
    fn limits_are_passed_above_not_at() {
        let level = |value| Level::above(value, Some(200.0), Some(500.0));
        assert_eq!(
            [200.0, 201.0, 500.0, 501.0].map(level),
            [Level::Ok, Level::Warning, Level::Warning, Level::Critical]
        );
        assert_eq!(Level::above(9.0, None, None), Level::Ok);
    }

    #[test]
    fn the_worst_level_is_the_greatest() {
        let worst = [Level::Warning, Level::Unknown, Level::Critical, Level::Ok]
            .into_iter()
            .max();
        assert_eq!(worst, Some(Level::Critical));
    }
}
