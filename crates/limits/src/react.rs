//! Rules by which an instance is paused or slowed down without a person: how many refusals, within what time.
//!
//! Pure: events in the order of their time come in, decisions go out. The same code acts and replays a past day.

mod file;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use knowledge::providers::Providers;
use knowledge::reasons::Class;
use postfix::{Span, Time};

use crate::journal::Journal;
use crate::limit::{Scope, Standing};
use crate::pace::Pace;

/// A line that is later than the clock by more has a clock of its own.
const AHEAD: Span = Span::from_hours(1);

/// The rules of a host. There are none, and nothing is done, until somebody writes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The largest share of a provider's instances, in percent, that may be held at once.
    pub most_percent: u64,
    /// Who gets a mail about each act.
    pub mail_to: Vec<String>,
    /// In the order of the file.
    pub rules: Vec<Rule>,
}

/// When something is done, and what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The provider's own codes; empty: `classes` count.
    pub codes: Vec<String>,
    /// Classes of reasons.
    pub classes: Vec<Class>,
    /// Only for mail of this provider.
    pub provider: Option<String>,
    /// Only at this instance; the pattern's text.
    pub instance: Option<String>,
    /// So many refused recipients…
    pub at_least: u64,
    /// … within this time.
    pub within: Span,
    /// What is done then.
    pub act: Act,
    /// For how long.
    pub lasts: Span,
}

impl Rule {
    /// May a refusal at this time still decide something at `now`? A clock may be ahead a little.
    fn may_count(&self, at: Time, now: Time) -> bool {
        at > now.minus(self.within).minus(self.within) && at < now.plus(AHEAD)
    }
}

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// The provider's mail is paused at the instance.
    Pause,
    /// The instance is slowed down to this.
    Rate(Pace),
}

/// A refusal that a rule counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: Time,
    /// The rule, by its place.
    pub rule: usize,
    /// The instance's name.
    pub instance: String,
    /// The recipient's provider.
    pub provider: String,
    /// Whom it refused: the same for the same recipient of the same message.
    pub recipient: u64,
}

/// Refused recipients of late. One that is refused again, as at each retry, is still one.
#[derive(Debug, Default)]
struct Counted {
    /// In the order of time. What `last` does not have so is out of date.
    times: VecDeque<(Time, u64)>,
    last: HashMap<u64, Time>,
}

impl Counted {
    fn add(&mut self, event: &Event) {
        self.times.push_back((event.at, event.recipient));
        self.last.insert(event.recipient, event.at);
    }

    /// Forgets what is as old as this, or older.
    fn forget(&mut self, is_old: impl Fn(Time) -> bool) {
        while let Some(&(at, recipient)) = self.times.front().filter(|(at, _)| is_old(*at)) {
            self.times.pop_front();
            if self.last.get(&recipient) == Some(&at) {
                self.last.remove(&recipient);
            }
        }
    }

    fn clear(&mut self) {
        self.times.clear();
        self.last.clear();
    }
}

/// What holds, held or would hold at an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The instance's name.
    pub instance: String,
    /// Whose mail; `None`: everybody's.
    pub provider: Option<String>,
    /// Is it a pause? Else a rate.
    pub is_pause: bool,
    /// Up to then.
    pub until: Time,
}

/// What a rule asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// When it was due.
    pub at: Time,
    /// The rule, by its place.
    pub rule: usize,
    /// Where.
    pub instance: String,
    /// Whose mail.
    pub provider: String,
    /// Refusals that were counted.
    pub count: u64,
    /// Why it is not done, nevertheless.
    pub refused: Option<String>,
}

impl Rules {
    /// The longest time that any rule looks back.
    pub fn longest(&self) -> Span {
        let all = self.rules.iter().map(|rule| rule.within);
        all.max().unwrap_or(Span::ZERO)
    }

    /// The rules that count a refusal for this reason.
    pub fn counting<'a>(
        &'a self,
        code: Option<&'a str>,
        class: Class,
    ) -> impl Iterator<Item = (usize, &'a Rule)> {
        self.rules.iter().enumerate().filter(move |(_, rule)| {
            let is_code = |known: &String| code.is_some_and(|code| known == code);
            match rule.codes.is_empty() {
                true => rule.classes.contains(&class),
                false => rule.codes.iter().any(is_code),
            }
        })
    }

    /// Of `events`, in the order of time, those that may still decide something after `now`: of each recipient the
    /// last, and of a rule's at one instance for one provider no more than it asks for. They are kept for twice the
    /// rule's time: a run may be killed before it does what they ask for, and the next one must still see why. Those of
    /// a clock that is ahead take the place of none that count now.
    pub fn recent(&self, events: &[Event], now: Time) -> Vec<Event> {
        let mut kept: BTreeMap<(usize, &str, &str, bool), HashSet<u64>> = BTreeMap::new();
        let mut latest = Vec::new();
        for event in events.iter().rev() {
            let Some(rule) = self.rules.get(event.rule) else {
                continue;
            };
            let is_ahead = event.at >= now;
            let key = (event.rule, &*event.instance, &*event.provider, is_ahead);
            let recipients = kept.entry(key).or_default();
            if rule.may_count(event.at, now)
                && (recipients.len() as u64) < rule.at_least
                && recipients.insert(event.recipient)
            {
                latest.push(event.clone());
            }
        }
        latest.reverse();
        latest
    }

    /// Leaves those of `events`, in the order of time, by which [`Rules::decide`] decides the same at `now`, if with a
    /// smaller count: whoever may write to a log makes up refusals without number. Of each rule, instance and provider,
    /// and of each stretch as long as the rule's time, those are the first and the last ones of as many recipients as
    /// the rule asks for: where there are more, these are enough, before a hold that ends in that stretch and
    /// behind it.
    pub fn thin(&self, events: &mut Vec<Event>, now: Time) {
        events.retain(|event| {
            let rule = self.rules.get(event.rule);
            rule.is_some_and(|rule| rule.may_count(event.at, now))
        });
        let first = self.enough(events.iter());
        let mut last = self.enough(events.iter().rev());
        last.reverse();
        let mut needed = first.into_iter().zip(last);
        events.retain(|_| needed.next().is_none_or(|(first, last)| first || last));
    }

    /// Which of these are of recipients that were not met before, while there are fewer of those than the rule asks
    /// for: see [`Rules::thin`].
    fn enough<'e>(&self, events: impl Iterator<Item = &'e Event>) -> Vec<bool> {
        let mut met: HashMap<(usize, &str, &str, i64), HashSet<u64>> = HashMap::new();
        let is_needed = |event: &'e Event| {
            let Some(rule) = self.rules.get(event.rule) else {
                return false;
            };
            let within = i64::try_from(rule.within.micros()).unwrap_or(i64::MAX);
            let stretch = event.at.micros().div_euclid(within.max(1));
            let key = (event.rule, &*event.instance, &*event.provider, stretch);
            let recipients = met.entry(key).or_default();
            (recipients.len() as u64) < rule.at_least && recipients.insert(event.recipient)
        };
        events.map(is_needed).collect()
    }

    /// What the rules ask for, given all `events` in the order of time. `instances`: those named for each provider, who
    /// are its addresses. `holds`: what was ordered by others; what is decided here is added to it. `now`, if it is to
    /// be done: what was due longer ago than its rule looks back is too old for that.
    pub fn decide(
        &self,
        events: &[Event],
        instances: &BTreeMap<String, Vec<String>>,
        holds: &mut Vec<Hold>,
        now: Option<Time>,
    ) -> Vec<Decision> {
        let mut counted: BTreeMap<(usize, &str, &str), Counted> = BTreeMap::new();
        let mut decisions = Vec::new();
        for event in events {
            let Some(rule) = self.rules.get(event.rule) else {
                continue;
            };
            let (instance, provider) = (event.instance.as_str(), event.provider.as_str());
            let times = counted.entry((event.rule, instance, provider)).or_default();
            // What came before a hold, or while one was in force, was answered by it.
            let own = holds
                .iter()
                .filter(|hold| hold.is_of(instance, provider, rule.act));
            let answered = own.map(|hold| hold.until).max();
            if answered.is_some_and(|until| event.at < until) {
                times.clear();
                continue;
            }
            times.add(event);
            let oldest = event.at.minus(rule.within);
            times.forget(|at| at <= oldest || answered.is_some_and(|until| at < until));
            let count = times.last.len() as u64;
            let is_old = |now: Time| event.at < now.minus(rule.within);
            if count < rule.at_least || now.is_some_and(is_old) {
                continue;
            }
            times.clear();
            let refused = self.too_many(event, rule.act, instances, holds);
            if refused.is_none() {
                holds.push(Hold {
                    instance: event.instance.clone(),
                    provider: Some(event.provider.clone()),
                    is_pause: rule.act == Act::Pause,
                    until: event.at.plus(rule.lasts),
                });
            }
            decisions.push(Decision {
                at: event.at,
                rule: event.rule,
                instance: event.instance.clone(),
                provider: event.provider.clone(),
                count,
                refused,
            });
        }
        decisions
    }

    /// Would too many of a provider's addresses be held at once?
    fn too_many(
        &self,
        event: &Event,
        act: Act,
        instances: &BTreeMap<String, Vec<String>>,
        holds: &[Hold],
    ) -> Option<String> {
        let provider = event.provider.as_str();
        let all = instances
            .get(provider)
            .map(Vec::as_slice)
            .unwrap_or_default();
        if !all.contains(&event.instance) {
            return Some(format!(
                "{} is not named for {provider}: how many addresses it has is not known",
                event.instance
            ));
        }
        let is_held = |name: &&String| {
            let mut own = holds.iter().filter(|hold| hold.is_of(name, provider, act));
            own.any(|hold| event.at < hold.until)
        };
        let held = all.iter().filter(is_held).count() as u64;
        let most = (all.len() as u64).saturating_mul(self.most_percent) / 100;
        (held + 1 > most).then(|| {
            format!(
                "{held} of {} instances of {provider} are held already, and most = \"{}%\"",
                all.len(),
                self.most_percent
            )
        })
    }
}

impl Hold {
    /// Does it answer what `act` would, at this instance for this provider?
    fn is_of(&self, instance: &str, provider: &str, act: Act) -> bool {
        let whose = self.provider.as_deref();
        self.instance == instance
            && self.is_pause == (act == Act::Pause)
            && whose.is_none_or(|name| name == provider)
    }
}

/// What held lately, and holds. A pause of some domains holds the providers whose domains it has, all of them.
pub fn holds(journal: &Journal, providers: &Providers, now: Time) -> Vec<Hold> {
    let whose = |one: &Standing| match one.limit.pause() {
        Some(pause) if pause.provider.is_some() => vec![pause.provider.clone()],
        Some(pause) if pause.scope != Scope::All => {
            let is_held = |domain: &String| pause.scope.covers(domain);
            let all = providers.all().iter();
            all.filter(|one| !one.domains.is_empty() && one.domains.iter().all(is_held))
                .map(|one| Some(one.name.clone()))
                .collect()
        }
        _ => vec![None],
    };
    let mut holds = Vec::new();
    for one in &journal.limits {
        let ended = one.ended.as_ref().map(|(at, ..)| *at);
        let ends = [ended, one.limit.until].into_iter().flatten().min();
        holds.extend(whose(one).into_iter().map(|provider| Hold {
            instance: one.limit.instance.clone(),
            provider,
            is_pause: one.limit.pause().is_some(),
            until: ends.unwrap_or(now.plus(Span::from_days(1))),
        }));
    }
    holds
}

#[cfg(test)]
mod tests;
