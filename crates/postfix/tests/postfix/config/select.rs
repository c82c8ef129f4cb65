//! What instances are called, which one a user means, and what one tells of itself.

use std::path::Path;

use super::image::{discover, image};
use postfix::Root;
use postfix::config::{UnknownInstance, hostname_of};
use tempfile::TempDir;

/// A host with all kinds of names.
fn relay_host() -> (TempDir, Root) {
    image(&[
        ("/etc/postfix/main.cf", ""),
        (
            "/etc/postfix-aol-a/main.cf",
            "multi_instance_name = postfix-aol-a\nsmtp_bind_address = 192.0.2.1",
        ),
        (
            "/etc/postfix-aol-b/main.cf",
            "smtp_bind_address = 192.0.2.2\nsmtp_bind_address6 = [2001:db8::2]",
        ),
        (
            "/etc/postfix-msn-a/main.cf",
            "multi_instance_name = msn-one\ninet_interfaces = 192.0.2.3",
        ),
        ("/etc/postfix-bad/main.cf", "queue_directory = ${"),
        ("/srv/link", "->/etc/postfix-aol-b"),
    ])
}

/// The names that these arguments select, or the error.
#[track_caller]
fn check_select(args: &[&str], expected: Result<&[&str], &str>) {
    let (_dir, root) = relay_host();
    let (host, _) = discover(&root);
    let args: Vec<String> = args
        .iter()
        .map(|arg| arg.replace("ROOT", root.dir().to_str().unwrap()))
        .collect();
    let selected = host.select(&args).map(|found| {
        found
            .iter()
            .map(|i| i.name().to_owned())
            .collect::<Vec<_>>()
    });
    match expected {
        Ok(names) => assert_eq!(selected.unwrap(), names, "{args:?}"),
        Err(error) => assert_eq!(selected.unwrap_err().to_string(), error, "{args:?}"),
    }
}

#[test]
fn instances_are_selected_as_users_name_them() {
    check_select(
        &[],
        Ok(&["msn-one", "postfix", "postfix-aol-a", "postfix-aol-b"]),
    );
    check_select(&["aol-b"], Ok(&["postfix-aol-b"]));
    check_select(&["postfix-aol-b"], Ok(&["postfix-aol-b"]));
    check_select(&["postfix-aol-b/"], Ok(&["postfix-aol-b"]));
    check_select(&["/etc/postfix-aol-b"], Ok(&["postfix-aol-b"]));
    check_select(&["/etc/postfix-aol-b/"], Ok(&["postfix-aol-b"]));
    check_select(&["/etc/../etc/postfix-aol-b"], Ok(&["postfix-aol-b"]));
    check_select(&["/srv/link"], Ok(&["postfix-aol-b"]));
    check_select(&["ROOT/etc/postfix-aol-b/"], Ok(&["postfix-aol-b"]));
    check_select(&["ROOT/srv/link"], Ok(&["postfix-aol-b"]));
    // By what it is called, and by what its directory is called.
    check_select(&["msn-one"], Ok(&["msn-one"]));
    check_select(&["postfix-msn-one"], Ok(&["msn-one"]));
    check_select(&["msn-a"], Ok(&["msn-one"]));
    check_select(&["postfix-msn-a"], Ok(&["msn-one"]));
    check_select(&["-"], Ok(&["postfix"]));
    check_select(&["postfix"], Ok(&["postfix"]));
    check_select(&["/etc/postfix"], Ok(&["postfix"]));
    check_select(&["aol-*"], Ok(&["postfix-aol-a", "postfix-aol-b"]));
    check_select(&["postfix-aol-*"], Ok(&["postfix-aol-a", "postfix-aol-b"]));
    check_select(&["*-a"], Ok(&["msn-one", "postfix-aol-a"]));
    check_select(
        &["{aol,msn}-?"],
        Ok(&["msn-one", "postfix-aol-a", "postfix-aol-b"]),
    );
    check_select(
        &["*"],
        Ok(&["msn-one", "postfix", "postfix-aol-a", "postfix-aol-b"]),
    );
    check_select(
        &["postfix-*"],
        Ok(&["msn-one", "postfix-aol-a", "postfix-aol-b"]),
    );
    check_select(&["192.0.2.1"], Ok(&["postfix-aol-a"]));
    check_select(&["2001:DB8:0::2"], Ok(&["postfix-aol-b"]));
    check_select(&["192.0.2.3"], Ok(&["msn-one"]));
    check_select(
        &["aol-b", "aol-*", "-", "/etc/postfix"],
        Ok(&["postfix", "postfix-aol-a", "postfix-aol-b"]),
    );
}

#[test]
fn an_unknown_name_tells_the_known_ones() {
    let known = "this host has msn-one, postfix, postfix-aol-a, postfix-aol-b; not readable: /etc/postfix-bad";
    for arg in [
        "aol",
        "aol-c",
        "",
        "/etc",
        "/",
        "x-*",
        "[",
        "a{b",
        "192.0.2.9",
        "AOL-B",
        "/etc/postfix-bad",
    ] {
        check_select(
            &["aol-a", arg],
            Err(&format!("unknown instance \"{arg}\": {known}")),
        );
    }
    check_select(
        &["a\x1b[2J\n"],
        Err(&format!("unknown instance \"a\\x1b[2J\\n\": {known}")),
    );
    let (_dir, root) = image(&[("/etc/hosts", "")]);
    let error = discover(&root).0.select(&["-".to_owned()]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "unknown instance \"-\": no Postfix instance was found on this host"
    );
}

#[test]
fn what_was_meant_is_the_one_name_that_is_all_but_the_same() {
    let check = |given: &str, known: &[&str], expected: Option<&str>| {
        let unknown = UnknownInstance {
            given: given.to_owned(),
            known: known.iter().map(|&name| name.to_owned()).collect(),
            unreadable: Vec::new(),
        };
        assert_eq!(unknown.meant().as_deref(), expected, "{given}");
    };
    let known = ["postfix", "postfix-aol-a", "postfix-aol-b", "postfix-msn-a"];
    check("AOL-B", &known, Some("postfix-aol-b"));
    check("aolb", &known, Some("postfix-aol-b"));
    check("Postfix_AOL_B", &known, Some("postfix-aol-b"));
    // Several: what they have in common.
    check("aol", &known, Some("'aol-*'"));
    check("AOL", &known, Some("'aol-*'"));
    check("AOL-*", &known, Some("'aol-*'"));
    check("Postfix-A*", &known, Some("'a*'"));
    check("x-*", &known, None);
    check("a{*", &known, None);
    check("", &known, None);
    check("/etc/postfix-aol.b/", &known, Some("postfix-aol-b"));
    check("aol-bb", &known, Some("postfix-aol-b"));
    check("alo-b", &known, Some("postfix-aol-b"));
    check("msn", &known, Some("'msn-*'"));
    // It may be one as well as the other.
    check("aol-c", &known, None);
    check(
        "ml-1",
        &["postfix-ml-11", "postfix-ml.1", "postfix-ML1"],
        None,
    );
    check("", &known, None);
    check("-", &["a"], None);
    check("\u{202e}\n", &known, None);
}

#[test]
fn names_from_a_file_are_escaped() {
    let (_dir, root) = image(&[("/etc/postfix-a\x1b[31m/main.cf", "")]);
    let error = discover(&root).0.select(&["b".to_owned()]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "unknown instance \"b\": this host has postfix-a\\x1b[31m"
    );
}

#[test]
fn postmulti_starts_what_is_listed_and_enabled() {
    let enabled = |files: &[(&str, &str)]| {
        let (_dir, root) = image(files);
        let (host, _) = discover(&root);
        host.instances()
            .iter()
            .filter(|i| i.is_enabled())
            .map(|i| i.name().to_owned())
            .collect::<Vec<_>>()
    };
    let on = "multi_instance_enable = yes";
    assert_eq!(
        enabled(&[("/etc/postfix/main.cf", ""), ("/etc/postfix-a/main.cf", on)]),
        ["postfix"]
    );
    let managed = "multi_instance_directories = /etc/postfix-a /etc/postfix-b";
    let others = [
        ("/etc/postfix-a/main.cf", on),
        ("/etc/postfix-b/main.cf", ""),
        ("/etc/postfix-c/main.cf", on),
    ];
    let with = |default: &'static str| [&[("/etc/postfix/main.cf", default)][..], &others].concat();
    assert_eq!(enabled(&with(managed)), ["postfix-a"]);
    let both =
        "multi_instance_enable = YES\nmulti_instance_directories = /etc/postfix-a /etc/postfix-b";
    assert_eq!(enabled(&with(both)), ["postfix", "postfix-a"]);
}

#[test]
fn an_instance_tells_its_settings() {
    let (_dir, root) = image(&[
        ("/etc/hostname", "# mine\n\nrustin\n"),
        (
            "/etc/postfix-a/main.cf",
            "multi_instance_name = postfix-a\nmulti_instance_group = relay\nqueue_directory = \
             /var/spool/$multi_instance_name\n\
             inet_interfaces = 192.0.2.1, [::1], 192.0.2.2\nsmtp_bind_address6 = 2001:db8::1\nhash_queue_depth = 2\n\
             hash_queue_names = deferred, defer,hold\nmaillog_file = /var/log/a.log\nmaximal_queue_lifetime = 2\n\
             minimal_backoff_time = 5m\nmaximal_backoff_time = 1h\nqueue_run_delay = x\nmaster_service_disable = inet, \
             !pickup/unix",
        ),
        (
            "/etc/postfix-a/master.cf",
            "smtp inet n - y - - smtpd\n[::1]:10025 inet n - n - - smtpd\npickup unix n - n 60? 1 pickup\nbad line\n",
        ),
    ]);
    let (host, problems) = discover(&root);
    assert_eq!(problems, Vec::<String>::new());
    let a = &host.instances()[0];
    assert_eq!(a.queue_directory(), Path::new("/var/spool/postfix-a"));
    assert_eq!(a.data_directory(), Path::new("/var/lib/postfix"));
    assert_eq!(
        a.master_pid_file(),
        Path::new("/var/spool/postfix-a/pid/master.pid")
    );
    assert_eq!(a.syslog_name(), "postfix-a");
    assert_eq!(a.group().as_deref(), Some("relay"));
    assert_eq!(a.helo_name(), "rustin.example.org");
    assert_eq!(a.hash_queue_names(), ["deferred", "defer", "hold"]);
    assert_eq!(a.hash_queue_depth(), 2);
    assert_eq!(
        a.maillog_file().as_deref(),
        Some(Path::new("/var/log/a.log"))
    );
    // Two addresses of one family listen: the system chooses which to send from.
    assert_eq!(
        a.bind_addresses(),
        ["2001:db8::1".parse::<std::net::IpAddr>().unwrap()]
    );
    assert_eq!(
        a.parameters().seconds("maximal_queue_lifetime"),
        Some(2 * 86400)
    );
    assert_eq!(
        a.parameters().seconds("bounce_queue_lifetime"),
        Some(5 * 86400)
    );
    assert_eq!(a.parameters().seconds("minimal_backoff_time"), Some(300));
    assert_eq!(a.parameters().seconds("maximal_backoff_time"), Some(3600));
    assert_eq!(a.parameters().seconds("queue_run_delay"), None);
    assert_eq!(
        a.parameters().seconds("smtp_destination_rate_delay"),
        Some(0)
    );
    let services = a.services(&root);
    assert_eq!(services.problems.len(), 1);
    assert_eq!(
        services
            .value
            .services()
            .iter()
            .map(|s| s.name.as_str())
            .collect::<Vec<_>>(),
        ["pickup"]
    );
    assert_eq!(hostname_of(&root).as_deref(), Some("rustin"));
}
