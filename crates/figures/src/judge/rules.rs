//! The limits: `data/judge.toml` is compiled in, the host's /etc/relay-tools/judge.toml says otherwise.

mod file;

use std::path::Path;

use postfix::{Problem, Span};

use super::{Limits, Sample};
use crate::mail_stats::check::Watched;
use crate::verdict::Level;
use file::{ChangeTable, DelayTable, File, MailqTable, Table, VolumeTable};
use knowledge::toml_text;

const BUILT_IN: &str = include_str!("../../data/judge.toml");
const BUILT_IN_PATH: &str = "(compiled in) judge.toml";
const FORM: &str = "it has [blocked], [bounced], [deferred], [expired], [discarded] with warning, critical and from; [unread] with warning, \
    unknown and from; \
[change], [volume], [delay], [mailq], [complaints]";
const NONE: Limits = Limits {
    warning: 100.0,
    critical: 100.0,
    from: 1,
};

/// The limits of a day, or a window.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// Refused because of the address's reputation.
    pub blocked: Limits,
    /// Refused for good.
    pub bounced: Limits,
    /// To be tried again.
    pub deferred: Limits,
    /// Messages that became too old.
    pub expired: Limits,
    /// Thrown away by discard(8).
    pub discarded: Limits,
    /// Delivery lines that could not be read. Above [`Limits::critical`] no figure is worth a verdict.
    pub unread: Limits,
    /// Shares beside those of other days.
    pub change: Change,
    /// Numbers beside those of other days.
    pub volume: Volume,
    /// How long what was sent took.
    pub delay: Delay,
    /// What waits in the queues.
    pub mailq: Mailq,
    /// What Postfix says of itself.
    pub complaints: Programs,
}

/// When a share is far above what it was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// How many times as much, beyond chance.
    pub times: f64,
    /// And by how many points, in percent: of what is blocked, bounced, deferred, expired, discarded.
    pub points: [f64; 5],
    /// And how many at least.
    pub from: u64,
}

impl Change {
    /// By how many points it must have risen.
    pub fn points_of(&self, watched: Watched) -> f64 {
        let [blocked, bounced, deferred, expired, discarded] = self.points;
        match watched {
            Watched::Blocked => blocked,
            Watched::Bounced => bounced,
            Watched::Deferred => deferred,
            Watched::Expired => expired,
            Watched::Discarded => discarded,
        }
    }
}

/// When there is far more or less to deliver than there was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Volume {
    /// How many times as much is far more.
    pub more: f64,
    /// One in how many is far less.
    pub less: f64,
    /// Judged where there are at least this many on a usual day.
    pub from: u64,
}

/// When mail that was sent took too long: half of it more than this.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Delay {
    /// Worth a warning.
    pub warning: Span,
    /// Critical.
    pub critical: Span,
    /// Judged where so much was sent.
    pub from: u64,
}

/// When too much waits, or for too long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mailq {
    /// More messages than this are worth a warning, or critical.
    pub messages: (u64, u64),
    /// The same of the age of the oldest.
    pub oldest: (Span, Span),
}

/// Whose complaints count how much, by program.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Programs {
    /// Without these, an instance's mail stands still.
    pub critical: Vec<String>,
    /// Warnings that say this are worth one.
    pub warnings: Vec<String>,
    /// These are run by people.
    pub ignored: Vec<String>,
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
            expired: NONE,
            discarded: NONE,
            unread: NONE,
            change: Change {
                times: f64::INFINITY,
                points: [100.0; 5],
                from: u64::MAX,
            },
            volume: Volume {
                more: f64::INFINITY,
                less: f64::INFINITY,
                from: u64::MAX,
            },
            delay: Delay {
                warning: Span::ZERO,
                critical: Span::ZERO,
                from: u64::MAX,
            },
            mailq: Mailq {
                messages: (u64::MAX, u64::MAX),
                oldest: (Span::ZERO, Span::ZERO),
            },
            complaints: Programs::default(),
        };
        rules.add(BUILT_IN, Path::new(BUILT_IN_PATH))?;
        if let Some((text, path)) = own {
            rules.add(text, path)?;
        }
        Ok(rules)
    }

    /// The limits of one kind of attempts.
    pub fn of(&self, watched: Watched) -> &Limits {
        match watched {
            Watched::Blocked => &self.blocked,
            Watched::Bounced => &self.bounced,
            Watched::Deferred => &self.deferred,
            Watched::Expired => &self.expired,
            Watched::Discarded => &self.discarded,
        }
    }

    /// What this many unread delivery lines among all of them make of a verdict: above [`Limits::critical`], and where
    /// none could be read, however few they are, nothing is known.
    pub fn unread_level(&self, unread: Sample) -> Level {
        let is_all = unread.part() > 0 && unread.part() == unread.whole();
        match self.unread.judge(unread).level {
            Level::Critical => Level::Unknown,
            _ if is_all => Level::Unknown,
            level => level,
        }
    }

    fn add(&mut self, text: &str, path: &Path) -> Result<(), Problem> {
        let file: File = toml_text::parse(text, path, FORM)?;
        let unread = Table {
            warning: file.unread.warning,
            critical: file.unread.unknown,
            from: file.unread.from,
        };
        for (name, worse, table, limits) in [
            ("blocked", "critical", file.blocked, &mut self.blocked),
            ("bounced", "critical", file.bounced, &mut self.bounced),
            ("deferred", "critical", file.deferred, &mut self.deferred),
            ("expired", "critical", file.expired, &mut self.expired),
            ("discarded", "critical", file.discarded, &mut self.discarded),
            ("unread", "unknown", unread, &mut self.unread),
        ] {
            for (word, value) in [("warning", table.warning), (worse, table.critical)] {
                percentage(path, &format!("{name}.{word}"), value)?;
            }
            *limits = Limits {
                warning: table.warning.unwrap_or(limits.warning),
                critical: table.critical.unwrap_or(limits.critical),
                from: table.from.unwrap_or(limits.from),
            };
            never_warns(path, name, worse, limits.warning, limits.critical)?;
        }
        self.add_changes(path, &file.change, &file.volume)?;
        self.add_delay(path, &file.delay)?;
        self.add_mailq(path, &file.mailq)?;
        let programs = &mut self.complaints;
        programs.critical = file
            .complaints
            .critical
            .unwrap_or(std::mem::take(&mut programs.critical));
        let warnings = file.complaints.warnings;
        programs.warnings = warnings.unwrap_or(std::mem::take(&mut programs.warnings));
        programs.ignored = file
            .complaints
            .ignored
            .unwrap_or(std::mem::take(&mut programs.ignored));
        Ok(())
    }

    fn add_changes(
        &mut self,
        path: &Path,
        change: &ChangeTable,
        volume: &VolumeTable,
    ) -> Result<(), Problem> {
        for (name, times) in [
            ("change.times", change.times),
            ("volume.more", volume.more),
            ("volume.less", volume.less),
        ] {
            // Not a number is no time more either.
            if let Some(times) = times.filter(|times| *times < 1.0 || times.is_nan()) {
                let what = format!("{name} = {times}: it must be at least 1");
                return Err(Problem::new(path, what));
            }
        }
        let points = [
            change.blocked,
            change.bounced,
            change.deferred,
            change.expired,
            change.discarded,
        ];
        let names = Watched::JUDGED.map(Watched::as_str);
        for ((name, new), old) in names.iter().zip(points).zip(&mut self.change.points) {
            percentage(path, &format!("change.{name}"), new)?;
            *old = new.unwrap_or(*old);
        }
        self.change.times = change.times.unwrap_or(self.change.times);
        self.change.from = change.from.unwrap_or(self.change.from);
        self.volume.more = volume.more.unwrap_or(self.volume.more);
        self.volume.less = volume.less.unwrap_or(self.volume.less);
        self.volume.from = volume.from.unwrap_or(self.volume.from);
        Ok(())
    }

    fn add_delay(&mut self, path: &Path, table: &DelayTable) -> Result<(), Problem> {
        let delay = &mut self.delay;
        let minutes = |minutes: Option<u64>, old| minutes.map_or(old, Span::from_minutes);
        delay.warning = minutes(table.warning, delay.warning);
        delay.critical = minutes(table.critical, delay.critical);
        delay.from = table.from.unwrap_or(delay.from);
        let minutes = |span: Span| (span.seconds() / 60) as f64;
        let (warning, critical) = (minutes(delay.warning), minutes(delay.critical));
        never_warns(path, "delay", "critical", warning, critical)
    }

    fn add_mailq(&mut self, path: &Path, table: &MailqTable) -> Result<(), Problem> {
        let mailq = &mut self.mailq;
        let hours = |hours: Option<u64>, old| hours.map_or(old, Span::from_hours);
        mailq.messages = (
            table.warning.unwrap_or(mailq.messages.0),
            table.critical.unwrap_or(mailq.messages.1),
        );
        mailq.oldest = (
            hours(table.oldest_warning, mailq.oldest.0),
            hours(table.oldest_critical, mailq.oldest.1),
        );
        let (warning, critical) = mailq.messages;
        never_warns(path, "mailq", "critical", warning as f64, critical as f64)?;
        let (warning, critical) = mailq.oldest;
        let hours = |span: Span| (span.seconds() / 3600) as f64;
        never_warns(
            path,
            "mailq.oldest",
            "critical",
            hours(warning),
            hours(critical),
        )
    }
}

fn percentage(path: &Path, name: &str, value: Option<f64>) -> Result<(), Problem> {
    match value.filter(|value| !(0.0..=100.0).contains(value)) {
        Some(value) => {
            let what = format!("{name} = {value}: it must be 0 to 100");
            Err(Problem::new(path, what))
        }
        None => Ok(()),
    }
}

fn never_warns(
    path: &Path,
    name: &str,
    worse: &str,
    warning: f64,
    critical: f64,
) -> Result<(), Problem> {
    if warning > critical {
        let what = format!(
            "{name}.warning = {warning} is above {worse} = {critical}, and would never take effect"
        );
        return Err(Problem::new(path, what));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
