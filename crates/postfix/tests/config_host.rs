//! Instances on a host: which there are, what they are called, which one a user means.
#![allow(clippy::unwrap_used, reason = "a step that fails fails its test")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use postfix::config::{Host, hostname_of};
use postfix::{Parsed, Root};
use tempfile::TempDir;

/// A host image with these files below it. A text that begins with `->` makes a symbolic link.
fn image(files: &[(&str, &str)]) -> (TempDir, Root) {
    let dir = TempDir::new().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path.trim_start_matches('/'));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match text.strip_prefix("->") {
            Some(target) => symlink(target, path).unwrap(),
            None => fs::write(path, text).unwrap(),
        }
    }
    let root = Root::new(dir.path());
    (dir, root)
}

/// Discovery below a root, with the problems as a user reads them, the root left out.
fn discover(root: &Root) -> (Host, Vec<String>) {
    let Parsed { value, problems } = Host::discover(root, "rustin.example.org");
    let root = root.dir().to_str().unwrap();
    (
        value,
        problems
            .iter()
            .map(|problem| problem.to_string().replace(root, ""))
            .collect(),
    )
}

/// The instances that these files make, as `name = directory`, and the problems.
#[track_caller]
fn check(files: &[(&str, &str)], expected: &[&str], problems: &[&str]) {
    let (_dir, root) = image(files);
    let (host, told) = discover(&root);
    let line = |i: &postfix::config::Instance| {
        format!("{} = {}", i.name(), i.config_directory().display())
    };
    assert_eq!(
        host.instances().iter().map(line).collect::<Vec<_>>(),
        expected
    );
    assert_eq!(told, problems);
}

#[test]
fn instances_are_found_where_postfix_and_admins_put_them() {
    check(&[("/etc/hosts", "")], &[], &[]);
    check(
        &[("/etc/postfix/main.cf", "")],
        &["postfix = /etc/postfix"],
        &[],
    );
    check(
        &[
            ("/etc/postfix-b/main.cf", ""),
            ("/etc/postfix-a/main.cf", ""),
            ("/etc/postfix/main.cf", ""),
        ],
        &[
            "postfix = /etc/postfix",
            "postfix-a = /etc/postfix-a",
            "postfix-b = /etc/postfix-b",
        ],
        &[],
    );
    check(
        &[
            (
                "/etc/postfix/main.cf",
                "multi_instance_directories = /etc/postfix-a, /opt/b\n  $x\nx = /opt/c\n\
                alternate_config_directories = /opt/d",
            ),
            ("/etc/postfix-a/main.cf", ""),
            ("/opt/b/main.cf", "multi_instance_name = pb"),
            ("/opt/c/main.cf", ""),
            ("/opt/d/main.cf", ""),
        ],
        &[
            "c = /opt/c",
            "d = /opt/d",
            "pb = /opt/b",
            "postfix = /etc/postfix",
            "postfix-a = /etc/postfix-a",
        ],
        &[],
    );
    check(
        &[
            ("/etc/postfix-policyd-spf-python/policyd-spf.conf", ""),
            ("/etc/postfix-notes", ""),
            ("/etc/postfixx/main.cf", ""),
        ],
        &[],
        &[],
    );
}

#[test]
fn a_directory_counts_once_however_it_is_reached() {
    check(
        &[
            (
                "/etc/postfix/main.cf",
                "multi_instance_directories = /etc/postfix-a/ /etc/./postfix-a /etc/postfix-b",
            ),
            ("/etc/postfix-a/main.cf", ""),
            ("/etc/postfix-b", "->postfix-a"),
            ("/etc/postfix-c", "->/etc/postfix-b"),
            ("/etc/postfix-d", "->../srv/../etc/postfix"),
            ("/srv/x", ""),
        ],
        &["postfix = /etc/postfix", "postfix-a = /etc/postfix-a/"],
        &[],
    );
}

#[test]
fn links_stay_below_the_root() {
    // An absolute link in an image means a path in the image.
    check(
        &[
            ("/etc/postfix", "->/srv/conf"),
            ("/srv/conf/main.cf", "->/srv/real.cf"),
            ("/srv/real.cf", "multi_instance_name = x"),
        ],
        &["x = /etc/postfix"],
        &[],
    );
    check(
        &[
            ("/etc/postfix", "->/../../../../../../srv"),
            ("/srv/main.cf", ""),
        ],
        &["postfix = /etc/postfix"],
        &[],
    );
    check(
        &[
            ("/etc/postfix-a", "->postfix-a"),
            ("/etc/postfix-b/main.cf", ""),
        ],
        &["postfix-b = /etc/postfix-b"],
        &["/etc/postfix-a: cannot read it: Too many levels of symbolic links"],
    );
}

#[test]
fn what_is_broken_is_told_and_the_others_work() {
    check(
        &[
            (
                "/etc/postfix/main.cf",
                "multi_instance_directories = /etc/postfix-gone",
            ),
            (
                "/etc/postfix-a/main.cf",
                "queue_directory = /var/spool/$multi_instance_name/${x",
            ),
            ("/etc/postfix-b/main.cf/dir", ""),
            ("/etc/postfix-c/main.cf", "->/etc/nowhere"),
            ("/etc/postfix-d/main.cf", "\n\nqueue_directory = spool"),
            (
                "/etc/postfix-e/main.cf",
                "not a setting\nhash_queue_depth = 0\nsmtp_bind_address = 10.0.0.\nsoft_bounce = ja",
            ),
            ("/etc/postfix-f/main.cf", "syslog_name = f\n"),
        ],
        &[
            "postfix = /etc/postfix",
            "postfix-e = /etc/postfix-e",
            "postfix-f = /etc/postfix-f",
        ],
        &[
            "/etc/postfix-gone: cannot read it: No such file or directory (the main.cf in /etc/postfix \
             names this directory)",
            "/etc/postfix-a/main.cf, line 1: queue_directory: truncated reference in \
             \"/var/spool/$multi_instance_name/${x\"",
            "/etc/postfix-b/main.cf: cannot read it: it is a directory, not a regular file",
            "/etc/postfix-c/main.cf: cannot read it: No such file or directory",
            "/etc/postfix-d/main.cf, line 3: queue_directory: \"spool\" is no absolute path",
            "/etc/postfix-e/main.cf, line 1: missing '=' after the parameter name: \"not a setting\" (Postfix refuses \
             to run with this line)",
            "/etc/postfix-e/main.cf, line 4: soft_bounce: neither yes nor no",
            "/etc/postfix-e/main.cf, line 2: hash_queue_depth: no number of 1 or more",
            "/etc/postfix-e/main.cf, line 3: smtp_bind_address: \"10.0.0.\" is no address",
        ],
    );
    check(
        &[
            ("/etc/postfix-a/main.cf", "multi_instance_name = x"),
            ("/etc/postfix-b/main.cf", "multi_instance_name = x"),
        ],
        &["x = /etc/postfix-a", "x = /etc/postfix-b"],
        &["/etc/postfix-b/main.cf: the instance is called \"x\", as is the one in /etc/postfix-a"],
    );
}

#[test]
fn a_fifo_or_a_device_is_not_waited_for() {
    for make in [&["mkfifo"][..], &["mknod", "-m", "600"]] {
        let (dir, root) = image(&[("/etc/postfix-a/x", ""), ("/etc/postfix-b/main.cf", "")]);
        let path = dir.path().join("etc/postfix-a/main.cf");
        let mut command = std::process::Command::new(make[0]);
        command.args(&make[1..]).arg(&path);
        if make.len() > 1 {
            // The full terminal device: reading it would wait for a key.
            command.args(["c", "5", "0"]);
        }
        if !command.output().unwrap().status.success() {
            continue; // Only root makes devices; the FIFO is always made.
        }
        let (host, problems) = discover(&root);
        assert_eq!(host.instances().len(), 1);
        assert!(problems[0].contains("not a regular file"), "{problems:?}");
    }
}

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
fn names_from_a_file_are_escaped() {
    let (_dir, root) = image(&[(
        "/etc/postfix-a/main.cf",
        "multi_instance_name = a\x1b[31m\n",
    )]);
    let error = discover(&root).0.select(&["b".to_owned()]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "unknown instance \"b\": this host has a\\x1b[31m"
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
            "multi_instance_name = postfix-a\nmulti_instance_group = relay\nqueue_directory = /var/spool/$multi_instance_name\n\
             inet_interfaces = 192.0.2.1, [::1], 192.0.2.2\nsmtp_bind_address6 = 2001:db8::1\nhash_queue_depth = 2\n\
             hash_queue_names = deferred, defer,hold\nmaillog_file = /var/log/a.log\nmaximal_queue_lifetime = 2\n\
             minimal_backoff_time = 5m\nmaximal_backoff_time = 1h\nqueue_run_delay = x\nmaster_service_disable = inet, !pickup/unix",
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
