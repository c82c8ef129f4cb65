//! Turning mail away that would only wait.
//!
//! A relay name gives each address an equal share at least ([`crate::ratio`]), and that may be more than a new one may
//! send. An smtpd that has a limit of recipients answers what comes beyond it with 450, before it takes the message;
//! the sending Postfix then goes on to the name's next address within the same delivery (`src/smtp/smtp_trouble.c`,
//! smtp_rcpt_fail: SMTP_RCPT_KEEP); if its kept connections lead to the new one twice (smtp_mx_session_limit), at its
//! next retry. The limit is counted for each client by anvil(8), and Postfix excepts mynetworks from it, which is where
//! relays get their mail from.

use postfix::config::Instance;

use crate::limits::Limits;

/// Recipients that are taken from each sending host in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intake {
    /// smtpd_client_recipient_rate_limit.
    pub limit: u64,
    /// anvil_rate_time_unit, in seconds.
    pub seconds: u64,
}

const MINUTE: u64 = 60;
const HOUR: u64 = 3600;
const DAY: u64 = 86_400;

/// The times that a limit may be for, the shortest first: what comes at once, leaves as fast as it can. A minute is
/// Postfix's own, and changes the meaning of no other limit.
const UNITS: [u64; 3] = [MINUTE, HOUR, DAY];

/// The smallest limit, since rounding would distort a smaller one. For a whole day there is no other choice.
const FINE: u64 = 10;

impl Intake {
    /// So much from each of `clients` sending hosts that `lets_out` a day are taken from all of them; one a day from
    /// each at least.
    pub fn for_day(lets_out: u64, clients: u32) -> Self {
        let each = lets_out / u64::from(clients.max(1));
        let of = |seconds: u64| each * seconds / DAY;
        // Of an hour, rounding may take more: of a day, all might come at once.
        let fits = |seconds: &&u64| of(**seconds) >= FINE || (**seconds == HOUR && of(HOUR) >= 1);
        let seconds = UNITS.iter().find(fits).copied().unwrap_or(DAY);
        Self {
            limit: of(seconds).max(1),
            seconds,
        }
    }

    /// How many that are a day, from all of `clients`.
    pub fn a_day(&self, clients: u32) -> u64 {
        self.limit * (DAY / self.seconds) * u64::from(clients)
    }

    /// `60s`, `1h`, `1d`.
    pub fn unit(&self) -> &'static str {
        match self.seconds {
            MINUTE => "60s",
            HOUR => "1h",
            _ => "1d",
        }
    }

    /// Is this what the instance has now?
    pub fn is_in_force(&self, limits: &Limits) -> bool {
        limits.taken.value == Some(self.limit) && limits.taken_in.value == Some(self.seconds)
    }

    /// The main.cf parameters. Since mynetworks is excepted no longer, all limits hold for the relays' own clients,
    /// too: what is set for them now (`limits`) is kept from biting, as far as that is possible, and from meaning
    /// something else.
    pub fn parameters(&self, limits: &OtherLimits) -> Vec<(String, String)> {
        let own = [
            ("anvil_rate_time_unit", self.unit().to_owned()),
            (LIMIT, self.limit.to_string()),
            (EXCEPTIONS, String::new()),
        ];
        let mut all: Vec<(String, String)> =
            own.map(|(name, value)| (name.to_owned(), value)).into();
        if limits.count.is_some_and(|count| count < limits.processes) {
            all.push((COUNT.to_owned(), limits.processes.to_string()));
        }
        let scaled = |(name, value): &(String, u64)| {
            let value = (value * self.seconds).div_ceil(limits.unit.max(1));
            (name.clone(), value.to_string())
        };
        if self.seconds != limits.unit {
            all.extend(limits.rates.iter().map(scaled));
        }
        all
    }

    /// Those where all that comes may be taken.
    pub fn none() -> Vec<(String, String)> {
        vec![(LIMIT.to_owned(), "0".to_owned())]
    }
}

/// The limit itself.
const LIMIT: &str = "smtpd_client_recipient_rate_limit";
/// Who is excepted from all of anvil's limits.
const EXCEPTIONS: &str = "smtpd_client_event_limit_exceptions";
/// How many connections a client may have at a time.
const COUNT: &str = "smtpd_client_connection_count_limit";
/// What else is counted for each client in anvil_rate_time_unit (postconf(5)).
const RATES: [&str; 4] = [
    "smtpd_client_connection_rate_limit",
    "smtpd_client_message_rate_limit",
    "smtpd_client_new_tls_session_rate_limit",
    "smtpd_client_auth_rate_limit",
];

/// What anvil's limits are now, as far as the one that is to be set changes their meaning.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OtherLimits {
    /// anvil_rate_time_unit, in seconds.
    pub unit: u64,
    /// smtpd_client_connection_count_limit, if there is one.
    pub count: Option<u64>,
    /// default_process_limit: with so many connections, there is no smtpd left to refuse another.
    pub processes: u64,
    /// Other limits for each client and unit, if there are any.
    pub rates: Vec<(String, u64)>,
    /// smtpd_client_event_limit_exceptions, as it is written, if that is not empty.
    pub exceptions: Option<String>,
}

impl OtherLimits {
    /// Those of an instance.
    pub fn of(instance: &Instance) -> Self {
        let number = |name: &str| {
            let value = instance.parameters().int(name);
            value
                .and_then(|value| u64::try_from(value).ok())
                .filter(|value| *value > 0)
        };
        let rates = RATES
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), number(name)?)));
        Self {
            unit: instance
                .parameters()
                .seconds("anvil_rate_time_unit")
                .unwrap_or(MINUTE),
            count: number(COUNT),
            processes: number("default_process_limit").unwrap_or(100),
            rates: rates.collect(),
            exceptions: Some(instance.get(EXCEPTIONS)).filter(|text| !text.trim().is_empty()),
        }
    }

    /// What an intake changes for others, a sentence each.
    pub fn changes(&self, intake: &Intake) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(exceptions) = &self.exceptions {
            notes.push(format!(
                "{exceptions} is no longer excepted from the limits of anvil(8)"
            ));
        }
        match self.count {
            Some(count) if count < self.processes => notes.push(format!(
                "{COUNT}, now {count}, is raised to {} so that it does not refuse them",
                self.processes
            )),
            _ => {}
        }
        for (name, value) in &self.rates {
            let of = match intake.seconds == self.unit {
                true => String::new(),
                false => format!(", scaled from {} s to {}", self.unit, intake.unit()),
            };
            notes.push(format!("{name}, now {value}, applies to them too{of}"));
        }
        notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn by_hand() {
        let check = |lets_out, clients, limit, seconds| {
            let found = Intake::for_day(lets_out, clients);
            assert_eq!(found, Intake { limit, seconds }, "{lets_out} {clients}");
        };
        // 200 / 24 = 8.3; 66 / 24 = 2.75; 50 / 24 = 2.08.
        check(200, 1, 8, HOUR);
        check(200, 3, 2, HOUR);
        check(50, 1, 2, HOUR);
        // 43200 / 1440 = 30; 14400 / 1440 = 10; 14399 / 24 = 599.9.
        check(43_200, 1, 30, MINUTE);
        check(43_200, 3, 10, MINUTE);
        check(14_399, 1, 599, HOUR);
        check(50, 3, 16, DAY);
        check(2, 3, 1, DAY);
    }

    #[test]
    fn what_it_changes_for_others() {
        let limits = OtherLimits {
            unit: 60,
            count: Some(50),
            processes: 100,
            rates: vec![("smtpd_client_connection_rate_limit".to_owned(), 30)],
            exceptions: Some("$mynetworks".to_owned()),
        };
        let intake = Intake::for_day(200, 1);
        let parameters = intake.parameters(&limits);
        let of = |name: &str| {
            parameters
                .iter()
                .find(|(n, _)| n == name)
                .map(|(_, v)| v.as_str())
        };
        assert_eq!(of("anvil_rate_time_unit"), Some("1h"));
        assert_eq!(of("smtpd_client_event_limit_exceptions"), Some(""));
        assert_eq!(of("smtpd_client_connection_count_limit"), Some("100"));
        // 30 a minute are 1800 an hour.
        assert_eq!(of("smtpd_client_connection_rate_limit"), Some("1800"));
        assert_eq!(
            limits.changes(&intake),
            [
                "$mynetworks is no longer excepted from the limits of anvil(8)",
                "smtpd_client_connection_count_limit, now 50, is raised to 100 so that it does not refuse them",
                "smtpd_client_connection_rate_limit, now 30, applies to them too, scaled from 60 s to 1h",
            ]
        );
        // Of a minute, they mean what they did.
        let minute = Intake::for_day(43_200, 1);
        let parameters = minute.parameters(&limits);
        assert!(
            parameters
                .iter()
                .all(|(name, _)| name != "smtpd_client_connection_rate_limit")
        );
    }

    proptest! {
        #[test]
        fn no_more_is_taken_than_is_let_out(lets_out in 1u64..10_000_000, clients in 1u32..50) {
            let intake = Intake::for_day(lets_out, clients);
            // One a day from each is the least there is.
            prop_assert!(intake.a_day(clients) <= lets_out.max(u64::from(clients)));
            let is_enough = lets_out >= u64::from(clients) * 24 * 10;
            prop_assert!(!is_enough || intake.a_day(clients) * 10 >= lets_out * 9);
        }
    }
}
