//! The plan of an instance's warm-up: by sending day the cap, the settings that hold to it, and the records that bring
//! it.
//!
//! A sending day is a day on which the instance sends mail; days without any do not count. So a plan has no dates but
//! its first: [`crate::status`] finds out how far it has come.

mod file;

use std::collections::BTreeSet;
use std::net::IpAddr;

use postfix::{Day, Time};

use crate::intake::{Intake, OtherLimits};
use crate::limits::Limits;
use crate::ratio::{Ratio, RelayName};
use crate::schedule::{Level, MAX_LEVELS, Schedule, ScheduleError};
use crate::settings::{Bounds, HeldBy, Hold, Mail, Settings};
use legible::shell::quoted;

pub use file::{DIRECTORY, SCHEMA, name, read, write};

/// What a plan is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// The instance's name.
    pub instance: String,
    /// Its syslog_name, by which its days are found in logs and day records.
    pub syslog_name: String,
    /// Where its main.cf is.
    pub config_directory: String,
    /// The host that it is on.
    pub host: String,
    /// The SMTP client of master.cf that its mail leaves by.
    pub transport: String,
    /// Where it sends from, if that is known.
    pub address: Option<IpAddr>,
    /// The provider's relay name, if the instance is named for a provider.
    pub relay: Option<RelayName>,
    /// When the plan was made.
    pub created: Time,
    /// No day before counts.
    pub start: Day,
    /// Messages a day when it is warm.
    pub volume: u64,
    /// Messages a day that all addresses of the relay name send together.
    pub total: u64,
    /// What the mail is like.
    pub mail: Mail,
    /// The number of hosts that hand mail to the instance.
    pub clients: u32,
    /// May old addresses be taken out of the relay name, as the new one can take their share?
    pub replaces_old: bool,
    /// What anvil's limits are before the warm-up.
    pub others: OtherLimits,
    /// What main.cf and master.cf say before the warm-up of what the plan sets.
    pub before: Vec<Before>,
}

/// A setting as it was before the warm-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Before {
    /// The parameter; or, of master.cf, `TRANSPORT/unix/process_limit`.
    pub name: String,
    /// As it was written; absent where main.cf had none, and the default held.
    pub value: Option<String>,
}

/// A plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What it is made of.
    pub order: Order,
    /// The schedule's name.
    pub schedule: String,
    /// The levels, the last one at the volume; one at least.
    pub levels: Vec<PlanLevel>,
}

/// A level, with what brings it about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlanLevel {
    /// Cap and sending days.
    pub level: Level,
    /// What holds to the cap.
    pub settings: Settings,
    /// What brings the mail; absent without a relay name.
    pub ratio: Option<Ratio>,
    /// How much of it is accepted, where more comes than is sent, or the settings alone do not ensure that.
    pub intake: Option<Intake>,
}

impl Plan {
    /// Makes the plan.
    ///
    /// # Errors
    /// The schedule does not lead to the volume.
    pub fn make(order: Order, schedule: &Schedule) -> Result<Self, ScheduleError> {
        let mut levels: Vec<PlanLevel> = Vec::new();
        for level in schedule.levels(order.volume)? {
            levels.push(level_after(&order, schedule, levels.last(), level));
        }
        // What cannot be sent in so great a step takes some more.
        while let Some(last) = levels.last().filter(|last| last.is_short())
            && levels.len() < MAX_LEVELS
        {
            let next = level_after(&order, schedule, Some(last), last.level);
            if next.settings.lets_out <= last.settings.lets_out {
                break;
            }
            levels.push(next);
        }
        Ok(Self {
            levels,
            schedule: schedule.name.clone(),
            order,
        })
    }

    /// How many sending days it takes until the volume is reached: those of all levels but the last.
    pub fn days(&self) -> u32 {
        let before = self.levels.split_last().map_or(&[][..], |(_, rest)| rest);
        before.iter().map(|level| level.level.days).sum()
    }

    /// The sending days, from 1, of the level at `at` if none has to be repeated; the last level's are open-ended.
    pub fn days_of(&self, at: usize) -> (u32, Option<u32>) {
        let before = self.levels.iter().take(at);
        let first = 1 + before.map(|level| level.level.days).sum::<u32>();
        match self.levels.get(at) {
            Some(level) if at + 1 < self.levels.len() => {
                (first, Some(first + level.level.days - 1))
            }
            _ => (first, None),
        }
    }

    /// The sending days, from 1, each with its level's place if none has to be repeated; of the last level, whose days
    /// have no end, as many as it is held.
    pub fn sending_days(&self) -> impl Iterator<Item = (u32, usize)> + '_ {
        let mut day = 0;
        let levels = self.levels.iter().enumerate();
        let all = levels.flat_map(|(at, level)| (0..level.level.days).map(move |_| at));
        all.map(move |at| {
            day += 1;
            (day, at)
        })
    }

    /// The level of a sending day, from 1, if none has to be repeated.
    pub fn level_of(&self, day: u32) -> usize {
        let fits = |at: &usize| self.days_of(*at).1.is_none_or(|last| day <= last);
        let found = (0..self.levels.len()).find(fits);
        found.unwrap_or(self.levels.len().saturating_sub(1))
    }

    /// The date of a sending day, from 1, if mail is sent every day.
    pub fn date_of(&self, day: u32) -> Day {
        let after = u64::from(day.saturating_sub(1));
        self.order.start.plus(after)
    }

    /// What a level does about mail that comes beyond what is sent; nothing without a relay name.
    fn intake(&self, level: &PlanLevel) -> Vec<(String, String)> {
        match (&level.ratio, &level.intake) {
            (_, Some(intake)) => intake.parameters(&self.order.others),
            (Some(_), None) => Intake::none(),
            (None, None) => Vec::new(),
        }
    }

    /// Does what holds to a level's cap hold the instance now?
    pub fn is_in_force(&self, level: &PlanLevel, limits: &Limits) -> bool {
        let is_taken_in_measure = || {
            let intake = level.intake.as_ref();
            intake.is_some_and(|intake| intake.is_in_force(limits))
        };
        level.settings.are_in_force(limits)
            && (level.settings.held_by != HeldBy::Intake || is_taken_in_measure())
    }

    /// All main.cf parameters of a level.
    pub fn parameters(&self, level: &PlanLevel) -> Vec<(String, String)> {
        let mut all = level.settings.parameters(&self.order.transport);
        all.extend(self.intake(level));
        all
    }

    /// All that a level sets, with its value: parameters, and `TRANSPORT/unix/process_limit` of master.cf.
    pub fn settings(&self, level: &PlanLevel) -> Vec<(String, String)> {
        let mut all = self.parameters(level);
        if let Hold::Processes(processes) = level.settings.hold {
            let name = format!("{}/unix/process_limit", self.order.transport);
            all.push((name, processes.to_string()));
        }
        all
    }

    /// The commands that put a level's settings in force.
    pub fn commands(&self, level: &PlanLevel) -> Vec<String> {
        let order = &self.order;
        let more = self.intake(level);
        level
            .settings
            .commands(&order.config_directory, &order.transport, more)
    }

    /// The commands that put everything back as it was before the warm-up; none where that is not known.
    pub fn undo(&self) -> Vec<String> {
        let directory = quoted(&self.order.config_directory);
        let mut commands: Vec<String> = self
            .order
            .before
            .iter()
            .map(|before| {
                let Before { name, value } = before;
                match (name.contains('/'), value) {
                    (true, value) => {
                        let field = format!("{name}={}", value.as_deref().unwrap_or("-"));
                        format!("postconf -c {directory} -F {}", quoted(&field))
                    }
                    (false, Some(value)) => {
                        let setting = format!("{name} = {value}");
                        format!("postconf -c {directory} -e {}", quoted(setting.trim_end()))
                    }
                    (false, None) => format!("postconf -c {directory} -X {}", quoted(name)),
                }
            })
            .collect();
        if !commands.is_empty() {
            commands.push(format!("postfix -c {directory} reload"));
        }
        commands
    }

    /// The names of all that the plan sets, on any level.
    pub fn names(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for level in &self.levels {
            names.extend(self.settings(level).into_iter().map(|(name, _)| name));
        }
        names
    }

    /// The lines of the zone on a level; none without a relay name.
    pub fn zone_lines(&self, level: &PlanLevel) -> Vec<String> {
        match (&self.order.relay, level.ratio) {
            (Some(relay), Some(ratio)) => relay.zone_lines(ratio),
            _ => Vec::new(),
        }
    }
}

/// A level, as it follows from what the one `before` it sends.
fn level_after(
    order: &Order,
    schedule: &Schedule,
    before: Option<&PlanLevel>,
    level: Level,
) -> PlanLevel {
    let cap = level.cap;
    let bound = |outflow: fn(&PlanLevel) -> u64| {
        let after = |before| schedule.most_after(outflow(before), before.level.cap, cap);
        before.map_or(cap, after).min(cap)
    };
    let bounds = Bounds {
        at_most: bound(PlanLevel::at_most),
        lets_out: bound(|before| before.settings.lets_out),
    };
    let last = before.map_or(0, |before| before.settings.lets_out);
    // Who takes less than comes must know where it goes instead.
    let settings = Settings::within(bounds, order.mail, order.relay.is_some(), last);
    // What is not sent would wait, cap or not.
    let ratio = order.relay.as_ref().map(|relay| {
        let unequal = relay.unequal(settings.lets_out.min(cap), order.total);
        unequal.unwrap_or_else(|| match order.replaces_old {
            // What comes beyond it, by a little, goes on to the old ones.
            true => relay.ratio(settings.at_most.min(cap), order.total),
            false => relay.beside_all(order.total),
        })
    });
    // By MX and SRV records, hosts that keep connections bring nothing for a while, and then much at once.
    let may_be_too_much = |ratio: Ratio| ratio.brings > settings.lets_out || ratio.by.is_some();
    let is_too_much = ratio.is_some_and(may_be_too_much) || settings.held_by == HeldBy::Intake;
    PlanLevel {
        level,
        settings,
        ratio,
        intake: is_too_much.then(|| Intake::for_day(settings.lets_out, order.clients)),
    }
}

impl PlanLevel {
    /// Is much less sent than the cap would allow?
    fn is_short(&self) -> bool {
        self.settings.lets_out.saturating_mul(5) < self.level.cap.saturating_mul(4)
    }

    /// Messages a day that may leave at most, as far as what is taken is all that comes.
    pub fn at_most(&self) -> u64 {
        match self.settings.held_by {
            HeldBy::Intake => self.settings.lets_out,
            _ => self.settings.at_most,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
