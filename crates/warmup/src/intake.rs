//! Turning mail away that would only wait.
//!
//! A relay name gives each address an equal share at least ([`crate::ratio`]), and that may be more than a new one may send.
//! An smtpd that has a limit of recipients answers what comes beyond it with 450, before it takes the message; the sending
//! Postfix then goes on to the name's next address within the same delivery (`src/smtp/smtp_trouble.c`, smtp_rcpt_fail:
//! SMTP_RCPT_KEEP); if its kept connections lead to the new one twice (smtp_mx_session_limit), at its next retry. The limit is
//! counted for each client by anvil(8), and Postfix excepts mynetworks from it, which is where relays get their mail from.

use crate::limits::Limits;

/// Recipients that are taken from each sending host in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intake {
    /// smtpd_client_recipient_rate_limit.
    pub limit: u64,
    /// anvil_rate_time_unit, in seconds: an hour, or a day where that would be less than one in an hour.
    pub seconds: u64,
}

const HOUR: u64 = 3600;
const DAY: u64 = 86_400;

impl Intake {
    /// So much from each of `clients` sending hosts that `lets_out` a day are taken from all of them.
    pub fn for_day(lets_out: u64, clients: u32) -> Self {
        let each = lets_out / u64::from(clients.max(1));
        match each / 24 {
            0 => Self {
                limit: each.max(1),
                seconds: DAY,
            },
            limit => Self {
                limit,
                seconds: HOUR,
            },
        }
    }

    /// Is this what the instance has now?
    pub fn is_in_force(&self, limits: &Limits) -> bool {
        limits.taken.value == Some(self.limit) && limits.taken_in.value == Some(self.seconds)
    }

    /// The main.cf parameters.
    pub fn parameters(&self) -> Vec<(String, String)> {
        let unit = if self.seconds == DAY { "1d" } else { "1h" };
        [
            ("anvil_rate_time_unit", unit.to_owned()),
            ("smtpd_client_recipient_rate_limit", self.limit.to_string()),
            ("smtpd_client_event_limit_exceptions", String::new()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// Those where all that comes may be taken.
    pub fn none() -> Vec<(String, String)> {
        let name = "smtpd_client_recipient_rate_limit";
        vec![(name.to_owned(), "0".to_owned())]
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
        check(43_200, 1, 1800, HOUR);
        check(50, 3, 16, DAY);
        check(2, 3, 1, DAY);
    }

    proptest! {
        #[test]
        fn no_more_is_taken_than_is_let_out(lets_out in 1u64..10_000_000, clients in 1u32..50) {
            let intake = Intake::for_day(lets_out, clients);
            let taken = intake.limit * (DAY / intake.seconds) * u64::from(clients);
            // One a day from each is the least there is.
            prop_assert!(taken <= lets_out.max(u64::from(clients)));
        }
    }
}
