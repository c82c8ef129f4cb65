//! Where a relay name leads beside the instances' own addresses.

use super::*;

/// aol's relay name has these records. `postfix-aol-a` runs, at 192.0.2.41.
fn findings(host: &Host, records: &str) -> Vec<String> {
    let zone = format!(
        "$ORIGIN example.org.\n@ 60 SOA ns h 1 60 60 60 60\n@ 60 NS ns\nns 60 A 127.0.53.1\n@ 60 TXT \"v=spf1 \
         ip4:192.0.2.41 -all\"\naol-a 86400 A 192.0.2.41\n{records}"
    );
    let reverse = "$ORIGIN 2.0.192.in-addr.arpa.\n@ 60 SOA ns.example.org. h.example.org. 1 60 60 60 60\n@ 60 NS \
                   ns.example.org.\n41 60 PTR aol-a.example.org.\n";
    let nsd = nsd(
        host,
        "127.0.53.1",
        &[
            ("example.org", Some(&zone)),
            ("2.0.192.in-addr.arpa", Some(reverse)),
        ],
    );
    let ran = tool(host, &nsd.address).args(["--format", "json"]).run();
    let json: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let all = json["findings"].as_array().unwrap().iter();
    all.filter(|one| one["kind"] == "dns")
        .map(|one| format!("{} {}", text(&one["severity"]), text(&one["text"])))
        .collect()
}

#[test]
fn old_records_and_wildcards() {
    let host = host_or_skip!();
    host.sh("ip address add 192.0.2.41/32 dev lo; ip address add 192.0.2.43/32 dev lo");
    let a = host
        .instance("postfix-aol-a")
        .address([192, 0, 2, 41].into())
        .param("smtp_helo_name", "aol-a.example.org")
        .start();
    let own = "aol.smtp 600 A 192.0.2.41\n";
    assert_eq!(findings(&host, own), [""; 0]);
    // Of more than any site has, some are looked at, and that is said.
    let many: String = (1..=70)
        .map(|n| format!("aol.smtp 600 A 198.51.100.{n}\n"))
        .collect();
    let found = findings(&host, &format!("{own}{many}"));
    let says = "aol.smtp.example.org has more than 64 addresses: only the first 64 were looked at";
    assert!(found.iter().any(|one| one.contains(says)), "{found:#?}");
    let looked = found
        .iter()
        .filter(|one| one.contains(" lists 198.51.100."));
    // Its own is one of them, or not.
    assert!((63..=64).contains(&looked.count()), "{found:#?}");
    // What is printed to be taken out is taken out: then nothing is found.
    let check = |more: &str, expected: &[&str]| {
        let records = format!("{own}{more}");
        let found = findings(&host, &records);
        assert_eq!(found, expected, "{more}");
        let out: Vec<String> = found
            .iter()
            .filter_map(|one| one.split_once("take out: "))
            .map(|(_, record)| record.replace(".example.org. IN ", " 600 "))
            .collect();
        let left = records
            .lines()
            .filter(|line| !out.iter().any(|one| one == line));
        let left: String = left.map(|line| format!("{line}\n")).collect();
        assert_eq!(findings(&host, &left), [""; 0], "{out:?}");
    };
    // On this host, of no instance; on none; where none can be.
    check(
        "aol.smtp 600 A 192.0.2.43\n",
        &[
            "WARNING aol.smtp.example.org lists 192.0.2.43, which no instance of this host has: nothing listens on port \
           25 there; if no relay has it any more, take out: aol.smtp.example.org. IN A 192.0.2.43",
        ],
    );
    check(
        "aol.smtp 600 A 198.51.100.7\n",
        &[
            "WARNING aol.smtp.example.org lists 198.51.100.7, which no instance of this host has: there is no answer on \
           port 25 (Network is unreachable); if no relay has it any more, take out: aol.smtp.example.org. IN A \
           198.51.100.7",
        ],
    );
    check(
        "aol.smtp 600 A 0.0.0.0\naol.smtp 600 AAAA ::1\n",
        &[
            "CRITICAL aol.smtp.example.org lists 0.0.0.0, where no relay can be: mail is sent back to its sender's own \
             host or nowhere; take out: aol.smtp.example.org. IN A 0.0.0.0",
            "CRITICAL aol.smtp.example.org lists ::1, where no relay can be: mail is sent back to its sender's own host \
             or nowhere; take out: aol.smtp.example.org. IN AAAA ::1",
        ],
    );
    // A relay of another host, that takes mail.
    let _other = host.sink_at(([192, 0, 2, 43], 25));
    check("aol.smtp 600 A 192.0.2.43\n", &[]);
    assert_eq!(
        findings(&host, "*.smtp 600 A 192.0.2.41\n"),
        [
            "WARNING aol.smtp.example.org is there by a wildcard alone, which has the same addresses for any name: give it \
          records of its own"
        ]
    );
    // Beside records of its own, a wildcard is for other names.
    check("*.smtp 600 A 192.0.2.43\n", &[]);
    host.sh("postconf -c /etc/postfix-aol-a -MX smtp/inet");
    a.postfix("stop").ok();
    a.start();
    assert_eq!(
        findings(&host, own),
        [
            "WARNING aol.smtp.example.org lists 192.0.2.41, of postfix-aol-a: nothing listens on port 25 there; start its \
          smtpd there, or take out: aol.smtp.example.org. IN A 192.0.2.41"
        ]
    );
}
