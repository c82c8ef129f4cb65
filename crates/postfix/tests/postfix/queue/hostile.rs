//! Queue files and logs that no Postfix wrote: reading them ends, soon, and without much memory.

use std::cell::Cell;
use std::io;
use std::path::Path;

use postfix::queue::{Envelope, Source, read_envelope, read_log};
use postfix::{Parsed, Problem};
use proptest::prelude::*;

/// The most working memory that reading an envelope takes: one long read.
const MOST_MEMORY: usize = 65_536;

/// Bytes that count how many of them are read.
struct Counting<'a> {
    bytes: &'a [u8],
    read: Cell<usize>,
}

impl Source for Counting<'_> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let count = self.bytes.read_at(buffer, offset)?;
        self.read.set(self.read.get() + count);
        Ok(count)
    }
}

/// Reads `file` as a queue file of `size` bytes: result, bytes read, memory used.
fn read_sized(file: &[u8], size: u64) -> (Parsed<Envelope>, usize, usize) {
    let source = Counting {
        bytes: file,
        read: Cell::new(0),
    };
    let mut buffer = Vec::new();
    let found = read_envelope(&source, size, Path::new("file"), &mut buffer);
    (found, source.read.get(), buffer.capacity())
}

fn read(file: &[u8]) -> (Parsed<Envelope>, usize, usize) {
    read_sized(file, file.len() as u64)
}

fn told(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

/// A record as global/record.c writes it.
fn record(kind: u8, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    let mut length = data.len();
    loop {
        let group = u8::try_from(length & 0x7f).unwrap();
        length >>= 7;
        bytes.push(if length > 0 { group | 0x80 } else { group });
        if length == 0 {
            break;
        }
    }
    bytes.extend_from_slice(data);
    bytes
}

fn pointer(to: usize) -> Vec<u8> {
    record(b'p', format!("{to:15}").as_bytes())
}

/// An envelope up to the sender, without a size record.
fn head() -> Vec<u8> {
    [
        record(b'T', b"1790000000 5"),
        record(b'S', b"a@example.org"),
    ]
    .concat()
}

/// A whole file with `recipients` and a content of `size` bytes, laid out as cleanup(8) does.
fn file(recipients: &[&[u8]], size: usize) -> Vec<u8> {
    let recipients = recipients
        .iter()
        .map(|r| record(b'R', r))
        .collect::<Vec<_>>()
        .concat();
    let line = record(b'N', &[b'x'; 98]);
    let content = line.repeat(size.div_ceil(line.len()));
    let data_offset = 97 + head().len() + recipients.len() + 2;
    let numbers = [content.len(), data_offset, 1, 0, content.len(), 0];
    let numbers = numbers.map(|n| format!("{n:15}")).join(" ");
    let parts = [
        record(b'C', numbers.as_bytes()),
        head(),
        recipients,
        record(b'M', b""),
        content,
        record(b'X', b""),
        record(b'E', b""),
    ];
    parts.concat()
}

fn check(file: &[u8], recipients: &[&str], problems: &[&str]) {
    let (found, _, memory) = read(file);
    let addresses = found
        .value
        .recipients
        .iter()
        .map(|r| String::from_utf8_lossy(&r.address));
    assert_eq!(addresses.collect::<Vec<_>>(), recipients);
    assert_eq!(told(&found.problems), problems);
    assert!(
        memory <= MOST_MEMORY,
        "{memory} bytes for a file of {}",
        file.len()
    );
}

#[test]
fn sound_files_have_no_problem() {
    check(&file(&[b"a@example.com"], 500), &["a@example.com"], &[]);
    check(
        &file(&[b"a@example.com", b"b@example.com"], 0),
        &["a@example.com", "b@example.com"],
        &[],
    );
}

#[test]
fn the_content_is_not_read() {
    let big = file(&[b"a@example.com"], 10_000_000);
    let (found, read, memory) = read(&big);
    assert!(found.problems.is_empty() && found.value.complete);
    assert!(read < 2 * 4096, "{read} bytes read");
    assert!(memory <= MOST_MEMORY);
}

#[test]
fn content_without_a_size_record_is_passed_over_in_pieces() {
    let content = record(b'N', &[b'x'; 2000]).repeat(2000);
    let extracted = [
        record(b'X', b""),
        record(b'R', b"a@example.com"),
        record(b'E', b""),
    ]
    .concat();
    let submission = [head(), record(b'M', b""), content, extracted].concat();
    check(&submission, &["a@example.com"], &[]);
}

#[test]
fn lengths_are_not_believed() {
    let cut = |bytes: &[u8]| [head(), bytes.to_vec()].concat();
    let inside = "file, byte 29: the file ends inside a record of type R";
    check(&cut(b"R\xff\xff\xff\x7f"), &[], &[inside]);
    check(&cut(b"R"), &[], &[inside]);
    check(&cut(b"R\x80"), &[], &[inside]);
    check(&cut(b"R\x05abcd"), &[], &[inside]);
    let huge = "file, byte 29: the length of a record of type R is 2^28 or more";
    check(&cut(b"R\xff\xff\xff\xff\x07abcd"), &[], &[huge]);
    let long = [head(), record(b'R', &[b'a'; 70_000]), record(b'E', b"")].concat();
    let longer = "file, byte 29: a record of type R is 70000 bytes long, more than Postfix writes";
    check(&long, &[], &[longer]);
}

#[test]
fn a_file_that_shrinks_is_reported() {
    let whole = file(&[b"a@example.com"], 500);
    let (found, _, _) = read_sized(&whole[..200], whole.len() as u64);
    let problems = [
        "file, byte 143: the size record does not match the content",
        "file, byte 243: the file shrank while it was being read",
    ];
    assert_eq!(told(&found.problems), problems);
}

#[test]
fn pointers_are_followed_but_not_in_circles() {
    let r = |address: &str| record(b'R', address.as_bytes());
    let end = record(b'E', b"");
    // A placeholder leads nowhere.
    check(
        &[head(), pointer(0), r("a@x"), end.clone()].concat(),
        &["a@x"],
        &[],
    );
    // 17 bytes of pointer at 29 lead over the end record to a recipient behind it, and back.
    let there_and_back = [head(), pointer(48), end.clone(), r("a@x"), pointer(46)].concat();
    check(&there_and_back, &["a@x"], &[]);
    let itself = [head(), pointer(29)].concat();
    check(
        &itself,
        &[],
        &["file, byte 29: pointer loop: byte 29 was read before"],
    );
    let back = [head(), r("a@x"), pointer(29)].concat();
    check(
        &back,
        &["a@x"],
        &["file, byte 34: pointer loop: byte 29 was read before"],
    );
    // Two that lead to each other.
    let pair = [head(), pointer(46), pointer(29)].concat();
    check(
        &pair,
        &[],
        &["file, byte 46: pointer loop: byte 29 was read before"],
    );
    let past = [head(), pointer(1000)].concat();
    check(
        &past,
        &[],
        &["file, byte 29: points to byte 1000, beyond the end of the file"],
    );
    let negative = [head(), record(b'p', b"             -5")].concat();
    check(&negative, &[], &["file, byte 29: malformed pointer record"]);
}

#[test]
fn pointers_to_the_middle_of_what_was_read_end() {
    let mut hostile = head();
    for _ in 0..20_000 {
        hostile.extend(pointer(hostile.len() + 17));
    }
    check(
        &hostile,
        &[],
        &["file: has no end record: the file was cut short"],
    );
    let backwards: Vec<u8> = (0..2000).rev().flat_map(|n| pointer(29 + 17 * n)).collect();
    let (found, read, _) = read(&[head(), backwards].concat());
    assert_eq!(found.problems.len(), 1);
    assert!(read <= 2001 * 4096);
}

/// What holds of any bytes at all.
fn check_any(bytes: &[u8]) {
    let (found, _, memory) = read(bytes);
    assert!(memory <= MOST_MEMORY);
    assert!(found.value.recipients.len() <= bytes.len() / 2);
    assert!(found.problems.len() <= 10);
    assert!(found.value.complete || !found.problems.is_empty());
    for deferred in [true, false] {
        let log = read_log(bytes, deferred, true, Path::new("log"));
        assert!(log.value.len() <= bytes.len() / 2);
        assert!(log.problems.len() <= 10);
    }
}

/// Bytes that look a little like records.
fn record_like() -> impl Strategy<Value = Vec<u8>> {
    let kind = prop::sample::select(b"CTcFILSDRO/WVA>K<ionMNXEPrep\0".to_vec());
    let data = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        (0_usize..600).prop_map(|to| format!("{to:15}").into_bytes()),
        "[a-z_]{1,12}=[0-9a-z@.;]{0,20}".prop_map(String::into_bytes),
        "[ 0-9]{15} [ 0-9]{15} [ 0-9]{15}".prop_map(String::into_bytes),
    ];
    let one = (kind, data).prop_map(|(kind, data)| record(kind, &data));
    prop::collection::vec(one, 0..60).prop_map(|records| records.concat())
}

proptest! {
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        check_any(&bytes);
    }

    #[test]
    fn any_records(bytes in record_like()) {
        check_any(&bytes);
        check_any(&[head(), bytes].concat());
    }

    #[test]
    fn sound_files_with_some_bytes_changed(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = file(&[b"a@example.com", b"b@example.com"], 800);
        for (at, value) in changes {
            *at.get_mut(&mut bytes) = value;
        }
        check_any(&bytes);
        check_any(&bytes[..cut.index(bytes.len())]);
    }

    #[test]
    fn any_log_lines(lines in "(\n|<[a-z@>]{0,9}(>: )?[a-z]{0,5}\n|(recipient|offset|reason|x)=?[0-9a-z \
        ]{0,9}\n){0,40}") {
        check_any(lines.as_bytes());
    }
}

/// A disk that was full, or a file system that was repaired, left the size of the file and none of its bytes.
#[test]
fn zero_bytes_behind_a_sound_head_are_not_read_to_their_end() {
    let mut file = head();
    file.resize(1 << 20, 0);
    let (found, read, _) = read(&file);
    assert!(read <= 2 * MOST_MEMORY, "{read}");
    let told = told(&found.problems);
    let last = told.last().unwrap();
    assert!(
        last.ends_with("unexpected record of type \\x00; the rest is not read"),
        "{told:?}"
    );
    assert_eq!(found.value.sender.as_deref(), Some(&b"a@example.org"[..]));
    assert!(!found.value.complete);
}
