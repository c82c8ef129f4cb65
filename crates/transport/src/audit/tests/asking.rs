//! Who is asked what, in which order, and what Postfix itself says.

use super::*;

/// Where the whole address is a key of its own: what a pattern or `static` says of it comes before the domain's line.
#[test]
fn an_answer_for_the_whole_address_counts_first() {
    let all = [
        ("somebody@aol.example", "smtp:[all.example]"),
        ("user.1234@aol.example", "smtp:[all.example]"),
    ];
    let found = [
        "order: 1 line of the map does not count: texthash:/b, which is asked for the whole address before the map is \
         asked for its domain, sends to smtp:[all.example] [aol.example]",
        "domains: 1 of 2 domains of aol: their mail goes to smtp:[all.example] [aol.example]",
    ];
    let none = |input: &mut Input<'_>| input.tables[1].entries = None;
    check(&[ALL, &all], none, &found);
    // Of some addresses only.
    check(&[ALL, &all[1..]], none, &found);
    // A pattern is never asked for a domain.
    let regexp = |input: &mut Input<'_>| {
        input.tables[0].name = TableName::parse("regexp:/a").unwrap();
        input.ours = Some(1);
    };
    check(
        &[&[("aol.example", "smtp:[all.example]")], ALL],
        regexp,
        &[],
    );
}

#[test]
fn what_another_table_would_say_may_not_be_known() {
    let fail = |at: usize| {
        move |input: &mut Input<'_>| {
            input.tables[at].failed = Some(Failed::Unknown("no answer".to_owned()));
        }
    };
    let order = "order: tables that are asked for whole addresses first could not be asked here and may answer \
    differently";
    check(
        &[&[], ALL],
        fail(0),
        &[
            "in-use: texthash:/a cannot be queried: no answer []",
            &format!("{order} [texthash:/a]"),
        ],
    );
    // Behind the map, too.
    check(
        &[ALL, &[]],
        fail(1),
        &[
            "in-use: texthash:/b cannot be queried: no answer []",
            &format!("{order} [texthash:/b]"),
        ],
    );
}

#[test]
fn a_table_that_fails_stops_all_mail() {
    check(
        &[ALL, &[]],
        |input| input.tables[1].failed = Some(Failed::Broken("open /b: gone".to_owned())),
        &[
            "in-use: texthash:/b cannot be opened: open /b: gone; Postfix defers all mail that needs it []",
            "order: 3 lines of the map do not count: texthash:/b, which is asked for the whole address before the map \
             is asked for its domain, is deferred: texthash:/b fails [aim.example, aol.example, msn.example]",
            "domains: 2 of 2 domains of aol: their mail is deferred: texthash:/b fails [aim.example, aol.example]",
            "domains: 1 of 1 domain of msn: their mail is deferred: texthash:/b fails [msn.example]",
        ],
    );
}

#[test]
fn what_chance_decides() {
    let random = |name: &'static str| {
        move |input: &mut Input<'_>| input.tables[1].name = TableName::parse(name).unwrap()
    };
    check(
        &[&ALL[1..], &[]],
        random("randmap:{a:,b:}"),
        &[
            "order: 2 lines of the map do not count: randmap:{a:,b:}, which is asked for the whole address before the \
             map is asked for its domain, goes to a random choice of randmap:{a:,b:} [aim.example, msn.example]",
            "domains: 1 of 2 domains of aol: their mail goes to a random choice of randmap:{a:,b:} [aim.example]",
            "domains: 1 of 1 domain of msn: their mail goes to a random choice of randmap:{a:,b:} [msn.example]",
            "domains: 1 of 2 domains of aol in no table: their mail goes to what randmap:{a:,b:} chooses [aol.example]",
        ],
    );
}

#[test]
fn mail_that_is_destroyed_or_comes_back() {
    let odd = [
        ("aol.example", "discard:"),
        ("aim.example", "error:5.1.1 gone"),
        ALL[2],
    ];
    check(
        &[&odd],
        |_| {},
        &[
            "domains: 1 of 2 domains of aol: their mail bounces to its sender (error:5.1.1 gone) [aim.example]",
            "domains: 1 of 2 domains of aol: their mail is discarded (discard:) [aol.example]",
        ],
    );
}

#[test]
fn what_postfix_itself_says_counts() {
    let resolved = |domain: &str, nexthop: &str| {
        let to = Resolved::To("smtp".to_owned(), nexthop.to_owned());
        (domain.to_owned(), to)
    };
    let live = |all: Vec<(String, Resolved)>| {
        move |input: &mut Input<'_>| input.live = Live::Known(all.iter().cloned().collect())
    };
    let all = vec![
        resolved("aol.example", "[aol.smtp.example.org]"),
        resolved("aim.example", "[aol.smtp.example.org]"),
        resolved("msn.example", "[msn.smtp.example.org]"),
    ];
    check(&[ALL], live(all.clone()), &[]);
    let mut other = all.clone();
    other[0].1 = Resolved::Fails;
    check(
        &[ALL],
        live(other),
        &[
            "postfix: 1 domain not as the tables say: their mail is deferred: lookup failure (the mail log names the \
             table); postfix reload makes it read them again [aol.example]",
        ],
    );
    check(
        &[&ALL[1..]],
        live(all),
        &[
            "domains: 1 of 2 domains of aol in no table: their mail goes to its own mail exchangers [aol.example]",
            "postfix: Postfix still sends the mail of 1 domain to their relays: the tables have changed since it read \
             them [aol.example]",
        ],
    );
}

#[test]
fn lines_that_are_never_looked_up() {
    let odd = [
        ALL[0],
        ALL[1],
        ALL[2],
        ("@aol.example", AOL),
        ("*.aol.example", AOL),
        ("aol.example.", AOL),
        ("x@.aol.example", AOL),
    ];
    check(
        &[&odd],
        |_| {},
        &[
            "lines: 4 lines that Postfix never looks up: transport(5) looks up user@domain, domain, .domain for its \
             subdomains and * \
             [*.aol.example, @aol.example, aol.example., x@.aol.example]",
        ],
    );
    let below = [ALL[0], ALL[1], ALL[2], (".aol.example", AOL)];
    check(
        &[&below],
        |input| input.parents_match = true,
        &[
            "lines: 1 line that Postfix never looks up: transport(5) looks up user@domain, domain, the domain's \
             parents and * [.aol.example]",
        ],
    );
}

#[test]
fn ports_that_nobody_listens_on() {
    let hop = |host: &str| Route::parse(&format!("smtp:[{host}]")).hops.remove(0);
    let states = [
        (
            (hop("aol.smtp.example.org"), Asks::Addresses),
            PortState::Refused,
        ),
        (
            (hop("msn.smtp.example.org"), Asks::Addresses),
            PortState::Unreached("timed out".to_owned()),
        ),
    ];
    check(
        &[ALL],
        |input| input.ports = Some(states.clone().into()),
        &[
            "ports: nothing is listening on 1 relay: mail for it is deferred [[aol.smtp.example.org]]",
        ],
    );
}

/// postconf(5), use_srv_lookup: by the service after the host, and never in brackets.
#[test]
fn srv_records_are_asked_for_by_the_client_that_has_the_service() {
    let client = Service {
        command: "smtp".to_owned(),
        srv: vec!["smtp".to_owned(), "submission".to_owned()],
        falls_back: true,
        ..Service::default()
    };
    let check = |value: &str, expected: Asks| {
        let hop = Route::parse(value).hops.remove(0);
        assert_eq!(client.asks(&hop), expected, "{value}");
    };
    let services = |service: &str| Asks::Services {
        service: service.to_owned(),
        falls_back: true,
    };
    check("smtp:aol.smtp.example.org", services("smtp"));
    check(
        "smtp:aol.smtp.example.org:submission",
        services("submission"),
    );
    check("smtp:aol.smtp.example.org:2525", Asks::Exchangers);
    check("smtp:[aol.smtp.example.org]", Asks::Addresses);
    let hop = Route::parse("smtp:aol.smtp.example.org").hops.remove(0);
    assert_eq!(Service::default().asks(&hop), Asks::Exchangers);
}

#[test]
fn who_does_not_ask_for_the_records_that_share_the_mail_is_reported() {
    let found = |input: &mut Input<'_>, by: SharedBy| {
        let state = HostState::Found(vec!["192.0.2.41".parse().unwrap()]);
        let host = |name: &str| RelayHost {
            name: name.to_owned(),
            asks: Asks::Addresses,
        };
        let names = ["aol.smtp.example.org", "msn.smtp.example.org"];
        input.hosts = Some(names.map(|name| (host(name), state.clone())).into());
        input.shared = [("aol.smtp.example.org".to_owned(), by)].into();
    };
    check(
        &[ALL],
        |input| found(input, SharedBy::Mx),
        &[
            "relays: 1 relay host shares its mail by MX records, which lines in brackets pass over \
           [aol.smtp.example.org: smtp:aol.smtp.example.org asks for them]",
        ],
    );
    check(
        &[ALL],
        |input| found(input, SharedBy::Srv),
        &[
            "relays: 1 relay host shares its mail by SRV records, which this instance does not ask for \
           [aol.smtp.example.org: smtp:aol.smtp.example.org asks for them with use_srv_lookup = smtp (Postfix 3.8 \
           and later)]",
        ],
    );
}
