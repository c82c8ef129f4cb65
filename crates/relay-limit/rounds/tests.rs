//! When `out` may move more, and what it says of all its runs. The results have the
//! form of queue-move's; that it writes them so is in the tests of `out`.

use super::*;

const AS_ORDERED: &str = "queue-move postfix-aol-a postfix-aol-c";

fn round(code: i32, json: &str) -> Round {
    Round::read(Some(code), json.as_bytes(), "")
}

/// A run that moved `moved`; of `left`, each with its reason.
fn ran(code: i32, moved: usize, left: &[&str], more: &str) -> Round {
    let one = |_| r#"{"queue_id":"4F2A5","action":"move","result":"moved","why":null}"#.to_owned();
    let not = |why: &&str| {
        format!(r#"{{"queue_id":"4F2A6","action":"move","result":"skipped","why":"{why}"}}"#)
    };
    let messages: Vec<String> = (0..moved).map(one).chain(left.iter().map(not)).collect();
    round(
        code,
        &format!(
            r#"{{"schema":"relay-tools/queue-move/1","state":"done","complete":true,"this_run":{{"moved":{moved},"restored":0}},
            "messages":[{}]{more}}}"#,
            messages.join(",")
        ),
    )
}

const RETRIED: &str = "it was tried again after the plan was made";
const BUSY: &str = "the queue manager took it";

#[test]
fn only_what_was_in_hand_is_a_reason_to_go_round_again() {
    let check =
        |round: Round, expected| assert_eq!(round.leaves_only_busy(), expected, "{round:?}");
    check(ran(1, 3, &[RETRIED, BUSY], ""), true);
    check(ran(0, 3, &[], r#","busy":2"#), true);
    check(ran(0, 3, &[], ""), false);
    check(
        ran(
            1,
            3,
            &[RETRIED, "its file is damaged: TO's pickup would delete it"],
            "",
        ),
        false,
    );
    check(
        ran(1, 3, &[RETRIED], r#","canary":{"stopped":"refused"}"#),
        false,
    );
    check(ran(1, 3, &[RETRIED], r#","so_far":{"bounced":1}"#), false);
    check(ran(1, 3, &[RETRIED], r#","so_far":{"discarded":1}"#), false);
    check(
        ran(
            1,
            3,
            &[RETRIED],
            r#","problems":["1 message is still in its maildrop"]"#,
        ),
        false,
    );
    check(
        round(
            1,
            r#"{"state":"unfinished","messages":[{"result":"skipped","why":"the queue manager took it"}]}"#,
        ),
        false,
    );
    check(
        round(1, r#"{"messages":[{"result":"open","why":"interrupted"}]}"#),
        false,
    );
    check(
        round(1, r#"{"messages":[{"result":"failed","why":"disk full"}]}"#),
        false,
    );
    check(Round::read(Some(2), b"", "error: refused"), false);
    check(Round::read(None, b"", "signal: 9"), false);
    check(round(1, "not json"), false);
}

#[test]
fn all_rounds_are_added_up() {
    let check = |rounds: Vec<Round>, expected: &str, is_done: bool| {
        let told = Rounds(rounds).summary("to postfix-aol-c", AS_ORDERED);
        assert_eq!(told.text, expected);
        assert_eq!(told.outcome == Outcome::Done, is_done, "{expected}");
    };
    let sent = |n: usize| format!(r#","so_far":{{"sent":{n}}}"#);
    check(
        vec![ran(1, 3, &[RETRIED], &sent(3)), ran(0, 1, &[], &sent(1))],
        "moved to postfix-aol-c: 4 messages (so far 4 sent)",
        true,
    );
    check(
        vec![ran(0, 0, &[], "")],
        "moved to postfix-aol-c: 0 messages",
        true,
    );
    check(
        vec![ran(
            1,
            2,
            &[],
            r#","so_far":{"sent":1,"bounced":1,"replies":["bounced x@y: no"]},"problems":["c has"]"#,
        )],
        "moved to postfix-aol-c: 2 messages (so far 1 sent, 1 returned to their senders; bounced x@y: no); c has; \
         queue-move postfix-aol-a postfix-aol-c",
        false,
    );
    check(
        vec![
            ran(1, 3, &[RETRIED], &sent(3)),
            Round::read(Some(2), b"", "it is stopped"),
        ],
        "moved to postfix-aol-c: 3 messages (so far 3 sent); the rest NOT: it is stopped; queue-move postfix-aol-a postfix-aol-c",
        false,
    );
    let unread = r#"{"state":"done","this_run":{"moved":3},"complete":false,"missing":["deferred/A: denied"]}"#;
    check(
        vec![round(1, unread)],
        "moved to postfix-aol-c: 3 messages (what became of 3 was not seen); not all that waits was seen: \
         deferred/A: denied; queue-move postfix-aol-a postfix-aol-c",
        false,
    );
    check(
        vec![round(0, "{}")],
        "moved to postfix-aol-c: 0 messages; not all that waits was seen; queue-move postfix-aol-a postfix-aol-c",
        false,
    );
    check(
        vec![Round::read(Some(2), b"", "it is stopped")],
        "NOT moved to postfix-aol-c: it is stopped; queue-move postfix-aol-a postfix-aol-c",
        false,
    );
    check(
        vec![ran(1, 3, &[RETRIED, RETRIED, BUSY], &sent(3))],
        "moved to postfix-aol-c: 3 messages (so far 3 sent); 3 not moved: it was tried again after the plan was made, …; \
         queue-move postfix-aol-a postfix-aol-c",
        false,
    );
}
