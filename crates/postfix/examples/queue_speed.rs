//! Makes a spool of N deferred messages with defer logs, and times our reading of it beside find(1), qshape(1).
//!
//! `cargo run --release -p postfix --example queue_speed -- N [DIR]`: the spool is made below DIR (default: the
//! system's temporary directory) and removed afterwards.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a benchmark for the terminal"
)]

mod spool_maker;

use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use postfix::queue::{Detail, Layout, Queue, ScanOptions, ShowqOptions, Spool};

fn main() {
    let mut args = std::env::args().skip(1);
    let count: u32 = args.next().map_or(20_000, |n| n.parse().unwrap());
    let parent = args.next().unwrap_or_else(|| "/tmp".into());
    let dir = tempfile::tempdir_in(parent).unwrap();
    let spool = Spool::new(dir.path(), Layout::default());
    spool_maker::fill(&spool, count);
    let deferred = spool.queue_dir(Queue::Deferred);

    let find = time("find -type f | wc -l", || {
        let find = format!("find {} -type f | wc -l", deferred.display());
        run(Command::new("sh").args(["-c", &find]));
    });
    let counts = time("count: names alone", || {
        assert_eq!(
            spool.count(Queue::Deferred).unwrap().messages,
            u64::from(count)
        );
    });
    for threads in [1, 2, 16] {
        let options = ScanOptions {
            threads: threads.try_into().unwrap(),
        };
        let head = time(&format!("scan: sizes and times, {threads} threads"), || {
            let (bytes, oldest) = (AtomicU64::new(0), AtomicI64::new(i64::MAX));
            let tally = spool.scan(Queue::Deferred, Detail::Head, &options, |file| {
                bytes.fetch_add(file.message_size(), Ordering::Relaxed);
                oldest.fetch_min(file.arrival_time().seconds(), Ordering::Relaxed);
                ControlFlow::Continue(())
            });
            assert_eq!(tally.unwrap().messages, u64::from(count));
        });
        let shown = time(
            &format!("scan: messages and defer logs, {threads} threads"),
            || {
                let recipients = AtomicU64::new(0);
                let showq = ShowqOptions::default();
                let tally = spool.scan_messages(Queue::Deferred, &showq, &options, |message| {
                    recipients.fetch_add(message.recipients.len() as u64, Ordering::Relaxed);
                    ControlFlow::Continue(())
                });
                assert_eq!(tally.unwrap().messages, u64::from(count));
            },
        );
        println!(
            "  {:.2} / {:.2} of find",
            ratio(head, find),
            ratio(shown, find)
        );
    }
    println!("count: {:.2} of find", ratio(counts, find));
    if Path::new("/usr/sbin/qshape").exists() {
        let qshape = time("qshape", || {
            run(Command::new("qshape").arg(&deferred));
        });
        println!("qshape: {:.1} of find", ratio(qshape, find));
    }
}

/// The best of three.
fn time(what: &str, mut run: impl FnMut()) -> Duration {
    let mut once = || {
        let start = Instant::now();
        run();
        start.elapsed()
    };
    let best = (0..3).map(|_| once()).min().unwrap();
    println!("{:9.1} ms  {what}", best.as_secs_f64() * 1000.0);
    best
}

fn run(command: &mut Command) {
    assert!(command.stdout(Stdio::null()).status().unwrap().success());
}

fn ratio(of: Duration, to: Duration) -> f64 {
    of.as_secs_f64() / to.as_secs_f64()
}
