//! What rules ask for.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::limit::{Hold as Held, Limit, Pause};

const RULES: &str = "
most = '50%'
mail = 'root'
[[rule]]
code = 'TSS04'
at_least = 3
within = '10m'
do = 'pause'
for = '2h'
";

fn rules(text: &str) -> Rules {
    Rules::parse(text, Path::new("react.toml")).unwrap()
}

static NEXT: AtomicU64 = AtomicU64::new(0);

fn event(minute: u64, instance: &str) -> Event {
    Event {
        at: Time::EPOCH.plus(Span::from_minutes(minute)),
        rule: 0,
        instance: instance.to_owned(),
        provider: "aol".to_owned(),
        // Each is another's.
        recipient: NEXT.fetch_add(1, Ordering::Relaxed),
    }
}

/// The decisions: minute, instance, and whether it is done.
fn decided(events: &[(u64, &str)], holds: &[(u64, &str)]) -> Vec<(i64, String, bool)> {
    let names = ["a", "b", "c"].map(str::to_owned).to_vec();
    let instances = BTreeMap::from([("aol".to_owned(), names)]);
    let at = |minute| Time::EPOCH.plus(Span::from_minutes(minute));
    let hold = |&(until, instance): &(u64, &str)| Hold {
        instance: instance.to_owned(),
        provider: None,
        is_pause: true,
        until: at(until),
    };
    let mut holds: Vec<Hold> = holds.iter().map(hold).collect();
    let events: Vec<Event> = events.iter().map(|&(m, name)| event(m, name)).collect();
    let decisions = rules(RULES).decide(&events, &instances, &mut holds, None);
    let shown = decisions.into_iter().map(|one| {
        let minute = one.at.seconds() / 60;
        (minute, one.instance, one.refused.is_none())
    });
    shown.collect()
}

#[test]
fn enough_within_the_time_and_not_before() {
    let b = || "b".to_owned();
    assert_eq!(decided(&[(0, "b"), (1, "b")], &[]), []);
    assert_eq!(
        decided(&[(0, "b"), (1, "b"), (9, "b")], &[]),
        [(9, b(), true)]
    );
    // The first is too old by then: within 10 minutes is not 10 minutes ago.
    assert_eq!(decided(&[(0, "b"), (1, "b"), (10, "b")], &[]), []);
    // Of two instances, each counts its own.
    assert_eq!(decided(&[(0, "b"), (1, "a"), (2, "b")], &[]), []);
}

#[test]
fn a_recipient_that_is_refused_again_is_still_one() {
    let names = BTreeMap::from([("aol".to_owned(), vec!["a".to_owned(), "b".to_owned()])]);
    let check = |events: &[(u64, u64)], expected: &[i64]| {
        let events = events.iter().map(|&(minute, recipient)| Event {
            recipient,
            ..event(minute, "b")
        });
        let events: Vec<Event> = events.collect();
        let decisions = rules(RULES).decide(&events, &names, &mut Vec::new(), None);
        let minutes = decisions.iter().map(|one| one.at.seconds() / 60);
        assert_eq!(minutes.collect::<Vec<_>>(), expected, "{events:?}");
        assert!(decisions.iter().all(|one| one.count == 3), "{decisions:?}");
    };
    check(&[(0, 1), (1, 1), (2, 1), (3, 1), (4, 1)], &[]);
    check(&[(0, 1), (1, 2), (2, 1), (3, 2), (4, 3)], &[4]);
    // When it was refused last is what counts: at minute 9 for the first, which is in time for minute 17.
    check(&[(0, 1), (9, 1), (10, 2), (17, 3)], &[17]);
    check(&[(0, 1), (1, 2), (10, 3)], &[]);
    // At one moment, twice.
    check(&[(0, 1), (0, 1), (0, 2), (0, 2), (9, 3)], &[9]);
}

#[test]
fn what_a_hold_has_answered_is_not_counted_again() {
    let early: Vec<(u64, &str)> = (0..3).map(|m| (m, "b")).collect();
    // Held from minute 2 on for two hours: nothing more is asked for meanwhile.
    let meanwhile: Vec<_> = early
        .iter()
        .copied()
        .chain((3..100).map(|m| (m, "b")))
        .collect();
    assert_eq!(decided(&meanwhile, &[]).len(), 1);
    // Ordered at minute 3, after the refusals: they are its reason, and no second one.
    assert_eq!(decided(&early, &[(123, "b")]), []);
    // Lifted by hand at minute 5: what was before does not bring it back, three new ones do.
    let lifted = [(0, "b"), (1, "b"), (4, "b"), (6, "b"), (7, "b")];
    assert_eq!(decided(&lifted, &[(5, "b")]), []);
    let again = [(0, "b"), (1, "b"), (6, "b"), (7, "b"), (8, "b")];
    assert_eq!(decided(&again, &[(5, "b")]), [(8, "b".to_owned(), true)]);
}

/// The state is written first: a run that is killed then has done nothing of what it decided.
#[test]
fn what_was_decided_and_not_done_is_decided_again() {
    let names = BTreeMap::from([("aol".to_owned(), vec!["a".to_owned(), "b".to_owned()])]);
    let rules = rules(RULES);
    let at = |minute| Time::EPOCH.plus(Span::from_minutes(minute));
    let events = |minutes: &[u64]| -> Vec<Event> {
        minutes.iter().map(|&minute| event(minute, "b")).collect()
    };
    let decided = |events: &[Event], now| -> Vec<i64> {
        let all = rules.decide(events, &names, &mut Vec::new(), Some(at(now)));
        all.iter().map(|one| one.at.seconds() / 60).collect()
    };
    let known = events(&[0, 5, 9]);
    assert_eq!(decided(&known, 10), [9]);
    let kept = rules.recent(&known, at(10));
    assert_eq!(decided(&kept, 11), [9]);
    // Too late for that; and what was not done holds nothing back.
    assert_eq!(decided(&kept, 20), [] as [i64; 0]);
    let later = [kept, events(&[21, 22, 23])].concat();
    assert_eq!(decided(&later, 24), [23]);
    // What a clock that was ahead has logged does not take the place of what counts now.
    let ahead = events(&[0, 1, 40, 41, 42]);
    assert_eq!(rules.recent(&ahead, at(2)).len(), 5);
}

/// Ten thousand refusals, most of them of few recipients, of clocks that go back and are ahead: whatever is left out,
/// the same is decided, and what is left does not grow with what was written.
#[test]
fn what_is_left_out_of_a_flood_decides_nothing() {
    let names = BTreeMap::from([(
        "aol".to_owned(),
        ["a", "b", "c", "d"].map(str::to_owned).to_vec(),
    )]);
    let rules = rules(RULES);
    let now = Time::EPOCH.plus(Span::from_minutes(60));
    let mut seed = 1_u64;
    let mut random = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % below
    };
    let mut acted = 0;
    for round in 0..2_000_u64 {
        // Few and many, crowded and far between.
        let count = [3, 6, 12, 40, 400][(round % 5) as usize];
        let spread = [60, 600, 3_600, 12_000][(round / 5 % 4) as usize];
        let recipients = [2, 3, 5, 1_000][(round / 20 % 4) as usize];
        let mut events: Vec<Event> = (0..count)
            .map(|_| Event {
                at: now
                    .minus(Span::from_seconds(spread))
                    .plus(Span::from_seconds(random(2 * spread))),
                recipient: random(recipients),
                ..event(0, ["a", "b"][random(2) as usize])
            })
            .collect();
        events.sort_by_key(|event| event.at);
        let decide = |events: &[Event]| {
            let of_now = events.partition_point(|event| event.at < now);
            let all = rules.decide(&events[..of_now], &names, &mut Vec::new(), Some(now));
            let done = all.into_iter().filter(|one| one.refused.is_none());
            done.map(|one| (one.at, one.instance)).collect::<Vec<_>>()
        };
        let expected = decide(&events);
        rules.thin(&mut events, now);
        assert_eq!(decide(&events), expected, "round {round}");
        acted += expected.len();
        // Of two instances, in nine stretches of ten minutes (twenty of them past, sixty to come), six each.
        assert!(events.len() <= 2 * 9 * 6, "{}", events.len());
    }
    assert!((500..3_500).contains(&acted), "{acted}");
}

#[test]
fn never_more_than_the_share_of_a_providers_addresses() {
    // Half of three is one.
    let both = [(0, "a"), (0, "a"), (0, "a"), (1, "b"), (1, "b"), (1, "b")];
    let expected = [(0, "a".to_owned(), true), (1, "b".to_owned(), false)];
    assert_eq!(decided(&both, &[]), expected);
    // One that a person has paused counts.
    let one = [(1, "b"), (1, "b"), (1, "b")];
    assert_eq!(decided(&one, &[(60, "c")]), [(1, "b".to_owned(), false)]);
    // One that is no address of the provider has no share.
    let other = [(1, "msn-a"), (1, "msn-a"), (1, "msn-a")];
    assert_eq!(decided(&other, &[]), [(1, "msn-a".to_owned(), false)]);
}

#[test]
fn a_pause_answers_for_the_providers_whose_domains_it_has() {
    let providers = Providers::load(None).unwrap();
    let check = |scope: Scope, provider: Option<&str>, expected: &[Option<&str>]| {
        let pause = Pause {
            scope,
            provider: provider.map(str::to_owned),
            text: String::new(),
            flush: false,
        };
        let limit = Limit {
            id: "p".to_owned(),
            instance: "b".to_owned(),
            config_directory: "/etc/postfix-b".into(),
            begun: Time::EPOCH,
            until: None,
            by: String::new(),
            command: String::new(),
            reason: None,
            hold: Held::Pause(pause),
        };
        let mut journal = Journal::default();
        journal.limits.push(Standing {
            limit,
            in_force: None,
            ended: None,
            closed: None,
            notes: Vec::new(),
            removal: None,
        });
        let held = holds(&journal, &providers, Time::EPOCH);
        let held: Vec<Option<&str>> = held.iter().map(|one| one.provider.as_deref()).collect();
        assert_eq!(held, expected);
    };
    let domains = |name| {
        let id = providers.by_name(name).unwrap();
        providers.get(id).domains.clone()
    };
    check(Scope::All, None, &[None]);
    check(Scope::Domains(domains("aol")), Some("aol"), &[Some("aol")]);
    // One domain, of nobody or of a provider that has more, is no provider's mail.
    check(Scope::Domains(vec!["example.net".to_owned()]), None, &[]);
    check(Scope::Domains(vec!["aol.com".to_owned()]), None, &[]);
    check(Scope::Domains(domains("aol")), None, &[Some("aol")]);
}

#[test]
fn rules_are_read_whole_or_not_at_all() {
    let all = rules(RULES);
    assert_eq!(all.mail_to, ["root"]);
    assert_eq!(all.longest(), Span::from_minutes(10));
    let one = all.counting(Some("TSS04"), Class::RateLimited).count();
    let none = all.counting(Some("TSS05"), Class::RateLimited).count();
    assert_eq!((one, none), (1, 0));
    let check = |from: &str, to: &str, why: &str| {
        let error = Rules::parse(&RULES.replace(from, to), Path::new("react.toml"));
        let error = error.unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    };
    check("'50%'", "'half'", "is not a share");
    check("'50%'", "'101%'", "is not a share");
    check("at_least = 3", "at_least = 0", "without any reason");
    check("at_least = 3", "at_least = -3", "invalid value");
    check("'10m'", "'soon'", "is not a time");
    check("'10m'", "'0m'", "is not a time");
    check("'pause'", "'reject'", "do = \"reject\"");
    check("'pause'", "'rate'", "do = \"rate\"");
    check("'pause'", "'rate'\nrate = '9000/h'", "cannot be held");
    check("code = 'TSS04'", "class = 'bad'", "not a reason class");
    check("code = 'TSS04'\n", "", "a code or a class");
    check("for = '2h'\n", "", "missing field `for`");
    check("for = '2h'", "for = '2h'\nuntil = '3'", "unknown field");
    assert_eq!(rules("").rules, []);
}
