//! `--explain`: what a reply is taken for, and by which rule.

use std::io::{self, Read as _};
use std::path::Path;

use cli::{Context, Failure, Outcome};
use knowledge::providers::domain_of;
use knowledge::reasons::{By, Explained, Reasons, RulePlace};
use postfix::escape;
use postfix::log::{Event, Sink, Wanted, read_stream};

use crate::args::Args;

/// How much of standard input is read, in bytes.
const INPUT_MAX: u64 = 16 << 20;

/// Explains `reply`, or each line of standard input where it is `-`. A whole line of a log will do.
pub(crate) fn explain(args: &Args, cx: &Context, reply: &str) -> anyhow::Result<Outcome> {
    let reasons = host::tables::reasons_with(cx.site(), args.reasons.as_deref())?;
    let mut input = Vec::new();
    if reply == "-" {
        let read = io::stdin().lock().take(INPUT_MAX).read_to_end(&mut input);
        read.map_err(|e| Failure::io("cannot read the reply", Path::new("standard input"), e))?;
    } else {
        input.extend_from_slice(reply.as_bytes());
    }
    let lines = input.split(|b| *b == b'\n').map(<[u8]>::trim_ascii);
    let lines: Vec<&[u8]> = lines.filter(|line| !line.is_empty()).collect();
    if lines.is_empty() {
        let hint = "mail-stats-print --explain '550 5.1.1 User unknown', or pipe log lines into mail-stats-print \
        --explain";
        return Err(Failure::new("no reply to explain").hint(hint).into());
    }
    let mut shown: Vec<String> = Vec::new();
    for line in lines {
        if !shown.is_empty() {
            shown.push(String::new());
        }
        shown.extend(said(line, &explained(cx, &reasons, line)));
    }
    cx.print_lines(&shown)?;
    Ok(Outcome::Done)
}

/// What a line is taken for: a line of a log is a delivery, any other a reply on its own.
fn explained(cx: &Context, reasons: &Reasons, line: &[u8]) -> Explained {
    let mut found = Delivered::default();
    let options = cx.site().read_options(None, Wanted::default(), &|_| {});
    read_stream(line, "the line", &options, &mut found);
    let Delivered { reply, dsn, domain } = found;
    match reply {
        Some(reply) => reasons.explain(&reply, dsn.as_deref(), domain.as_deref()),
        None => reasons.explain(line, None, None),
    }
}

/// The last delivery of a log.
#[derive(Default)]
struct Delivered {
    reply: Option<Vec<u8>>,
    dsn: Option<Vec<u8>>,
    /// The recipient's.
    domain: Option<Vec<u8>>,
}

impl Sink for Delivered {
    fn event(&mut self, event: &Event<'_>) {
        if let Event::Delivery(delivery) = event {
            *self = Self {
                reply: Some(delivery.reply.to_vec()),
                dsn: delivery.dsn.map(<[u8]>::to_vec),
                domain: domain_of(delivery.recipient).map(<[u8]>::to_vec),
            };
        }
    }
}

fn said(line: &[u8], found: &Explained) -> Vec<String> {
    let reason = &found.reason;
    let by = match reason.by {
        By::Words => "by its words",
        By::Code => "by its enhanced status code",
        By::ReplyCode => "by its reply code",
        By::None => "no rule fits",
    };
    let mut said = vec![
        format!("reply:    {}", escape(line)),
        format!("class:    {}, {by}", reason.class),
    ];
    if let Some(place) = &found.rule {
        said.push(format!("rule:     {}", shown(place)));
    }
    if let Some(class) = reason.code_says {
        said.push(format!(
            "but:      by the enhanced status code alone it would be {class}"
        ));
    }
    if let Some(code) = &reason.code {
        said.push(format!("code:     {}", escape(code.as_bytes())));
    }
    if let Some(place) = &found.code_rule {
        said.push(format!("its rule: {}", shown(place)));
    }
    if let Some(ip) = reason.ip {
        said.push(format!("blamed:   {ip}"));
    }
    said.push(format!("seen as:  {}", escape(found.text.as_bytes())));
    said
}

/// `FILE, line N: PATTERN`.
fn shown(place: &RulePlace) -> String {
    let pattern = place.pattern.as_ref();
    let pattern = pattern.map_or_else(String::new, |p| format!(": {}", escape(p.as_bytes())));
    let path = place.path.display().to_string();
    format!("{}, line {}{pattern}", escape(path.as_bytes()), place.line)
}
