//! Lines of filters joined to what became of the messages.

use postfix::log::{Scan, Stop};
use postfix::{Time, Zone};

use super::join::{Arrival, Ids, Scored, join};
use super::scores::Score;
use super::*;

/// The time of so many seconds.
fn at(seconds: i64) -> Time {
    Time::from_seconds(seconds)
}

fn delivery<'a>(agent: Agent, status: Status, reply: &'a [u8]) -> Delivery<'a> {
    Delivery {
        time: None,
        host: b"",
        tag: b"postfix-in-a",
        agent,
        queue_id: b"A1",
        recipient: b"a@example.com",
        orig_recipient: None,
        relay: None,
        delay: None,
        delays: None,
        dsn: None,
        status,
        reply,
        repeat: 1,
    }
}

#[test]
fn a_delivery_that_went_nowhere_says_so() {
    let check = |agent, status, reply: &str, expected: Option<DiscardedBy>| {
        let found = discarded(&delivery(agent, status, reply.as_bytes()));
        assert_eq!(found, expected, "{reply}");
    };
    let filter = Some(DiscardedBy::Filter);
    check(
        Agent::Discard,
        Status::Sent,
        "silently",
        Some(DiscardedBy::Transport),
    );
    check(
        Agent::Smtp,
        Status::Sent,
        "250 2.7.0 Ok, discarded, id=1234-01 - spam",
        filter,
    );
    check(Agent::Smtp, Status::Sent, "250 2.7.1 Ok, DISCARDED", filter);
    check(Agent::Local, Status::Sent, "discarded", filter);
    check(Agent::Smtp, Status::Bounced, "550 5.7.1 discarded", None);
    check(
        Agent::Smtp,
        Status::Sent,
        "250 2.0.0 Ok: queued as 4F",
        None,
    );
    check(
        Agent::Smtp,
        Status::Sent,
        "250 2.1.5 <discarded@example.com> Ok",
        None,
    );
    check(
        Agent::Smtp,
        Status::Sent,
        "250 Ok discarded@example.com x-discarded discardedx",
        None,
    );
}

#[test]
fn ids_are_the_same_however_they_are_written() {
    let ids = Ids::default();
    let check = |postfix: &str, spamd: &str, same: bool| {
        let found = ids.key(postfix.as_bytes()) == ids.key(spamd.as_bytes());
        assert_eq!(found, same, "{postfix} {spamd}");
    };
    check("<a@b>", "<a@b>", true);
    check("<a@b>", "<A@b>", false);
    check(" <a@b> (comment (nested))", "<a@b>", true);
    check("a b", "<a?b>", true);
    check("<a,b@c>", "<a_b@c>", true);
    check("<a\\b@c>", "<a\\\\b@c>", true);
    check("<caf?@c>", "<caf?@c>", true);
    check("<>", "(unknown)", true);
    check("", "(unknown)", true);
    check("<(unknown)x>", "(unknown)", false);
    assert_eq!(ids.none(), ids.key(b"<>"));
}

fn arrival(key: u64, arrived: i64, settled: Option<i64>) -> Arrival {
    Arrival {
        key: Some(key),
        arrived: at(arrived),
        settled: settled.map(at),
    }
}

#[test]
fn a_score_finds_the_message_that_waited_for_it() {
    let check = |arrivals: &[Arrival], scores: &[(u64, i64)], expected: &[Option<usize>]| {
        let scored: Vec<Scored> = scores
            .iter()
            .map(|&(key, time)| Scored {
                key,
                time: at(time),
                score: Score {
                    spam: false,
                    score: 0.0,
                    threshold: 5.0,
                },
            })
            .collect();
        assert_eq!(join(arrivals, &scored, 0), expected, "{scores:?}");
    };
    let one = [arrival(7, 10, Some(15))];
    check(&one, &[(7, 13)], &[Some(0)]);
    check(&one, &[(8, 13)], &[None]);
    check(&one, &[(7, 13), (7, 14)], &[Some(0), None]);
    // Before the message was there: another's.
    check(&one, &[(7, 5)], &[None]);
    // A filter behind the queue.
    check(&one, &[(7, 60)], &[Some(0)]);
    // The same Message-Id again, in any order of scores; the first one's score is not in the log.
    let twice = [arrival(7, 10, Some(15)), arrival(7, 30, Some(35))];
    check(&twice, &[(7, 33), (7, 13)], &[Some(1), Some(0)]);
    check(&twice, &[(7, 33)], &[Some(1)]);
    // Without a Message-Id, only the one that waited.
    let nameless = [
        arrival(0, 10, Some(15)),
        arrival(0, 12, Some(20)),
        arrival(0, 13, None),
    ];
    check(&nameless, &[(0, 14), (0, 19)], &[Some(0), Some(1)]);
    check(&nameless, &[(0, 60)], &[None]);
    // Messages whose header was never seen have no score.
    let unseen = [Arrival {
        key: None,
        ..one[0]
    }];
    check(&unseen, &[(7, 13)], &[None]);
}

fn stop(kind: Kind, stage: Stage, whole: bool, temporary: bool) -> Stop<'static> {
    Stop {
        time: Some(at(2)),
        host: b"",
        tag: b"postfix-in-a",
        queue_id: Some(b"A1"),
        whole,
        kind,
        stage,
        temporary,
        header: None,
        reason: b"450 4.2.0 <a@example.com>: x",
        repeat: 1,
    }
}

fn scan(score: f64, id: Option<&'static [u8]>) -> Scan<'static> {
    Scan {
        time: Some(at(1)),
        spam: score >= 5.0,
        score,
        threshold: 5.0,
        took: (12, 800),
        message_id: id,
    }
}

/// The figures of one instance of which `tell` tells.
fn figures(tell: impl FnOnce(&mut FilterTally)) -> (Filtered, Scores) {
    figures_of(None, tell)
}

fn figures_of(top: Option<usize>, tell: impl FnOnce(&mut FilterTally)) -> (Filtered, Scores) {
    let mut tally = FilterTally::default();
    tell(&mut tally);
    let mut stats = crate::mail_stats::tests::empty();
    stats.zone = Zone::named("UTC").unwrap();
    let mut instance = crate::mail_stats::InstanceStats {
        instance: b"postfix-in-a".to_vec(),
        figures: stats.total.clone(),
    };
    instance.figures.filtered = None;
    stats.instances = vec![instance];
    tally.finish(top, true, &mut stats);
    let found = stats.instances.remove(0).figures.filtered.unwrap();
    (*found, *stats.unmatched.unwrap())
}

#[test]
fn what_became_of_a_message_is_told() {
    const I: &[u8] = b"postfix-in-a";
    let check = |expected: Disposition, accepted: u64, tell: fn(&mut FilterTally)| {
        let (found, strangers) = figures(|tally| {
            tally.arrived(I, b"A1", Some(at(1)), b"<a@b>");
            tally.scan(&scan(4.7, None));
            tally.scan(&scan(4.0, Some(b"<a@b>")));
            tell(tally);
        });
        assert_eq!(
            found.scores.of(5, expected),
            1,
            "{expected:?}: {:?}",
            found.scores
        );
        assert_eq!((found.scores.scored(), found.scores.just_below), (1, 1));
        assert_eq!(found.accepted, accepted, "{expected:?}");
        assert!(strangers.is_empty());
    };
    check(Disposition::Unknown, 0, |_| {});
    check(Disposition::Waiting, 1, |tally| {
        tally.queued(I, b"A1", None, true);
    });
    check(Disposition::Waiting, 0, |tally| {
        tally.queued(I, b"A1", None, false);
    });
    check(Disposition::Delivered, 1, |tally| {
        tally.queued(I, b"A1", None, true);
        // Taken up again: the same message.
        tally.queued(I, b"A1", None, true);
        tally.delivery(I, &delivery(Agent::Smtp, Status::Bounced, b"550 no"));
        tally.delivery(I, &delivery(Agent::Smtp, Status::Sent, b"250 ok"));
        tally.removed(I, b"A1");
        tally.delivery(I, &delivery(Agent::Discard, Status::Sent, b""));
    });
    check(Disposition::Bounced, 1, |tally| {
        tally.queued(I, b"A1", None, true);
        tally.delivery(I, &delivery(Agent::Smtp, Status::Bounced, b"550 no"));
    });
    check(Disposition::Discarded, 1, |tally| {
        tally.queued(I, b"A1", None, true);
        tally.delivery(
            I,
            &delivery(Agent::Smtp, Status::Sent, b"250 ok, discarded"),
        );
    });
    check(Disposition::Rejected, 0, |tally| {
        tally.stop(I, &stop(Kind::ContentHold, Stage::Header, true, false));
        tally.stop(
            I,
            &stop(Kind::MilterReject, Stage::EndOfMessage, true, false),
        );
    });
    check(Disposition::Temporary, 0, |tally| {
        tally.stop(
            I,
            &stop(Kind::MilterReject, Stage::EndOfMessage, true, true),
        );
    });
    check(Disposition::Held, 1, |tally| {
        tally.stop(I, &stop(Kind::MilterHold, Stage::EndOfMessage, true, false));
    });
    // One recipient was refused: the message is not.
    check(Disposition::Waiting, 1, |tally| {
        tally.stop(I, &stop(Kind::Reject, Stage::Rcpt, false, false));
        tally.queued(I, b"A1", None, true);
    });
    // The queue id comes again.
    check(Disposition::Delivered, 2, |tally| {
        tally.queued(I, b"A1", None, true);
        tally.delivery(I, &delivery(Agent::Smtp, Status::Sent, b"250 ok"));
        tally.arrived(I, b"A1", Some(at(9)), b"<other@b>");
        tally.queued(I, b"A1", None, true);
        tally.delivery(I, &delivery(Agent::Smtp, Status::Bounced, b"550 no"));
    });
}

#[test]
fn scores_are_reported_in_bands_and_by_their_nearness() {
    // By score: its band, spam, just below, just above. A whole number is what is left without spamd's first line.
    for (score, band, near) in [
        (-0.1, "<0", (0, 0)),
        (0.0, "0-1", (0, 0)),
        (3.9, "3-4", (0, 0)),
        (4.0, "4-5", (1, 0)),
        (4.9, "4-5", (1, 0)),
        (5.0, "5-6", (0, 1)),
        (5.9, "5-6", (0, 1)),
        (6.0, "6-7", (0, 0)),
        (14.9, "10-15", (0, 0)),
        (1000.0, ">=15", (0, 0)),
    ] {
        let (_, found) = figures(|tally| tally.scan(&scan(score, Some(b"<a@b>"))));
        let at = BANDS.iter().position(|(name, _)| *name == band).unwrap();
        assert_eq!(found.of(at, Disposition::Unknown), 1, "{score}");
        assert_eq!((found.just_below, found.just_above), near, "{score}");
        assert_eq!(found.spam, u64::from(score >= 5.0), "{score}");
    }
}

/// Tenths are no binary fractions: 8.3 - 7.3 is a little more than 1, 4.1 - 3.1 a little less.
#[test]
fn one_point_is_one_point_at_any_threshold() {
    let near = |threshold, score, spam| {
        let of = Scan {
            spam,
            threshold,
            ..scan(score, Some(b"<a@b>"))
        };
        let (_, found) = figures(|tally| tally.scan(&of));
        (found.just_below, found.just_above)
    };
    assert_eq!(near(8.3, 7.3, false), (1, 0));
    assert_eq!(near(8.3, 7.2, false), (0, 0));
    assert_eq!(near(3.1, 4.1, true), (0, 0));
    assert_eq!(near(3.1, 4.0, true), (0, 1));
}

#[test]
fn the_two_lines_of_a_score_are_put_together() {
    // The first line's score, the second's; the band. As a real spamd wrote them: -0.999 is first rounded, then cut.
    for (first, second, band) in [
        (-1.0, 0.0, "<0"),
        (-0.4, 0.0, "<0"),
        (4.9, 4.0, "4-5"),
        (999.6, 999.0, ">=15"),
    ] {
        let (_, found) = figures(|tally| {
            let spam = first > 5.0;
            // Of another message that took as long.
            tally.scan(&Scan {
                spam,
                ..scan(7.3, None)
            });
            tally.scan(&Scan {
                spam,
                ..scan(first, None)
            });
            tally.scan(&Scan {
                spam,
                ..scan(second, Some(b"<a@b>"))
            });
        });
        let at = BANDS.iter().position(|(name, _)| *name == band).unwrap();
        assert_eq!(found.of_band(at), 1, "{first}: {found:?}");
    }
}

#[test]
fn like_reasons_are_one_and_what_strangers_make_up_is_bounded() {
    let told = |tally: &mut FilterTally| {
        for n in 0..15_000_u32 {
            let reason = format!("554 5.7.1 <user{n}@example.com>: Relay access denied");
            tally.stop(
                b"postfix-in-a",
                &Stop {
                    reason: reason.as_bytes(),
                    queue_id: None,
                    ..stop(Kind::Reject, Stage::Rcpt, false, false)
                },
            );
            let digits = n.to_string();
            let letters = digits.bytes().map(|b| char::from(b - b'0' + b'a'));
            let made_up = format!("554 5.7.1 {}", letters.collect::<String>());
            tally.stop(
                b"postfix-in-a",
                &Stop {
                    reason: made_up.as_bytes(),
                    queue_id: None,
                    ..stop(Kind::MilterReject, Stage::Rcpt, false, false)
                },
            );
        }
    };
    let (found, _) = figures(told);
    let first = &found.reasons[0];
    assert_eq!(
        first.reason.as_bytes(),
        b"554 5.7.1 <ADDRESS>: Relay access denied"
    );
    assert_eq!((first.kind, first.count), (Some(Kind::Reject), 15_000));
    let last = found.reasons.last().unwrap();
    assert!(last.kind.is_none() && matches!(last.reason, Key::Others(_)));
    assert_eq!(found.reasons.len(), 11);
    assert_eq!(found.sums().rejected, 30_000);
    let (all, _) = figures_of(Some(usize::MAX), told);
    assert_eq!(all.reasons.len(), 10_001);
    for found in [found, all] {
        assert_eq!(found.reasons.iter().map(|r| r.count).sum::<u64>(), 30_000);
    }
}
