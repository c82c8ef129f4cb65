//! Queue ids: the names of queue files (global/mail_queue.h).

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The safe alphabet: digits and letters without the vowels (global/safe_ultostr.c).
const ALPHABET: &[u8; 52] = b"0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
/// Radix of the seconds and the microseconds of a long id.
const TIME_BASE: u64 = 52;
/// Radix of a long id's inode number: the alphabet without `z`, which separates it from the time.
const INODE_BASE: u64 = 51;
const SECONDS_WIDTH: usize = 6;
const LONG_USEC_WIDTH: usize = 4;
const SHORT_USEC_WIDTH: usize = 5;
/// The longest name that Postfix takes for a queue id (VALID_HOSTNAME_LEN).
const LONGEST: usize = 255;

/// The name of a queue file: 1 to 255 letters, digits or underscores, as mail_queue_id_ok() in
/// global/mail_queue.c has it.
///
/// Postfix itself makes only short and long ids (see [`IdParts`]), but shows and delivers a file with any such name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QueueId(Box<str>);

/// What a queue id says about the file it was given to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdParts {
    /// Short id: five hexadecimal digits of microseconds, then the inode number.
    Short {
        /// Microseconds within an unknown second.
        microseconds: u32,
        /// Inode number of the file when it was made.
        inode: u64,
    },
    /// Long id (`enable_long_queue_ids`): seconds and microseconds in base 52, `z`, the inode number in base 51.
    Long {
        /// Seconds since 1970 (UTC) when the file was made.
        seconds: u64,
        /// Microseconds within that second.
        microseconds: u32,
        /// Inode number of the file when it was made.
        inode: u64,
    },
}

impl QueueId {
    /// The queue id `name`, if Postfix would take it for one.
    pub fn new(name: &str) -> Option<Self> {
        Self::from_bytes(name.as_bytes())
    }

    /// The same for a file name as it comes from a directory.
    pub fn from_bytes(name: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(name).ok()?;
        is_queue_id(name).then(|| Self(text.into()))
    }

    /// The id that Postfix would form from `parts`.
    pub fn from_parts(parts: IdParts) -> Self {
        let text = match parts {
            IdParts::Short {
                microseconds,
                inode,
            } => format!("{microseconds:05X}{inode:X}"),
            IdParts::Long {
                seconds,
                microseconds,
                inode,
            } => {
                let mut text = encode(seconds, TIME_BASE, SECONDS_WIDTH);
                text += &encode(microseconds.into(), TIME_BASE, LONG_USEC_WIDTH);
                text.push('z');
                text += &encode(inode, INODE_BASE, 0);
                text
            }
        };
        Self(text.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Time and inode number, or `None` for a name that Postfix did not make.
    pub fn parts(&self) -> Option<IdParts> {
        if let Some((time, inode)) = split_long(&self.0) {
            let (seconds, microseconds) =
                time.split_at_checked(time.len().checked_sub(LONG_USEC_WIDTH)?)?;
            return Some(IdParts::Long {
                seconds: decode(seconds, TIME_BASE)?,
                microseconds: decode(microseconds, TIME_BASE)
                    .and_then(|usec| usec.try_into().ok())
                    .filter(|&usec| usec < 1_000_000)?,
                inode: decode(inode, INODE_BASE)?,
            });
        }
        let upper_hex = |b: u8| matches!(b, b'0'..=b'9' | b'A'..=b'F');
        if !self.0.bytes().all(upper_hex) {
            return None;
        }
        let (microseconds, inode) = self.0.split_at_checked(SHORT_USEC_WIDTH)?;
        Some(IdParts::Short {
            microseconds: u32::from_str_radix(microseconds, 16)
                .ok()
                .filter(|&usec| usec < 1_000_000)?,
            inode: u64::from_str_radix(inode, 16).ok()?,
        })
    }
}

impl fmt::Display for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Serialize for QueueId {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for QueueId {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let name = Cow::<'de, str>::deserialize(from)?;
        Self::new(&name).ok_or_else(|| de::Error::custom("not a queue id"))
    }
}

/// Would Postfix take a file of this name for a message? mail_queue_id_ok() in global/mail_queue.c.
pub(super) fn is_queue_id(name: &[u8]) -> bool {
    (1..=LONGEST).contains(&name.len())
        && name.iter().all(|&b| b.is_ascii_alphanumeric() || b == b'_')
}

/// The text whose first characters name the hash directories of the queue id `id`: the id itself, or for a long id
/// its microseconds as five hexadecimal digits (mail_queue_dir() in global/mail_queue.c).
pub(super) fn hash_key(id: &str) -> Cow<'_, str> {
    let Some((time, _)) = split_long(id) else {
        return id.into();
    };
    // Postfix takes digits it cannot read for 0 rather than refuse the name.
    let microseconds = time
        .len()
        .checked_sub(LONG_USEC_WIDTH)
        .and_then(|at| time.get(at..))
        .and_then(|usec| decode(usec, TIME_BASE))
        .unwrap_or(0);
    format!("{microseconds:05X}").into()
}

/// Time and inode number of an id in long form, undecoded.
fn split_long(id: &str) -> Option<(&str, &str)> {
    id.rsplit_once('z')
        .filter(|(time, _)| time.len() >= SECONDS_WIDTH.saturating_add(LONG_USEC_WIDTH))
}

fn encode(mut value: u64, base: u64, width: usize) -> String {
    let mut digits = Vec::new();
    while value > 0 {
        let digit = value
            .checked_rem(base)
            .and_then(|d| usize::try_from(d).ok());
        let digit = digit.and_then(|d| ALPHABET.get(d)).copied();
        digits.push(char::from(digit.unwrap_or(b'0')));
        value = value.checked_div(base).unwrap_or(0);
    }
    while digits.len() < width {
        digits.push('0');
    }
    digits.iter().rev().collect()
}

fn decode(text: &str, base: u64) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.bytes().try_fold(0_u64, |sum, byte| {
        let digit = ALPHABET.iter().position(|&b| b == byte)?;
        let digit = u64::try_from(digit).ok().filter(|&d| d < base)?;
        sum.checked_mul(base)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(name: &str, expected: Option<IdParts>) {
        let id = QueueId::new(name).unwrap();
        assert_eq!(id.parts(), expected, "{name}");
        if let Some(parts) = expected {
            assert_eq!(QueueId::from_parts(parts).as_str(), name);
        }
    }

    #[test]
    fn names_that_postfix_takes_for_ids() {
        let check = |name: &[u8], expected: bool| {
            assert_eq!(QueueId::from_bytes(name).is_some(), expected, "{name:?}");
        };
        check(b"3F2A51C04B", true);
        check(b"4XKpwM4Kq7z3sTR", true);
        check(b"example_com", true);
        check(b"A", true);
        check(&[b'A'; 255], true);
        check(&[b'A'; 256], false);
        check(b"", false);
        check(b"873222.1071", false);
        check(b".", false);
        check(b"..", false);
        check(b"3F2A5/1C04B", false);
        check(b"3F2A5 1C04B", false);
        check("3F2A5\u{e9}".as_bytes(), false);
        check(b"3F2A5\xff", false);
        check(b"3F2A5\n", false);
    }

    // Short: five hexadecimal digits and the rest. Long: from a Postfix 3.7 whose log gave time and inode.
    #[test]
    fn real_ids_have_their_parts() {
        let short = |microseconds, inode| {
            Some(IdParts::Short {
                microseconds,
                inode,
            })
        };
        check("0A70332", short(42_755, 0x32));
        check("F423F1C04B", short(999_999, 0x1C04B));
        let long = |microseconds, inode| {
            let seconds = 1_795_501_081;
            Some(IdParts::Long {
                seconds,
                microseconds,
                inode,
            })
        };
        check("4jYXfx4811zy", long(584_117, 50));
        check("4jYXfx4Cpjz11", long(594_397, 52));
        check("4jYXfx4hXVz1j", long(661_258, 88));
    }

    #[test]
    fn what_is_not_time_and_inode_has_no_parts() {
        check("example_com", None);
        check("3f2a51c04b", None);
        check("3F2A5", None);
        check("FFFFF1", None);
        check("3F2A5FFFFFFFFFFFFFFFFF", None);
        check("4XKpwM4Kq7z", None);
        check("4XKpwM4KqAz3sTR", None);
        check("4XKpwMzzzzz3sTR", None);
        check("4XKpwM4Kq7z3sTa", None);
    }

    proptest! {
        #[test]
        fn short_ids_keep_their_parts(microseconds in 0_u32..1_000_000, inode: u64) {
            let parts = IdParts::Short { microseconds, inode };
            prop_assert_eq!(QueueId::from_parts(parts).parts(), Some(parts));
        }

        #[test]
        fn long_ids_keep_their_parts(seconds: u64, microseconds in 0_u32..1_000_000, inode in 1_u64..) {
            let parts = IdParts::Long { seconds, microseconds, inode };
            let id = QueueId::from_parts(parts);
            prop_assert_eq!(id.parts(), Some(parts));
            prop_assert!(QueueId::new(id.as_str()).is_some());
        }

        #[test]
        fn any_name_is_taken_apart_without_panic(name in "[0-9A-Za-z_]{1,40}") {
            let id = QueueId::new(&name).unwrap();
            let _parts = id.parts();
            prop_assert!(hash_key(id.as_str()).len() >= name.len().min(5));
        }
    }
}
