//! queue-report beside `postqueue -j` of running instances: the same messages, value by value.

use crate::TOOL;
use crate::image::{assert_superset, parse};
use serde_json::Value;
use testkit::{Answer, Host, Instance, Mail, Sink};

/// A sink that puts off who has "defer" in the address, with a reply that needs care.
fn sink(host: &Host) -> Sink {
    let sink = host.sink();
    sink.on_rcpt(|rcpt| {
        if rcpt.recipient.contains("defer") {
            Answer::text(
                450,
                "4.2.1 \"q\" \\b caf\u{e9} <x>: try\tlater and \u{1b}[2J \u{202e}more",
            )
        } else {
            Answer::ok()
        }
    });
    sink
}

/// One of each kind that a queue can hold; the last three are to be held, marked for return, both.
fn kinds() -> Vec<Mail> {
    let numbered = (0..499).map(|n| format!("defer{n}@example.com"));
    vec![
        Mail::new("one@example.org", "defer@example.com"),
        Mail::new("three@example.org", "defer@example.com")
            .to_all(["defer@aol.com", "defer@msn.com"]),
        Mail::new("many@example.org", "defer@example.com").to_all(numbered),
        Mail::new("partial@example.org", "ok@example.com")
            .to_all(["defer@example.com", "ok@aol.com"]),
        Mail::new("", "defer@example.com"),
        Mail::new(
            "jos\u{e9}@ex\u{e4}mple.org",
            "defer-\u{e9}@ex\u{e4}mple.com",
        ),
        Mail::new("dsn@example.org", "defer@example.com")
            .to("ok@example.com")
            .notify("success,delay")
            .ret("hdrs")
            .envid("QQ314159"),
        Mail::new("verp@example.org", "defer@example.com")
            .to("defer@aol.com")
            .verp(),
        Mail::new("big@example.org", "defer@example.com")
            .to("ok@example.com")
            .size(5_000_000),
        Mail::new("\"a b\"@example.org", "\"defer a b\"@example.com")
            .to("\"defer\\\"q\"@example.com"),
        Mail::new("hold@example.org", "defer@example.com").to("ok@example.com"),
        Mail::new("expire@example.org", "defer@example.com"),
        Mail::new("both@example.org", "defer@example.com"),
    ]
}

fn instance(host: &Host, sink: &Sink, name: &str, layout: (&str, &str), long: bool) -> Instance {
    host.instance(name)
        .relay_to(sink)
        .param("hash_queue_names", layout.0)
        .param("hash_queue_depth", layout.1)
        .param("enable_long_queue_ids", if long { "yes" } else { "no" })
        .param("smtpd_recipient_limit", "1000")
        .param("smtpd_authorized_verp_clients", "127.0.0.0/8")
        .param("message_size_limit", "20000000")
        .start()
}

/// Submits one of each kind, and waits until nothing moves.
fn load(instance: &Instance) {
    let ids = instance.submit(kinds());
    instance.sendmail(&Mail::new("local@example.org", "defer@example.com"));
    instance.wait_idle();
    instance.wait_for("deferred", ids.len() + 1);
    let [.., hold, expire, both] = ids.as_slice() else {
        panic!("three at least");
    };
    instance.postsuper(["-h", hold]);
    instance.postsuper(["-e", expire]);
    instance.postsuper(["-h", both]);
    instance.postsuper(["-e", both]);
}

fn shown(instance: &Instance) -> Vec<Value> {
    let tool = instance.host().command(TOOL);
    let ran = tool
        .args([instance.name(), "--format", "jsonl", "--all"])
        .run()
        .ok();
    // These instances are stopped, or have no pickup, so that their mail stays.
    let told = ran.errors();
    let is_meant =
        |line: &str| line.ends_with(": nobody takes it") || line.ends_with("stays in maildrop");
    assert!(told.lines().all(is_meant), "{told}");
    // Nothing that a terminal would act upon.
    let is_plain = |c: char| c == '\n' || !(c.is_control() || c == '\u{202e}');
    assert!(ran.text().chars().all(is_plain));
    parse(&ran.text())
}

fn check(layouts: &[(&str, (&str, &str))], long: bool) {
    let host = testkit::host_or_skip!();
    let sink = sink(&host);
    for (name, layout) in layouts {
        let instance = instance(&host, &sink, name, *layout, long);
        load(&instance);
        let theirs = instance.postqueue();
        assert_superset(name, shown(&instance), theirs.clone());
        // The list by another way, through the figures.
        let sorted = host
            .command(TOOL)
            .args([name, "--format", "jsonl", "--sort", "arrival"]);
        assert_superset(name, parse(&sorted.run().ok().text()), theirs.clone());
        instance.stop();
        assert_superset(name, shown(&instance), theirs);
    }
}

#[test]
fn all_kinds_of_mail_with_short_ids() {
    check(
        &[
            ("postfix-flat", ("none", "1")),
            ("postfix-one", ("deferred, defer", "1")),
            (
                "postfix-two",
                ("deferred, defer, hold, incoming, active", "2"),
            ),
        ],
        false,
    );
}

#[test]
fn all_kinds_of_mail_with_long_ids() {
    check(
        &[
            ("postfix-flat", ("none", "1")),
            ("postfix-one", ("deferred, defer", "1")),
            ("postfix-two", ("deferred, defer, hold", "2")),
        ],
        true,
    );
}

#[test]
fn local_submissions_wait_in_maildrop() {
    let host = testkit::host_or_skip!();
    let instance = host
        .instance("postfix-aol-a")
        .without_service("pickup", "unix")
        .start();
    instance.sendmail(&Mail::new("a@example.org", "b@example.com"));
    instance.sendmail(&Mail::new("", "b@example.com").size(300_000));
    assert_eq!(instance.count("maildrop"), 2);
    assert_superset("postfix-aol-a", shown(&instance), instance.postqueue());
}

#[test]
fn ids_are_what_postsuper_takes() {
    let host = testkit::host_or_skip!();
    let sink = sink(&host);
    let instance = instance(
        &host,
        &sink,
        "postfix-aol-a",
        ("deferred, defer", "1"),
        false,
    );
    instance.submit((0..6).map(|n| {
        Mail::new(
            &format!("s{}@example.org", n % 2),
            &format!("defer{n}@example.com"),
        )
    }));
    instance.wait_idle();
    instance.wait_for("deferred", 6);
    let args = "aol-a --sender s1@example.org --ids";
    host.sh(&format!(
        "{TOOL} {args} | postsuper -c /etc/postfix-aol-a -h -"
    ));
    assert_eq!((instance.count("hold"), instance.count("deferred")), (3, 3));
}

#[test]
fn mail_may_move_meanwhile() {
    let host = testkit::host_or_skip!();
    let sink = host.sink();
    let instance = host.instance("postfix-aol-a").relay_to(&sink).start();
    let sending = std::thread::scope(|scope| {
        let sender =
            scope.spawn(|| instance.smtp_source(400, 2000, "a@example.org", "b@example.com"));
        let mut looks = 0;
        while !sender.is_finished() || instance.count("active") > 0 {
            let ran = host
                .command(TOOL)
                .args(["aol-a", "--format", "json"])
                .run()
                .ok();
            assert_eq!(ran.errors(), "");
            serde_json::from_str::<Value>(&ran.text()).unwrap();
            shown(&instance);
            looks += 1;
        }
        sender.join().unwrap();
        looks
    });
    assert!(sending > 0);
    sink.wait_accepted(400);
}

#[test]
fn without_rights_it_says_so() {
    let host = testkit::host_or_skip!();
    let sink = sink(&host);
    let instance = instance(
        &host,
        &sink,
        "postfix-aol-a",
        ("deferred, defer", "1"),
        false,
    );
    instance.submit([Mail::new("a@example.org", "defer@example.com")]);
    instance.wait_for("deferred", 1);
    // Where everyone may execute it: the build directory may be root's alone.
    host.sh(&format!("install -m 755 {TOOL} /run/queue-report"));
    for flags in [
        &["aol-a"][..],
        &["aol-a", "--ids"],
        &["aol-a", "--format", "jsonl"],
        &["aol-a", "--format", "json"],
    ] {
        let ran = host
            .command("/run/queue-report")
            .args(flags)
            .user("nobody")
            .run()
            .exit(2);
        assert_eq!(ran.text(), "");
        let told = ran.errors();
        let (what, hint) = told.split_once('\n').unwrap();
        assert!(what.contains("permission denied"), "{told}");
        assert_eq!(hint, "hint: run it with sudo\n");
    }
}

/// The null sender is nobody, whatever main.cf has him shown as.
#[test]
fn bounces_are_found_by_whatever_name_they_are_shown() {
    let host = testkit::host_or_skip!();
    let sink = sink(&host);
    let instance = host
        .instance("postfix-aol-a")
        .relay_to(&sink)
        .param("empty_address_recipient", "postmaster")
        .start();
    let ids = instance.submit([
        Mail::new("", "defer1@example.com"),
        Mail::new("postmaster", "defer2@example.com"),
        Mail::new("news@example.org", "defer3@example.com"),
    ]);
    instance.wait_for("deferred", 3);
    let shown = |sender: &str| {
        let args = ["aol-a", "--sender", sender, "--ids"];
        host.command(TOOL).args(args).run().ok().text()
    };
    assert_eq!(shown("<>"), format!("{}\n", ids[0]));
    assert_eq!(shown("news@example.org"), format!("{}\n", ids[2]));
    assert_superset(
        "postfix-aol-a",
        self::shown(&instance),
        instance.postqueue(),
    );
}
