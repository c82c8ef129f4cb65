//! Relays that are asked whether they take mail: as a real Postfix answers, and as another fares with it.

use serde_json::Value;
use testkit::{Instance, Mail, host_or_skip};

use super::severe::lists;
use crate::TOOL;

/// The end of the delivery line of a mail to `recipient`, by a real Postfix.
fn fate(lists: &Instance, recipient: &str) -> String {
    let host = lists.host();
    lists.sendmail(&Mail::new("news@lists.example", recipient));
    let to = format!("to=<{recipient}>");
    // The relay, too, logs what it refuses.
    let ends = || {
        let log = host.mail_log();
        let line = log
            .lines()
            .rfind(|line| line.contains(&to) && line.contains(" status="));
        line.map(|line| line.split_once(" status=").unwrap().1.to_owned())
    };
    host.wait_until(testkit::PATIENCE, "a delivery", || ends().is_some());
    ends().unwrap()
}

#[test]
fn a_relay_that_does_not_take_this_servers_mail() {
    let host = host_or_skip!();
    host.sh("for n in 7 8; do ip address add 192.0.2.$n/32 dev lo; done")
        .ok();
    let sink = host.sink();
    let relay = host
        .instance("postfix-aol-a")
        .relay_to(&sink)
        .param("mynetworks", "192.0.2.7/32")
        .param(
            "smtpd_relay_restrictions",
            "permit_mynetworks, defer_unauth_destination",
        )
        .start();
    let port = relay.address().port();
    let line = format!("smtp:[aol.smtp.example.org]:{port}");
    let table = "hash:/etc/postfix/transport.relay";
    let lines = format!("aol.example {line}\naim.example {line}\n");
    let lists = lists(&host, table, &lines);
    host.write(
        "/etc/hosts",
        format!("{} aol.smtp.example.org\n", relay.address().ip()),
    );
    let ports = |more: &[&str]| {
        let args = [
            "check",
            "lists",
            "--domain",
            "example.org",
            "--provider",
            "aol",
            "--format",
            "json",
        ];
        let ran = host.command(TOOL).args(args).args(more).run();
        let json: Value = serde_json::from_slice(&ran.stdout).unwrap();
        let rows = json["checks"].as_array().unwrap().iter();
        let of = |row: &Value| {
            format!("{} {} {}", row["result"], row["found"], row["items"]).replace('"', "")
        };
        rows.filter(|row| row["check"] == "ports")
            .map(of)
            .collect::<Vec<_>>()
            .join("; ")
    };
    let hop = format!("[aol.smtp.example.org]:{port}: {}", relay.address().ip());
    let asked = || ports(&["--ask-relays"]);
    // From an address that it does not know; from the one that it knows.
    lists.set("smtp_bind_address", "192.0.2.8");
    lists.reload();
    assert_eq!(ports(&[]), "ok 1 relay accepts connections []");
    let said = "critical 1 relay does not relay for this server: its mail waits";
    let answer = "454 4.7.1 <postmaster@aim.example>: Relay access denied";
    assert_eq!(asked(), format!("{said} [{hop}: {answer}]"));
    let found = fate(&lists, "a@aol.example");
    assert!(
        found.starts_with("deferred ")
            && found.contains("454 4.7.1 <a@aol.example>: Relay access denied"),
        "{found}"
    );
    relay.set(
        "smtpd_relay_restrictions",
        "permit_mynetworks, reject_unauth_destination",
    );
    relay.reload();
    let said = "critical 1 relay refuses this server's mail: it comes back to its senders";
    let answer = answer.replace("454", "554").replace("4.7.1", "5.7.1");
    assert_eq!(asked(), format!("{said} [{hop}: {answer}]"));
    assert!(fate(&lists, "b@aol.example").starts_with("bounced "));
    lists.set("smtp_bind_address", "192.0.2.7");
    lists.reload();
    assert_eq!(asked(), "ok 1 relay takes mail from this server []");
    assert!(fate(&lists, "c@aol.example").starts_with("sent "));
    // In a pause, and where it wants what is not done here.
    relay.set("smtpd_recipient_restrictions", "check_recipient_access inline:{ {aim.example = 450 4.7.1 paused}, {aol.example = 450 4.7.1 paused} }");
    relay.reload();
    assert!(
        asked().starts_with("warning 1 relay takes no mail from this server now: it waits ["),
        "{}",
        asked()
    );
    let found = fate(&lists, "d@aol.example");
    assert!(
        found.starts_with("deferred ") && found.contains("450 4.7.1"),
        "{found}"
    );
    // Nothing was sent by asking.
    host.wait_for_log("rcpt=1 rset=1 quit=1 commands=5");
    host.wait_until(testkit::PATIENCE, "the one mail", || sink.accepted() > 0);
    let got: Vec<String> = sink
        .deliveries()
        .into_iter()
        .map(|one| one.recipient)
        .collect();
    assert_eq!(got, ["c@aol.example"]);
    relay.stop();
    assert!(
        asked().starts_with("critical nothing is listening on 1 relay"),
        "{}",
        asked()
    );
}

/// What cannot be asked is not known.
#[test]
fn relays_that_cannot_be_asked() {
    let host = host_or_skip!();
    let check = |more: &[&str], status: i32| {
        let args = [
            "check",
            "lists",
            "--domain",
            "example.org",
            "--provider",
            "aol",
            "--check",
            "--ask-relays",
        ];
        host.command(TOOL)
            .args(args)
            .args(more)
            .run()
            .exit(status)
            .text()
    };
    let relay = host.sink_at(([127, 0, 9, 1], 25));
    let lists = lists(&host, super::severe::MAP, super::severe::LINES);
    assert!(check(&[], 0).starts_with("OK: "));
    relay.on_rcpt(|_| testkit::Answer::text(530, "5.7.0 Must issue a STARTTLS command first"));
    let said = "could not be asked whether this server's mail is taken";
    assert!(check(&[], 3).contains(said));
    // With a login it might be another answer.
    relay.on_rcpt(|_| testkit::Answer::text(554, "5.7.1 Relay access denied"));
    assert!(check(&[], 2).contains("1 relay refuses this server's mail"));
    lists.set("smtp_sasl_auth_enable", "yes");
    assert!(check(&[], 3).contains(said));
    drop(relay);
    // It takes the connection, and speaks another language or none.
    let lines = |what: &'static [u8]| {
        let listener = host.enter(|| std::net::TcpListener::bind("127.0.9.1:25").unwrap());
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _sent = std::io::Write::write_all(&mut stream, what);
        })
    };
    for what in [
        &b"HTTP/1.1 400 Bad Request\r\n"[..],
        b"",
        b"220",
        b"999 \x1b[2J\r\n",
        b"220-\xff\xff",
    ] {
        let thread = lines(what);
        let text = check(&[], 3);
        assert!(text.contains(said) && !text.contains('\u{1b}'), "{text}");
        thread.join().unwrap();
    }
}
