//! Whose a domain, a relay or an instance is; a host's own table.

use std::path::Path;

use super::*;

fn check(lookup: impl Fn(&Providers) -> Option<ProviderId>, expected: Option<&str>) {
    let table = Providers::load(None).unwrap();
    let found = lookup(&table).map(|id| table.get(id).name.as_str());
    assert_eq!(found, expected);
}

#[test]
fn a_domain_is_looked_up_whole_whatever_its_case() {
    let domain = |name: &str, expected| check(|t| t.by_domain(name.as_bytes()), expected);
    domain("aol.com", Some("aol"));
    domain("verizon.net", Some("aol"));
    domain("AOL.com", Some("aol"));
    domain("Yahoo.Co.UK.", Some("yahoo"));
    domain("yahoo.com.br", Some("yahoo"));
    domain("ymail.com", Some("yahoo"));
    domain("rocketmail.com", Some("yahoo"));
    domain("yahoo.co.jp", Some("yahoojp"));
    domain("hotmail.com", Some("msn"));
    domain("hotmail.co.uk", Some("msn"));
    domain("live.fr", Some("msn"));
    domain("outlook.de", Some("msn"));
    domain("passport.com", Some("msn"));
    domain("gmail.com", Some("gmail"));
    domain("googlemail.com", Some("gmail"));
    domain("igc.org", Some("earthlink"));
    domain("mindspring.com", Some("earthlink"));
    domain("comcast.net", Some("comcast"));
    domain("bellsouth.net", Some("att"));
    domain("sbcglobal.net", Some("att"));
    domain("me.com", Some("icloud"));
    domain("cox.net", Some("cox"));
    domain("tampabay.rr.com", Some("charter"));
    // Neither a subdomain, nor a longer name, nor a part of one.
    domain("mail.aol.com", None);
    domain("notaol.com", None);
    domain("aol.com.example.org", None);
    domain("aol", None);
    domain("com", None);
    domain("", None);
    domain(".", None);
    domain("aol.com..", None);
    // Differs from aol.com in the bit that also tells upper from lower case.
    domain("aol\u{e}com", None);
}

#[test]
fn a_relay_is_looked_up_by_suffix_at_a_dot() {
    let relay = |host: &str, expected| check(|t| t.by_relay(host.as_bytes()), expected);
    relay("mta7.am0.yahoodns.net", Some("yahoo"));
    relay("mx-aol.mail.gm0.yahoodns.net", Some("aol"));
    relay("hotmail-com.olc.protection.outlook.com", Some("msn"));
    relay("Hotmail-com.OLC.protection.outlook.com.", Some("msn"));
    relay("example-org.mail.protection.outlook.com", Some("office365"));
    relay("example-org.mail.eo.outlook.com", Some("office365"));
    relay("example-org.o-v1.mx.microsoft", Some("office365"));
    relay(
        "mail-db5eur01.outbound.protection.outlook.com",
        Some("office365"),
    );
    relay("gmail-smtp-in.l.google.com", Some("gmail"));
    relay("aspmx2.googlemail.com", Some("gmail"));
    relay("mx01.earthlink-vadesecure.net", Some("earthlink"));
    relay("mx2h1.comcast.net", Some("comcast"));
    relay("ff-ip4-mx-vip1.prodigy.net", Some("att"));
    relay("mx01.mail.icloud.com", Some("icloud"));
    relay("google.com", Some("gmail"));
    relay("notgoogle.com", None);
    relay("google.com.example.org", None);
    relay("none", None);
    relay("127.0.0.1", None);
    relay("", None);
}

#[test]
fn the_domain_decides_then_the_relay_then_it_is_the_rest() {
    let of = |domain: &str, relay: Option<&str>, expected| {
        check(
            |t| Some(t.of(domain.as_bytes(), relay.map(str::as_bytes))),
            Some(expected),
        );
    };
    of("aol.com", Some("mx.example.org"), "aol");
    of("aol.com", Some("mta5.am0.yahoodns.net"), "aol");
    of("example.org", Some("aspmx.l.google.com"), "gmail");
    of("example.org", Some("mx.example.org"), "therest");
    of("example.org", None, "therest");
}

#[test]
fn an_instance_is_named_for_its_provider() {
    let instance = |name: &str, expected| check(|t| t.of_instance(name), expected);
    instance("postfix-aol-a", Some("aol"));
    instance("postfix-aol", Some("aol"));
    instance("aol-b", Some("aol"));
    instance("postfix-MSN-a", Some("msn"));
    instance("postfix-therest-a", Some("therest"));
    instance("postfix-yahoojp-a", Some("yahoojp"));
    instance("postfix-yahoo-jp-a", Some("yahoo"));
    instance("postfix-aolx-a", None);
    instance("postfix", None);
    instance("-", None);
    instance("postfix-", None);
}

#[test]
fn a_host_file_adds_moves_and_replaces() {
    let text = r#"
        [[provider]]
        name = "gmx"
        domains = ["GMX.net", "web.de."]
        mx = ["gmx.net"]
        relay = "gmx.smtp.DOMAIN"
        [[provider]]
        name = "yahoo"
        domains = ["verizon.net"]
        [[provider]]
        name = "cox"
        domains = ["cox.example"]
        relay = "other.smtp.DOMAIN"
        replace = true
    "#;
    let table = Providers::load(Some((text, Path::new("/etc/p.toml")))).unwrap();
    let name = |domain: &str| {
        table
            .by_domain(domain.as_bytes())
            .map(|id| table.get(id).name.as_str())
    };
    assert_eq!(name("gmx.net"), Some("gmx"));
    assert_eq!(name("web.de"), Some("gmx"));
    assert_eq!(name("verizon.net"), Some("yahoo"));
    assert_eq!(name("yahoo.com"), Some("yahoo"));
    assert_eq!(name("cox.net"), None);
    assert_eq!(name("cox.example"), Some("cox"));
    let cox = table.get(table.by_name("cox").unwrap());
    assert_eq!(cox.relay_at("example.org"), "other.smtp.example.org");
    let aol = table.get(table.by_name("AOL").unwrap());
    assert_eq!(aol.relay_at("example.org"), "aol.smtp.example.org");
    assert!(!aol.domains.iter().any(|d| d == "verizon.net"));
}

/// So what `relay-transport discover` prints can be appended again and again, whatever it printed before.
#[test]
fn entries_of_one_name_are_put_together() {
    let text = r#"
        [[provider]]
        name = "cox"
        domains = ["a.example"]
        replace = true
        relay = "cox.DOMAIN"
        [[provider]]
        name = "gmx"
        domains = ["c.example"]
        relay = "gmx.DOMAIN"
        [[provider]]
        name = "cox"
        domains = ["A.example", "b.example", "b.example."]
        mx = ["mx.example"]
        [[provider]]
        name = "cox"
        domains = ["b.example"]
        mx = ["mx.example"]
        relay = "cox.DOMAIN"
    "#;
    let table = Providers::load(Some((text, Path::new("/etc/p.toml")))).unwrap();
    let cox = table.get(table.by_name("cox").unwrap());
    assert_eq!(cox.domains, ["a.example", "b.example"]);
    assert_eq!(cox.mx, ["mx.example"]);
    assert_eq!(cox.relay, "cox.DOMAIN");
    let names = table.all().iter().filter(|p| p.name == "cox");
    assert_eq!(names.count(), 1);
    for domain in ["a.example", "b.example"] {
        assert_eq!(table.by_domain(domain.as_bytes()), table.by_name("cox"));
    }
    assert_eq!(table.by_domain(b"c.example"), table.by_name("gmx"));
    assert_eq!(table.by_domain(b"cox.net"), None);
}

#[test]
fn a_site_is_named_by_its_domain_or_by_that_of_its_relays() {
    let check = |relay: &str, domain: &str, expected: &str| {
        let provider = Provider {
            name: "x".to_owned(),
            domains: Vec::new(),
            mx: Vec::new(),
            relay: relay.to_owned(),
        };
        assert_eq!(provider.relay_at(domain), expected);
    };
    check("aol.smtp.DOMAIN", "example.org", "aol.smtp.example.org");
    check(
        "aol.smtp.DOMAIN",
        "smtp.example.org",
        "aol.smtp.example.org",
    );
    check(
        "aol.out.smtp.DOMAIN",
        "out.smtp.example.org",
        "aol.out.smtp.example.org",
    );
    check(
        "aol.smtp.DOMAIN",
        "xsmtp.example.org",
        "aol.smtp.xsmtp.example.org",
    );
    check("smtp.DOMAIN", "smtp.example.org", "smtp.smtp.example.org");
    check("aol.DOMAIN", "example.org", "aol.example.org");
    check("DOMAIN", "example.org", "example.org");
    check("relay.DOMAIN.example", "site", "relay.site.example");
    check("mail.isp.example", "example.org", "mail.isp.example");
}

#[test]
fn what_is_wrong_in_a_host_file_is_said_with_its_line() {
    let check = |text: &str, expected: &str| {
        let problem = Providers::load(Some((text, Path::new("/etc/p.toml")))).unwrap_err();
        let shown = problem.to_string();
        assert!(
            shown.starts_with("/etc/p.toml, line ") && shown.contains(expected),
            "{shown}"
        );
    };
    check(
        "[[provider]]\nname = \"x\"\nrelay = \"x.DOMAIN\"\ndomains = [\"a.net\"]\n\
         [[provider]]\nname = \"y\"\nrelay = \"y.DOMAIN\"\ndomains = [\n\"A.net\"]\n",
        "line 9: a.net is in provider x and in provider y; keep it in one",
    );
    check(
        "[[provider]]\nname = \"x\"\nrelay = \"x.DOMAIN\"\ndomain = [\"a.net\"]\n",
        "line 4: unknown field `domain`, expected one of `name`, `domains`",
    );
    check("[[provider]]\nname = \"x\ndomains = []\n", "line 2: ");
    check(
        "[[provider]]\nname = \"x\"\ndomains = []\n",
        "line 1: provider x has no relay",
    );
    check(
        "[[provider]]\nname = \"a b\"\n",
        "line 2: `a b` cannot be a provider's name",
    );
    check(
        "[[provider]]\nname = \"aol\"\ndomains = [\"*.aol.com\"]\n",
        "line 3: `*.aol.com` is not a domain name",
    );
    check(
        "[[provider]]\nname = \"aol\"\n[[provider]]\nname = \"aol\"\nreplace = true\n",
        "line 4: provider aol has an earlier entry, which replace = true would drop; put it in the first one",
    );
    check(
        "[[provider]]\nname = \"aol\"\nrelay = \"a.DOMAIN\"\n[[provider]]\nname = \"aol\"\nrelay = \"b.DOMAIN\"\n",
        "line 6: provider aol has the relays a.DOMAIN and b.DOMAIN; keep one",
    );
    check(
        "[[provider]]\nname = \"aol\"\nrelay = \"[aol.smtp.DOMAIN]:25\"\n",
        "line 3: `[aol.smtp.DOMAIN]:25` is not a host name",
    );
    check(
        "[provider]\nname = \"aol\"\n",
        "an entry is [[provider]] with name",
    );
}

#[test]
fn the_domain_of_an_address_follows_its_last_at() {
    let check = |address: &str, expected: Option<&str>| {
        assert_eq!(
            domain_of(address.as_bytes()),
            expected.map(str::as_bytes),
            "{address}"
        );
    };
    check("joe@aol.com", Some("aol.com"));
    check("joe@aol.com.", Some("aol.com"));
    check("\"a@b\"@aol.com", Some("aol.com"));
    check("joe@[192.0.2.1]", Some("[192.0.2.1]"));
    check("joe", None);
    check("joe@", None);
    check("", None);
}
