//! Prints how many replies of each part of the collection are understood.
//!
//!   replies            a table
//!   replies --list     one a line: the part, the classes that are right with the best one first, the dsn, the text
//!   replies PART       and the replies of PART that are not
//!   replies ./FILE     the same for a file of replies that is not in the collection
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "it prints, and stops at what is wrong with the collection"
)]

#[path = "../tests/replies/corpus.rs"]
mod corpus;

use knowledge::reasons::{By, Class, Reasons};

fn main() {
    let reasons = Reasons::load(None).unwrap_or_else(|e| panic!("{e}"));
    let asked = std::env::args().nth(1);
    if asked.as_deref() == Some("--list") {
        list();
        return;
    }
    println!(
        "{:<12}{:>8}{:>8}{:>10}{:>8}{:>8}{:>8}{:>16}{:>8}",
        "part", "replies", "best", "settled", "codes", "ips", "words", "false blocked", "silent"
    );
    let file = asked.as_deref().filter(|asked| asked.contains('/'));
    let parts = corpus::PARTS.map(|(name, _)| (name, corpus::part(name)));
    let own = file.map(|path| {
        (
            path,
            corpus::parse(path, &std::fs::read_to_string(path).unwrap()),
        )
    });
    for (name, replies) in parts.into_iter().chain(own) {
        let mut counts = [0_usize; 6];
        let (mut coded, mut codes, mut blamed, mut ips) = (0_usize, 0_usize, 0_usize, 0_usize);
        for reply in &replies {
            let found = reply.found(&reasons);
            let (best, right) = (reply.is_best(found.class), reply.is_right(found.class));
            counts[0] += usize::from(best);
            counts[1] += usize::from(right);
            counts[2] += usize::from(found.by == By::Words);
            counts[3] += usize::from(found.class == Class::Blocked && !right);
            counts[4] += usize::from(found.by == By::None);
            let code = reply.is_code_right(found.code.as_deref());
            if reply.code.as_deref() != Some("*") && (reply.code.is_some() || found.code.is_some())
            {
                coded += 1;
                codes += usize::from(code);
            }
            if reply.ip.is_some() || found.ip.is_some() {
                blamed += 1;
                ips += usize::from(reply.ip == found.ip);
            }
            if asked.as_deref() == Some(name) && (!right || !code || reply.ip != found.ip) {
                let explained = reasons.explain(
                    reply.text.as_bytes(),
                    reply.dsn.as_deref().map(str::as_bytes),
                    None,
                );
                let rule = explained
                    .rule
                    .map(|r| format!("line {} {}", r.line, r.pattern.unwrap_or_default()));
                println!(
                    "{}\n    want {} {:?} {:?} {:?}  found {} {:?} {:?} dsn {:?}\n    {}\n    {}",
                    reply.text,
                    reply.class,
                    reply.also,
                    reply.code,
                    reply.ip,
                    found.class,
                    found.code,
                    found.ip,
                    reply.dsn,
                    explained.text,
                    rule.unwrap_or_default()
                );
            }
        }
        let share = |n: usize, of: usize| format!("{:.1}%", 100.0 * n as f64 / of.max(1) as f64);
        println!(
            "{name:<12}{:>8}{:>8}{:>10}{:>8}{:>8}{:>8}{:>16}{:>8}",
            replies.len(),
            share(counts[0], replies.len()),
            share(counts[1], replies.len()),
            share(codes, coded),
            share(ips, blamed),
            share(counts[2], replies.len()),
            counts[3],
            share(counts[4], replies.len()),
        );
    }
}

fn list() {
    for (name, _) in corpus::PARTS {
        for reply in corpus::part(name) {
            let right = [vec![reply.class], reply.also].concat().join(" ");
            let dsn = reply.dsn.unwrap_or_default();
            println!("{name}\t{right}\t{dsn}\t{}", reply.text);
        }
    }
}
