//! What goes wrong on such hosts.

use postfix::log::Severity;

use super::counts::{OfDay, part_of_day};
use super::hosts::{Chance, Host};

/// What goes wrong, on an instance or on all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Incident {
    /// One provider refuses the address from the morning on.
    Blocked,
    /// One provider defers three of five from six o'clock on.
    ProviderDefers,
    /// Nothing is delivered.
    Dead,
    /// Three times as much.
    Tripled,
    /// Half as much again to a list of which three of four are dead.
    DeadList,
    /// Cleanup cannot write; a third of the mail is let in.
    FullDisk,
    /// For eight hours, no name is found; what waited is sent then.
    NoDns,
    /// One provider's certificate has expired, and it must be verified.
    Certificate,
    /// The queue manager is killed again and again.
    QueueManager,
    /// What is bounced rises by 30 % each day; looked at when it is more than six times as much, eighteen, and 6 %.
    SlowRise,
}

/// All of them.
pub(super) const INCIDENTS: [Incident; 10] = [
    Incident::Blocked,
    Incident::ProviderDefers,
    Incident::Dead,
    Incident::Tripled,
    Incident::DeadList,
    Incident::FullDisk,
    Incident::NoDns,
    Incident::Certificate,
    Incident::QueueManager,
    Incident::SlowRise,
];

/// For so many days the slow rise is on its way.
pub(super) const RISE: u64 = 7;

impl Incident {
    /// Whose it is: one of the instances that have work on that day; all of them, if none is returned.
    pub(super) fn place(self, host: &Host, day: u64, chance: &mut Chance) -> Option<usize> {
        if matches!(
            self,
            Self::NoDns | Self::FullDisk | Self::ProviderDefers | Self::Certificate
        ) {
            return None;
        }
        // Of few messages, neither three times as many nor none is a wonder.
        let all = 0..host.instances.len();
        let able: Vec<usize> = all.filter(|at| host.expected(*at, day) >= 20.0).collect();
        (!able.is_empty()).then(|| able[chance.one_of(able.len())])
    }

    /// What Postfix says on such a day.
    pub(super) fn said(self) -> Option<(&'static str, Severity, &'static str)> {
        match self {
            Self::FullDisk => Some((
                "postdrop",
                Severity::Warning,
                "mail_queue_enter: create file maildrop/805373.706: No space left on device",
            )),
            Self::QueueManager => Some((
                "master",
                Severity::Warning,
                "process /usr/lib/postfix/sbin/qmgr pid 706 killed by signal 11",
            )),
            _ => None,
        }
    }
}

/// The deliveries of an instance on a day, which an incident that is to come is `ahead` days after.
pub(super) fn deliveries(
    host: &Host,
    at: usize,
    day: u64,
    incident: Option<(Incident, Option<usize>, u64)>,
) -> OfDay {
    let (mut volume, [mut bounced, deferred, blocked], mut chance) = host.plan(at, day);
    let incident = incident.filter(|(_, place, _)| place.is_none_or(|place| place == at));
    let (incident, ahead) = match incident {
        Some((incident, _, ahead)) => (Some(incident), ahead),
        None => (None, 0),
    };
    if incident == Some(Incident::SlowRise) && ahead < RISE {
        let risen = bounced * 1.3_f64.powi(RISE as i32);
        let least = (18.0 / volume.max(1) as f64).clamp(0.06, 0.6);
        bounced = risen.max(least) * 1.3_f64.powi(-(ahead as i32));
    }
    let incident = incident.filter(|_| ahead == 0);
    match incident {
        Some(Incident::Dead) => return OfDay::default(),
        Some(Incident::Tripled) => volume = (host.expected(at, day) * 3.0).round() as u64,
        Some(Incident::FullDisk) => volume /= 3,
        _ => {}
    }
    let parts = host.instances[at].parts;
    let hard = chance.between(0.5, 0.8);
    let mut of = OfDay::default();
    // Nothing is sent on a day of an outage, nor tried again.
    if volume > 0 {
        of.stuck(host, at, day, &mut chance);
    }
    for provider in 0..3 {
        let n = (volume as f64 * parts[provider]).round() as u64;
        // Where it has too little to tell, it is the greatest.
        let is_it = match host.expected_of_all(day) * 0.25 > 20.0 && parts[1] > 0.0 {
            true => provider == 1,
            false => provider == 0,
        };
        let (hours, hit, is_sent) = match (incident, host.whim(provider, day)) {
            (Some(Incident::ProviderDefers), _) if is_it => ((6, 24), 0.6, false),
            (Some(Incident::Certificate), _) if is_it => ((0, 24), 0.95, false),
            (Some(Incident::NoDns), _) => ((7, 15), 0.95, true),
            (_, Some((from, to, part))) => ((from, to), part, true),
            _ => ((0, 24), 0.0, true),
        };
        let hit = chance.about(n, hit * part_of_day(hours.0, hours.1));
        of.put_off(provider, hours, hit, is_sent, &mut chance);
        let refused = match incident == Some(Incident::Blocked) && provider == 0 {
            true => chance.of(n, hard),
            false => 0,
        };
        let others = n - (hit + refused).min(n);
        let [mut bounced, deferred, blocked] =
            [bounced, deferred, blocked].map(|share| chance.of(others, share.min(0.9)));
        let sent = others.saturating_sub(bounced + deferred + blocked);
        if incident == Some(Incident::DeadList) {
            bounced += chance.of((n / 2).max(1), 0.75);
        }
        let recipients = [sent, bounced, deferred, blocked + refused];
        of.tried(provider, (0, 24), recipients, &mut chance);
    }
    of
}
