//! The commands that `check` prints, pasted on a real host: what was wrong is right then.

use testkit::{Host, Mail, host_or_skip};

use super::{NO_DNS, check, tool};

/// The lines of what to do for a step of an instance.
fn to_do(host: &Host, instance: &str, step: &str) -> Vec<String> {
    let args = ["check", "--format", "text", instance];
    let text = tool(host).args(args).args(NO_DNS).run().text();
    let start = format!("postfix-{instance}:{step}:do:");
    let lines = text.lines().filter_map(|line| line.strip_prefix(&start));
    lines.map(str::to_owned).collect()
}

/// Pastes the command of a step, which begins so, and says it.
#[track_caller]
fn pasted(host: &Host, instance: &str, step: &str, begins: &str) -> String {
    let lines = to_do(host, instance, step);
    let is_it = |line: &&String| line.starts_with(begins);
    let Some(command) = lines.iter().find(is_it) else {
        panic!("{step}: {begins}: {lines:?}");
    };
    host.sh(command).ok();
    command.clone()
}

#[test]
fn what_is_printed_makes_it_right() {
    let host = host_or_skip!();
    host.sh(
        "ip link add d0 type veth peer name d1; ip link set d1 up; ip address add 192.0.2.43/32 dev d0",
    )
    .ok();
    let _a = host
        .instance("postfix-aol-a")
        .address([192, 0, 2, 41].into())
        .param("smtp_helo_name", "aol-a.example.org")
        .start();
    let sink = host.sink();
    let b = host
        .instance("postfix-aol-b")
        .relay_to(&sink)
        .param("smtp_bind_address", "192.0.2.42")
        .param("smtp_helo_name", "aol-b.example.org")
        .param("syslog_name", "postfix-aol-a")
        .without_service("pickup", "unix")
        .create();
    let _c = host
        .instance("postfix-aol-c")
        .param("smtp_bind_address", "192.0.2.43")
        .param("smtp_helo_name", "aol-c.example.org")
        .create();
    b.set("multi_instance_enable", "no");

    // The interface that has aol-a's address, while it is the only one.
    let command = pasted(&host, "aol-b", "address", "ip address add ");
    assert_eq!(command, "ip address add 192.0.2.42/32 dev lo");
    check(&host, "aol-b", "address", "pass on lo");
    let command = pasted(&host, "aol-c", "address", "ip link set ");
    assert_eq!(command, "ip link set dev d0 up");
    check(&host, "aol-c", "address", "pass on d0");

    for (step, begins, expected) in [
        ("syslog-name", "postconf -c ", "pass "),
        ("pickup", "postconf -c ", "pass "),
        ("enabled", "postmulti -i postfix-aol-b -e enable", "pass "),
        ("running", "postfix -c ", "pass "),
    ] {
        let before = super::steps(&host, "aol-b")[step].clone();
        assert!(!before.starts_with("pass "), "{step}: {before}");
        pasted(&host, "aol-b", step, begins);
        let after = super::steps(&host, "aol-b")[step].clone();
        assert!(after.starts_with(expected), "{step}: {after}");
    }
    assert!(b.is_running());
    assert_eq!(b.postconf("syslog_name"), "postfix-aol-b");
    // The delay is in force, and not in main.cf alone: nothing leaves for 432 s.
    let send = || b.sendmail(&Mail::new("news@example.org", "reader@aol.example"));
    send();
    b.wait_idle();
    assert_eq!(sink.accepted(), 1);
    let delay = || super::steps(&host, "aol-b")["rate-delay"].clone();
    assert!(delay().starts_with("fail none: "), "{}", delay());
    pasted(&host, "aol-b", "rate-delay", "postconf -c ");
    assert!(
        delay().starts_with("pass 432s between any two"),
        "{}",
        delay()
    );
    send();
    b.wait_until(testkit::PATIENCE, "it to wait", || b.count("active") == 1);
    std::thread::sleep(std::time::Duration::from_secs(1));
    assert_eq!((sink.accepted(), b.count("active")), (1, 1));

    // What a person must fill in does nothing if it is pasted as it is.
    b.set("smtp_bind_address", "");
    b.set("smtp_helo_name", "localhost");
    let main_cf = host.read("/etc/postfix-aol-b/main.cf");
    for step in ["address", "helo"] {
        for line in to_do(&host, "aol-b", step) {
            assert!(line.starts_with("# postconf "), "{line}");
            host.sh(&line).ok();
        }
    }
    assert_eq!(host.read("/etc/postfix-aol-b/main.cf"), main_cf);
}

/// Mail that may leave over IPv6 from the host's own address does so, until what is printed is pasted.
#[test]
fn the_family_that_is_left_is_the_only_one() {
    let host = host_or_skip!();
    host.sh(
        "ip address add 192.0.2.44/32 dev lo; ip address add 192.0.2.9/32 dev lo; \
         for n in 5 9; do ip -6 address add 2001:db8::$n/128 dev lo nodad; done",
    )
    .ok();
    host.write(
        "/etc/hosts",
        "2001:db8::9 mx.example\n192.0.2.9 mx.example\n",
    );
    let six = host.sink_at(("2001:db8::9".parse::<std::net::Ipv6Addr>().unwrap(), 2525));
    let four = host.sink_at(([192, 0, 2, 9], 2525));
    let aol = host
        .instance("postfix-aol-c")
        .param("smtp_bind_address", "192.0.2.44")
        .param("inet_protocols", "all")
        .param("smtp_host_lookup", "native")
        .param("smtp_address_preference", "ipv6")
        .param("relayhost", "[mx.example]:2525")
        .start();
    aol.sendmail(&Mail::new("news@example.org", "a@aol.example"));
    aol.wait_idle();
    assert_eq!((six.accepted(), four.accepted()), (1, 0));
    let or = "or, so that mail only leaves by the other: ";
    let lines = to_do(&host, "aol-c", "address");
    let command = lines.iter().find_map(|line| line.strip_prefix(or)).unwrap();
    host.sh(command).ok();
    for n in 0..4 {
        aol.sendmail(&Mail::new("news@example.org", &format!("b{n}@aol.example")));
    }
    aol.wait_idle();
    assert_eq!((six.accepted(), four.accepted()), (1, 4));
    let from = four.deliveries();
    assert!(
        from.iter()
            .all(|one| one.client.ip().to_string() == "192.0.2.44")
    );
    check(&host, "aol-c", "address", "pass on lo");
}
