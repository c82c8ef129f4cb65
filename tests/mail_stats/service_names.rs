//! A service that logs under a name of its own (`-o syslog_name=` in master.cf): what it delivers is its instance's.

use testkit::{Mail, host_or_skip};

use crate::TOOL;

#[test]
fn mail_of_a_service_with_a_name_of_its_own_is_its_instances() {
    let host = host_or_skip!();
    let sink = host.sink();
    let a = host
        .instance("postfix-aol-a")
        .relay_to(&sink)
        .service("smtp unix - - n - - smtp -o syslog_name=bulk")
        .start();
    let _msn = host.instance("postfix-msn-a").start();
    a.submit((0..3).map(|n| Mail::new("news@example.org", &format!("u{n}@aol.example"))));
    a.wait_until(testkit::PATIENCE, "three deliveries", || {
        host.mail_log().matches("status=sent").count() == 3
    });
    // That is how Postfix has it.
    assert!(
        host.mail_log().contains(" bulk/smtp["),
        "{}",
        host.mail_log()
    );
    let run =
        |words: &[&str], status: i32| host.command(TOOL).args(words).run().exit(status).text();
    for words in [&[][..], &["aol-a"], &["aol-*"]] {
        let text = run(words, 0);
        assert!(
            text.contains("postfix-aol-a:total:3\n"),
            "{words:?}: {text}"
        );
        assert!(!text.contains("bulk"), "{text}");
    }
    assert!(!run(&["msn-a"], 0).contains(":total:3"));
    let line = run(&["--check", "aol-a"], 0);
    assert!(line.contains("=3;"), "{line}");
}
