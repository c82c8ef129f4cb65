//! Instances on a host: which there are, and what is wrong with them.

use super::image::{discover, image};

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

/// It is typed, offered by shells, and stands in commands that are shown to be pasted.
#[test]
fn what_a_shell_would_run_is_no_name() {
    for name in ["$$(id)", "`id`", "a;id", "a b", "-rf", "a/../b", "\x1b[31m"] {
        let main_cf = format!("multi_instance_name = {name}\n");
        let files = [("/etc/postfix-a/main.cf", main_cf.as_str())];
        let (_dir, root) = image(&files);
        let (host, told) = discover(&root);
        assert_eq!(host.instances()[0].name(), "postfix-a", "{name}");
        let is_told = told
            .iter()
            .any(|line| line.contains("is not taken for a name"));
        assert!(
            is_told && !told.concat().contains('\x1b'),
            "{name}: {told:?}"
        );
    }
    let name = "multi_instance_name = postfix-aol_a.2+x@b:c-é\n";
    check(
        &[("/etc/postfix-a/main.cf", name)],
        &["postfix-aol_a.2+x@b:c-é = /etc/postfix-a"],
        &[],
    );
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
fn what_is_broken_is_reported_and_the_others_work() {
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
            "/etc/postfix-d/main.cf, line 3: queue_directory: \"spool\" is not an absolute path",
            "/etc/postfix-e/main.cf, line 1: missing '=' after the parameter name: \"not a setting\" (Postfix refuses \
             to run with this line)",
            "/etc/postfix-e/main.cf, line 4: soft_bounce: must be yes or no",
            "/etc/postfix-e/main.cf, line 2: hash_queue_depth: must be a number of 1 or more",
            "/etc/postfix-e/main.cf, line 3: smtp_bind_address: \"10.0.0.\" is not an address",
        ],
    );
    check(
        &[
            ("/etc/postfix-a/main.cf", "multi_instance_name = x"),
            ("/etc/postfix-b/main.cf", "multi_instance_name = x"),
        ],
        &["x = /etc/postfix-a", "x = /etc/postfix-b"],
        &["/etc/postfix-b/main.cf: the instance is named \"x\", like the one in /etc/postfix-a"],
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
