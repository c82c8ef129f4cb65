//! Commands to be pasted into a shell.

use unicode_width::UnicodeWidthStr;

/// The word as a shell takes it for itself: in quotes where it needs them. A NUL, which no argument can hold, is left
/// out.
pub fn quoted(word: &str) -> String {
    let word = word.replace('\0', "");
    shlex::try_quote(&word).map_or_else(|_| String::new(), String::from)
}

/// A command in lines that a shell takes as one: they end with a backslash, at a blank between two words. Each begins
/// with `indent`, and those after the first with four blanks more. A word is never broken, however long.
pub fn folded(indent: &str, command: &str, width: Option<u16>) -> String {
    let Some(width) = width.map(usize::from) else {
        return format!("{indent}{command}");
    };
    let mut lines = vec![indent.to_owned()];
    let words = words(command);
    let last = words.len().saturating_sub(1);
    for (at, word) in words.into_iter().enumerate() {
        let [.., line] = lines.as_mut_slice() else {
            break;
        };
        let blank = usize::from(line.trim_start() != "");
        // Behind any but the last word, there must be room for the backslash.
        let end = if at == last { 0 } else { 2 };
        if blank > 0 && line.width() + blank + word.width() + end > width {
            line.push_str(" \\");
            lines.push(format!("{indent}    {word}"));
        } else {
            line.push_str(&" ".repeat(blank));
            line.push_str(word);
        }
    }
    lines.join("\n")
}

/// The words of a command, in their quotes.
fn words(command: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let (mut begin, mut quote, mut escaped) = (0, None, false);
    for (at, c) in command.char_indices() {
        match (c, quote) {
            _ if escaped => escaped = false,
            ('\\', None | Some('"')) => escaped = true,
            ('\'' | '"', None) => quote = Some(c),
            (_, Some(end)) if c == end => quote = None,
            (' ', None) => {
                words.push(&command[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    words.push(&command[begin..]);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_takes_the_lines_as_the_command() {
        let command = r#"printf '%s|' -c /etc/postfix-aol-b 'a  b = c' "d  $HOME \" e" f\ g 'long word in quotes that has no end'"#;
        let ran = |script: &str| {
            let out = std::process::Command::new("sh")
                .arg("-c")
                .arg(script)
                .output();
            String::from_utf8(out.unwrap().stdout).unwrap()
        };
        for width in 10..80 {
            let folded = folded("  ", command, Some(width));
            assert_eq!(ran(&folded), ran(command), "{width}: {folded}");
            if width >= 47 {
                let fits = |line: &str| line.width() <= usize::from(width);
                assert!(folded.lines().all(fits), "{width}: {folded}");
            }
        }
        assert_eq!(folded("  ", command, None), format!("  {command}"));
    }

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
