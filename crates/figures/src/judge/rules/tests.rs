//! The defaults, and what a host's file may say.

use super::*;

#[test]
fn the_defaults() {
    let rules = Rules::load(None).unwrap();
    let of = |limits: Limits| (limits.warning, limits.critical, limits.from);
    assert_eq!(of(rules.blocked), (1.5, 10.0, 1));
    assert_eq!(of(rules.bounced), (10.0, 50.0, 4));
    assert_eq!(of(rules.deferred), (20.0, 50.0, 4));
    assert_eq!(of(rules.expired), (5.0, 25.0, 6));
    assert_eq!(of(rules.discarded), (10.0, 50.0, 6));
    let delay = rules.delay;
    let hours = [delay.warning, delay.critical].map(|span| span.seconds() / 3600);
    assert_eq!((hours, delay.from), ([1, 8], 20));
    assert_eq!(of(rules.unread), (1.0, 10.0, 3));
    assert_eq!((rules.change.times, rules.change.from), (2.0, 6));
    assert_eq!(rules.change.points, [0.5, 3.0, 10.0, 1.0, 3.0]);
    let volume = rules.volume;
    assert_eq!((volume.more, volume.less, volume.from), (2.1, 3.0, 20));
    assert_eq!(rules.mailq.messages, (200, 500));
    assert_eq!(rules.mailq.oldest.1, Span::from_days(10));
    assert_eq!(rules.complaints.critical[..2], ["master", "qmgr"]);
}

#[test]
fn a_file_says_otherwise_and_leaves_the_rest() {
    let own = "[blocked]\nwarning = 0.2\n[mailq]\ncritical = 9000\n[complaints]\nignored = []\n";
    let rules = Rules::load(Some((own, Path::new("judge.toml")))).unwrap();
    assert_eq!((rules.blocked.warning, rules.blocked.critical), (0.2, 10.0));
    assert_eq!(rules.deferred, Rules::load(None).unwrap().deferred);
    assert_eq!(rules.mailq.messages, (200, 9000));
    assert!(rules.complaints.ignored.is_empty() && !rules.complaints.critical.is_empty());
}

#[test]
fn files_that_are_wrong() {
    let check = |own: &str, expected: &str| {
        let problem = Rules::load(Some((own, Path::new("j.toml")))).unwrap_err();
        let problem = problem.to_string();
        assert!(problem.starts_with(expected), "{problem}");
    };
    check(
        "[blocked]\nwarning = nan",
        "j.toml: blocked.warning = NaN: it must be 0 to 100",
    );
    check(
        "[blocked]\nwarning = 30",
        "j.toml: blocked.warning = 30 is above critical = 10",
    );
    check(
        "[unread]\nunknown = 0.5",
        "j.toml: unread.warning = 1 is above unknown = 0.5",
    );
    check(
        "[mailq]\noldest_critical = 1",
        "j.toml: mailq.oldest.warning = 121 is above",
    );
    check(
        "[change]\ntimes = nan",
        "j.toml: change.times = NaN: it must be at least 1",
    );
    check("[bocked]", "j.toml, line 1: unknown field `bocked`");
    check("[bounced]\nfrom = -1", "j.toml, line 2: ");
}
