//! The manual page, from the same definitions as `--help`.

use std::io;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

/// What a tool's manual page says beside what clap knows of it.
#[derive(Debug, Clone, Copy)]
pub struct Manual {
    /// Sections behind OPTIONS, in order (FILES, EXAMPLES, …). EXIT STATUS is added before them, SEE ALSO behind them.
    pub sections: &'static [Section],
    /// Other pages, such as `postqueue(1)`, for SEE ALSO.
    pub see_also: &'static [&'static str],
    /// Has the tool `--check`, so that EXIT STATUS tells of it?
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

const EXIT_STATUS: &[Block] = &[
    Block::Item("0", "Done."),
    Block::Item(
        "1",
        "Done, but something was left out: an unreadable file, a skipped message. Standard error tells what.",
    ),
    Block::Item(
        "2",
        "Wrong usage, an unknown instance, refused, not permitted, or failed. Nothing is written on standard output.",
    ),
];

const CHECK_STATUS: &[Block] = &[
    Block::Text("With --check, as monitoring plugins have it:"),
    Block::Item("0", "OK."),
    Block::Item("1", "WARNING."),
    Block::Item("2", "CRITICAL."),
    Block::Item("3", "UNKNOWN; wrong usage too."),
];

/// The page as roff. The same input gives the same bytes.
pub(crate) fn page(command: Command, manual: &Manual) -> io::Result<Vec<u8>> {
    let version = command.get_version().unwrap_or_default();
    let source = format!("relay-tools {version}");
    let man = Man::new(command.clone().disable_help_subcommand(true))
        .section("8")
        .source(source)
        .manual("relay-tools");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    let mut roff = Roff::new();
    roff.control("SH", ["EXIT STATUS"]);
    blocks(&mut roff, EXIT_STATUS);
    if manual.checks {
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
