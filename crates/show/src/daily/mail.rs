//! The report as a mail: one message that holds text and page, of which the reader's program shows what it can.

use std::io;

use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address;
use mail_builder::headers::raw::Raw;
use mail_builder::mime::MimePart;

use super::text::Style;
use super::{html, subject, text};
use figures::bounds::MOST_MAIL;
use figures::daily::Daily;

/// Who sends the mail to whom. The addresses have a domain, and no character that a header would act upon.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// The sender's address.
    pub from: String,
    /// The addresses that the header names.
    pub to: Vec<String>,
    /// What is in the Message-ID, without brackets.
    pub id: String,
}

/// How many instances are listed, if all of them make it larger than [`MOST_MAIL`]: hosts turn such mails away, and
/// nobody reads them.
const LISTED: [usize; 8] = [64, 32, 16, 8, 4, 2, 1, 0];

/// Composes the message, of at most [`MOST_MAIL`] bytes, whatever strangers have written to the log. Lines end as a
/// host's own do: sendmail(1) takes them so.
///
/// # Errors
/// Those of drawing the page.
pub fn compose(report: &Daily, envelope: &Envelope, style: Style) -> io::Result<Vec<u8>> {
    let mut message = whole(report, envelope, style)?;
    for most in LISTED {
        if message.len() <= MOST_MAIL {
            break;
        }
        message = whole(&report.limited(most), envelope, style)?;
    }
    Ok(message)
}

fn whole(report: &Daily, envelope: &Envelope, style: Style) -> io::Result<Vec<u8>> {
    let address = |address: &String| Address::new_address(None::<&str>, address.clone());
    let text = text::draw_report(report, style);
    let page = html::draw_page(report)?;
    let sender = Address::new_address(Some("mail-stats-print"), envelope.from.clone());
    let is_ascii = text.is_ascii();
    let text = MimePart::new("text/plain", text);
    // Readable as it is without MIME: its lines are short, and no control characters are in it.
    let text = match is_ascii {
        true => text.transfer_encoding("7bit"),
        false => text,
    };
    let parts = vec![text, MimePart::new("text/html", page)];
    let mut message = MessageBuilder::new()
        .from(sender)
        .date(report.made.seconds())
        .message_id(envelope.id.clone())
        // RFC 3834: no vacation program is to answer.
        .header("Auto-Submitted", Raw::new("auto-generated"));
    let subject = subject(report);
    // Folded and readable, unless a name in it would be taken for encoded words (RFC 2047).
    message = match subject.contains("=?") {
        true => message.subject(subject),
        false => message.header("Subject", Raw::new(subject)),
    };
    if !envelope.to.is_empty() {
        message = message.to(Address::new_list(envelope.to.iter().map(address).collect()));
    }
    let body = MimePart::new("multipart/alternative", parts);
    let mut written = message.body(body).write_to_vec()?;
    // A carriage return stands only before a newline: in the parts all others are encoded.
    written.retain(|byte| *byte != b'\r');
    Ok(written)
}
