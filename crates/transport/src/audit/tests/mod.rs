//! Judgements over hand-made states; tests/relay_transport/check has real ones.

use std::collections::BTreeSet;
use std::path::Path;

use super::*;
use crate::{Route, Style};

mod asking;

const TABLE: &str = "[[provider]]\nname = \"aol\"\ndomains = [\"aol.example\", \"aim.example\"]\nrelay \
    = \"aol.smtp.DOMAIN\"\nreplace = true\n\
                     [[provider]]\nname = \"msn\"\ndomains = [\"msn.example\"]\nrelay = \"msn.smtp.DOMAIN\"\nreplace = \
                     true\n";

fn providers() -> Providers {
    Providers::load(Some((TABLE, Path::new("/etc/p.toml")))).unwrap()
}

fn table(name: &str, entries: &[(&str, &str)]) -> Table {
    let pairs = entries
        .iter()
        .map(|&(key, value)| (key.to_owned(), value.to_owned()));
    Table {
        name: TableName::parse(name).unwrap(),
        source: SourceState::None,
        index: IndexState::None,
        in_source: None,
        entries: Some(pairs.clone().collect()),
        answers: pairs.collect(),
        failed: None,
        dropped: Vec::new(),
    }
}

/// master.cf with these programs, each a service of its own name.
fn services(commands: &[&str]) -> BTreeMap<String, Service> {
    let all = commands.iter().map(|&command| {
        let service = Service {
            command: command.to_owned(),
            ..Service::default()
        };
        (command.to_owned(), service)
    });
    all.collect()
}

/// `CHECK: TEXT [ITEMS]` of what is wrong where these tables are asked, in order.
fn check(tables: &[&[(&str, &str)]], change: impl Fn(&mut Input<'_>), expected: &[&str]) {
    let providers = providers();
    let wanted = Map::of(&providers, "example.org", Style::default(), |p| {
        matches!(p.name.as_str(), "aol" | "msn")
    });
    let tables: Vec<Table> = tables
        .iter()
        .zip('a'..)
        .map(|(entries, name)| table(&format!("texthash:/{name}"), entries))
        .collect();
    let mut input = Input {
        wanted: &wanted,
        providers: &providers,
        instance: "postfix",
        broken: Vec::new(),
        ours: choose(&wanted, &tables, false),
        tables,
        asked: None,
        fallback: "smtp:".to_owned(),
        parents_match: false,
        transports: Some(services(&["smtp", "discard", "error"])),
        detours: Detours::default(),
        live: Live::NotAsked(String::new()),
        is_accepted: &|key| key == "own.example",
        hosts: None,
        shared: Default::default(),
        doubts: Default::default(),
        ports: None,
        networks: Networks::NotAsked,
    };
    change(&mut input);
    let rows = audit(&input);
    let bad = rows.iter().filter(|row| row.outcome > Grade::Ok);
    let found: Vec<String> = bad
        .map(|row| {
            format!(
                "{}: {} [{}]",
                row.check.as_str(),
                row.text,
                row.items.join(", ")
            )
        })
        .collect();
    assert_eq!(found, expected);
}

const AOL: &str = "smtp:[aol.smtp.example.org]";
const MSN: &str = "smtp:[msn.smtp.example.org]";
const ALL: &[(&str, &str)] = &[
    ("aol.example", AOL),
    ("aim.example", AOL),
    ("msn.example", MSN),
];

#[test]
fn what_leads_to_the_relay_is_right_however_it_is_written() {
    check(&[ALL], |_| {}, &[]);
    // Without brackets, with a port, by another SMTP transport.
    let other = [
        ("aol.example", "smtp:aol.smtp.example.org"),
        ("aim.example", "smtp:[AOL.smtp.example.org.]:26"),
        ("msn.example", ":[msn.smtp.example.org]"),
    ];
    check(&[&other], |_| {}, &[]);
    // A line for all others, or relayhost.
    let star = [("aol.example", AOL), ("aim.example", AOL), ("*", MSN)];
    check(&[&star], |_| {}, &[]);
    check(&[&ALL[..2]], |input| input.fallback = MSN.to_owned(), &[]);
    // Over two tables.
    check(&[&ALL[..1], &ALL[1..]], |input| input.ours = Some(1), &[]);
}

#[test]
fn what_leads_elsewhere_is_reported() {
    check(
        &[&ALL[1..]],
        |_| {},
        &[
            "domains: 1 of 2 domains of aol in no table: their mail goes to its own mail exchangers [aol.example]",
        ],
    );
    // transport(5): ":" is as good as no line.
    check(
        &[&[ALL[1], ALL[2], ("aol.example", ":")]],
        |input| input.fallback = "smtp:[x.example]".to_owned(),
        &[
            "domains: 1 of 2 domains of aol in no table: their mail goes to smtp:[x.example] [aol.example]",
        ],
    );
    check(
        &[&[
            ALL[1],
            ALL[2],
            ("aol.example", "smtp:[aol.smtp.example.org], [x.example]"),
        ]],
        |_| {},
        &[
            "domains: 1 of 2 domains of aol: their mail goes to smtp:[aol.smtp.example.org], [x.example] [aol.example]",
        ],
    );
    check(
        &[&[ALL[1], ALL[2], (".example", MSN)]],
        |_| {},
        &[
            "domains: 1 of 2 domains of aol: their mail goes to smtp:[msn.smtp.example.org], msn's relay [aol.example]",
            "lines: 1 line without a provider: add them to the provider table, or use --accept [.example \
             smtp:[msn.smtp.example.org]]",
        ],
    );
}

/// That no line of its own brings a domain to the catch-all relay is the same, by `*` or by relayhost: not another's
/// relay.
#[test]
fn the_rest_s_relay_is_no_other_provider_s() {
    let rest = "smtp:[therest.smtp.example.org]";
    check(
        &[&[ALL[1], ALL[2], ("*", rest)]],
        |_| {},
        &[
            "domains: 1 of 2 domains of aol: their mail goes to smtp:[therest.smtp.example.org] [aol.example]",
        ],
    );
}

#[test]
fn subdomains_are_reached_as_main_cf_says() {
    // parent_domain_matches_subdomains with transport_maps: "example" is for all below it, ".example" for none.
    let lines = [ALL[0], ALL[1], ("example", MSN)];
    check(
        &[&lines],
        |input| input.parents_match = true,
        &[
            "lines: 1 line without a provider: add them to the provider table, or use --accept [example \
             smtp:[msn.smtp.example.org]]",
        ],
    );
    let found = |parents_match| {
        let providers = providers();
        let wanted = Map::of(&providers, "example.org", Style::default(), |p| {
            p.name == "msn"
        });
        questions(
            &wanted,
            parents_match,
            ["own.example", ".sub.aol.example", "a b", "x@y.example"].into_iter(),
        )
    };
    let asked = |keys: &[&str]| {
        let probes = PROBES.map(|probe| format!("{probe}@msn.example"));
        keys.iter().map(|&k| k.to_owned()).chain(probes).collect()
    };
    let dots: BTreeSet<String> = asked(&[
        "*",
        ".example",
        ".aol.example",
        ".sub.aol.example",
        "msn.example",
        "own.example",
    ]);
    assert_eq!(found(false), dots);
    assert_eq!(
        found(true),
        asked(&[
            "*",
            "example",
            "aol.example",
            "sub.aol.example",
            ".sub.aol.example",
            "msn.example",
            "own.example"
        ])
    );
}

#[test]
fn an_earlier_answer_counts() {
    check(
        &[&[("msn.example", "smtp:[old.example]")], ALL],
        |_| {},
        &[
            "order: 1 line of the map does not count: texthash:/a, which comes first, sends to smtp:[old.example] \
             [msn.example]",
            "domains: 1 of 1 domain of msn: their mail goes to smtp:[old.example] [msn.example]",
        ],
    );
    // A "*" there does not: the domain's own key is looked for in all tables first. Nor does the same answer.
    check(&[&[("*", "smtp:[old.example]"), ALL[0]], ALL], |_| {}, &[]);
}

#[test]
fn lines_need_a_reason() {
    let more = [
        ALL[0],
        ALL[1],
        ALL[2],
        ("own.example", "local:"),
        (".aol.example", AOL),
        ("president@aol.example", AOL),
        ("*", "smtp:[therest.smtp.example.org]"),
    ];
    check(
        &[&more],
        |input| input.transports = None,
        &["transports: master.cf cannot be read []"],
    );
    let wrong = [
        ALL[0],
        ALL[1],
        ALL[2],
        (".aol.example", MSN),
        ("x@msn.example", AOL),
        ("*", "smtp:[x.example]"),
        ("aol.example.org", AOL),
    ];
    check(
        &[&wrong],
        |_| {},
        &[
            "lines: 4 lines without a provider: add them to the provider table, or use --accept \
           [* smtp:[x.example], .aol.example smtp:[msn.smtp.example.org], aol.example.org smtp:[aol.smtp.example.org], \
           x@msn.example smtp:[aol.smtp.example.org]]",
        ],
    );
}

#[test]
fn relays_are_asked_about_by_smtp_alone() {
    let lines = table(
        "texthash:/a",
        &[
            ("a.example", AOL),
            ("b.example", "smtp:aol.smtp.example.org"),
            ("c.example", "error:5.1.2 no mail"),
            ("d.example", "smtp:[192.0.2.1]"),
            ("e.example", "smtp:[ipv6:2001:db8::1]:25"),
            ("f.example", "lmtp:unix:/run/lmtp"),
            (
                "g.example",
                "fast:[b.smtp.example.org], [c.smtp.example.org]",
            ),
            ("h.example", "smtp:"),
        ],
    );
    let mut known = services(&["smtp", "lmtp", "error"]);
    let fast = known["smtp"].clone();
    known.insert("fast".to_owned(), fast);
    let found = hosts(&lines, Some(&known));
    let host = |name: &str, asks| RelayHost {
        name: name.to_owned(),
        asks,
    };
    let expected = [
        host("aol.smtp.example.org", Asks::Addresses),
        host("aol.smtp.example.org", Asks::Exchangers),
        host("b.smtp.example.org", Asks::Addresses),
        host("c.smtp.example.org", Asks::Addresses),
    ];
    assert_eq!(found.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn networks_are_told() {
    let from = "192.0.2.7".parse().unwrap();
    let acceptance = |relay: &str, listed: Listed, barred: Option<&str>| Acceptance {
        relay: relay.to_owned(),
        from,
        listed,
        barred: barred.map(str::to_owned),
    };
    let yes = || Listed::Yes("192.0.2.0/24".to_owned());
    check(
        &[ALL],
        |input| input.networks = Networks::Known(vec![acceptance("a", yes(), None)], Vec::new()),
        &[],
    );
    let all = vec![
        acceptance("a", yes(), None),
        acceptance("b", Listed::No(None), None),
        acceptance("c", yes(), Some("smtpd_relay_restrictions: reject")),
        acceptance("d", Listed::Unknown("cidr:/x".to_owned()), None),
    ];
    check(
        &[ALL],
        |input| {
            input.networks = Networks::Known(all.clone(), vec!["/e/main.cf: broken".to_owned()]);
        },
        &[
            "networks: mynetworks of 1 relay refuses this server's mail [b: 192.0.2.7 is not listed]",
            "networks: mynetworks of 1 relay has this server, but is not consulted [c: smtpd_relay_restrictions: \
             reject, and no permit_mynetworks before it]",
            "networks: not known for all relays [d: 192.0.2.7 is not known: it depends on cidr:/x, which is not read, \
             /e/main.cf: broken]",
        ],
    );
}
