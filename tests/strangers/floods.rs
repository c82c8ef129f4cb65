//! Names, codes and domains without number: what is made of them stays small.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use testkit::tools;

use crate::image::{CLOCK, DAY, Image, delivery};

/// What is made up anew for each line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum MadeUp {
    Tag,
    Domain,
    Code,
    Address,
    Dsn,
    Words,
    Host,
    Sender,
    Complaint,
    Unread,
}

const ALL: [MadeUp; 10] = [
    MadeUp::Tag,
    MadeUp::Domain,
    MadeUp::Code,
    MadeUp::Address,
    MadeUp::Dsn,
    MadeUp::Words,
    MadeUp::Host,
    MadeUp::Sender,
    MadeUp::Complaint,
    MadeUp::Unread,
];

/// The lines of a flood; names are `pad` characters longer than they need be.
fn lines(
    count: usize,
    made_up: &BTreeSet<MadeUp>,
    status: &str,
    pad: &str,
) -> impl Iterator<Item = String> {
    (0..count).flat_map(move |n| {
        let delivery = line(n, made_up, status, pad);
        let (head, _) = delivery.split_once("/smtp[1]: ").unwrap();
        let mut all = Vec::new();
        if made_up.contains(&MadeUp::Complaint) {
            let service = pad.replace(|c: char| !c.is_ascii_alphanumeric(), "");
            let severity = ["warning", "error", "fatal", "panic"][n % 4];
            all.push(format!("{head}/{service}{n}[1]: {severity}: {pad} x{n}x"));
        }
        if made_up.contains(&MadeUp::Unread) {
            all.push(format!(
                "{head}/smtp[1]: 4F9A1: to=<u@{pad}{n}.example>, relay=cut{n}"
            ));
        }
        if made_up.contains(&MadeUp::Sender) {
            // The queue manager says whose message it is.
            let id = format!("{n:X}A1");
            all.push(format!(
                "{head}/qmgr[1]: {id}: from=<u@{pad}{n}.test>, size=9, nrcpt=1 (queue active)"
            ));
            all.push(delivery.replace("4F9A1", &id));
        } else {
            all.push(delivery);
        }
        all
    })
}

/// The delivery number `n` of a flood.
fn line(n: usize, made_up: &BTreeSet<MadeUp>, status: &str, pad: &str) -> String {
    let of = |what, some: String, none: &str| match made_up.contains(&what) {
        true => some,
        false => none.to_owned(),
    };
    let tag = of(MadeUp::Tag, format!("postfix-{pad}{n}"), "postfix-aol-a");
    let domain = of(MadeUp::Domain, format!("{pad}{n}.example"), "aol.com");
    let code = of(MadeUp::Code, format!("(TSS{n:05})"), "(TSS04)");
    let address = of(
        MadeUp::Address,
        format!("10.{}.{}.{}", n >> 16, n >> 8 & 255, n & 255),
        "192.0.2.9",
    );
    let words = of(MadeUp::Words, format!("{pad} {n} "), "");
    let reply = format!(
        "host mx[192.0.2.1] said: 421 4.7.0 {words}{code} messages from {address} temporarily deferred; \
         https://postmaster/{code}"
    );
    let line = delivery(&tag, &domain, status, &reply);
    let line = match made_up.contains(&MadeUp::Host) {
        true => format!("h{n}.{}\0{line}", pad.replace(' ', "")),
        false => line,
    };
    match made_up.contains(&MadeUp::Dsn) {
        true => line.replace(
            "dsn=5.7.1",
            &format!("dsn=5.{}.{}", n / 1000 % 1000, n % 1000),
        ),
        false => line,
    }
}

/// What SECURITY.md promises, of the host's own logs and of logs that are named.
fn check(image: &Image) {
    let log = image.path("var/log/mail.log").display().to_string();
    for named in [&[][..], &["--log", log.as_str()]] {
        let run = |args: &[&str]| image.stats(&[args, named].concat());
        let mail = run(&["-q", "--format", "report", "--print-mail", "--date", DAY]);
        assert!(mail.out.contains("Subject: "), "{mail:?}");
        assert!(mail.out.len() <= 100_000, "mail: {} bytes", mail.out.len());
        let page = run(&["-q", "--format", "html", "--date", DAY]);
        assert!(page.out.contains("</html>"), "{page:?}");
        let size = page.out.len();
        assert!(size <= 1_000_000, "page: {size} bytes");
        let prom = run(&["-q", "--format", "prom", "--by", "provider,reason"]);
        check_series(&prom.out);
        let by = "provider,reason,domain,relay,dsn,host,hour,sender-domain";
        // Of each breakdown 5,000 rows, of at most so many instances as the log has rows for.
        let text = run(&["-q", "--by", by]);
        let rows = text.out.lines().count() / 4;
        assert!((1..=8 * 5_001 + 201 * 2).contains(&rows), "{rows} rows");
        let state = image
            .path(&format!("state-{}.json", named.len()))
            .display()
            .to_string();
        let prom = run(&["-q", "--format", "prom", "--follow-state", &state]);
        check_series(&prom.out);
        let size = std::fs::metadata(&state).unwrap().len();
        assert!(size <= 1_000_000, "state: {size} bytes");
    }
    image.stats(&["-q", "--save-day", "--date", DAY]);
    let days = std::fs::read_dir(image.path("var/lib/relay-tools/days")).unwrap();
    let sizes: Vec<u64> = days
        .map(|day| day.unwrap().metadata().unwrap().len())
        .collect();
    assert_eq!(sizes.len(), 1);
    assert!(sizes[0] <= 1_000_000, "day record: {} bytes", sizes[0]);
}

pub(crate) fn check_series(metrics: &str) {
    let series = metrics
        .lines()
        .filter(|line| !line.starts_with('#'))
        .count();
    assert!((10..=5_000).contains(&series), "{series} series: {metrics}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn nothing_grows_with_what_strangers_make_up(
        made_up in proptest::collection::btree_set(proptest::sample::select(&ALL[..]), 1..6),
        status in proptest::sample::select(&["sent", "bounced", "deferred"][..]),
        lines in 1_000_usize..4_000,
        pad in "[a-z=\u{6f22}\u{301}&<]{0,80}",
    ) {
        check(&Image::new(self::lines(lines, &made_up, status, &pad)));
    }
}

#[test]
fn all_that_can_be_made_up_at_once() {
    let made_up = BTreeSet::from(ALL);
    check(&Image::new(lines(6_000, &made_up, "bounced", "x")));
    // In the name of an instance, which is not folded.
    let made_up = BTreeSet::from([
        MadeUp::Domain,
        MadeUp::Code,
        MadeUp::Address,
        MadeUp::Dsn,
        MadeUp::Words,
        MadeUp::Sender,
        MadeUp::Complaint,
        MadeUp::Unread,
    ]);
    check(&Image::new(lines(6_000, &made_up, "deferred", "x")));
}

/// A hundred thousand names of instances, in 600 MB of address space.
#[test]
fn memory_does_not_grow_with_names() {
    let made_up = BTreeSet::from([MadeUp::Tag]);
    let image = Image::new((0..100_000).map(|n| line(n, &made_up, "bounced", "x")));
    let log = image.path("var/log/mail.log");
    for args in [
        &["--root"][..],
        &["--log"],
        &["--by", "domain", "--top", "10", "--log"],
        &["--format", "prom", "--follow-state", "STATE", "--root"],
    ] {
        let last = match args.last() {
            Some(&"--log") => log.as_os_str(),
            _ => image.root().as_os_str(),
        };
        let args: Vec<String> = args
            .iter()
            .map(|arg| match *arg == "STATE" {
                true => image.path("state.json").display().to_string(),
                false => (*arg).to_owned(),
            })
            .collect();
        let ran = Command::new("prlimit")
            .arg("--as=600000000")
            .arg(tools::path("mail-stats-print"))
            .args([format!("--clock={CLOCK}"), "-q".to_owned()])
            .args(&args)
            .arg(last)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(
            ran.status.success(),
            "{args:?}: {}",
            String::from_utf8_lossy(&ran.stderr)
        );
    }
}

/// Forty thousand domains with a line each, and one that has more than its share.
#[test]
fn sums_are_exact_and_the_biggest_key_is_there() {
    let one = BTreeSet::from([MadeUp::Domain]);
    let few = BTreeSet::from([MadeUp::Code]);
    let lines = (0..45_000).map(|n| match n % 9 {
        0 => line(n, &few, "bounced", ""),
        _ => line(n, &one, "bounced", ""),
    });
    let image = Image::new(lines);
    let ran = image.stats(&["-q", "--by", "domain", "--top", "3", "--format", "json"]);
    let found: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let instances = found["instances"].as_array().unwrap();
    let instance = instances
        .iter()
        .find(|one| one["instance"] == "postfix-aol-a");
    let instance = instance.unwrap();
    assert_eq!(
        (&instance["total"], &instance["bounced"]),
        (&45_000.into(), &45_000.into())
    );
    let first = &instance["by"]["domain"][0];
    assert_eq!(first["key"], "aol.com");
    assert!(first["total"].as_u64().unwrap() >= 5_000, "{first}");
}

/// More instances than all breakdowns of each have room for.
#[test]
fn four_hundred_instances_are_five_thousand_series_and_what_is_left_out_is_said() {
    let tags: Vec<String> = (0..400).map(|n| format!("postfix-i{n}")).collect();
    let image = Image::new(
        tags.iter()
            .map(|tag| delivery(tag, "aol.com", "sent", "250 ok")),
    );
    let directories: Vec<String> = tags.iter().map(|tag| format!("/etc/{tag}")).collect();
    let list = format!(
        "multi_instance_directories = {}\nmyhostname = rustin.example.org\n",
        directories.join(" ")
    );
    image.write("etc/postfix/main.cf", &list);
    for tag in &tags {
        let queue =
            format!("queue_directory = /var/spool/{tag}\ndata_directory = /var/lib/{tag}\n");
        image.write(
            &format!("etc/{tag}/main.cf"),
            &format!("multi_instance_name = {tag}\nsyslog_name = {tag}\n{queue}"),
        );
        std::fs::create_dir_all(image.path(&format!("var/spool/{tag}/deferred"))).unwrap();
    }
    let state = image.path("state.json").display().to_string();
    let ran = image.stats(&["-q", "--format", "prom", "--follow-state", &state]);
    check_series(&ran.out);
    assert!(ran.out.contains("\nrelay_metrics_series_left_out "));
    // What is not of one instance is there all the same.
    assert!(ran.out.contains("\nrelay_mail_last_run_timestamp_seconds "));
    check(&image);
    for by in ["provider", "age", "provider,age"] {
        let args = ["-q", "--format", "prom", "--by", by];
        check_series(&image.tool("mailq-distribution", &args).out);
    }
    check_series(
        &image
            .tool("mailq-distribution", &["-q", "--format", "prom"])
            .out,
    );
}
