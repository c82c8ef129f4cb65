//! Replies that differ only in what changes from mail to mail are one.

use super::fold;

#[track_caller]
fn check(reason: &str, expected: &str) {
    assert_eq!(fold(reason), expected, "{reason}");
}

// Replies as providers' postmaster pages and administrators' posts have them, with addresses of the documentation
// ranges.
#[test]
fn what_providers_say() {
    check(
        "host mx-aol.mail.gm0.yahoodns.net[203.0.113.5] said: 421 4.7.0 [TSS04] Messages from 192.0.2.42 \
         temporarily deferred due to unexpected volume or user complaints - 4.16.55.1; see \
         https://postmaster.yahooinc.com/error-codes (in reply to MAIL FROM command)",
        "421 4.7.0 [TSS04] Messages from IP temporarily deferred due to unexpected volume or user complaints - \
         IP; see https://postmaster.yahooinc.com/error-codes (in reply to MAIL FROM command)",
    );
    check(
        "host gmail-smtp-in.l.google.com[2607:f8b0:4004:c1b::1a] said: 421-4.7.28 [192.0.2.42      15] Our \
         system has detected an unusual rate of 421-4.7.28 unsolicited mail originating from your IP address. \
         421 4.7.28 https://support.google.com/mail/?p=UnsolicitedRateLimitError \
         d75a77b69052e-4f1a2b3c4d5si1234567qtb.123 - gsmtp (in reply to end of DATA command)",
        "421-4.7.28 [IP N] Our system has detected an unusual rate of 421-4.7.28 unsolicited mail originating \
         from your IP address. 421 4.7.28 https://support.google.com/mail/?p=UnsolicitedRateLimitError ID - \
         gsmtp (in reply to end of DATA command)",
    );
    check(
        "host hotmail-com.olc.protection.outlook.com[203.0.113.7] said: 451 4.7.650 The mail server \
         [192.0.2.43] has been temporarily rate limited due to IP reputation. For e-mail delivery information, \
         see https://aka.ms/postmaster (S775) [BN8NAM11FT041.eop-nam11.prod.protection.outlook.com \
         2026-09-19T16:22:57.123Z 08DBB90D2C4F1A2B] (in reply to MAIL FROM command)",
        "451 4.7.650 The mail server [IP] has been temporarily rate limited due to IP reputation. For e-mail \
         delivery information, see https://aka.ms/postmaster (S775) [HOST TIME ID] (in reply to MAIL FROM command)",
    );
    check(
        "host mx1.comcast.net[203.0.113.8] refused to talk to me: 421 resimta-c1p-035.sys.comcast.net \
         resimta-c1p-035.sys.comcast.net 192.0.2.45 Comcast requires that all mail servers must have a PTR \
         record with a valid Reverse DNS entry. Currently your mail server does not fill that requirement.",
        "refused to talk to me: 421 HOST HOST IP Comcast requires that all mail servers must have a PTR record \
         with a valid Reverse DNS entry. Currently your mail server does not fill that requirement.",
    );
    check(
        "host al-ip4-mx-vip1.prodigy.net[203.0.113.9] said: 451 4.7.1 AUP#CDRBL 192.0.2.45 AUP#1320 (in reply \
         to RCPT TO command)",
        "451 4.7.1 AUP#CDRBL IP AUP#1320 (in reply to RCPT TO command)",
    );
}

#[test]
fn two_mails_for_the_same_reason() {
    for (one, other) in [
        (
            "host mx1.example.com[192.0.2.1] said: 450 4.2.1 <a@example.com>: Recipient over rate, try again in \
             300 seconds",
            "host mx22.example.com[192.0.2.22] said: 450 4.2.1 <b.c+d@example.com>: Recipient over rate, try \
             again in 17 seconds",
        ),
        (
            "host mx.example.com[192.0.2.1] said: 451 4.3.0 queue file write error, id 3F2A51C04B",
            "host mx.example.com[192.0.2.1] said: 451 4.3.0 queue file write error, id 0A70332",
        ),
        (
            "delivery temporarily suspended: host mx.example.com[192.0.2.1] refused to talk to me: 421 too many \
             connections",
            "host mx2.example.com[192.0.2.2] refused to talk to me: 421 too many connections",
        ),
        (
            "host mx.example.com[192.0.2.1] said: 452 try after Thu, 19 Sep 2026 12:22:57 -0400 (EDT)",
            "host mx.example.com[192.0.2.1] said: 452 try after Fri, 20 Sep 2026 01:02:03 +0000 (UTC)",
        ),
        (
            "host mx.example.com[192.0.2.1] said: 451 greylisted until 12:22:57",
            "host mx.example.com[192.0.2.1] said: 451 greylisted until 23:59:01",
        ),
    ] {
        assert_eq!(fold(one), fold(other));
    }
}

#[test]
fn reasons_of_postfix_itself() {
    check(
        "connect to mx1.example.com[192.0.2.1]:25: Connection timed out",
        "connect to HOST[IP]:25: Connection timed out",
    );
    check(
        "connect to mx.example.com[2001:db8::1]:25: Network is unreachable",
        "connect to HOST[IP]:25: Network is unreachable",
    );
    check(
        "lost connection with mx.example.com[192.0.2.1] while sending RCPT TO",
        "lost connection with HOST[IP] while sending RCPT TO",
    );
    check(
        "Host or domain name not found. Name service error for name=example.com type=MX: Host not found, try again",
        "Host or domain name not found. Name service error for name=HOST type=MX: Host not found, try again",
    );
    check(
        "conversation with mx.example.com[192.0.2.1] timed out while receiving the initial server greeting",
        "conversation with HOST[IP] timed out while receiving the initial server greeting",
    );
    check(
        "unknown mail transport error",
        "unknown mail transport error",
    );
    check(
        "mail for example.com loops back to myself",
        "mail for example.com loops back to myself",
    );
    check(
        "temporary failure. Command output: local delivery failed for uid 1004",
        "temporary failure. Command output: local delivery failed for uid N",
    );
}

#[test]
fn codes_and_names_that_say_why_stay() {
    for said in [
        "421 4.7.0 [TSS04] x",
        "550 5.7.1 S3150 x",
        "550-5.1.1 no such user 550 5.1.1 see RFC 5321",
        "554 5.7.1 Service unavailable; blocked using zen.spamhaus.org",
        "554 5.7.1 blocked using dnsbl-1.uceprotect.net",
        "550 OU-002 (SNT004) x",
        "421 RP-001 x",
        "450 4.7.1 Client host rejected: cannot find your reverse hostname",
        "451 HVU:B1 x",
        "552 5.2.2 see https://help.yahoo.com/kb/SLN3434.html and http://support.example.com/answer/69585",
    ] {
        check(said, said);
    }
}

#[test]
fn what_differs_goes() {
    check("450 from 192.0.2.1, port 34512", "450 from IP, port N");
    check("450 192.0.2.1:34512 refused", "450 IP refused");
    check("450 [IPv6:2001:db8::7] is listed", "450 [IP] is listed");
    check("450 2001:db8:: is listed", "450 IP is listed");
    check(
        "450 http://www.spamhaus.org/query/ip/192.0.2.1",
        "450 http://www.spamhaus.org/query/ip/IP",
    );
    check(
        "450 https://x.example/?ip=192.0.2.1&id=3F2A51C04B",
        "450 https://x.example/?ip=IP&id=ID",
    );
    check(
        "450 <news+u=aol.com@lists.example>: no",
        "450 <ADDRESS>: no",
    );
    check(
        "450 (x8JGMvb3012345) 1qXyZa-0001Bc-3d 4g9XhB2TfLz1Yc7",
        "450 (ID) ID ID",
    );
    check(
        "452 4.3.1 size=12345 over 10MB, 99% of 12.5 used",
        "452 4.3.1 size=N over NMB, N% of N.N used",
    );
    check("451 since 2026-09-19 12:22", "451 since TIME TIME");
    check("451 Sep 19 12:22:57 2026", "451 TIME");
    check("451  two   blanks\tand more ", "451 two blanks and more");
}

#[test]
fn any_text_is_folded_and_folding_twice_is_folding_once() {
    for text in [
        "",
        " ",
        ":",
        "=",
        "::",
        "@",
        "a@",
        "@a",
        "host ",
        "host x[",
        "421",
        "421-",
        "421 ",
        "::::",
        "1:2:3",
        "é@é 450 é1é2é3é4",
        "====",
        "a=b=c@d",
        "550-",
        "550-=-:",
        "refused to talk to me: ",
        "\u{202e}450\u{1b}[2J",
    ] {
        let once = fold(text);
        assert_eq!(fold(&once), once, "{text:?}");
    }
    let long = format!("450 {}", "é192.0.2.1 ".repeat(10_000));
    assert!(fold(&long).len() <= 1024);
}
