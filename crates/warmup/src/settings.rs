//! The Postfix settings that hold an instance to so many messages a day.
//!
//! What holds is TRANSPORT_transport_rate_delay (Postfix 3.1 and later): the queue manager starts no delivery over the
//! transport before so many seconds after the end of the one before, whatever the destination (postconf(5),
//! default_transport_rate_delay; `src/qmgr/qmgr_transport.c`: QMGR_TRANSPORT_STAT_RATE_LOCK is set when a delivery is begun,
//! and taken off by qmgr_deliver_update, when it has ended). So a delay of D seconds lets out 86400 / D deliveries a day at
//! most, and the time that the deliveries themselves take comes on top; they go one at a time, whatever concurrency and
//! processes are allowed.
//!
//! The better known TRANSPORT_destination_rate_delay holds each recipient domain to its delay, and different domains go out
//! at the same time (postconf(5), default_destination_rate_delay): a provider's domains together would have a multiple of
//! the cap. With both, each delivery waits twice, so that is set to 0.
//!
//! Delays are whole seconds. Between 1 s and 2 s, 86,400 and 43,200 deliveries a day, there is none: 1 s serves there, if
//! something else holds to the cap, which is how much is taken ([`crate::intake`]). Above, as many processes as a day of
//! theirs can deliver hold to the cap, which is only as good as what is known of the time that a delivery takes.

use crate::limits::Limits;
use crate::shell::quoted;

/// Seconds of a day.
const DAY: u64 = 86_400;

/// What is known of the mail that is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mail {
    /// Recipients of one delivery at most. 1: each has a message of his own, as lists send it.
    pub recipients: u32,
    /// How long a delivery takes, in milliseconds. Only above 43,200 deliveries a day does anything depend on it.
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

/// What holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// So many seconds between two deliveries.
    RateDelay(u64),
    /// So many deliveries at the same time. It holds if they take as long as is assumed.
    Processes(u64),
}

/// The settings for a cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// What holds to it.
    pub hold: Hold,
    /// TRANSPORT_destination_recipient_limit.
    pub recipient_limit: u32,
    /// Messages a day that are let out at most.
    pub lets_out: u64,
}

/// What is let out at one destination at a time may fail so often in a row before all its mail is deferred: 1, Postfix's
/// default, would be the first refused connection of all (postconf(5), default_destination_rate_delay, asks for 10 or more).
pub const COHORT_LIMIT: u32 = 10;

impl Settings {
    /// Those that let out at most `cap` recipients a day, and as near to it as whole seconds and processes allow. `guarded`:
    /// no more than [`Settings::lets_out`] is taken where they do not hold by themselves ([`Settings::holds_alone`]).
    pub fn for_cap(cap: u64, mail: Mail, guarded: bool) -> Self {
        let recipients = u64::from(mail.recipients.max(1));
        let cap = cap.max(1);
        let a_day = DAY * recipients;
        let delay = a_day.div_ceil(cap);
        let mut hold = Hold::RateDelay(delay);
        let mut lets_out = a_day / delay;
        if guarded && delay == 2 && lets_out < cap {
            // As many as can leave, so that none of what is taken has to wait.
            let in_time = a_day * 1000 / (1000 + u64::from(mail.delivery_ms));
            hold = Hold::RateDelay(1);
            lets_out = in_time.clamp(lets_out, cap);
        }
        // A process that is always busy delivers so many a day.
        let of_process = a_day as f64 * 1000.0 / f64::from(mail.delivery_ms.max(1));
        let processes = (cap as f64 / of_process).floor() as u64;
        let by_processes = (processes as f64 * of_process).floor() as u64;
        if delay == 1 && by_processes > lets_out {
            hold = Hold::Processes(processes);
            lets_out = by_processes.min(cap);
        }
        Self {
            hold,
            // With 1, a destination would be a recipient and no domain: after a refusal the queue manager would go on
            // trying the domain's other recipients, one after the other.
            recipient_limit: mail.recipients.max(2),
            lets_out,
        }
    }

    /// Do they hold to [`Settings::lets_out`] by themselves, as far as they can? A delay does unless a shorter one was taken.
    pub fn holds_alone(&self, mail: Mail) -> bool {
        match self.hold {
            Hold::RateDelay(seconds) => {
                DAY * u64::from(mail.recipients.max(1)) / seconds.max(1) <= self.lets_out
            }
            Hold::Processes(_) => true,
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

    /// The commands that put them in force, with `more` parameters, in the instance whose main.cf is in `config_directory`.
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(cap: u64, mail: Mail, hold: Hold, lets_out: u64) {
        let settings = Settings::for_cap(cap, mail, false);
        assert!(settings.holds_alone(mail));
        assert_eq!(
            (settings.hold, settings.lets_out),
            (hold, lets_out),
            "{cap}"
        );
    }

    #[test]
    fn by_hand() {
        let one = Mail::default();
        // 86400 / 200 = 432.
        check(200, one, Hold::RateDelay(432), 200);
        // 86400 / 1600 = 54; 86400 / 12800 = 6.75, and 7 s are 12342.
        check(1600, one, Hold::RateDelay(54), 1600);
        check(12_800, one, Hold::RateDelay(7), 12_342);
        // 3 s would be 28800, which is more.
        check(28_799, one, Hold::RateDelay(4), 21_600);
        check(86_400, one, Hold::RateDelay(1), 86_400);
        check(1, one, Hold::RateDelay(86_400), 1);
        // Two processes, a second each, are 172800.
        check(172_799, one, Hold::RateDelay(1), 86_400);
        check(172_800, one, Hold::Processes(2), 172_800);
        check(250_000, one, Hold::Processes(2), 172_800);
        // Half a second each: one process delivers as much as two.
        let fast = Mail {
            delivery_ms: 500,
            ..one
        };
        check(250_000, fast, Hold::Processes(1), 172_800);
        check(100_000, fast, Hold::RateDelay(1), 86_400);
        // Five seconds each: six of 17280.
        let slow = Mail {
            delivery_ms: 5000,
            ..one
        };
        check(110_000, slow, Hold::Processes(6), 103_680);
        // A delay is preferred as long as one is small enough.
        check(80_000, slow, Hold::RateDelay(2), 43_200);
        // Three recipients a delivery: 3 * 86400 / 200 = 1296.
        let three = Mail {
            recipients: 3,
            ..one
        };
        check(200, three, Hold::RateDelay(1296), 200);
    }

    #[test]
    fn between_a_second_and_two() {
        let check = |cap, delivery_ms, recipients, seconds, lets_out| {
            let mail = Mail {
                recipients,
                delivery_ms,
            };
            let settings = Settings::for_cap(cap, mail, true);
            assert_eq!(
                (settings.hold, settings.lets_out),
                (Hold::RateDelay(seconds), lets_out),
                "{cap} {delivery_ms}"
            );
            let alone = DAY * u64::from(recipients) / seconds == lets_out;
            assert_eq!(settings.holds_alone(mail), alone, "{cap}");
        };
        // 86400 / 1.25 = 69120; what is taken is no more than the cap.
        check(75_000, 250, 1, 1, 69_120);
        check(50_000, 250, 1, 1, 50_000);
        // A second each: no more than one in two seconds ends.
        check(75_000, 1000, 1, 1, 43_200);
        check(75_000, 5000, 1, 1, 43_200);
        check(43_200, 250, 1, 2, 43_200);
        check(43_199, 250, 1, 3, 28_800);
        check(86_400, 250, 1, 1, 86_400);
        // Two recipients a delivery: twice that of 37,500.
        check(75_000, 250, 2, 3, 57_600);
        check(150_000, 250, 2, 1, 138_240);
    }

    #[test]
    fn what_an_admin_pastes() {
        let commands = |cap| {
            Settings::for_cap(cap, Mail::default(), false).commands(
                "/etc/postfix-aol-c",
                "smtp",
                Vec::new(),
            )
        };
        assert_eq!(
            commands(200),
            [
                "postconf -c /etc/postfix-aol-c -e 'smtp_transport_rate_delay = 432s'",
                "postconf -c /etc/postfix-aol-c -e 'smtp_destination_rate_delay = 0s'",
                "postconf -c /etc/postfix-aol-c -e 'smtp_destination_concurrency_limit = 1'",
                "postconf -c /etc/postfix-aol-c -e 'smtp_destination_recipient_limit = 2'",
                "postconf -c /etc/postfix-aol-c -e 'smtp_destination_concurrency_failed_cohort_limit = 10'",
                "postfix -c /etc/postfix-aol-c reload",
            ]
        );
        assert!(
            commands(300_000).contains(
                &"postconf -c /etc/postfix-aol-c -F 'smtp/unix/process_limit=3'".to_owned()
            )
        );
    }

    proptest! {
        #[test]
        fn never_more_than_the_cap_and_half_of_it_at_least(
            cap in 1u64..10_000_000,
            recipients in 1u32..60,
            delivery_ms in 1u32..60_000,
            guarded: bool,
        ) {
            let mail = Mail { recipients, delivery_ms };
            let settings = Settings::for_cap(cap, mail, guarded);
            prop_assert!(settings.lets_out <= cap);
            prop_assert!(guarded || settings.holds_alone(mail));
            let recipients = u64::from(recipients);
            match settings.hold {
                Hold::RateDelay(seconds) => {
                    prop_assert!(seconds >= 1);
                    // A day's deliveries, each of as many recipients as it may have.
                    let all = DAY * recipients / seconds;
                    prop_assert!(all <= cap || !settings.holds_alone(mail));
                    prop_assert!(settings.lets_out * 2 >= all);
                    // A second less would be too much.
                    prop_assert!(seconds == 1 || DAY * recipients > cap * (seconds - 1));
                }
                Hold::Processes(n) => {
                    prop_assert!(n >= 1);
                    prop_assert!(settings.lets_out > DAY * recipients);
                    prop_assert!(settings.lets_out * 2 > cap);
                }
            }
        }
    }
}
