//! The manual page, from the same definitions as `--help`.

use std::io;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

/// What a tool's manual page says beside what clap knows of it.
#[derive(Debug, Clone, Copy)]
pub struct Manual {
    /// Sections after OPTIONS, in order (FILES, EXAMPLES, …). EXIT STATUS is added before them, SEE ALSO after them.
    pub sections: &'static [Section],
    /// Other pages, such as `postqueue(1)`, for SEE ALSO.
    pub see_also: &'static [&'static str],
    /// Does the tool have `--check`, so that EXIT STATUS must describe it?
    pub checks: bool,
}

/// A section of a manual page.
#[derive(Debug, Clone, Copy)]
pub struct Section {
    /// The title, in capitals.
    pub title: &'static str,
    /// What it says.
    pub body: &'static [Block],
}

/// A piece of a section. Plain text: markup is added here.
#[derive(Debug, Clone, Copy)]
pub enum Block {
    /// A paragraph.
    Text(&'static str),
    /// A term, and what is said of it.
    Item(&'static str, &'static str),
    /// Lines to be shown as they are: a command, its output.
    Code(&'static str),
}

impl Block {
    /// In FILES: the table of providers, for tools that know their relay names.
    pub const PROVIDERS_FILE: Self = Self::Item(
        "/etc/relay-tools/providers.toml",
        "Additions to the table of mailbox providers and their relay names.",
    );

    /// In FILES: the resolvers, for tools that look up names.
    pub const RESOLVERS_FILE: Self = Self::Item(
        "/etc/resolv.conf",
        "The resolvers to ask; this machine's, for images of other hosts too.",
    );
}

const EXIT_STATUS: &[Block] = &[
    Block::Item("0", "Done."),
    Block::Item(
        "1",
        "Done, but something was left out: an unreadable file, a skipped message. Standard error says what.",
    ),
    Block::Item(
        "2",
        "Usage error, unknown instance, refused, not permitted, or failed. Nothing is written to standard output.",
    ),
];

const CHECK_STATUS: &[Block] = &[
    Block::Item("0", "OK."),
    Block::Item("1", "WARNING."),
    Block::Item("2", "CRITICAL."),
    Block::Item("3", "UNKNOWN, and usage errors."),
];

/// The page as roff. `check_command`: the subcommand that ends as a check does, --check or not. The same input gives
/// the same bytes.
pub(crate) fn page(
    command: Command,
    manual: &Manual,
    check_command: Option<&str>,
) -> io::Result<Vec<u8>> {
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let mut roff = Roff::new();
    roff.control("SH", ["NAME"]);
    let about = command.get_about().map(ToString::to_string);
    roff.text([roman(format!(
        "{} - {}",
        command.get_name(),
        about.unwrap_or_default()
    ))]);
    roff.control("SH", ["SYNOPSIS"]);
    synopsis(&mut roff, &command);
    roff.control("SH", ["DESCRIPTION"]);
    let described = command.get_long_about().or(command.get_about());
    paragraphs(
        &mut roff,
        &described.map(ToString::to_string).unwrap_or_default(),
    );

    let mut page = title(&command).into_bytes();
    roff.to_writer(&mut page)?;
    page.extend(options(&command)?);
    if command.has_subcommands() {
        page.extend(subcommands(&command)?);
    }
    let mut roff = Roff::new();
    roff.control("SH", ["EXIT STATUS"]);
    blocks(&mut roff, EXIT_STATUS);
    if manual.checks {
        let of = match check_command {
            Some(command) => format!("With the subcommand {command}"),
            None => "With --check".to_owned(),
        };
        roff.control("PP", []);
        roff.text([roman(format!(
            "{of}, the exit status is that of a monitoring plugin:"
        ))]);
        blocks(&mut roff, CHECK_STATUS);
    }
    for section in manual.sections {
        roff.control("SH", [section.title]);
        blocks(&mut roff, section.body);
    }
    if !manual.see_also.is_empty() {
        roff.control("SH", ["SEE ALSO"]);
        roff.text([roman(manual.see_also.join(", "))]);
    }
    roff.to_writer(&mut page)?;
    Ok(once(&page, PREAMBLE))
}

/// What [`Roff`] begins every piece of text with: how to write an apostrophe.
const PREAMBLE: &str = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";

/// The text without the repetitions of `preamble`.
fn once(page: &[u8], preamble: &str) -> Vec<u8> {
    let page = String::from_utf8_lossy(page);
    format!("{preamble}{}", page.replace(preamble, "")).into_bytes()
}

/// `.TH`, which must be written by hand: roff takes an empty date for no argument at all unless it is quoted.
fn title(command: &Command) -> String {
    let name = command.get_name().to_uppercase().replace('-', "\\-");
    let version = command.get_version().unwrap_or_default();
    format!(".TH {name} 8 \"\" \"relay\\-tools {version}\" \"relay\\-tools\"\n")
}

/// The usage lines of `--help`, the name in bold.
fn synopsis(roff: &mut Roff, command: &Command) {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.strip_prefix("Usage:").unwrap_or(&usage);
    for (n, line) in usage.lines().map(str::trim).enumerate() {
        if n > 0 {
            roff.control("br", []);
        }
        let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
        roff.text([bold(name), roman(format!(" {rest}"))]);
    }
}

fn paragraphs(roff: &mut Roff, text: &str) {
    for (n, paragraph) in text.split("\n\n").enumerate() {
        if n > 0 {
            roff.control("PP", []);
        }
        roff.text([roman(paragraph.trim())]);
    }
}

/// OPTIONS, and a section for each heading that `--help` has.
fn options(command: &Command) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    Man::new(command.clone()).render_options_section(&mut text)?;
    Ok(text)
}

/// SUBCOMMANDS: each with its usage and those of its options that the tool itself does not have.
fn subcommands(command: &Command) -> io::Result<Vec<u8>> {
    let mut roff = Roff::new();
    roff.control("SH", ["SUBCOMMANDS"]);
    let mut page = Vec::new();
    roff.to_writer(&mut page)?;
    for sub in command.get_subcommands().filter(|s| !s.is_hide_set()) {
        let name = format!("{} {}", command.get_name(), sub.get_name());
        let own = sub.clone().mut_args(|arg| {
            let known = command.get_arguments().any(|a| a.get_id() == arg.get_id());
            let help = arg.get_id() == "help";
            arg.hide(known || help)
        });
        let mut roff = Roff::new();
        roff.control("SS", [name.as_str()]);
        synopsis(&mut roff, &sub.clone().bin_name(name));
        roff.control("PP", []);
        let about = sub.get_long_about().or(sub.get_about());
        paragraphs(
            &mut roff,
            &about.map(ToString::to_string).unwrap_or_default(),
        );
        roff.to_writer(&mut page)?;
        // Below the subcommand's own heading, there is no room for more.
        let options = String::from_utf8_lossy(&options(&own)?).into_owned();
        for line in options.lines().filter(|l| !l.starts_with(".SH ")) {
            page.extend_from_slice(line.as_bytes());
            page.push(b'\n');
        }
    }
    Ok(page)
}

fn blocks(roff: &mut Roff, body: &[Block]) {
    for block in body {
        match block {
            Block::Text(text) => {
                roff.control("PP", []);
                roff.text([roman(*text)]);
            }
            Block::Item(term, text) => {
                roff.control("TP", []);
                roff.text([bold(*term)]);
                roff.text([roman(*text)]);
            }
            Block::Code(lines) => {
                roff.control("PP", []);
                roff.control("RS", ["4"]);
                roff.control("nf", []);
                for line in lines.lines() {
                    roff.text([roman(line)]);
                }
                roff.control("fi", []);
                roff.control("RE", []);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Arg, ArgAction};

    const MANUAL: Manual = Manual {
        sections: &[Section {
            title: "EXAMPLES",
            body: &[
                Block::Text(".starts with a dot"),
                Block::Code("# tool --flag 'x'\n\n'quoted \\fB"),
                Block::Item("/etc/x", "A file."),
            ],
        }],
        see_also: &["postqueue(1)"],
        checks: false,
    };

    /// The lines of a section of the page.
    fn check(command: Command, section: &str, expected: &[&str]) {
        let page = String::from_utf8(page(command, &MANUAL, None).unwrap()).unwrap();
        let start = format!(".SH {section}\n");
        let body = page.split_once(&start).expect(section).1;
        let body = body.split_once("\n.SH").map_or(body, |(body, _)| body);
        assert_eq!(body.lines().collect::<Vec<_>>(), expected);
    }

    fn tool() -> Command {
        Command::new("my-tool")
            .version("1.2.3")
            .about("Does it")
            .long_about("Does it\n\nAnd how.")
            .arg(Arg::new("instance").required(true))
            .arg(
                Arg::new("all")
                    .long("all")
                    .global(true)
                    .action(ArgAction::SetTrue)
                    .help("Take all"),
            )
    }

    #[test]
    fn the_title_has_no_date() {
        let page = String::from_utf8(page(tool(), &MANUAL, None).unwrap()).unwrap();
        let title = ".TH MY\\-TOOL 8 \"\" \"relay\\-tools 1.2.3\" \"relay\\-tools\"";
        assert_eq!(page.lines().nth(2), Some(title));
        assert_eq!(page.matches(PREAMBLE).count(), 1);
    }

    #[test]
    fn the_usual_sections() {
        check(tool(), "NAME", &[r"my\-tool \- Does it"]);
        check(
            tool(),
            "SYNOPSIS",
            &[r"\fBmy\-tool\fR [OPTIONS] <instance>"],
        );
        check(tool(), "DESCRIPTION", &["Does it", ".PP", "And how."]);
        check(tool(), "\"SEE ALSO\"", &["postqueue(1)"]);
    }

    #[test]
    fn text_is_never_taken_for_a_request() {
        check(
            tool(),
            "EXAMPLES",
            &[
                ".PP",
                r"\&.starts with a dot",
                ".PP",
                ".RS 4",
                ".nf",
                r"# tool \-\-flag \*(Aqx\*(Aq",
                "",
                r"\*(Aqquoted \\fB",
                ".fi",
                ".RE",
                ".TP",
                r"\fB/etc/x\fR",
                "A file.",
            ],
        );
    }

    #[test]
    fn subcommands_are_on_the_same_page() {
        let hold = Command::new("hold").about("Hold mail").arg(
            Arg::new("limit")
                .long("limit")
                .value_name("N")
                .help("So many"),
        );
        check(
            tool()
                .args_conflicts_with_subcommands(true)
                .subcommand(hold),
            "SUBCOMMANDS",
            &[
                r#".SS "my-tool hold""#,
                r"\fBmy\-tool\fR hold [OPTIONS]",
                ".PP",
                "Hold mail",
                ".TP",
                r"\fB\-\-limit\fR \fI<N>\fR",
                "So many",
            ],
        );
    }
}
