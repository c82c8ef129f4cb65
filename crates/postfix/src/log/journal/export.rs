//! systemd's Journal Export Format (systemd.io, JOURNAL_EXPORT_FORMATS), which journalctl prints three times as fast as
//! JSON: a field a line, `NAME=TEXT`, or `NAME`, a line end, the length as 64 bits, and that many bytes; an empty line
//! ends an entry.

use std::io::{self, BufRead};
use std::ops::Range;

use super::trust::Sender;
use crate::time::Time;

/// What is kept of one field: the head of a message says all that is asked of it, and memory stays bounded.
const LONGEST: usize = 1024 * 1024;

/// The fields that are asked for, beside those that journalctl always prints.
pub(super) const FIELDS: &str =
    "MESSAGE,SYSLOG_IDENTIFIER,_HOSTNAME,_UID,_TRANSPORT,_SYSTEMD_UNIT,_EXE,MESSAGE_ID,N_DROPPED";

/// An entry. Empty is a field that it lacks.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Entry<'a> {
    /// `__CURSOR`: its place in the journal.
    pub(super) cursor: &'a [u8],
    /// `__REALTIME_TIMESTAMP`: when journald took it.
    pub(super) time: Option<Time>,
    /// `MESSAGE`; what follows a first line end is not part of it, as in a log file.
    pub(super) message: &'a [u8],
    /// `SYSLOG_IDENTIFIER`: the tag.
    pub(super) identifier: &'a [u8],
    /// `_HOSTNAME`.
    pub(super) host: &'a [u8],
    /// `MESSAGE_ID`: the kind of a message of journald's own.
    pub(super) id: &'a [u8],
    /// `N_DROPPED`.
    pub(super) dropped: &'a [u8],
    /// Who sent it.
    pub(super) sender: Sender<'a>,
}

/// Hands on entry after entry, until `each` says that it has enough (false) or the stream ends.
pub(super) fn entries(
    mut reader: impl BufRead,
    mut each: impl FnMut(&Entry<'_>) -> bool,
) -> io::Result<()> {
    let mut text = Vec::new();
    let mut fields: Vec<(Range<usize>, Range<usize>)> = Vec::new();
    loop {
        let start = text.len();
        // An entry that the stream ends in does not count.
        if !line(&mut reader, &mut text)? {
            return Ok(());
        }
        let read = text.get(start..).unwrap_or_default();
        if read.is_empty() {
            if !fields.is_empty() && !each(&entry(&text, &fields)) {
                return Ok(());
            }
            text.clear();
            fields.clear();
            continue;
        }
        let behind = |length: usize| start.saturating_add(length);
        if let Some(at) = memchr::memchr(b'=', read) {
            let value = behind(at).saturating_add(1)..text.len();
            fields.push((start..behind(at), value));
        } else {
            let name = start..text.len();
            if !binary(&mut reader, &mut text)? {
                return Ok(());
            }
            fields.push((name.clone(), name.end..text.len()));
        }
    }
}

/// Appends a line without its end; false at the end of the stream.
fn line(reader: &mut impl BufRead, text: &mut Vec<u8>) -> io::Result<bool> {
    let most = text.len().saturating_add(LONGEST);
    loop {
        let block = match reader.fill_buf() {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            block => block?,
        };
        if block.is_empty() {
            return Ok(false);
        }
        let end = memchr::memchr(b'\n', block);
        let found = block.get(..end.unwrap_or(block.len())).unwrap_or_default();
        let room = most.saturating_sub(text.len()).min(found.len());
        text.extend_from_slice(found.get(..room).unwrap_or_default());
        let used = found.len().saturating_add(usize::from(end.is_some()));
        reader.consume(used);
        if end.is_some() {
            return Ok(true);
        }
    }
}

/// Appends a value that is preceded by its length; false at the end of the stream.
fn binary(reader: &mut impl BufRead, text: &mut Vec<u8>) -> io::Result<bool> {
    let mut length = [0; 8];
    if !is_whole(reader.read_exact(&mut length))? {
        return Ok(false);
    }
    // And the line end after it.
    let mut left = u64::from_le_bytes(length).saturating_add(1);
    let most = text.len().saturating_add(LONGEST);
    let start = text.len();
    while left > 0 {
        let block = match reader.fill_buf() {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            block => block?,
        };
        if block.is_empty() {
            return Ok(false);
        }
        let used = usize::try_from(left).unwrap_or(usize::MAX).min(block.len());
        let room = most.saturating_sub(text.len()).min(used);
        text.extend_from_slice(block.get(..room).unwrap_or_default());
        reader.consume(used);
        left = left.saturating_sub(u64::try_from(used).unwrap_or(u64::MAX));
    }
    // A message of several lines is one line in a log file, too: what a stranger put behind a line end is not read.
    let value = text.get(start..).unwrap_or_default();
    let end = memchr::memchr(b'\n', value).unwrap_or(value.len());
    text.truncate(start.saturating_add(end));
    Ok(true)
}

fn is_whole(read: io::Result<()>) -> io::Result<bool> {
    match read {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(e) => Err(e),
    }
}

/// Of a field that an entry has several times, the first counts.
fn entry<'a>(text: &'a [u8], fields: &[(Range<usize>, Range<usize>)]) -> Entry<'a> {
    let mut entry = Entry::default();
    let bytes = |range: &Range<usize>| text.get(range.clone()).unwrap_or_default();
    for (name, value) in fields.iter().rev() {
        let value = bytes(value);
        match bytes(name) {
            b"__CURSOR" => entry.cursor = value,
            b"__REALTIME_TIMESTAMP" => entry.time = number(value).map(Time::from_micros),
            b"MESSAGE" => entry.message = value,
            b"SYSLOG_IDENTIFIER" => entry.identifier = value,
            b"_HOSTNAME" => entry.host = value,
            b"MESSAGE_ID" => entry.id = value,
            b"N_DROPPED" => entry.dropped = value,
            b"_UID" => entry.sender.uid = value,
            b"_TRANSPORT" => entry.sender.transport = value,
            b"_SYSTEMD_UNIT" => entry.sender.unit = value,
            b"_EXE" => entry.sender.exe = value,
            _ => {}
        }
    }
    entry
}

/// A decimal number.
pub(super) fn number<N: std::str::FromStr>(digits: &[u8]) -> Option<N> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The messages, with the time and the tag before them.
    fn read(stream: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        // Blocks of three bytes: fields lie across them.
        let reader = io::BufReader::with_capacity(3, stream);
        entries(reader, |entry| {
            let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
            let (tag, message) = (text(entry.identifier), text(entry.message));
            found.push(format!(
                "{} {tag} {message}",
                entry.time.map_or(-1, Time::micros)
            ));
            found.len() < 3
        })
        .unwrap();
        found
    }

    fn binary_field(name: &str, value: &[u8]) -> Vec<u8> {
        let mut field = format!("{name}\n").into_bytes();
        field.extend((value.len() as u64).to_le_bytes());
        field.extend(value);
        field.push(b'\n');
        field
    }

    #[test]
    fn entries_are_cut_at_empty_lines() {
        let one = "__CURSOR=s=1;i=2\n__REALTIME_TIMESTAMP=5\nSYSLOG_IDENTIFIER=a/smtp\nMESSAGE=x: to=<a=b>\n\n";
        assert_eq!(read(one.as_bytes()), ["5 a/smtp x: to=<a=b>"]);
        // The rest of an entry that the stream ends in does not count, and each says when it has enough.
        let cut = format!("{one}\n{one}MESSAGE=y\n");
        assert_eq!(read(cut.as_bytes()).len(), 2);
        assert_eq!(read(one.repeat(9).as_bytes()).len(), 3);
        assert_eq!(read(b""), [""; 0]);
    }

    #[test]
    fn a_value_of_bytes_may_hold_anything_but_makes_no_field() {
        let mut stream = b"__REALTIME_TIMESTAMP=7\n".to_vec();
        stream.extend(binary_field(
            "MESSAGE",
            b"caf\xc3\xa9\x01\n\nMESSAGE=forged\n\n",
        ));
        stream.extend(b"SYSLOG_IDENTIFIER=a/smtp\nSYSLOG_IDENTIFIER=second\n\n");
        assert_eq!(read(&stream), ["7 a/smtp caf\u{e9}\u{1}"]);
        for cut in 0..stream.len() - 1 {
            assert_eq!(read(&stream[..cut]), [""; 0], "{cut}");
        }
    }

    #[test]
    fn long_values_are_cut() {
        let long = vec![b'x'; 3 * LONGEST];
        let mut stream = binary_field("MESSAGE", &long);
        stream.extend(b"\nMESSAGE=");
        stream.extend(&long);
        stream.extend(b"\n\nMESSAGE=y\n\n");
        let found = read(&stream);
        let lengths: Vec<usize> = found.iter().map(String::len).collect();
        assert_eq!(lengths[2], "-1  y".len());
        assert!(
            lengths[..2].iter().all(|l| *l <= LONGEST + 10),
            "{lengths:?}"
        );
    }
}
