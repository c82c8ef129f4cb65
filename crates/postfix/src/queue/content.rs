//! The message in a queue file: headers and body, as text.

use super::record::{Records, Source};

/// The first `most` bytes of the message in a queue file of `size` bytes, or a few more, its lines ended by `\n`. What
/// cannot be read is left out. `buffer` is working memory for reuse.
pub fn read_content<S: Source + ?Sized>(
    source: &S,
    size: u64,
    most: usize,
    buffer: &mut Vec<u8>,
) -> Vec<u8> {
    let mut records = Records::new(source, size, buffer);
    let mut content = Vec::new();
    let mut is_inside = false;
    while let Ok(record) = records.next() {
        match record.kind {
            b'M' => is_inside = true,
            b'N' | b'L' if is_inside => {
                let Ok(data) = records.data(&record) else {
                    break;
                };
                content.extend_from_slice(data);
                // An L record is the beginning of a line that is longer than a record.
                if record.kind == b'N' {
                    content.push(b'\n');
                }
                if content.len() >= most {
                    break;
                }
            }
            b'X' | b'E' => break,
            _ => {}
        }
    }
    content
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(records: &[(u8, &str)], most: usize, expected: &str) {
        let mut file = Vec::new();
        for (kind, data) in records {
            file.push(*kind);
            file.push(u8::try_from(data.len()).unwrap());
            file.extend_from_slice(data.as_bytes());
        }
        let found = read_content(&file[..], file.len() as u64, most, &mut Vec::new());
        assert_eq!(String::from_utf8_lossy(&found), expected);
    }

    #[test]
    fn the_message_is_what_stands_between_its_marks() {
        let records = [
            (b'S', "a@example.org"),
            (b'R', "b@example.org"),
            (b'M', ""),
            (b'N', "Subject: one"),
            (b'N', ""),
            (b'L', "a long "),
            (b'N', "line"),
            (b'X', ""),
            (b'N', "not of it"),
            (b'E', ""),
        ];
        check(&records, 1000, "Subject: one\n\na long line\n");
        check(&records, 5, "Subject: one\n");
        check(&records[..4], 1000, "Subject: one\n");
        check(&[], 1000, "");
        check(&[(b'N', "x")], 1000, "");
    }
}
