//! Real replies, each with what it means: tests/replies.toml.

use std::net::IpAddr;

use knowledge::reasons::{Class, Reasons};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    reply: Vec<Reply>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reply {
    text: String,
    dsn: String,
    class: String,
    code: Option<String>,
    ip: Option<IpAddr>,
}

#[test]
fn replies_mean_what_a_reader_takes_them_for() {
    let file: File = toml::from_str(include_str!("replies.toml")).unwrap();
    assert!(file.reply.len() >= 120, "{} replies", file.reply.len());
    let reasons = Reasons::load(None).unwrap();
    let mut wrong = String::new();
    for reply in &file.reply {
        let found = reasons.classify(reply.text.as_bytes(), Some(reply.dsn.as_bytes()));
        let class: Class = reply.class.parse().unwrap();
        let expected = (class, reply.code.as_deref(), reply.ip);
        let found = (found.class, found.code.as_deref(), found.ip);
        if found != expected {
            wrong.push_str(&format!(
                "{}\n  found    {found:?}\n  expected {expected:?}\n",
                reply.text
            ));
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn every_class_has_a_reply() {
    let file: File = toml::from_str(include_str!("replies.toml")).unwrap();
    for class in Class::ALL {
        assert!(
            file.reply.iter().any(|r| r.class == class.as_str()),
            "{class}"
        );
    }
}
