//! The Postfix settings that hold an instance to a number of messages a day.
//!
//! What holds is TRANSPORT_transport_rate_delay (Postfix 3.1 and later): the queue manager starts no delivery over the
//! transport until this many seconds after the end of the one before, whatever the destination (postconf(5),
//! default_transport_rate_delay; `src/qmgr/qmgr_transport.c`: QMGR_TRANSPORT_STAT_RATE_LOCK is set when a delivery is
//! begun, and taken off by qmgr_deliver_update, when it has ended). They go one at a time, whatever concurrency and
//! processes are allowed. So with a delay of D seconds, and deliveries that take T, one leaves in D + T seconds; or,
//! since the queue manager's clock ticks in whole seconds (`src/util/events.c`, event_request_timer), in D + T without
//! the part of T below a second: the delay ends with a tick. What is planned for leaves at least
//! ([`Settings::lets_out`]), and no more than the cap at most ([`Settings::at_most`]).
//!
//! The better known TRANSPORT_destination_rate_delay holds each recipient domain to its delay, and different domains go
//! out at the same time (postconf(5), default_destination_rate_delay): a provider's domains together would have a
//! multiple of the cap. With both, each delivery waits twice, so that is set to 0.
//!
//! Delays are whole seconds: from 2 s to 1 s is a factor of nearly two. Above that, as many processes as a day of
//! theirs can deliver hold, which is only as good as what is known of the time that a delivery takes. Where neither
//! comes near to the cap, the next greater one serves, and what holds is how much is taken ([`crate::intake`]):
//! [`HeldBy::Intake`].

use crate::limits::Limits;
use legible::shell::quoted;

/// Seconds of a day.
const DAY: u64 = 86_400;

/// What is known of the mail that is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mail {
    /// Recipients of one delivery at most. 1: each has a message of his own, as lists send it.
    pub recipients: u32,
    /// The time that a delivery takes, in milliseconds. Only above 43,200 deliveries a day does anything depend on it.
    pub delivery_ms: u32,
}

impl Default for Mail {
    /// A message for each recipient, delivered in a second.
    fn default() -> Self {
        Self {
            recipients: 1,
            delivery_ms: 1000,
        }
    }
}

/// What lets the mail out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// Seconds between two deliveries.
    RateDelay(u64),
    /// The number of deliveries at the same time. It holds if they take as long as assumed.
    Processes(u64),
}

/// What keeps it from being more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeldBy {
    /// The settings themselves.
    Settings,
    /// How much is taken: what waits in the queue could leave faster.
    Intake,
    /// Nothing: more may leave than the step allows.
    Nothing,
}

impl HeldBy {
    /// Its word, as in a plan's file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::Intake => "intake",
            Self::Nothing => "nothing",
        }
    }
}

/// The settings for a cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// What lets the mail out.
    pub hold: Hold,
    /// TRANSPORT_destination_recipient_limit.
    pub recipient_limit: u32,
    /// Messages a day that are certain to be sent, if deliveries take as long as assumed: no more may be taken.
    pub lets_out: u64,
    /// Messages a day that may leave at most: with a queue that is never empty, at the best of the clock.
    pub at_most: u64,
    /// What keeps it from being more than the cap.
    pub held_by: HeldBy,
}

/// How far a step may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// No more may leave than this, whatever happens.
    pub at_most: u64,
    /// What is certain to be sent must be no more than this.
    pub lets_out: u64,
}

impl Bounds {
    /// Does it keep to both by itself?
    fn allow(self, hold: Hold, mail: Mail) -> bool {
        let (least, most) = hold.outflow(mail);
        most <= self.at_most as f64 && least <= self.lets_out as f64
    }
}

/// What is sent to one destination at a time may fail this often in a row before all its mail is deferred: 1,
/// Postfix's default, would be the first refused connection of all (postconf(5), default_destination_rate_delay, asks
/// for 10 or more).
pub const COHORT_LIMIT: u32 = 10;

/// What a delivery costs beside its own time, in seconds: the queue manager's and the client's work.
const OVERHEAD: f64 = 0.02;

/// So much of what it should be is near enough where the settings hold by themselves: better than to rely on what is
/// taken.
const NEAR: f64 = 0.65;

/// So much of it, where that has to be relied on.
const NEARER: f64 = 0.8;

impl Hold {
    /// The next one that sends more.
    fn next(self) -> Self {
        match self {
            Self::RateDelay(seconds @ 2..) => Self::RateDelay(seconds - 1),
            Self::RateDelay(_) => Self::Processes(1),
            Self::Processes(n) => Self::Processes(n + 1),
        }
    }

    /// What is sent a day for certain, and at most.
    fn outflow(self, mail: Mail) -> (f64, f64) {
        let a_day = (DAY * u64::from(mail.recipients.max(1))) as f64;
        let took = mail.seconds();
        match self {
            Self::RateDelay(delay) => {
                let delay = delay as f64;
                (
                    a_day / (delay + took + OVERHEAD),
                    a_day / (delay + mail.at_least() as f64),
                )
            }
            Self::Processes(n) => {
                let of_all = a_day * n as f64;
                (of_all / (took + OVERHEAD), of_all / took)
            }
        }
    }
}

impl Mail {
    fn seconds(self) -> f64 {
        f64::from(self.delivery_ms.max(1)) / 1000.0
    }

    /// Whole seconds that a delivery takes at least: those that are assumed, but for one.
    fn at_least(self) -> u64 {
        u64::from(self.delivery_ms / 1000).saturating_sub(1)
    }
}

impl Settings {
    /// Those that come nearest to the bounds. `guarded`: what comes beyond them may be turned away, since it has
    /// somewhere else to go. `before`: what the step before sends for certain; there must be some progress.
    pub fn within(bounds: Bounds, mail: Mail, guarded: bool, before: u64) -> Self {
        let best = best(bounds, mail);
        let made = |hold: Hold, held_by| {
            let (least, most) = hold.outflow(mail);
            let least = match held_by {
                HeldBy::Intake => least.min(bounds.lets_out as f64),
                _ => least,
            };
            Self {
                hold,
                // With 1, a destination would be a recipient and no domain: after a refusal the queue manager would go
                // on trying the domain's other recipients, one after the other.
                recipient_limit: mail.recipients.max(2),
                // Half a message a day is nothing that would pile up.
                lets_out: least.round().max(1.0) as u64,
                at_most: most.round().max(1.0) as u64,
                held_by,
            }
        };
        let held = made(best, HeldBy::Settings);
        let wanted = bounds.lets_out as f64;
        // A second between two deliveries that take one: processes would send more, and limit nothing if they are
        // faster.
        let is_second = best == Hold::RateDelay(1) && before == 0;
        let is_fine = is_second || matches!(best, Hold::RateDelay(3..));
        let is_near = held.lets_out as f64 >= wanted * NEAR;
        // Less than a twentieth more does not count.
        let is_more = |than: f64| than * 20.0 > before as f64 * 21.0;
        let has_grown = is_more(held.lets_out as f64) || !is_more(wanted);
        if is_fine || (is_near && has_grown) {
            return held;
        }
        match guarded {
            true => made(near(best.next(), wanted, before, mail), HeldBy::Intake),
            false if has_grown => held,
            // The next one may send no more: a process that takes seconds, beside a delay of one.
            false => match near(best.next(), before as f64 * 1.05, before, mail) {
                hold if bounds.allow(hold, mail) => made(hold, HeldBy::Settings),
                hold => made(hold, HeldBy::Nothing),
            },
        }
    }

    /// Are these what the instance has now?
    pub fn are_in_force(&self, limits: &Limits) -> bool {
        let holds = match self.hold {
            Hold::RateDelay(seconds) => limits.transport_delay.value == Some(seconds),
            Hold::Processes(most) => !limits.has_delay() && limits.processes == Some(most),
        };
        let most = u64::from(self.recipient_limit);
        holds && (1..=most).contains(&limits.recipients.value.unwrap_or(0))
    }

    /// The main.cf parameters, for the SMTP client that master.cf calls `transport`.
    pub fn parameters(&self, transport: &str) -> Vec<(String, String)> {
        let (delay, concurrency) = match self.hold {
            Hold::RateDelay(seconds) => (seconds, 1),
            Hold::Processes(processes) => (0, processes),
        };
        let of = |suffix: &str, value: String| (format!("{transport}_{suffix}"), value);
        vec![
            of("transport_rate_delay", format!("{delay}s")),
            of("destination_rate_delay", "0s".to_owned()),
            of("destination_concurrency_limit", concurrency.to_string()),
            of(
                "destination_recipient_limit",
                self.recipient_limit.to_string(),
            ),
            of(
                "destination_concurrency_failed_cohort_limit",
                COHORT_LIMIT.to_string(),
            ),
        ]
    }

    /// The commands that put them in force, with `more` parameters, in the instance whose main.cf is in
    /// `config_directory`.
    pub fn commands(
        &self,
        config_directory: &str,
        transport: &str,
        more: Vec<(String, String)>,
    ) -> Vec<String> {
        let directory = quoted(config_directory);
        let mut commands = Vec::new();
        for (name, value) in self.parameters(transport).into_iter().chain(more) {
            let setting = quoted(format!("{name} = {value}").trim_end());
            commands.push(format!("postconf -c {directory} -e {setting}"));
        }
        if let Hold::Processes(processes) = self.hold {
            let limit = quoted(&format!("{transport}/unix/process_limit={processes}"));
            commands.push(format!("postconf -c {directory} -F {limit}"));
        }
        commands.push(format!("postfix -c {directory} reload"));
        commands
    }
}

/// The first, from this one on, that sends nearly what is wanted, and more than `before`.
fn near(from: Hold, wanted: f64, before: u64, mail: Mail) -> Hold {
    let least = (wanted * NEARER).max((before as f64 * 1.05).min(wanted));
    let mut hold = from;
    while hold.outflow(mail).0 < least {
        hold = match hold {
            Hold::RateDelay(_) => hold.next(),
            // As many processes as it takes.
            Hold::Processes(n) => {
                let of_one = Hold::Processes(1).outflow(mail).0;
                return Hold::Processes(n.max((least / of_one).ceil() as u64));
            }
        };
    }
    hold
}

/// The greatest that keeps to both bounds by itself: a delay as long as one is short enough, since it holds for
/// certain.
fn best(bounds: Bounds, mail: Mail) -> Hold {
    let a_day = DAY * u64::from(mail.recipients.max(1));
    let by_most = a_day
        .div_ceil(bounds.at_most.max(1))
        .saturating_sub(mail.at_least());
    // What is certain to be sent grows less than what may be sent at most, from one delay to the next.
    let delay = Hold::RateDelay(by_most.max(1));
    if delay != Hold::RateDelay(1) {
        return delay;
    }
    let of_process = a_day as f64 / mail.seconds();
    let most = (bounds.at_most as f64 / of_process)
        .min(bounds.lets_out as f64 * (mail.seconds() + OVERHEAD) / a_day as f64);
    let processes = Hold::Processes(most.floor() as u64);
    let is_more = |of: Hold| of.outflow(mail).1 > delay.outflow(mail).1;
    match most >= 1.0 && bounds.allow(processes, mail) && is_more(processes) {
        true => processes,
        false => delay,
    }
}

#[cfg(test)]
mod tests;
