//! The envelope of a queue file: all that Postfix keeps about a message except its content.

use super::ctype::split_nameval;
use crate::Time;

/// What was recorded about a message. Addresses are in Postfix's internal form: not quoted, perhaps not UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Envelope {
    /// `C`: the size record. A local submission that waits in maildrop has none.
    pub size: Option<SizeRecord>,
    /// `T`: when the message arrived. Kept when mail is requeued.
    pub arrival: Option<Time>,
    /// Microseconds of [`Self::arrival`], where recorded.
    pub arrival_microseconds: u32,
    /// `c` or `create_time=`: when this queue file was made. The expiry clock starts here.
    pub create_time: Option<Time>,
    /// `F`: the sender's full name.
    pub full_name: Option<Vec<u8>>,
    /// `S`: the sender; empty for a notification.
    pub sender: Option<Vec<u8>>,
    /// `R`, `D`, `/`: the recipients in the order of the file.
    pub recipients: Vec<Recipient>,
    /// `L`: TRANSPORT:NEXTHOP of a content filter (FILTER action or content_filter).
    pub filter: Option<Vec<u8>>,
    /// `>`: where a REDIRECT action sends the message instead.
    pub redirect: Option<Vec<u8>>,
    /// `V`: VERP delimiters.
    pub verp: Option<Vec<u8>>,
    /// `W`: when the sender is to be warned of the delay; negative once that was done.
    pub warn_time: Option<Time>,
    /// `envelope_id=`: the sender's DSN envelope id, xtext-encoded.
    pub dsn_envid: Option<Vec<u8>>,
    /// `ret_flags=`: what a bounce is to return: 1 the message, 2 its header.
    pub dsn_ret: Option<u8>,
    /// `A`: `name=value`, each followed by a NUL: one allocation for all.
    attributes: Vec<u8>,
    /// Was the end record reached? If not, the queue manager takes the file for corrupt.
    pub complete: bool,
}

/// The `C` record (REC_TYPE_SIZE_FORMAT in global/rec_type.h). What an older Postfix did not write is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SizeRecord {
    /// Bytes from the first content record to the extracted segment: what showq(8) gives as the message's size.
    pub data_size: u64,
    /// Offset of the first content record.
    pub data_offset: u64,
    /// Recipients when the file was made.
    pub recipients: u64,
    /// Hints for the queue manager (global/qmgr_user.h).
    pub qmgr_flags: u64,
    /// Bytes of the message itself, as logged by the queue manager.
    pub content_length: u64,
    /// SMTPUTF8 and REQUIRETLS flags (global/sendopts.h); bit 0: SMTPUTF8 was asked for.
    pub sendopts: u64,
}

/// A recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The address that mail goes to, after rewriting and aliases.
    pub address: Vec<u8>,
    /// `O`: the address as the sender gave it.
    pub orig_address: Option<Vec<u8>>,
    /// `dsn_orig_rcpt=`: ORCPT, `rfc822;user@example.com`.
    pub dsn_orig_recipient: Option<Vec<u8>>,
    /// `notify_flags=`: NOTIFY; bits are 1 NEVER, 2 SUCCESS, 4 FAILURE, 8 DELAY (global/dsn_mask.h).
    pub dsn_notify: Option<u8>,
    /// Is there anything left to do?
    pub state: RecipientState,
    /// Offset of the recipient's record, by which defer logs name it.
    pub offset: u64,
}

/// What became of a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecipientState {
    /// `R`: waits for delivery.
    ToDo,
    /// `D`: delivered or bounced.
    Done,
    /// `/`: taken out by a milter.
    Canceled,
}

impl Envelope {
    /// The recipients that wait for delivery.
    pub fn to_do(&self) -> impl Iterator<Item = &Recipient> {
        self.recipients
            .iter()
            .filter(|r| r.state == RecipientState::ToDo)
    }

    /// All attributes (`A`) in the order of the file, except those that have a field of their own.
    pub fn attributes(&self) -> impl DoubleEndedIterator<Item = (&[u8], &[u8])> {
        self.attributes.split(|&b| b == 0).filter_map(split_nameval)
    }

    /// Takes the text of an `A` record.
    pub(super) fn push_attribute(&mut self, text: &[u8]) {
        self.attributes.extend_from_slice(text);
        self.attributes.push(0);
    }

    /// The value of the last attribute `name`, such as `log_client_address` or `sasl_username`.
    pub fn attribute(&self, name: &str) -> Option<&[u8]> {
        let mut found = self.attributes().rev();
        found
            .find(|(n, _)| *n == name.as_bytes())
            .map(|(_, value)| value)
    }

    /// Was SMTPUTF8 asked for by the sender?
    pub fn smtputf8(&self) -> bool {
        self.size.is_some_and(|size| size.sendopts & 1 != 0)
    }
}
