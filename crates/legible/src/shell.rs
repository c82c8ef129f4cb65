//! Commands to be pasted into a shell.

/// The word as a shell takes it for itself: in quotes where it needs them. A NUL, which no argument can hold, is left out.
pub fn quoted(word: &str) -> String {
    let word = word.replace('\0', "");
    shlex::try_quote(&word).map_or_else(|_| String::new(), String::from)
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
