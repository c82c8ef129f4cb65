//! Reading a journal on from where an earlier run stopped.

use crate::log::event::Sink;
use crate::log::follow::{Bookmark, Followed};
use crate::log::read::Options;
use crate::problem::Problem;
use crate::time::Time;

use super::export::Entry;
use super::intake::Intake;
use super::{Journal, ctl};

impl Journal {
    /// Reads what is new in it since `known` into a sink that `empty` makes. If nothing is known, that is all of it,
    /// or, where a window is asked for, what was written from its begin on, as of a file ([`crate::log::follow()`]).
    ///
    /// The place is that of the last entry of mail that was read. Where that entry is gone, and what is left of the
    /// journal begins after the earlier run, entries may be lost that nobody has read: [`Followed::gap`] says so.
    /// Journals are shortened (journald.conf(5), `SystemMaxUse`), and one in /run ends with the boot.
    ///
    /// # Errors
    ///
    /// As for [`Journal::read()`]; `known` still holds then.
    pub fn follow<S: Sink>(
        &self,
        known: &Bookmark,
        options: &Options<'_>,
        empty: impl Fn() -> S,
    ) -> Result<(Followed, S), Problem> {
        let since = known
            .seen
            .or(options.window.as_ref().map(|window| window.start));
        let start = match (&known.cursor, since) {
            (Some(cursor), _) => Some(format!("--cursor={cursor}")),
            (None, Some(since)) => Some(format!("--since=@{}", since.seconds())),
            (None, None) => None,
        };
        let window = match &known.cursor {
            // Clocks are set back: what comes after the entry is new, whatever its time.
            Some(_) => Time::EPOCH..Time::MAX,
            None => since.unwrap_or(Time::EPOCH)..Time::MAX,
        };
        let mut sink = empty();
        let mut intake = Intake::new(self, options, window);
        let mut cursor = None;
        let mut was_met = false;
        let mut is_first = true;
        let arguments: Vec<String> = start.into_iter().chain(self.matches()?).collect();
        let ran = ctl::run(self, &arguments, |output| {
            intake.each(output, |intake, entry| {
                was_met |= is_first && is_at(entry, known.cursor.as_deref());
                if !(is_first && was_met) {
                    intake.entry(entry, &mut sink);
                }
                is_first = false;
                cursor = Some(String::from_utf8_lossy(entry.cursor).into_owned());
                true
            })
        })?;
        // The rest comes with the next run.
        if let Some(stopped) = ran.value {
            return Err(stopped);
        }
        let gap = match since {
            Some(since) if !was_met => self.gap(since, options)?,
            _ => None,
        };
        let followed = Followed {
            known: Bookmark {
                marks: Vec::new(),
                seen: Some(options.now),
                cursor,
            },
            readings: vec![intake.report(options.zone, ran.problems)],
            gap,
        };
        Ok((followed, sink))
    }

    /// Does what is left of the journal begin after it was last read?
    fn gap(&self, seen: Time, options: &Options<'_>) -> Result<Option<Problem>, Problem> {
        let begins = self.begins()?;
        if begins.is_some_and(|begins| begins <= seen) {
            return Ok(None);
        }
        let time = |at: Time| {
            let local = options.zone.at(at);
            local.map_or_else(
                || "?".to_owned(),
                |local| local.format("%Y-%m-%d %H:%M:%S").to_string(),
            )
        };
        let left = match begins {
            Some(begins) => format!("begins at {}", time(begins)),
            None => "is empty".to_owned(),
        };
        let what = format!(
            "what is left of this journal {left}, and it was last read at {}: entries in between may be lost \
             (journald.conf(5): \
             Storage=persistent keeps it over a boot, SystemMaxUse= says how much)",
            time(seen)
        );
        Ok(Some(Problem::new(self.place(), what)))
    }
}

/// Is this the entry that a cursor names? Where it is stored may have changed since (`s` and `i`: journald moves
/// entries from /run to /var at boot), but not when it was made and what is in it.
pub(super) fn is_at(entry: &Entry<'_>, cursor: Option<&str>) -> bool {
    let Some(cursor) = cursor else {
        return false;
    };
    let found = String::from_utf8_lossy(entry.cursor);
    let of_itself = |cursor: &str| {
        let parts = cursor
            .split(';')
            .filter(|part| matches!(part.split_once('='), Some(("b" | "m" | "t" | "x", _))));
        let mut parts: Vec<String> = parts.map(str::to_owned).collect();
        parts.sort();
        parts
    };
    let known = of_itself(cursor);
    !known.is_empty() && known == of_itself(&found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_known_wherever_it_is_stored() {
        let check = |entry: &str, cursor: &str, expected: bool| {
            let entry = Entry {
                cursor: entry.as_bytes(),
                ..Entry::default()
            };
            assert_eq!(is_at(&entry, Some(cursor)), expected, "{cursor}");
        };
        let entry = "s=2c8a;i=46;b=b6aa;m=b233;t=6615;x=3ce3";
        check(entry, entry, true);
        check(entry, "s=ffff;i=1;b=b6aa;m=b233;t=6615;x=3ce3", true);
        check(entry, "x=3ce3;t=6615;m=b233;b=b6aa;i=46;s=2c8a", true);
        check(entry, "s=2c8a;i=46;b=b6aa;m=b233;t=6615;x=3ce4", false);
        check(entry, "s=2c8a;i=46;b=b6ab;m=b233;t=6615;x=3ce3", false);
        check("", "", false);
        check(entry, "", false);
    }
}
