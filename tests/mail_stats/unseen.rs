//! Instances of which nothing can be seen are not OK.

use std::fs;
use std::path::Path;

use crate::holes::{Image, at};
use testkit::tools::{Ran, run, seconds, set_mtime};

const NOW: &str = "--clock=2026-11-27T12:00:00Z";

/// Two instances with 60 deliveries each, and what the main.cf of aol-a has beside its name.
fn host(root: &Path, main_cf: &str, logged: &[&str]) {
    for name in ["aol-a", "aol-b"] {
        let dir = root.join(format!("etc/postfix-{name}"));
        fs::create_dir_all(&dir).unwrap();
        let own =
            format!("syslog_name = postfix-{name}\nqueue_directory = /var/spool/postfix-{name}\n");
        let own = format!("multi_instance_enable = yes\n{own}");
        let text = match name {
            "aol-a" => own + main_cf,
            _ => own,
        };
        fs::write(dir.join("main.cf"), text).unwrap();
        fs::create_dir_all(root.join(format!("var/spool/postfix-{name}/deferred"))).unwrap();
    }
    fs::create_dir_all(root.join("etc/postfix")).unwrap();
    let list = "multi_instance_directories = /etc/postfix-aol-a /etc/postfix-aol-b\n";
    fs::write(root.join("etc/postfix/main.cf"), list).unwrap();
    fs::write(root.join("etc/hostname"), "relay1\n").unwrap();
    let line = |name: &str, n: usize| {
        format!(
            "2026-11-27T06:00:{n:02}Z relay1 postfix-{name}/smtp[9]: 4A{n}: to=<a@aol.com>, relay=none, delay=1, \
             delays=0/0/0/1, dsn=2.0.0, status=sent (250 ok)\n"
        )
    };
    let log: String = (0..60)
        .flat_map(|n| logged.iter().map(move |name| line(name, n)))
        .collect();
    fs::create_dir_all(root.join("var/log")).unwrap();
    let path = root.join("var/log/mail.log");
    fs::write(&path, log).unwrap();
    set_mtime(&path, seconds("2026-11-27T11:00:00Z"));
}

fn tool(name: &str, root: &Path, args: &[&str]) -> Ran {
    run(
        name,
        [&["--root", root.to_str().unwrap(), NOW], args].concat(),
    )
}

#[test]
fn a_log_that_goes_to_a_containers_output() {
    let stdout = "maillog_file = /dev/stdout\n";
    let dir = tempfile::tempdir().unwrap();
    host(dir.path(), stdout, &["aol-b"]);
    let check = |args: &[&str], status| {
        let args = [&["--check"], args].concat();
        tool("mail-stats-print", dir.path(), &args)
            .ended(status)
            .out
    };
    let said = "UNKNOWN: postfix-aol-a: its log goes to /dev/stdout, and is not known here";
    assert!(check(&[], 3).starts_with(said), "{}", check(&[], 3));
    // Who asks for the other one does not ask for it.
    check(&["aol-b"], 0);
    // A syslog daemon has what is written there.
    host(dir.path(), stdout, &["aol-a", "aol-b"]);
    check(&[], 0);
    // Without it, it did nothing.
    host(dir.path(), "maximal_queue_lifetime = 5d\n", &["aol-b"]);
    check(&[], 0);
}

/// A main.cf that a full disk has emptied: Postfix's defaults, and so another syslog_name. The instance's mail is still
/// logged, and nobody judges it.
#[test]
fn mail_of_an_instance_whose_main_cf_was_emptied_is_not_judged() {
    let image = Image::new();
    image.log(
        "mail.log",
        at("2026-11-25T00:00:00Z"),
        at("2026-11-28T00:00:00Z"),
    );
    let args = ["--check", "--date", "2026-11-26"];
    image.says(&args, 0);
    let main_cf = image.0.path().join("etc/postfix-aol-a/main.cf");
    fs::write(main_cf, "").unwrap();
    let line = image.says(&args, 3).0;
    let why =
        "UNKNOWN: mail is logged by the name postfix-aol-a, but by /etc/postfix-aol-a/main.cf";
    assert!(line.starts_with(why), "{line}");
}
