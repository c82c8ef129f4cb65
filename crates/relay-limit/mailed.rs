//! What react says of what the rules ask for, and the mail about it.

use cli::Context;
use limits::react::{Act, Decision, Rules};
use postfix::config::Host;

/// `pause postfix-aol-b for aol, 2h (rule 1: 20 TSS04 within 10m)`
pub(crate) fn what(rules: &Rules, one: &Decision) -> String {
    let Some(rule) = rules.rules.get(one.rule) else {
        return String::new();
    };
    let (act, lasts) = (rule.act, legible::human::age(rule.lasts));
    let (instance, provider) = (&one.instance, &one.provider);
    let done = match act {
        Act::Pause => format!("pause {instance} for {provider}, {lasts}"),
        Act::Rate(pace) => format!("slow {instance} down to {pace}, {lasts}"),
    };
    format!("{done} (rule {}: {})", one.rule + 1, reason(rules, one))
}

/// `20 TSS04 within 10m`
pub(crate) fn reason(rules: &Rules, one: &Decision) -> String {
    let Some(rule) = rules.rules.get(one.rule) else {
        return String::new();
    };
    let classes = rule.classes.iter().map(|class| class.as_str());
    let words: Vec<&str> = rule
        .codes
        .iter()
        .map(String::as_str)
        .chain(classes)
        .collect();
    let within = legible::human::age(rule.within);
    format!("{} {} within {within}", one.count, words.join(" or "))
}

/// A mail to those who are to know; was it sent? That it could not be is reported, and undoes nothing.
pub(crate) fn mail(
    cx: &Context,
    host: &Host,
    rules: &Rules,
    one: &Decision,
    lines: &[String],
) -> bool {
    if rules.mail_to.is_empty() {
        return true;
    }
    let origin = cli::mail::origin(cx, host);
    let ascii = |text: &str| -> String {
        let text = postfix::escape(text).to_string();
        text.chars()
            .map(|c| if c.is_ascii() { c } else { '?' })
            .collect()
    };
    let mut mail = format!(
        "From: root@{origin}\r\nTo: {}\r\nSubject: relay-limit react: {}, {}\r\nAuto-Submitted: auto-generated\r\n\
         Message-ID: <relay-limit.{}.{}@{origin}>\r\n\r\n",
        rules.mail_to.join(", "),
        ascii(&one.instance),
        ascii(&one.provider),
        cx.now().micros(),
        std::process::id(),
    );
    for line in lines {
        mail.push_str(&format!("{}\r\n", ascii(line)));
    }
    mail.push_str("\r\nrelay-limit list shows what is in force.\r\n");
    let sent = cli::mail::hand_over(cx, host, &rules.mail_to, mail.as_bytes());
    if let Err(why) = &sent {
        cx.warn(format!("{why:#}"));
    }
    sent.is_ok()
}
