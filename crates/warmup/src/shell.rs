//! Commands to be pasted into a shell.

/// The word as a shell takes it for itself: in quotes where it holds more than names and paths do.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./:@%+,".contains(&b);
    if !word.is_empty() && word.bytes().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_the_word_back() {
        let words = [
            "/etc/postfix-aol-a",
            "smtp_transport_rate_delay = 20s",
            "",
            "it's; $(rm) `x` \"y\" \\ *",
        ];
        for word in words {
            let out = std::process::Command::new("sh")
                .arg("-c")
                .arg(format!("printf %s {}", quoted(word)))
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(out.stdout).unwrap(), word);
        }
        assert_eq!(quoted("/etc/postfix-aol-a"), "/etc/postfix-aol-a");
    }
}
