//! Each page of help ends with examples, and has its options under the heading that they belong to.

use regex::Regex;
use testkit::tools::run;

/// The tools, and the words before `--help` of each page.
fn pages() -> Vec<(String, Vec<String>)> {
    let mut pages = Vec::new();
    for tool in crate::docs::tools().into_keys() {
        let help = run(&tool, ["--help"]).ended(0).out;
        let commands = help.split("\nCommands:\n").nth(1).unwrap_or_default();
        let commands = commands
            .lines()
            .map_while(|line| line.split_whitespace().next());
        let commands = commands.filter(|command| *command != "help");
        pages.extend(commands.map(|command| (tool.clone(), vec![command.to_owned()])));
        pages.push((tool, Vec::new()));
    }
    pages
}

fn help(tool: &str, words: &[String]) -> String {
    let words = words.iter().map(String::as_str).chain(["--help"]);
    run(tool, words).ended(0).out
}

#[test]
fn each_page_ends_with_two_or_three_examples() {
    let mut wrong = Vec::new();
    for (tool, words) in pages() {
        let help = help(&tool, &words);
        let examples = help.split("\nExamples:\n").nth(1).unwrap_or_default();
        let is_title = |line: &&str| line.starts_with("  ") && !line.starts_with("   ");
        let titles = examples.lines().filter(is_title).count();
        if !(2..=3).contains(&titles) {
            wrong.push(format!("{tool} {}: {titles}", words.join(" ")));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Options that mean the same everywhere, and where they stand: with no heading of their own, or that of monitoring.
#[test]
fn options_stand_under_their_headings() {
    let option = Regex::new(r"^ +(?:-\w, )?(--[a-z-]+)").unwrap();
    let mut wrong = Vec::new();
    for (tool, words) in pages() {
        let mut heading = String::new();
        for line in help(&tool, &words).lines() {
            if let Some(title) = line.strip_suffix(':').filter(|line| !line.starts_with(' ')) {
                heading = title.to_owned();
            }
            let Some(found) = option.captures(line) else {
                continue;
            };
            let expected: &[&str] = match &found[1] {
                "--format" | "--dry-run" | "--yes" | "--by" | "--top" => &["Options"],
                "--check" => &["Options", "Monitoring options"],
                "--root" | "--output" | "--color" | "--quiet" | "--verbose" | "--generate" => {
                    &["Common options"]
                }
                "--resolver" | "--timeout" | "--no-dns" => &["DNS options", "MX options"],
                "--since" | "--until" | "--date" if heading != "Options" => &["Window"],
                _ => continue,
            };
            if !expected.contains(&heading.as_str()) {
                wrong.push(format!(
                    "{tool} {}: {}: {heading}",
                    words.join(" "),
                    &found[1]
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
