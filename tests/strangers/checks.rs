//! A check that a monitoring system runs as root writes nothing, and sudo lets it run nothing else.

use std::fs;
use std::process::Command;

use testkit::tools;

use crate::image::{Image, delivery};
use crate::{is_root, repository};

/// Every command that answers a monitoring system.
const CHECKS: [&[&str]; 6] = [
    &["mail-stats-print", "--check"],
    &["mailq-distribution", "--check"],
    &["relay-instances", "--check"],
    &["relay-limit", "list", "--check"],
    &["relay-transport", "check", "--check"],
    &["relay-warmup", "status", "--check"],
];

#[test]
fn a_check_writes_nothing() {
    let image = Image::new([delivery("postfix-aol-a", "x.example", "sent", "250 ok")]);
    image.write("victim", "as it was\n");
    let victim = image.path("victim");
    for check in CHECKS {
        let (tool, args) = check.split_first().unwrap();
        for output in [
            vec!["--output".into(), victim.display().to_string()],
            vec![format!("--output={}", image.path("new").display())],
        ] {
            let mut all: Vec<&str> = args.to_vec();
            all.extend(output.iter().map(String::as_str));
            let ran = image.tool(tool, &all).ended(3);
            assert!(
                ran.out
                    .starts_with("UNKNOWN: --output cannot be used with --check"),
                "{check:?}: {ran:?}"
            );
        }
        assert_eq!(
            fs::read_to_string(&victim).unwrap(),
            "as it was\n",
            "{check:?}"
        );
        assert!(!image.path("new").exists(), "{check:?}");
    }
    // Nor anything else that writes.
    for args in [
        &["--check", "--save-day"][..],
        &["--check", "--follow-state", "state"],
        &["--check", "--format", "report", "--mail-to", "root"],
    ] {
        let ran = image.stats(args).ended(3);
        assert!(ran.out.starts_with("UNKNOWN: "), "{args:?}: {ran:?}");
    }
}

/// The lines of SECURITY.md for sudoers(5).
fn sudoers() -> Vec<String> {
    let page = fs::read_to_string(repository().join("SECURITY.md")).unwrap();
    let (_, rest) = page.split_once("```sudoers\n").unwrap();
    let (lines, _) = rest.split_once("```").unwrap();
    lines.lines().map(str::to_owned).collect()
}

#[test]
fn sudo_lets_nagios_run_the_checks_and_nothing_else() {
    let known = Command::new("id").arg("nagios").output().unwrap().status;
    if !is_root() || !known.success() || !fs::exists("/usr/bin/sudo").unwrap() {
        eprintln!("SKIPPED: needs root, sudo and the user nagios");
        return;
    }
    let lines = sudoers();
    assert_eq!(lines.len(), CHECKS.len());
    // In a mount namespace of its own: this machine's sudoers are not touched. The tools are where the lines say.
    let directory = tempfile::tempdir_in("/var/tmp").unwrap();
    let file = directory.path().join("relay-tools");
    fs::write(&file, lines.join("\n") + "\n").unwrap();
    let mut script = format!(
        "set -e\nmount -t tmpfs -o mode=755 none /etc/sudoers.d\ninstall -m 440 {} /etc/sudoers.d/relay-tools\nvisudo \
         -cq\n\
         mkdir {dir}/u {dir}/w\nmount -t overlay none -o lowerdir=/usr/sbin,upperdir={dir}/u,workdir={dir}/w \
         /usr/sbin\n",
        file.display(),
        dir = directory.path().display(),
    );
    for tool in crate::TOOLS {
        script.push_str(&format!(
            "printf '#!/bin/sh\\necho ran {tool}\\n' > /usr/sbin/{tool}; chmod 755 /usr/sbin/{tool}\n"
        ));
    }
    script.push_str("as() { setpriv --reuid=nagios --regid=nagios --init-groups sudo -n \"$@\" 2>/dev/null || echo \
        refused; }\n");
    let commands: Vec<&str> = lines
        .iter()
        .map(|line| line.split_once("NOPASSWD: ").unwrap().1)
        .collect();
    let mut expected = String::new();
    for command in &commands {
        let tool = command.split(' ').next().unwrap();
        let name = tool.rsplit('/').next().unwrap();
        script.push_str(&format!(
            "as {command}\nas {command} --output /etc/profile.d/zz.sh\nas {tool}\nas {tool} \
            --check\n"
        ));
        // mailq-distribution and the others without their arguments are not what a line says.
        expected.push_str(&format!("ran {name}\nrefused\nrefused\nrefused\n"));
    }
    script.push_str("as /usr/sbin/queue-move a b --yes\nas /bin/sh -c true\n");
    expected.push_str("refused\nrefused\n");
    // What the page warns of.
    for open in ["", " --check *"] {
        script.push_str(&format!(
            "echo 'nagios ALL=(root) NOPASSWD: /usr/sbin/mail-stats-print{open}' >/etc/sudoers.d/relay-tools\n\
             as /usr/sbin/mail-stats-print --check --log /etc/shadow\n"
        ));
        expected.push_str("ran mail-stats-print\n");
    }
    let ran = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", &script])
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&ran.stdout);
    assert_eq!(out, expected, "{}", String::from_utf8_lossy(&ran.stderr));
}

#[test]
fn the_guides_checks_are_those_of_the_sudoers_lines() {
    let guide = fs::read_to_string(repository().join("docs/guide/metrics.md")).unwrap();
    for line in sudoers() {
        let (_, command) = line.split_once("NOPASSWD: ").unwrap();
        assert!(
            guide.contains(&format!("/usr/bin/sudo {command}\n")),
            "docs/guide/metrics.md lacks {command}"
        );
        // Each is a command line that its tool takes.
        let mut words = command.split(' ');
        let tool = words.next().unwrap().rsplit('/').next().unwrap();
        let ran = tools::run(tool, words.chain(["--root", "/nonexistent"]));
        assert!(ran.out.contains("/nonexistent"), "{command}: {ran:?}");
    }
}
