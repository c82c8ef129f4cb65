//! Providers, of which an instance may send to many: what they refuse, and those that get nothing any more.

use std::collections::{BTreeMap, BTreeSet};

use super::notice::{ALL, Found, KINDS, Kind, Notice};
use super::usual::{self, By};
use super::{Daily, Measure, Rate, Subject, name_of, shares, volume};
use crate::bounds::OTHER_INSTANCES;
use crate::history::{History, HistoryDay, InstanceDay};
use crate::judge::{Rules, Sample};
use crate::mail_stats::check::Watched;
use crate::mail_stats::{Counts, Figures, MailStats};
use crate::verdict::Level;
use legible::human;

/// A provider's attempts, by its name, and how many recipients were put off that are left of earlier days.
type OfDay = BTreeMap<String, (Counts, u64)>;

/// Each provider, with its attempts of the day and of each day before of which something is known, without those that
/// anyone may have written. `passes` says whose are meant; `is_once`, does a recipient that was put off count once?
pub(super) fn providers(
    stats: &MailStats,
    history: &History,
    is_once: bool,
    passes: impl Fn(&str) -> bool,
) -> Vec<Subject> {
    let is_judged = |name: &str| name != OTHER_INSTANCES && passes(name);
    let mut today = OfDay::new();
    let judged = stats.instances.iter();
    for of in judged.filter(|i| is_judged(&name_of(&i.instance))) {
        add(&mut today, &of.figures, is_once);
    }
    let days = history.days.split_last().map_or(&[][..], |(_, days)| days);
    let days: Vec<(&HistoryDay, Option<OfDay>)> = days
        .iter()
        .map(|day| {
            let is_known = |of: &&InstanceDay| of.complete && is_judged(&of.instance);
            let mut known = day.instances.iter().filter(is_known).peekable();
            known.peek()?;
            let mut sum = OfDay::new();
            known.for_each(|of| add(&mut sum, &of.figures, is_once));
            Some(sum)
        })
        .zip(days)
        .map(|(sum, day)| (day, sum))
        .collect();
    let before = days.iter().flat_map(|(_, sum)| sum).flat_map(OfDay::keys);
    let names: BTreeSet<&String> = today.keys().chain(before).collect();
    let last = history.last().map(|day| day.day.day());
    let of = |name: &String| {
        let measure = |of: &OfDay| {
            let (counts, earlier) = of.get(name).copied().unwrap_or_default();
            Measure {
                counts,
                earlier,
                ..Measure::default()
            }
        };
        let now = measure(&today);
        let before = days.iter();
        let before = before.map(|(day, sum)| (day.day.day(), sum.as_ref().map(measure)));
        let days = before.chain(last.map(|day| (day, Some(now))));
        Subject::of_days(name.clone(), now, days.collect())
    };
    names.into_iter().map(of).collect()
}

fn add(sum: &mut OfDay, figures: &Figures, is_once: bool) {
    for (name, counts) in rows(figures, is_once) {
        let earlier = figures.put_off_by(name.as_bytes()).earlier;
        let of = sum.entry(name).or_default();
        of.0 += counts;
        of.1 = of.1.saturating_add(earlier);
    }
}

fn rows(figures: &Figures, is_once: bool) -> impl Iterator<Item = (String, Counts)> {
    let rows = figures.tried_by_provider(is_once);
    rows.map(|(name, counts)| (name_of(name).into_owned(), counts))
}

/// Providers that take far less than they did, where it is not seen in an instance: most of what they refused is of
/// others than those that were found.
pub(super) fn refusing(
    report: &Daily,
    history: &History,
    rules: &Rules,
    is_once: bool,
    found: &mut Vec<Found>,
) {
    let all = providers(&report.stats, history, is_once, |_| true);
    for watched in [Watched::Bounced, Watched::Deferred] {
        let of_kind = found.iter().filter(|of| of.kind == Kind::Share(watched));
        let whose: BTreeSet<String> = of_kind.map(|of| of.notice.instance.clone()).collect();
        if whose.contains(ALL) {
            continue;
        }
        let rate = Rate::Watched(watched);
        let by = By {
            watched,
            rules,
            differs: usual::differs(all.iter(), watched),
            shares: (report.instances.len() + all.len()) * KINDS,
        };
        let mut of_kind = Vec::new();
        for provider in &all {
            let sample = |of: Measure| Sample::new(of.count(rate), of.whole(rate));
            let days = provider.days.split_last().map_or(&[][..], |(_, days)| days);
            let days = days.iter().filter_map(|(_, measure)| *measure);
            let before: Vec<Sample> = days.filter(|m| m.total() > 0).map(sample).collect();
            let now = sample(provider.today);
            // A part of what is sent, which a provider puts off for an hour now and then: what is far more than usual
            // must be much, too.
            let level = |of| rules.of(watched).judge(of).level;
            let own = usual::without(now, provider.today.earlier);
            let is_well = |of| level(of) == Level::Ok;
            let is_left = before
                .last()
                .is_some_and(|of| is_well(*of) && shares::is_left(now, *of, watched))
                && (is_well(own) || !shares::is_jump(own, &before, by));
            let level = level(now);
            if level == Level::Ok
                || is_left && level == Level::Warning
                || !shares::is_jump(now, &before, by)
            {
                continue;
            }
            let seen = whose.iter().filter_map(|name| report.figures(name));
            let seen = seen
                .flat_map(|figures| rows(figures, is_once))
                .filter(|(name, _)| *name == provider.name);
            let seen = seen.map(|(_, counts)| part(&counts, watched));
            if seen.fold(0, u64::saturating_add) * 2 > now.part() {
                continue;
            }
            let then = usual::sum(&before);
            let finding = Notice {
                level,
                instance: format!("to {}", provider.name),
                what: format!(
                    "{} {} ({})",
                    human::percent(now.part(), now.whole()),
                    watched.as_str(),
                    now.part()
                ),
                details: format!("it was {}", human::percent(then.part(), then.whole())),
            };
            of_kind.push(Found::new(Kind::Provider(watched), now.part(), finding));
        }
        found.append(&mut of_kind);
    }
}

fn part(counts: &Counts, watched: Watched) -> u64 {
    match watched {
        Watched::Bounced => counts.bounced,
        _ => counts.deferred,
    }
}

/// Providers that always got mail, and get none, though the instances that sent it do send: a map leads elsewhere.
/// `silent`: the instances that have nothing at all, or far less, or are not known whole.
pub(super) fn left_out(
    report: &Daily,
    history: &History,
    silent: &BTreeSet<String>,
    found: &mut Vec<Found>,
) {
    let all = providers(&report.stats, history, false, |name| !silent.contains(name));
    for provider in &all {
        let is_out = provider.today.total() == 0 && !volume::is_new(provider);
        if is_out && volume::is_silent(provider) {
            let notice = volume::silent(provider);
            let notice = Notice {
                instance: format!("to {}", provider.name),
                ..notice
            };
            found.push(Found::new(Kind::LeftOut, 0, notice));
        }
    }
}
