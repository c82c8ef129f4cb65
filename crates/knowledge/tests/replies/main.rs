//! Real replies, each with what it means.
#![allow(clippy::unwrap_used, reason = "a test")]

mod corpus;
mod families;
mod invariance;

use knowledge::reasons::{Class, Reasons};

/// What is not what a reader takes it for, a line or two each.
fn misread(part: &str, is_right: impl Fn(&corpus::Reply, Class) -> bool) -> Vec<String> {
    let reasons = Reasons::load(None).unwrap();
    let replies = corpus::part(part);
    let wrong = replies.iter().filter_map(|reply| {
        let found = reply.found(&reasons);
        let code = reply.is_code_right(found.code.as_deref());
        let fine = is_right(reply, found.class) && code && found.ip == reply.ip;
        let found = (found.class.as_str(), found.code, found.ip);
        let expected = (&reply.class, &reply.code, reply.ip);
        let told = || {
            format!(
                "{}\n  found    {found:?}\n  expected {expected:?}",
                reply.text
            )
        };
        (!fine).then(told)
    });
    wrong.collect()
}

#[test]
fn replies_mean_what_a_reader_takes_them_for() {
    let wrong = misread("decided", |reply, class| reply.is_best(class));
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_family_of_words_is_known_in_any_order_and_language() {
    let reasons = Reasons::load(None).unwrap();
    let replies = corpus::parse("wordings", include_str!("wordings.toml"));
    let wrong = replies.iter().filter_map(|reply| {
        let class = reply.found(&reasons).class;
        (!reply.is_best(class))
            .then(|| format!("{}\n  found {class}, not {}", reply.text, reply.class))
    });
    let wrong: Vec<_> = wrong.collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Some replies are beyond rules: at least 95 % are right in class, code and blamed address.
#[test]
fn collected_replies_are_understood() {
    let of = corpus::part("collected").len();
    let wrong = misread("collected", corpus::Reply::is_right);
    assert!(
        wrong.len() * 20 <= of,
        "{} of {of}\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// No rule is written from these: which are wrong is not shown, so that it stays so.
#[test]
fn replies_that_no_rule_was_written_from_are_understood() {
    let reasons = Reasons::load(None).unwrap();
    let replies = corpus::part("held-out");
    let right = |reply: &&corpus::Reply| reply.is_right(reply.found(&reasons).class);
    let settled = replies.iter().filter(right).count();
    let of = replies.len();
    assert!(settled * 100 >= of * 93, "{settled} of {of}");
}

#[test]
fn no_reply_is_wrongly_taken_for_a_block() {
    let reasons = Reasons::load(None).unwrap();
    for (part, _) in corpus::PARTS {
        let replies = corpus::part(part);
        let wrong = replies.iter().filter(|reply| {
            let class = reply.found(&reasons).class;
            class == Class::Blocked && !reply.is_right(class)
        });
        assert_eq!(wrong.count(), 0, "{part}");
    }
}

#[test]
fn every_class_has_a_reply() {
    let replies: Vec<_> = corpus::PARTS
        .iter()
        .flat_map(|(part, _)| corpus::part(part))
        .collect();
    for class in Class::ALL {
        assert!(replies.iter().any(|reply| reply.is_best(*class)), "{class}");
    }
}
