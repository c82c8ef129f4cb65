//! Where mail really leaves from, beside what a real Postfix's sink sees: `-o` in master.cf, the other address family,
//! interfaces that carry nothing.

use std::collections::BTreeSet;

use testkit::{Host, Instance, Mail, Sink, host_or_skip};

use crate::TOOL;
use crate::states::{json, tool, verdict};

/// Where a mail of the instance to `recipient` came from, as the sink saw it.
fn seen(instance: &Instance, sink: &Sink, recipient: &str) -> String {
    sink.clear();
    instance.submit([Mail::new("news@example.org", recipient)]);
    instance.wait_idle();
    let from: BTreeSet<String> = sink
        .deliveries()
        .iter()
        .map(|delivery| delivery.client.ip().to_string())
        .collect();
    from.into_iter().collect::<Vec<_>>().join(" ")
}

/// The addresses that the tool has for an instance.
fn told(host: &Host, instance: &str) -> Vec<String> {
    let (instances, _) = json(host, &[instance]);
    let addresses = instances[0]["addresses"].as_array().unwrap();
    addresses
        .iter()
        .map(|a| a["address"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn overrides_in_master_cf_count_for_every_transport_in_use() {
    let host = host_or_skip!();
    host.sh("for n in 44 45 46 47; do ip address add 192.0.2.$n/32 dev lo; done");
    let sink = host.sink();
    let nexthop = sink.nexthop();
    let aol = host
        .instance("postfix-aol-c")
        .relay_to(&sink)
        .param("smtp_bind_address", "192.0.2.44")
        .param("multi_instance_enable", "yes")
        .without_service("smtp", "unix")
        .service("smtp unix - - n - - smtp -o smtp_bind_address=192.0.2.45 -o { smtp_helo_name = c.example.org }")
        .service("slow unix - - n - - smtp -o { smtp_bind_address = 192.0.2.46 }")
        .service("idle unix - - n - - smtp -o smtp_bind_address=192.0.2.47")
        .start();
    // By default_transport alone.
    assert_eq!(seen(&aol, &sink, "a@one.example"), "192.0.2.45");
    assert_eq!(told(&host, "aol-c"), ["192.0.2.45"]);
    // By a table, too; nothing leads to the third.
    host.write(
        "/etc/postfix-aol-c/transport",
        format!("# idle:\ntwo.example slow:{nexthop}\n"),
    );
    aol.set("transport_maps", "texthash:/etc/postfix-aol-c/transport");
    aol.reload();
    assert_eq!(seen(&aol, &sink, "a@two.example"), "192.0.2.46");
    assert_eq!(told(&host, "aol-c"), ["192.0.2.45", "192.0.2.46"]);
    for address in ["192.0.2.45", "192.0.2.46"] {
        let found = tool(&host)
            .args(["--format", "text", address])
            .run()
            .ok()
            .text();
        assert!(found.starts_with("postfix-aol-c:"), "{found}");
    }
    for address in ["192.0.2.44", "192.0.2.47"] {
        tool(&host).arg(address).run().exit(2);
    }
    let (instances, _) = json(&host, &["aol-c"]);
    assert_eq!(instances[0]["helo_name"], "c.example.org");
    // Inline, and by default_transport itself.
    aol.set(
        "transport_maps",
        &format!("inline:{{ {{two.example = idle:{nexthop}}} }}"),
    );
    aol.set("default_transport", "slow");
    aol.reload();
    assert_eq!(seen(&aol, &sink, "a@two.example"), "192.0.2.47");
    assert_eq!(seen(&aol, &sink, "a@one.example"), "192.0.2.46");
    assert_eq!(told(&host, "aol-c"), ["192.0.2.46", "192.0.2.47"]);
}

#[test]
fn the_other_family_leaves_by_the_hosts_own_address() {
    let host = host_or_skip!();
    host.sh("ip address add 192.0.2.44/32 dev lo; ip -6 address add 2001:db8::5/128 dev lo nodad");
    let sink = host.sink_at((std::net::Ipv6Addr::LOCALHOST, 2525));
    let aol = host
        .instance("postfix-aol-c")
        .param("smtp_bind_address", "192.0.2.44")
        .param("inet_protocols", "all")
        .param("relayhost", "[ipv6:2001:db8::5]:2526")
        .param("multi_instance_enable", "yes")
        .start();
    let own = host.sink_at(("2001:db8::5".parse::<std::net::Ipv6Addr>().unwrap(), 2526));
    assert_eq!(seen(&aol, &own, "a@aol.example"), "2001:db8::5");
    let told = "postfix-aol-c: mail over IPv6 leaves from the host's own 2001:db8::5: smtp_bind_address6 is not set";
    verdict(&host, &["aol-c"], 2, &format!("CRITICAL: {told}"));
    assert_eq!(
        json(&host, &["aol-c"]).1,
        [format!("CRITICAL address-unset {told}")]
    );
    // What is said to be done helps.
    host.sh("ip -6 address add 2001:db8::44/128 dev lo nodad");
    aol.set("smtp_bind_address6", "2001:db8::44");
    aol.reload();
    assert_eq!(seen(&aol, &own, "a@aol.example"), "2001:db8::44");
    verdict(&host, &["aol-c"], 0, "OK: 1 instance, 1 running: in order");
    aol.set("smtp_bind_address6", "");
    aol.set("inet_protocols", "ipv4");
    verdict(&host, &["aol-c"], 0, "OK: 1 instance, 1 running: in order");
    drop(sink);
}

/// systemd's PrivateNetwork=, `ip netns exec`: the addresses of this namespace are not those that it has.
#[test]
fn an_instance_in_another_network_namespace() {
    let host = host_or_skip!();
    host.sh("ip address add 192.0.2.44/32 dev lo");
    let aol = host
        .instance("postfix-aol-c")
        .param("smtp_bind_address", "192.0.2.44")
        .param("multi_instance_enable", "yes")
        .create();
    // Where master sees none but 127.0.0.1.
    aol.set("inet_interfaces", "127.0.0.1");
    host.sh("unshare --net sh -c 'ip link set lo up; postfix -c /etc/postfix-aol-c start'");
    let ran = tool(&host)
        .args(["--format", "json", "aol-c"])
        .run()
        .exit(1);
    let found: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(
        found["instances"][0]["addresses"][0]["state"], "unknown",
        "{found}"
    );
    assert!(
        found
            .to_string()
            .contains("master runs in another network namespace"),
        "{found}"
    );
    let run = tool(&host).args(["--check", "aol-c"]).run();
    assert_eq!(run.code(), Some(3), "{run}");
    // Where it is told to look, it sees that the address is not there.
    let pid = host
        .sh("tr -d ' ' </var/spool/postfix-aol-c/pid/master.pid")
        .text();
    let inside = host
        .command("nsenter")
        .arg(format!("--net=/proc/{}/ns/net", pid.trim()))
        .args([TOOL, "--check", "aol-c"])
        .run();
    assert_eq!(inside.code(), Some(2), "{inside}");
    assert!(
        inside.text().contains("192.0.2.44 is on no interface"),
        "{inside}"
    );
}

#[test]
fn interfaces_that_carry_nothing() {
    let host = host_or_skip!();
    // Two ends of a cable, of which one is down; and an address on both, so that one of them finds the other.
    host.sh(
        "ip link add v0 type veth peer name v1; ip link set v0 up; ip address add 192.0.2.41/32 dev v0
         ip link add w0 type veth peer name w1; ip link add down0 type veth peer name down1
         ip address add 192.0.2.42/32 dev down0; ip address add 192.0.2.42/32 dev lo
         ip link set w0 up; ip link set w1 up
         ip -6 address add 2001:db8::7/64 dev w0 nodad; ip -6 address add 2001:db8::7/64 dev w1",
    );
    let make = |name: &str, parameter: &str, address: &str| {
        host.instance(name)
            .param(parameter, address)
            .param("inet_protocols", "all")
            .param("smtp_helo_name", format!("{name}.example.org"))
            .create()
    };
    make("postfix-aol-a", "smtp_bind_address", "192.0.2.41");
    make("postfix-aol-b", "smtp_bind_address", "192.0.2.42");
    let of = |name: &str| -> Vec<String> {
        let (_, findings) = json(&host, &[name]);
        findings
            .into_iter()
            .filter(|f| f.contains(" address-missing "))
            .collect()
    };
    assert_eq!(
        of("aol-a"),
        ["CRITICAL address-missing postfix-aol-a: 192.0.2.41 is on v0, which has no carrier"]
    );
    // On two interfaces, of which the first is down.
    assert_eq!(of("aol-b"), [""; 0]);
    // The kernel takes its time to find out; what it says is the oracle.
    host.wait_until(
        testkit::PATIENCE,
        "duplicate address detection to fail",
        || {
            host.sh("ip -6 address show dev w1")
                .text()
                .contains("dadfailed")
        },
    );
    host.sh("ip -6 address del 2001:db8::7/64 dev w0");
    make("postfix-aol-d", "smtp_bind_address6", "2001:db8::7");
    assert_eq!(
        of("aol-d"),
        [
            "CRITICAL address-missing postfix-aol-d: 2001:db8::7 is on w1, but another host has it too (dadfailed)"
        ]
    );
}

#[test]
fn names_that_receivers_mind() {
    let host = host_or_skip!();
    host.sh("for n in 41 42 43; do ip address add 192.0.2.$n/32 dev lo; done");
    for (name, address, helo) in [
        ("postfix-aol-a", "192.0.2.41", "aol.example.org"),
        ("postfix-aol-b", "192.0.2.42", "AOL.example.org."),
        ("postfix-aol-c", "192.0.2.43", "localhost"),
    ] {
        host.instance(name)
            .param("smtp_bind_address", address)
            .param("smtp_helo_name", helo)
            .start();
    }
    verdict(
        &host,
        &["aol-a"],
        1,
        "WARNING: postfix-aol-a and postfix-aol-b use the same HELO name, aol.example.org",
    );
    verdict(
        &host,
        &["aol-c"],
        2,
        "CRITICAL: postfix-aol-c: its HELO name, localhost, is not a fully qualified host name: set smtp_helo_name",
    );
}

#[test]
fn what_postfix_refuses_to_run_with_is_critical() {
    let host = host_or_skip!();
    let aol = host.instance("postfix-aol-a").start();
    let text = String::from_utf8(host.read("/etc/postfix-aol-a/main.cf")).unwrap();
    let refused = |line: &str| {
        host.write("/etc/postfix-aol-a/main.cf", format!("{text}{line}\n"));
        // As Postfix itself says.
        let before = host.mail_log().matches("fatal: ").count();
        host.run(["postfix", "-c", "/etc/postfix-aol-a", "status"]);
        host.wait_until(testkit::PATIENCE, "Postfix to refuse", || {
            host.mail_log().matches("fatal: ").count() > before
        });
        let ran = tool(&host).args(["--check", "aol-a"]).run().exit(2);
        assert!(ran.text().starts_with("CRITICAL: "), "{ran}");
        ran.text()
    };
    assert!(refused("smtp_bind_address").contains("Postfix refuses to run with this line"));
    assert!(refused("hash_queue_depth = many").contains("hash_queue_depth"));
    assert!(
        refused("line_length_limit = long")
            .contains("Postfix does not start with its configuration: bad numerical")
    );
    assert!(refused("mail_owner = nobody-at-all").contains("nobody-at-all"));
    host.write("/etc/postfix-aol-a/main.cf", &text);
    // A qmgr that was started in the meantime has died, and its master waits for a minute before it starts another.
    aol.stop();
    aol.start();
    verdict(&host, &["aol-a"], 0, "OK: 1 instance, 1 running: in order");
}

#[test]
fn a_copied_configuration_is_told() {
    let host = host_or_skip!();
    let _aol = host.instance("postfix-aol-a").start();
    host.sh("cp -a /etc/postfix-aol-a /etc/postfix-aol-z");
    let ran = tool(&host).run().exit(1);
    let told = "postfix-aol-a (/etc/postfix-aol-a) and postfix-aol-a (/etc/postfix-aol-z) share the queue directory \
                /var/spool/postfix-aol-a";
    assert!(ran.text().contains(told), "{ran}");
}
