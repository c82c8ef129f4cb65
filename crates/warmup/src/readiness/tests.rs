//! Steps of an instance that is right but for one thing.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use figures::instances::{AddressPlace, DnsCheck, DnsOutcome, Facts, Running, Sender};
use postfix::Root;
use postfix::config::{Host, Instance, MasterCf};

use super::{Readiness, StepState};
use crate::limits::Limits;

/// The instance postfix-aol-c of a host image with this main.cf.
fn instance(more: &str) -> Instance {
    let dir = tempfile::tempdir().unwrap();
    let etc = dir.path().join("etc/postfix-aol-c");
    std::fs::create_dir_all(&etc).unwrap();
    let main_cf = format!(
        "multi_instance_name = postfix-aol-c\nsmtp_bind_address = 192.0.2.44\nsmtp_helo_name = \
         aol-c.example.org\n{more}"
    );
    std::fs::write(etc.join("main.cf"), main_cf).unwrap();
    let host = Host::discover(&Root::new(dir.path()), "rustin.example.org").value;
    host.instances()[0].clone()
}

fn dns(check: &'static str, asked: &str, outcome: DnsOutcome) -> DnsCheck {
    DnsCheck {
        check,
        asked: asked.to_owned(),
        outcome,
        detail: format!("what {check} found"),
        listed: 0,
        records: Vec::new(),
        alias: None,
    }
}

fn sender(address: &str) -> Sender {
    Sender {
        address: address.parse::<IpAddr>().unwrap(),
        place: AddressPlace::Interface {
            name: "eth0".to_owned(),
            is_up: true,
        },
        dns: vec![
            dns("host", "aol-c.example.org", DnsOutcome::Ok),
            dns("ttl", "aol-c.example.org", DnsOutcome::Ok),
            dns("ptr", "44.2.0.192.in-addr.arpa", DnsOutcome::Ok),
            dns("provider", "aol.smtp.example.org", DnsOutcome::Poor),
            dns("spf", "example.org", DnsOutcome::Ok),
        ],
    }
}

/// An instance that is ready.
fn right() -> (Facts, Limits) {
    let instance = instance(
        "syslog_name = postfix-aol-c\nsmtp_transport_rate_delay = 432s\n\
         smtp_destination_concurrency_failed_cohort_limit = 10\n",
    );
    let services = MasterCf::parse(
        Path::new("master.cf"),
        b"smtp unix - - y - - smtp\npickup unix n - y 60 1 pickup\n",
    )
    .value;
    let mut facts = Facts::of(&instance, Some(&services));
    facts.is_enabled = true;
    facts.running = Running::Yes {
        since: postfix::Time::EPOCH,
        pid: Some(812),
    };
    facts.config_directory = PathBuf::from("/etc/postfix-aol-c");
    facts.senders = vec![sender("192.0.2.44")];
    (facts, Limits::of(&instance, &services))
}

/// `STEP OUTCOME: FOUND` of the steps that do not pass once `change` is made, with what to do behind `=>`.
fn check(change: impl FnOnce(&mut Facts, &mut Limits), expected: &[&str]) {
    let (mut facts, mut limits) = right();
    change(&mut facts, &mut limits);
    let ready = Readiness::of(std::slice::from_ref(&facts), &facts, &limits);
    let bad = ready.steps.iter().filter(|s| s.outcome != StepState::Pass);
    let found: Vec<String> = bad
        .map(|step| {
            let mut told = format!("{} {}: {}", step.step, step.outcome.as_str(), step.found);
            for line in &step.to_do {
                told.push_str(&format!(" => {line}"));
            }
            told
        })
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn one_that_is_ready() {
    check(|_, _| {}, &[]);
    let (facts, limits) = right();
    let ready = Readiness::of(std::slice::from_ref(&facts), &facts, &limits);
    assert_eq!(ready.outcome(), StepState::Pass);
    let steps: Vec<&str> = ready.steps.iter().map(|step| step.step).collect();
    assert_eq!(
        steps,
        [
            "address",
            "helo",
            "a",
            "ttl",
            "ptr",
            "spf",
            "enabled",
            "running",
            "pickup",
            "rate-delay",
            "concurrency",
            "failed-cohort-limit",
            "syslog-name",
            "relay-name",
        ]
    );
    let last = ready.steps.last().unwrap();
    assert_eq!(last.found, "what provider found: it gets no mail yet");
}

#[test]
fn addresses() {
    check(
        |facts, _| {
            facts.senders[0].place = AddressPlace::Interface {
                name: "eth0".to_owned(),
                is_up: false,
            };
        },
        &["address fail: on eth0, which is down => ip link set dev eth0 up"],
    );
    check(
        |facts, _| facts.senders.clear(),
        &[
            "address fail: the system chooses the address that mail leaves from => \
             # postconf -c /etc/postfix-aol-c -e 'smtp_bind_address = ADDRESS' && postfix -c /etc/postfix-aol-c reload  \
             (an address of this host that no other instance has)",
        ],
    );
    check(
        |facts, _| {
            facts.senders.push(Sender {
                place: AddressPlace::Missing,
                ..sender("2001:db8::44")
            });
        },
        &[
            "address fail: on no interface => # ip address add 2001:db8::44/128 dev INTERFACE  (see ip -brief link) => \
             and add it to the host's network configuration, so that it is there after the next boot",
        ],
    );
}

#[test]
fn records_of_either_family() {
    let wrong = |check: &'static str| {
        move |facts: &mut Facts, _: &mut Limits| {
            let mut six = sender("2001:db8::44");
            let found = six.dns.iter_mut().find(|found| found.check == check);
            found.unwrap().outcome = DnsOutcome::Wrong;
            facts.senders = vec![six];
        }
    };
    check(
        wrong("host"),
        &["a fail: what host found => aol-c.example.org. 86400 IN AAAA 2001:db8::44"],
    );
    check(
        |facts, _| {
            let spf = facts.senders[0].dns.last_mut().unwrap();
            spf.outcome = DnsOutcome::Wrong;
            spf.records = vec!["v=spf1 ip4:192.0.2.1 -all".to_owned()];
        },
        &[
            "spf fail: what spf found => example.org. 86400 IN TXT \"v=spf1 ip4:192.0.2.44 ip4:192.0.2.1 -all\" => \
             take out: example.org. IN TXT \"v=spf1 ip4:192.0.2.1 -all\"",
        ],
    );
    check(
        |facts, _| {
            let spf = facts.senders[0].dns.last_mut().unwrap();
            spf.outcome = DnsOutcome::Wrong;
            spf.records = vec!["v=spf1 -all".to_owned(), "v=spf1 mx".to_owned()];
        },
        &[
            "spf fail: what spf found => make one SPF record (TXT) of the 2 of example.org, with ip4:192.0.2.44 in it: \
             of several, none counts",
        ],
    );
    check(
        wrong("spf"),
        &[
            "spf fail: what spf found => add ip6:2001:db8::44 to the SPF record (TXT) of example.org",
        ],
    );
    check(
        |facts, _| {
            let spf = facts.senders[0].dns.last_mut().unwrap();
            spf.outcome = DnsOutcome::Wrong;
            spf.detail = "has no SPF record".to_owned();
        },
        &[
            "spf fail: has no SPF record => an SPF record (TXT) for example.org that lists ip4:192.0.2.44 and \
             everything else that sends its mail",
        ],
    );
}

#[test]
fn what_could_not_be_found_out_is_unknown() {
    check(
        |facts, _| {
            facts.running = Running::Failed("permission denied; run it as root".to_owned());
            facts.pickup = None;
            facts.senders[0].dns[2].outcome = DnsOutcome::Unknown;
            facts.senders[0].dns[3].outcome = DnsOutcome::Unknown;
        },
        &[
            "ptr unknown: what ptr found => try again, or another server: --resolver ADDR, --timeout 60s",
            "running unknown: permission denied; run it as root",
            "pickup unknown: it cannot be read",
            "relay-name unknown: what provider found",
        ],
    );
    check(
        |_, limits| limits.is_client = None,
        &["rate-delay unknown: it cannot be read"],
    );
    check(
        |facts, _| facts.senders[0].dns.clear(),
        &[
            "a unknown: not looked up in the DNS",
            "ttl unknown: not looked up in the DNS",
            "ptr unknown: not looked up in the DNS",
            "spf unknown: not looked up in the DNS",
        ],
    );
}

#[test]
fn mail_that_comes_too_early() {
    let early = |listed: usize, change: fn(&mut Facts)| {
        move |facts: &mut Facts, _: &mut Limits| {
            facts.senders[0].dns[3].outcome = DnsOutcome::Ok;
            facts.senders[0].dns[3].listed = listed;
            change(facts);
        }
    };
    let stopped = |facts: &mut Facts| facts.running = Running::No;
    let stop = "running fail: it is not running => postfix -c /etc/postfix-aol-c start";
    let told = "relay-name fail: what provider found: it gets mail, and is not ready =>";
    check(
        early(3, stopped),
        &[
            stop,
            &format!("{told} take out: aol.smtp.example.org. IN A 192.0.2.44"),
        ],
    );
    check(early(3, |_| ()), &[]);
    // The last record stays, whatever is wrong.
    check(
        early(1, stopped),
        &[
            stop,
            &format!(
                "{told} leave it there, since aol.smtp.example.org has no other A record; fix the steps above, or add \
                 another relay's address"
            ),
        ],
    );
    // What mail does not suffer from is no reason.
    check(
        early(3, |facts| facts.pickup = Some(false)),
        &[
            "pickup fail: no pickup service: mail from queue-move and sendmail would stay in the maildrop => postconf \
             -c \
             /etc/postfix-aol-c -M 'pickup/unix=pickup unix n - y 60 1 pickup' => postfix -c /etc/postfix-aol-c reload",
            &format!(
                "{told} leave it there, and fix the steps above: mail from it is not refused because of them"
            ),
        ],
    );
    // Neither is what is not known.
    check(
        early(3, |facts| {
            facts.senders[0].dns[2].outcome = DnsOutcome::Unknown;
        }),
        &[
            "ptr unknown: what ptr found => try again, or another server: --resolver ADDR, --timeout 60s",
            "relay-name unknown: what provider found: it gets mail; whether it is ready is not known",
        ],
    );
    // Kept for too long.
    check(
        |facts, _| {
            facts.senders[0].dns[3].outcome = DnsOutcome::Poor;
            facts.senders[0].dns[3].listed = 2;
            facts.senders[0].dns[3].records =
                ["192.0.2.43", "192.0.2.44"].map(str::to_owned).to_vec();
        },
        &[
            "relay-name fail: what provider found => aol.smtp.example.org. 600 IN A 192.0.2.43 => \
           aol.smtp.example.org. 600 IN A 192.0.2.44",
        ],
    );
}

/// A server may answer with thousands of records.
#[test]
fn many_records_are_some_lines_and_the_rest_is_counted() {
    let (mut facts, _) = right();
    let sender = &mut facts.senders[0];
    sender.dns[0].outcome = DnsOutcome::Wrong;
    sender.dns[0].records = (0..3000)
        .map(|n| format!("10.0.{}.{}", n / 250, n % 250))
        .collect();
    let steps = super::dns::records(std::slice::from_ref(&facts), &facts);
    let a = steps.iter().find(|step| step.step == "a").unwrap();
    assert_eq!(a.to_do.len(), 52, "{:?}", a.to_do);
    assert_eq!(a.to_do[51], "(2950 more like these)");
}

/// What is to go is not put in again, and what another sender of this host has is right.
#[test]
fn lines_do_not_undo_one_another() {
    check(
        |facts, _| {
            facts.running = Running::No;
            facts.senders[0].dns[3].listed = 2;
            facts.senders[0].dns[3].records =
                ["192.0.2.43", "192.0.2.44"].map(str::to_owned).to_vec();
        },
        &[
            "running fail: it is not running => postfix -c /etc/postfix-aol-c start",
            "relay-name fail: what provider found: it gets mail, and is not ready => take out: \
             aol.smtp.example.org. IN A 192.0.2.44 => aol.smtp.example.org. 600 IN A 192.0.2.43",
        ],
    );
    check(
        |facts, _| {
            let mut other = sender("192.0.2.45");
            other.dns[0].outcome = DnsOutcome::Wrong;
            other.dns[0].records = ["192.0.2.44", "192.0.2.99"].map(str::to_owned).to_vec();
            facts.senders.push(other);
        },
        &[
            "a fail: what host found => aol-c.example.org. 86400 IN A 192.0.2.45 => take out: aol-c.example.org. IN A \
             192.0.2.99",
        ],
    );
}
