//! The examples behind `--help`: the first ones of the manual page.

use clap::Command;

use crate::manual::{Block, Manual};

/// How many a page of help ends with.
const SHOWN: usize = 3;

/// The command, its help and that of its subcommands ending with examples. A subcommand shows those of its own.
pub(crate) fn with_examples(command: Command, manual: &Manual) -> Command {
    let all = examples(manual);
    let tool = command.get_name().to_owned();
    let command = command.mut_subcommands(|sub| {
        let of_it = format!("{tool} {}", sub.get_name());
        let own: Vec<_> = all
            .iter()
            .filter(|(_, code)| code.contains(&of_it))
            .collect();
        ending(sub, own.into_iter())
    });
    ending(command, all.iter())
}

fn ending<'a>(command: Command, examples: impl Iterator<Item = &'a (&'a str, &'a str)>) -> Command {
    let shown: Vec<String> = examples
        .take(SHOWN)
        .map(|(what, code)| format!("  {what}\n    {}", code.replace('\n', "\n    ")))
        .collect();
    if shown.is_empty() {
        return command;
    }
    command.after_help(format!("Examples:\n{}", shown.join("\n")))
}

/// What each example is for, and its command.
fn examples(manual: &Manual) -> Vec<(&'static str, &'static str)> {
    let sections = manual
        .sections
        .iter()
        .filter(|section| section.title == "EXAMPLES");
    let blocks = sections.flat_map(|section| section.body);
    let mut what = "";
    let mut found = Vec::new();
    for block in blocks {
        match *block {
            Block::Text(text) => what = text,
            Block::Code(code) => found.push((what, code)),
            Block::Item(..) => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manual::Section;

    #[test]
    fn help_ends_with_the_first_examples() {
        const MANUAL: Manual = Manual {
            sections: &[Section {
                title: "EXAMPLES",
                body: &[
                    Block::Text("One:"),
                    Block::Code("tool a"),
                    Block::Text("Two:"),
                    Block::Code("tool sub b\ntool c"),
                ],
            }],
            see_also: &[],
            checks: false,
        };
        let command = Command::new("tool").subcommand(Command::new("sub"));
        let mut command = with_examples(command, &MANUAL);
        let help = command.render_help().to_string();
        assert!(
            help.ends_with("Examples:\n  One:\n    tool a\n  Two:\n    tool sub b\n    tool c\n"),
            "{help}"
        );
        let sub = command.find_subcommand_mut("sub").unwrap();
        let help = sub.render_help().to_string();
        assert!(
            help.ends_with("Examples:\n  Two:\n    tool sub b\n    tool c\n"),
            "{help}"
        );
    }
}
