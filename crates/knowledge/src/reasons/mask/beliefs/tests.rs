//! Where advice ends: what a server judged may stand behind it, and what it advises may go on.

use crate::reasons::{Class, Reasons};

/// Checks each reply as it is, in capitals, in small letters and with two blanks for one.
fn check(expected: &[Class], replies: &[&str]) {
    let reasons = Reasons::load(None).unwrap();
    let mut wrong = Vec::new();
    for reply in replies {
        let others = [
            (*reply).to_owned(),
            reply.to_uppercase(),
            reply.to_lowercase(),
            reply.replace(' ', "  "),
        ];
        for reply in others {
            let found = reasons.explain(reply.as_bytes(), None, None);
            if !expected.contains(&found.reason.class) {
                wrong.push(format!("{reply}\n  {}: {}", found.reason.class, found.text));
            }
        }
    }
    assert!(wrong.is_empty(), "{expected:?}\n{}", wrong.join("\n"));
}

#[test]
fn a_block_that_stands_behind_advice_is_a_block() {
    check(
        &[Class::Blocked],
        &[
            // On the reply's next line.
            "550-If you believe this is an error, please contact postmaster@example.com 550 Your IP 192.0.2.1 is \
             blocked by our system",
            "554-5.7.1 If your IP is blocked, see https://example.com/unblock 554 5.7.1 Client host [192.0.2.1] blocked \
             using zen.spamhaus.org",
            "550-If you feel you are not sending spam, please visit https://example.com/removal?ip=192.0.2.1 \
             550-192.0.2.1 is blacklisted 550 on our blocklist",
            "554-If you think your server was listed by mistake contact our helpdesk 554 Access from 192.0.2.1 denied, \
             listed at bl.spamcop.net",
            "550-Check if your IP is listed: https://example.com/lookup 550 The IP address 192.0.2.1 is on our \
             blacklist",
            "554-Wenn Sie glauben, dass Ihre IP zu Unrecht gesperrt ist, schreiben Sie an abuse@example.com 554 Ihre \
             IP 192.0.2.1 ist gesperrt",
            "554-Si vous pensez que c'est une erreur, contactez abuse@example.fr 554 Votre IP 192.0.2.1 est bloquée",
            "550-Si cree que es un error, visite https://example.es/desbloqueo 550 Su IP 192.0.2.1 está bloqueada",
            "550-Se você acredita que isto é um erro, acesse https://example.com.br/desbloqueio 550 Seu IP 192.0.2.1 \
             está bloqueado",
            "554-サーバーがブロックされたと思われる場合はご連絡ください 554 IP 192.0.2.1 is blocked",
            // Behind a mark.
            "550 If you think this is wrong, write to abuse@example.com! Your IP 192.0.2.1 has been blocked",
            "554 5.7.1 If you believe this is an error, why not call us? Your IP address 192.0.2.1 is blacklisted",
            "554 If you feel this is in error contact abuse@example.com: Client host [192.0.2.1] blocked using \
             b.barracudacentral.org",
            "550 If your IP is listed visit https://example.com/delist -- IP 192.0.2.1 is listed in our blocklist",
            "554 If you believe this is an error contact abuse@example.com - 192.0.2.1 is blacklisted",
            "550 如果您认为这是错误，请联系我们！您的IP 192.0.2.1 已被列入黑名单",
            // Behind a link.
            "554 5.7.1 If you think this is an error see https://example.com/postmaster Your IP 192.0.2.1 is blocked",
            "550 If your server is blocked, see https://example.com/faq. Host 192.0.2.1 is blocked by our policy",
            "550 If you believe this is an error (see https://example.com/faq), contact us. Your IP is blocked",
        ],
    );
}

#[test]
fn advice_that_goes_on_is_no_block() {
    let not_blocked: Vec<Class> = Class::ALL
        .iter()
        .copied()
        .filter(|class| *class != Class::Blocked)
        .collect();
    check(
        &not_blocked,
        &[
            // From one line to the next.
            "550-User unknown. If you believe that 550 your IP is blocked, contact postmaster@example.com",
            "550-Message refused. If you think that your server 550-has been blocked by mistake, please contact \
             550 postmaster@example.com",
            "550-Mailbox full. If your IP is blocked, see 550 https://example.com/unblock",
            "550-Message rejected as spam. If your IP is blocked, please visit https://example.com/unblock \
             550 to have your IP removed from our blacklist",
            "554-Rejected by policy. If you think you are blocked please tell 554 your provider that the IP is blocked",
            "554-Rejected by policy. If you believe your host was listed, contact your provider and ask why 554 your \
             IP is on a blacklist",
            "550-No such user. If you want to know whether 550-your IP is blocked or why it was blocked, please go to \
             550 https://example.com/check",
            "550-User unknown. If you think your IP is blocked, write to abuse@example.com and 550 your IP will be \
             removed from the blacklist",
            "554-Wenn Sie glauben, dass 554-Ihre IP zu Unrecht gesperrt ist, schreiben Sie an 554 abuse@example.com",
            "550-Si vous pensez que votre 550 IP est bloquée par erreur, contactez abuse@example.fr",
            // Marks within it.
            "550 User unknown. If your IP (192.0.2.1) is blocked, see https://example.com/unblock",
            "550 User unknown. If you believe your IP (e.g. 192.0.2.1) is blocked, contact us",
            "550 Mailbox full. Se você acredita que seu IP está bloqueado, contate-nos",
            "550 Mailbox full. Se voc? acredita que seu IP est? bloqueado, contate-nos",
            "550 Mailbox full. If you feel your IP (for example: 192.0.2.1) was blocked in error: contact us",
            "550 No such user. If you think your IP is blocked see https://example.com/a or https://example.com/b to \
             check whether the IP is on a blacklist",
            "550 No such user. If your IP is blocked, e.g. by Spamhaus, contact us",
        ],
    );
}

#[test]
fn what_is_said_behind_advice_decides() {
    check(
        &[Class::BadMailbox],
        &[
            "550-If your IP is blocked, see https://example.com/unblock 550 The recipient address does not exist",
            "550-If you believe this is an error, please contact postmaster@example.com 550 No such user here",
        ],
    );
    check(
        &[Class::MailboxFull],
        &[
            "552-If you think your server is blocked see https://example.com/ 552 The mailbox is full",
        ],
    );
    check(
        &[Class::RateLimited],
        &[
            "421 If your IP is blocked, see https://example.com/faq! Too many connections from your host",
        ],
    );
}
