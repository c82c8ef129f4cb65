//! Which codes the rules can find, whatever the words around them.

use regex::bytes::Regex;

use super::Rules;

impl Rules {
    /// Can a rule find this code? Also where it cannot be told.
    pub(in crate::reasons) fn knows_code(&self, code: &str) -> bool {
        let mut codes = self.files().flat_map(|file| &file.codes);
        codes.any(|one| {
            let whole = Regex::new(&format!("^(?:{})$", group(one.pattern.as_str())));
            whole.map_or(true, |whole| whole.is_match(code.as_bytes()))
        })
    }
}

/// What stands in a pattern's first group; the whole of it where there is none.
fn group(pattern: &str) -> &str {
    let (mut begin, mut depth, mut is_class, mut is_escaped) = (None, 0_usize, false, false);
    for (at, c) in pattern.char_indices() {
        let rest = &pattern[at + c.len_utf8()..];
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '[' => is_class = true,
            ']' => is_class = false,
            _ if is_class => {}
            '(' if begin.is_some() => depth += 1,
            '(' if !rest.starts_with('?') => begin = Some(at + 1),
            ')' => match begin {
                Some(begin) if depth == 0 => return &pattern[begin..at],
                _ => depth = depth.saturating_sub(1),
            },
            _ => {}
        }
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reasons::Reasons;

    #[test]
    fn the_first_group() {
        let check =
            |pattern: &str, expected: &str| assert_eq!(group(pattern), expected, "{pattern}");
        check(r"\[((?:TSS?|RL)\d{1,3})\]", r"(?:TSS?|RL)\d{1,3}");
        check(r"\b(AS\(\d+\))", r"AS\(\d+\)");
        check(r"^\d{3}[- (](?:x|y)(a[()]b) c", r"a[()]b");
        check(r"no group", r"no group");
        check(r"(unfinished", r"(unfinished");
    }

    #[test]
    fn codes_that_can_come_and_those_that_cannot() {
        let reasons = Reasons::load(None).unwrap();
        for code in [
            "TSS04",
            "TS03",
            "S3150",
            "4.7.28",
            "5.7.606",
            "AUP#CDRBL",
            "RL000001",
            "IB504",
            "DNSBL:RBL",
            "GL01",
            "RLY:B1",
            "AS(1430)",
            "#102",
            "E3210",
        ] {
            assert!(reasons.knows_code(code), "{code}");
        }
        // Some providers' codes are any letters in capitals, with or without a number.
        for code in [
            "tss04", "TSS 04", "[TSS04]", "s3150", "5.1.1", "", "blocked", "TSS0404x",
        ] {
            assert!(!reasons.knows_code(code), "{code}");
        }
    }
}
