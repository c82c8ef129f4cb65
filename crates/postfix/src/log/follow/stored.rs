//! How a mark is kept in a file: the tools' own, from one run to the next.

use serde::{Deserialize, Serialize};

use super::Mark;
use crate::Time;

/// A [`Mark`] as a state or a journal keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredMark {
    device: u64,
    inode: u64,
    offset: u64,
    /// Fingerprints, 32 hexadecimal digits each: numbers of JSON are not as long.
    head: String,
    tail: String,
    ended: bool,
    /// In microseconds since 1970 (UTC). Journals of moves do not hold it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_us: Option<i64>,
}

impl StoredMark {
    /// The mark as it is written.
    pub fn new(mark: &Mark) -> Self {
        Self {
            device: mark.device,
            inode: mark.inode,
            offset: mark.offset,
            head: format!("{:032x}", mark.head),
            tail: format!("{:032x}", mark.tail),
            ended: mark.ended,
            last_us: mark.last.map(Time::micros),
        }
    }

    /// The mark; nothing if it is none that [`Self::new`] writes.
    pub fn mark(&self) -> Option<Mark> {
        let print = |text: &str| u128::from_str_radix(text, 16).ok();
        // No file is larger (off_t).
        i64::try_from(self.offset).ok()?;
        Some(Mark {
            device: self.device,
            inode: self.inode,
            offset: self.offset,
            head: print(&self.head)?,
            tail: print(&self.tail)?,
            ended: self.ended,
            last: self.last_us.map(Time::from_micros),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"device":1,"inode":2,"offset":3,"head":"000000000000000000000000000000ff","tail":"ffffffffffffffffffffffffffffffff","ended":true}"#;

    #[test]
    fn what_older_versions_wrote_is_read() {
        let stored: StoredMark = serde_json::from_str(TEXT).unwrap();
        let mark = stored.mark().unwrap();
        assert_eq!((mark.head, mark.tail, mark.last), (255, u128::MAX, None));
        assert_eq!(
            serde_json::to_string(&StoredMark::new(&mark)).unwrap(),
            TEXT
        );
        let timed = TEXT.replace("}", r#","last_us":7}"#);
        let stored: StoredMark = serde_json::from_str(&timed).unwrap();
        assert_eq!(stored.mark().unwrap().last, Some(Time::from_micros(7)));
        let none = TEXT.replace("}", r#","last_us":null}"#);
        assert!(serde_json::from_str::<StoredMark>(&none).is_ok());
    }

    #[test]
    fn what_is_no_mark_is_none() {
        for (old, new) in [
            ("\"offset\":3", "\"offset\":18446744073709551615"),
            ("ff\"", "fg\""),
        ] {
            let stored: StoredMark = serde_json::from_str(&TEXT.replacen(old, new, 1)).unwrap();
            assert_eq!(stored.mark(), None, "{new}");
        }
    }
}
