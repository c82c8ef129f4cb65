//! `tests/run --install` on hosts where something stands in its way. apt and dpkg are played by scripts here.

use testkit::{Host, Ran, host_or_skip};

const POLICY: &str = "/usr/sbin/policy-rc.d";

/// No package is installed, and apt-get does what `apt_get` says.
fn prepare(host: &Host, apt_get: &str) {
    let stub = |name: &str, text: &str| {
        host.write(
            format!("/run/stubs/{name}"),
            format!("#!/bin/bash\n{text}\n"),
        );
    };
    stub("dpkg-query", "exit 1");
    for name in ["cargo", "debconf-set-selections", "systemctl"] {
        stub(name, ":");
    }
    stub("apt-get", apt_get);
    host.write("/run/target/venv/bin/python", "#!/bin/sh\n");
    host.sh(
        "chmod -R 755 /run/stubs /run/target
         mkdir -p /run/sbin/upper /run/sbin/work
         mount -t overlay overlay -o lowerdir=/usr/sbin,upperdir=/run/sbin/upper,workdir=/run/sbin/work /usr/sbin
         rm -f /usr/sbin/policy-rc.d",
    );
}

fn install(host: &Host) -> Ran {
    host.command(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/run"))
        .arg("--install")
        .env("PATH", "/run/stubs:/usr/sbin:/usr/bin:/sbin:/bin")
        .env("CARGO_TARGET_DIR", "/run/target")
        .run()
}

/// What is at the policy's place, and beside it.
fn policy(host: &Host) -> (Option<String>, usize) {
    let count = host
        .sh("find /usr/sbin -name 'policy-rc.d*' | wc -l")
        .text();
    let text = host.enter(|| std::fs::read_to_string(POLICY).ok());
    (text, count.trim().parse().unwrap())
}

#[test]
fn a_run_that_is_killed_leaves_no_policy_for_good() {
    let host = host_or_skip!();
    // At the second call, no daemon may start; then the run is killed, once.
    prepare(
        &host,
        "[ \"$1\" = install ] || exit 0
         /usr/sbin/policy-rc.d; [ $? = 101 ] || exit 9
         if ! [ -e /run/killed ]; then : >/run/killed; kill -KILL $PPID; fi",
    );
    let admins = "#!/bin/sh\nexit 104\n";
    for before in [None, Some(admins)] {
        host.sh(&format!("rm -f /run/killed {POLICY}"));
        if let Some(text) = before {
            host.write(POLICY, text);
            host.sh(&format!("chmod 755 {POLICY}"));
        }
        let killed = install(&host);
        assert_eq!(killed.killed_by(), Some(9), "{killed}");
        let left = policy(&host).0.unwrap();
        assert!(
            left.contains("relay-tools") && left.ends_with("exit 101\n"),
            "{left}"
        );
        let again = install(&host).ok();
        assert!(!again.errors().contains("COULD NOT"), "{again}");
        let files = usize::from(before.is_some());
        assert_eq!(policy(&host), (before.map(str::to_owned), files), "{again}");
    }
    // A link, as update-alternatives(1) makes it, is a link again.
    host.write("/etc/admins-policy", admins);
    host.sh(&format!(
        "chmod 755 /etc/admins-policy; ln -sf /etc/admins-policy {POLICY}"
    ));
    install(&host).ok();
    let link = host.sh(&format!("readlink {POLICY}")).text();
    assert_eq!(link, "/etc/admins-policy\n");
    // And what the admin put there meanwhile stays.
    host.sh("rm /run/killed");
    install(&host);
    host.sh(&format!("rm {POLICY}"));
    host.write(POLICY, "#!/bin/sh\nexit 0\n");
    host.sh(&format!(
        "sed -i 's/^.*policy-rc.d; .*$//' /run/stubs/apt-get; chmod 755 {POLICY}"
    ));
    install(&host).ok();
    assert_eq!(policy(&host), (Some("#!/bin/sh\nexit 0\n".to_owned()), 1));
}

#[test]
fn what_can_be_installed_is_and_the_rest_is_named() {
    let host = host_or_skip!();
    // As apt does with exim4 on the host: postfix is in its way, and --no-remove forbids to take it away.
    prepare(
        &host,
        "case \" $* \" in
             *--no-remove*' -s'*' postfix '*) exit 100 ;;
             *' -s'*' postfix '*) echo 'Remv exim4-base [4.96]'; echo 'Remv exim4-config [4.96]' ;;
             *' -s'*' nsd '*) exit 100 ;;
             *' -s '*) ;;
             *' install '*) echo \"$*\" >/run/installed ;;
         esac",
    );
    let ran = install(&host).ok();
    let said = ran.errors();
    for line in [
        "NOT INSTALLED: postfix, which this would take away: exim4-base exim4-config\n",
        "NOT INSTALLED: nsd (apt-get install -s nsd says why)\n",
    ] {
        assert!(said.contains(line), "{said}");
    }
    let installed = host.sh("cat /run/installed").text();
    let has = |name: &str| installed.split_whitespace().any(|word| word == name);
    assert!(
        has("rsyslog") && has("--no-remove") && has("strace"),
        "{installed}"
    );
    assert!(!has("postfix") && !has("nsd"), "{installed}");
    assert_eq!(policy(&host), (None, 0));
}
