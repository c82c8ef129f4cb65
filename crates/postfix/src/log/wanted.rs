//! Which lines of a log are asked for.

use super::lines::Needles;

/// Which lines are asked for, beside delivery attempts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The queue manager's `status=expired`.
    pub expired: bool,
    /// The queue manager's `from=<…>` and `removed`: who sent what.
    pub senders: bool,
    /// pickup's `orig_id=`: what was requeued ([`super::Event::Requeued`]).
    pub requeued: bool,
    /// `relay=` of each delivery.
    pub relays: bool,
    /// `delay=` and `delays=` of each delivery.
    pub delays: bool,
    /// What filters stopped or scored ([`super::Filtered`]).
    pub filtered: bool,
    /// smtpd's `connect from`: who comes ([`super::Event::Connected`]).
    pub connects: bool,
    /// The time of each delivery. Costs a little, and for year-less logs the use of several cores.
    pub times: bool,
}

impl Wanted {
    /// What a line of a plain log must hold to be looked at. The search for several literals at once compares as many
    /// bytes of each as the shortest has, and takes the longer the more those are: two. So each begins with two that
    /// are rare.
    pub(super) fn needles(self) -> Needles {
        // `to=<`; `warning: `, `error: `, `fatal: `, `panic: `.
        let mut literals = vec!["o=", "g: ", "r: ", "l: ", "c: ", "Suppressed ", "-limiting"];
        if self.senders {
            literals.extend([": from=<", ": removed"]);
        } else if self.expired {
            literals.push("expired, returned to sender");
        }
        if self.requeued {
            literals.push(" orig_id=");
        }
        if self.connects {
            literals.push("connect from ");
        }
        if self.filtered {
            literals.extend([
                ": message-id=",
                "reject: ",
                "discard: ",
                "hold: ",
                "spamd: result: ",
                "spamd: identified spam (",
                "spamd: clean message (",
            ]);
        }
        Needles::new(&literals)
    }
}
