//! What the tools say is English.

use regex::Regex;

use crate::files::{rust, text};

/// Nouns that are counted.
const COUNTED: &str = "messages|recipients|instances|lines|entries|files|deliveries|days|hours|minutes|domains|\
    addresses|attempts|moves|problems|refusals|hosts|relays|tables|rules|keys|senders|queues|times|processes|events";

/// "1 messages" is found by whoever has one message: `postfix::count` and `postfix::either` know.
#[test]
fn a_number_agrees_with_its_noun() {
    let counted = Regex::new(&format!(
        r#"(?<before>.{{0,4}})\{{(?<what>[a-z_.()]*)\}} ((more|new|other|sending|delivery|deleted|relay|defer) )?({COUNTED})\b"#
    ))
    .unwrap();
    let is_tools = |path: &std::path::PathBuf| {
        let path = path.to_string_lossy();
        let others = ["/tests", "/testkit/", "/benches/", "/examples/"];
        path.starts_with("crates/") && !others.iter().any(|other| path.contains(other))
    };
    let mut wrong = Vec::new();
    for path in rust().into_iter().filter(is_tools) {
        let text = text(&path);
        let lines: Vec<&str> = text.lines().collect();
        for (n, line) in lines.iter().enumerate() {
            let Some(found) = counted.captures(line) else {
                continue;
            };
            // Of a choice by number; of a whole, as in `1 of 5 messages`; and of a share, which says of how many.
            let is_chosen = lines[n.saturating_sub(5)..=n]
                .iter()
                .any(|line| line.contains("either(") || line.contains("=> "));
            let is_part =
                found["before"].to_lowercase().ends_with("of ") || &found["what"] == "sample";
            if !is_chosen && !is_part && !line.trim_start().starts_with("//") {
                wrong.push(format!("{}:{}: {}", path.display(), n + 1, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "use postfix::count: {wrong:#?}");
}
