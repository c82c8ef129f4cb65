//! How fast a mail log is read: `cargo bench -p postfix --bench log`.
#![allow(
    clippy::expect_used,
    missing_docs,
    clippy::disallowed_methods,
    reason = "a benchmark has nothing better to do"
)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use postfix::Time;
use postfix::Zone;
use postfix::log::{Event, Options, Sink, Wanted, parse_header, read_file, read_stream};
use testkit::maillog::{MailLog, Stamps, Traffic};

/// Counts events, as cheaply as can be.
#[derive(Default)]
struct Count(u64);

impl Sink for Count {
    fn event(&mut self, event: &Event<'_>) {
        black_box(event);
        self.0 += 1;
    }

    fn fork(&self) -> Option<Self> {
        Some(Self::default())
    }

    fn join(&mut self, later: Self) {
        self.0 += later.0;
    }
}

fn log(stamps: Stamps) -> Vec<u8> {
    let traffic = ["aol-a", "aol-b", "msn-a", "therest-a"];
    let traffic = traffic.map(|n| Traffic::new(&format!("postfix-{n}"), 9_000, 800, 1_200));
    let mut log = Vec::new();
    MailLog::day(traffic.into(), stamps)
        .write(&mut log)
        .expect("a Vec takes all");
    log
}

fn options(wanted: Wanted, window: bool) -> Options<'static> {
    Options {
        zone: Zone::Process,
        now: Time::from_seconds(1_784_200_000),
        window: window
            .then_some(Time::from_seconds(1_784_100_000)..Time::from_seconds(1_784_110_000)),
        wanted,
        threads: 1,
        progress: &|_| (),
    }
}

fn reading(c: &mut Criterion) {
    let mut group = c.benchmark_group("log");
    for (name, stamps) in [
        ("rfc3339", Stamps::Rfc3339),
        ("traditional", Stamps::Traditional),
    ] {
        let log = log(stamps);
        group.throughput(Throughput::Bytes(log.len() as u64));
        let all = Wanted {
            requeued: false,
            connects: false,
            expired: true,
            senders: true,
            relays: true,
            delays: true,
            times: true,
            filtered: false,
        };
        for (what, wanted) in [("counts", Wanted::default()), ("everything", all)] {
            let options = options(wanted, false);
            group.bench_function(format!("{name}, {what}"), |b| {
                b.iter(|| {
                    let mut count = Count::default();
                    read_stream(log.as_slice(), "-", &options, &mut count);
                    count.0
                });
            });
        }
        let dir = tempfile::tempdir().expect("a directory for the log");
        let path = dir.path().join("mail.log");
        std::fs::write(&path, &log).expect("room for the log");
        let options = options(Wanted::default(), true);
        group.bench_function(format!("{name}, a window of three hours"), |b| {
            b.iter(|| {
                let mut count = Count::default();
                read_file(&path, &options, &mut count).expect("the log can be read");
                count.0
            });
        });
    }
    group.finish();
    let line = b"2026-09-19T12:22:57.123456-04:00 rustin postfix-aol-a/smtp[123]: 4F9A1: to=<u@aol.com>, relay=none";
    c.bench_function("header", |b| b.iter(|| parse_header(black_box(line))));
}

criterion_group!(benches, reading);
criterion_main!(benches);
