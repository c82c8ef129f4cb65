//! relay-transport check --relay-config: whose mail a relay takes, beside the relay's own smtpd.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

use crate::TOOL;
use serde_json::Value;
use testkit::{Host, host_or_skip};

/// Lists as mynetworks may have them.
const LISTS: &[&str] = &[
    "127.0.0.0/8 192.0.2.0/24",
    "127.0.0.0/8, 192.0.2.7/32,\n  [2001:db8::]/32",
    "!192.0.2.7, 192.0.2.0/24",
    "192.0.2.0/29 !192.0.2.0/24 192.0.2.9",
    "!!192.0.2.9 [2001:db8::7]",
    "$more 198.51.100.0/25",
    "/etc/nets 192.0.2.9",
    "!cidr:/etc/nets.cidr 192.0.2.9",
    "192.0.2.1/24",
    "",
];

const CLIENTS: &[&str] = &[
    "192.0.2.7",
    "192.0.2.9",
    "198.51.100.127",
    "198.51.100.128",
    "2001:db8::7",
];

/// Which of the clients a real smtpd on `port` lets send to another's domain: it is told by XCLIENT (XCLIENT_README)
/// whom it talks to. `None`: it does not know, since the list is broken.
fn accepted(host: &Host, port: u16) -> Vec<Option<bool>> {
    host.enter(|| {
        CLIENTS
            .iter()
            .map(|client| {
                let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let mut say = |command: &str| {
                    // An smtpd that ends says as much as one that closes the door.
                    if stream.write_all(command.as_bytes()).is_err() {
                        return 421;
                    }
                    loop {
                        let Some(Ok(line)) = lines.next() else {
                            break 421;
                        };
                        if line.as_bytes()[3] == b' ' {
                            break line[..3].parse::<u16>().unwrap();
                        }
                    }
                };
                match say("") {
                    220 => {}
                    421 => return None,
                    other => panic!("{client}: {other}"),
                }
                match say("EHLO test.example\r\n") {
                    250 => {}
                    421 => return None,
                    other => panic!("{client}: EHLO {other}"),
                }
                let six = if client.contains(':') { "IPV6:" } else { "" };
                let told = say(&format!(
                    "XCLIENT ADDR={six}{client} NAME=client.example\r\n"
                ));
                assert!(told == 220 || told == 421, "{told}");
                if told == 421 {
                    return None;
                }
                say("EHLO test.example\r\n");
                say("MAIL FROM:<a@b.example>\r\n");
                match say("RCPT TO:<c@elsewhere.example>\r\n") {
                    250 => Some(true),
                    554 | 454 | 450 => Some(false),
                    451 | 421 => None,
                    other => panic!("{client}: {other}"),
                }
            })
            .collect()
    })
}

/// What the tool says of each client: whether the relay takes its mail, if that is known.
fn judged(host: &Host, relay: &str) -> Vec<Option<bool>> {
    let results = results(host, relay).into_iter();
    let results = results.map(|result| match result.as_str() {
        "ok" => Some(true),
        "critical" => Some(false),
        "unknown" => None,
        other => panic!("{other}"),
    });
    results.collect()
}

/// The result of each client.
fn results(host: &Host, relay: &str) -> Vec<String> {
    CLIENTS
        .iter()
        .map(|client| {
            let ran = host
                .command(TOOL)
                .args([
                    "check",
                    "--no-dns",
                    "--format",
                    "json",
                    "--domain",
                    "example.org",
                ])
                .args(["--relay-config", relay, "--from", client])
                .run();
            let json: Value = serde_json::from_slice(&ran.stdout).unwrap();
            let rows = json["checks"].as_array().unwrap();
            let mut results = rows
                .iter()
                .filter(|r| r["check"] == "networks")
                .map(|r| r["result"].as_str().unwrap());
            let result = results.next().unwrap();
            assert_eq!(results.next(), None);
            result.to_owned()
        })
        .collect()
}

#[test]
fn lists_are_judged_as_smtpd_judges() {
    let host = host_or_skip!();
    host.write("/etc/nets", "192.0.2.0/30\n!192.0.2.9\n");
    host.write("/etc/nets.cidr", "192.0.2.9 x\n");
    host.write(
        "/etc/postfix/main.cf",
        "myhostname = lists.example.org\nqueue_directory = /var/spool/postfix\n",
    );
    let mut relay = host
        .instance("postfix-aol-a")
        .param("smtpd_authorized_xclient_hosts", "127.0.0.1")
        .param("smtpd_relay_restrictions", "permit_mynetworks, reject")
        .param("smtpd_delay_reject", "yes")
        .param("inet_protocols", "all")
        .param("more", "198.51.100.0/24");
    for (list, n) in LISTS.iter().zip(0..) {
        let list = list.replace('\n', " ");
        relay = relay.service(&format!(
            "127.0.0.1:{} inet n - n - - smtpd -o {{mynetworks={list}}}",
            2600 + n
        ));
    }
    let relay = relay.start();
    for (list, n) in LISTS.iter().zip(0..) {
        let dir = format!("/run/srv/relay-{n}");
        host.write(
            format!("{dir}/main.cf"),
            format!("compatibility_level = 3.6\nmulti_instance_name = aol-{n}\nmore = 198.51.100.0/24\nmynetworks = \
                {list}\n"),
        );
        let expected = accepted(&host, 2600 + n);
        let found = judged(&host, &dir);
        // What is in other files is not looked into: then it is unknown, and never wrong.
        for ((client, expected), found) in CLIENTS.iter().zip(&expected).zip(&found) {
            let is_same = expected == found;
            let is_open = found.is_none() && list.contains("/etc/");
            assert!(
                is_same || is_open,
                "{list:?} {client}: smtpd {expected:?}, found {found:?}"
            );
        }
    }
    relay.stop();
}

/// Of a relay on this host, its files and tables are looked into. What smtpd cannot say defers the mail.
#[test]
fn files_and_tables_of_a_relay_are_asked_as_smtpd_asks_them() {
    let host = host_or_skip!();
    host.write(
        "/etc/nets",
        "# ours\n192.0.2.0/30\n!192.0.2.9\n\n192.0.2.8/29\n",
    );
    host.write("/etc/nets.cidr", "192.0.2.9 x\n2001:db8::/32 x\n");
    host.write(
        "/etc/postfix/main.cf",
        "myhostname = lists.example.org\nqueue_directory = /var/spool/postfix\nmulti_instance_directories = \
         /etc/postfix-aol-a\n",
    );
    let lists = [
        "/etc/nets 192.0.2.9",
        "!/etc/nets 192.0.2.0/24",
        "cidr:/etc/nets.cidr",
        "!cidr:/etc/nets.cidr 192.0.2.0/24",
        "127.0.0.1 192.0.2.0/24 cidr:/etc/none",
        "cidr:/etc/none 192.0.2.0/24",
        "/etc/none 192.0.2.0/24",
        "127.0.0.1 192.0.2.0/28 192.0.2.1/24",
    ];
    let mut relay = host
        .instance("postfix-aol-a")
        .param("smtpd_authorized_xclient_hosts", "127.0.0.1")
        .param("smtpd_relay_restrictions", "permit_mynetworks, reject")
        .param("inet_protocols", "all");
    for (list, n) in lists.iter().zip(0..) {
        relay = relay.service(&format!(
            "127.0.0.1:{} inet n - n - - smtpd -o {{mynetworks={list}}}",
            2600 + n
        ));
    }
    let relay = relay.start();
    for (list, n) in lists.iter().zip(0..) {
        relay.set("mynetworks", list);
        let expected: Vec<&str> = accepted(&host, 2600 + n)
            .into_iter()
            .map(|taken| {
                if taken == Some(true) {
                    "ok"
                } else {
                    "critical"
                }
            })
            .collect();
        assert_eq!(results(&host, "/etc/postfix-aol-a"), expected, "{list}");
    }
    relay.stop();
}

/// smtpd_client_restrictions, smtpd_sender_restrictions, smtpd_relay_restrictions, smtpd_recipient_restrictions.
const RESTRICTIONS: &[[&str; 4]] = &[
    ["", "", "permit_mynetworks, reject", ""],
    ["", "", "", "permit_mynetworks reject_unauth_destination"],
    [
        "",
        "",
        "reject_unauth_destination",
        "permit_mynetworks, reject",
    ],
    ["", "", "permit_mynetworks, reject", "reject"],
    ["", "", "reject, permit_mynetworks", ""],
    [
        "",
        "",
        "permit_mynetworks, defer_unauth_destination",
        "permit, reject",
    ],
    [
        "",
        "",
        "reject_unknown_recipient_domain, defer_unauth_destination",
        "",
    ],
    [
        "permit_mynetworks, reject",
        "",
        "permit_mynetworks, reject",
        "",
    ],
    ["reject", "", "permit_mynetworks, reject", ""],
    [
        "",
        "reject_unauth_destination",
        "permit_mynetworks, reject",
        "",
    ],
    [
        "",
        "",
        "warn_if_reject reject, permit_mynetworks, reject",
        "",
    ],
    ["", "", "defer_if_permit, permit_mynetworks, reject", ""],
];

#[test]
fn restrictions_are_judged_as_smtpd_judges() {
    let host = host_or_skip!();
    host.write(
        "/etc/postfix/main.cf",
        "myhostname = lists.example.org\nqueue_directory = /var/spool/postfix\n",
    );
    let names = ["client", "sender", "relay", "recipient"];
    let mut relay = host
        .instance("postfix-aol-a")
        .param("smtpd_authorized_xclient_hosts", "127.0.0.1")
        .param("smtpd_delay_reject", "yes")
        .param("inet_protocols", "all")
        .param("mynetworks", "127.0.0.0/8 192.0.2.0/24");
    for (lists, port) in RESTRICTIONS.iter().zip(2600..) {
        let options: String = names
            .iter()
            .zip(lists)
            .map(|(name, list)| format!(" -o {{smtpd_{name}_restrictions={list}}}"))
            .collect();
        relay = relay.service(&format!("127.0.0.1:{port} inet n - n - - smtpd{options}"));
    }
    let relay = relay.start();
    let mut taken = 0;
    for (lists, port) in RESTRICTIONS.iter().zip(2600..) {
        let dir = format!("/run/srv/relay-{port}");
        let lines: String = names
            .iter()
            .zip(lists)
            .map(|(name, list)| format!("smtpd_{name}_restrictions = {list}\n"))
            .collect();
        host.write(
            format!("{dir}/main.cf"),
            format!("compatibility_level = 3.6\nmynetworks = 192.0.2.0/24\n{lines}"),
        );
        let ran = host
            .command(TOOL)
            .args(["check", "--no-dns", "--format", "json"])
            .args(["--domain", "example.org", "--from", CLIENTS[0]])
            .args(["--relay-config", &dir])
            .run();
        let json: Value = serde_json::from_slice(&ran.stdout).unwrap();
        let rows = json["checks"].as_array().unwrap();
        let row = rows.iter().find(|r| r["check"] == "networks").unwrap();
        let expected = accepted(&host, port)[0].unwrap();
        taken += usize::from(expected);
        let words = if expected { "ok" } else { "warning" };
        assert_eq!(row["result"], words, "{lists:?}: {row}");
    }
    assert!(taken > 2 && taken < RESTRICTIONS.len() - 2, "{taken}");
    relay.stop();
}

#[test]
fn relays_of_a_host_image_are_all_looked_at() {
    let host = host_or_skip!();
    host.write(
        "/etc/postfix/main.cf",
        "myhostname = lists.example.org\nqueue_directory = /var/spool/postfix\n",
    );
    let relay = |name: &str, text: &str| {
        let own = format!(
            "queue_directory = /var/spool/{name}\ndata_directory = /var/lib/{name}\ncompatibility_level = 3.6\n{text}\n"
        );
        host.write(format!("/run/srv/rustin/etc/{name}/main.cf"), own);
    };
    host.write("/run/srv/rustin/etc/hostname", "rustin\n");
    relay("postfix-aol-a", "mynetworks = 192.0.2.0/24");
    relay("postfix-aol-b", "mynetworks = 192.0.2.8/29");
    relay(
        "postfix-msn-a",
        "mynetworks = 192.0.2.0/24\nsmtpd_relay_restrictions = reject_unauth_destination",
    );
    relay(
        "postfix-therest-a",
        "smtpd_relay_restrictions = permit_mynetworks, reject",
    );
    relay("postfix-lists", "mynetworks = 127.0.0.0/8");
    let run = |args: &[&str]| {
        host.command(TOOL)
            .args(["check", "--no-dns", "--relay-config", "/run/srv/rustin"])
            .args(args)
            .run()
    };
    let table = run(&["--from", "192.0.2.7"]).exit(2).text();
    let rows: Vec<&str> = table
        .lines()
        .skip_while(|line| !line.starts_with("networks"))
        .collect();
    assert_eq!(
        rows,
        [
            "networks  CRITICAL  mynetworks of 1 relay refuses this server's mail",
            "                      rustin/postfix-aol-b: 192.0.2.7 is not listed",
            "networks  WARNING   mynetworks of 1 relay has this server, but is not consulted",
            "                      rustin/postfix-msn-a: smtpd_relay_restrictions: reject_unauth_destination, and no \
             permit_mynetworks before it",
            "networks  UNKNOWN   not known for all relays",
            "                      rustin/postfix-therest-a: 192.0.2.7 is not known: it depends on mynetworks_style = \
             host \
             (mynetworks is not set), which is not read",
        ],
        "{table}"
    );
    // Where it sends from is what its interfaces have: here, nothing but loopback.
    let text = run(&[]).exit(2).text();
    assert!(text.contains("networks  UNKNOWN   the address that the relays see this server connect from is not known: \
        use --from ADDR"), "{text}");
    host.sh("ip address add 192.0.2.9/32 dev lo");
    let text = run(&[]).exit(2).text();
    assert!(
        !text.contains("postfix-aol-b") && text.contains("192.0.2.9 is not known"),
        "{text}"
    );
}
