//! The server's own words, and what stands around them.

use super::*;

#[test]
fn the_servers_words_are_told() {
    let check = |reply: &str, text: &str, from_server: bool, server: Option<&str>| {
        let found = read(reply.as_bytes());
        let address = found
            .server
            .map(|server| String::from_utf8_lossy(server.address));
        let found = (&*found.text, found.from_server, address.as_deref());
        assert_eq!(found, (text.as_bytes(), from_server, server), "{reply}");
    };
    check(
        "host mx.example[192.0.2.1] said: 550 5.1.1 No (in reply to RCPT TO command)",
        "550 5.1.1 No",
        true,
        Some("192.0.2.1"),
    );
    check(
        "host mx.example[2001:db8::1]:25 refused to talk to me: 421 Busy",
        "421 Busy",
        true,
        Some("2001:db8::1"),
    );
    check(
        "delivery temporarily suspended: host mx.example[192.0.2.1] refused to talk to me: 421 Busy",
        "421 Busy",
        true,
        Some("192.0.2.1"),
    );
    check(
        "delivery temporarily suspended: connect to mx.example[192.0.2.1]: server refused to talk to me: 421 Busy",
        "421 Busy",
        true,
        Some("192.0.2.1"),
    );
    check(
        "connect to mx.example[192.0.2.1]:25: Connection refused",
        "connect to mx.example[192.0.2.1]:25: Connection refused",
        false,
        None,
    );
    check(
        "550-5.1.1 a b 550-5.1.1 c 550 5.1.1 d",
        "550-5.1.1 a b c d",
        true,
        None,
    );
    check("554-x 554-No 554 IP [550]", "554-x No IP [550]", true, None);
    check(
        "550 more than 550 of 5505",
        "550 more than of 5505",
        true,
        None,
    );
    check("550", "550", true, None);
    check("5500 x", "5500 x", false, None);
    check(
        "host a b[1] said: 550 x",
        "host a b[1] said: 550 x",
        false,
        None,
    );
    check("host [1", "host [1", false, None);
    check("", "", false, None);
}

#[test]
fn the_command_is_a_fact_beside_the_words() {
    let check = |reply: &str, text: &str, stage: Option<Stage>| {
        let found = read(reply.as_bytes());
        assert_eq!(
            (&*found.text, found.stage),
            (text.as_bytes(), stage),
            "{reply}"
        );
    };
    check(
        "host a[1] said: 452 4.3.1 Insufficient system resources (in reply to MAIL FROM command)",
        "452 4.3.1 Insufficient system resources",
        Some(Stage::Mail),
    );
    check(
        "host a[1] said: 550 no (in reply to end of DATA command)",
        "550 no",
        Some(Stage::EndOfData),
    );
    check(
        "host a[1] said: 550 no (in reply to DAT",
        "550 no",
        Some(Stage::Other),
    );
    check(
        "host a[1] refused to talk to me: 554 no",
        "554 no",
        Some(Stage::Connect),
    );
    check(
        "host a[1] said: 450 x: host b[2] said: 550 gone (in reply to RCPT TO command) y (in reply to MAIL FROM \
         command)",
        "450 x: host b[2] said: 550 gone y",
        Some(Stage::Mail),
    );
    check("host a[1] said: 550 no", "550 no", None);
    check("(in reply to ", "", Some(Stage::Other));
    check(
        "host a[1] said: 550-5.1.1 a 550 5.1.1 b (in reply to RCPT TO command)",
        "550-5.1.1 a b",
        Some(Stage::Rcpt),
    );
}

#[test]
fn the_enhanced_code_where_servers_write_it() {
    let check = |reply: &str, expected: Option<&str>| {
        let found = read(reply.as_bytes());
        assert_eq!(
            found.enhanced_code(),
            expected.map(str::as_bytes),
            "{reply}"
        );
    };
    check("550 5.1.1 no", Some("5.1.1"));
    check("550-5.1.1. no", Some("5.1.1"));
    check(
        "553 sorry, no mailbox here by that name. (#5.7.1)",
        Some("5.7.1"),
    );
    check("550 #5.1.0 Address rejected", Some("5.1.0"));
    check("550 5.1.1.1 no", None);
    check("550 no 5.1.1", None);
    check("550 192.0.2", None);
    check("no #5.1.1", None);
}
