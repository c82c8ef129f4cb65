//! What a tool does on a terminal, and what it leaves out elsewhere. script(1) makes the terminal.

use std::process::{Command, Stdio};

use crate::specimen::{Ran, command, run, specimen};

/// Runs the specimen on a terminal of 100 columns, with these variables set; both of its outputs come back as one.
fn on_terminal(arguments: &str, variables: &[(&str, &str)]) -> Ran {
    let mut script = Command::new("script");
    script.args([
        "-qec",
        &format!("stty rows 24 cols 100; exec \"$SPECIMEN\" {arguments}"),
    ]);
    script.arg("/dev/null").stdin(Stdio::null());
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "CI"] {
        script.env_remove(name);
    }
    script.env("SPECIMEN", specimen()).env("TERM", "xterm");
    run(script.envs(variables.iter().copied()))
}

#[test]
fn colours_and_width_are_the_terminals() {
    let check = |arguments: &str, variables: &[(&str, &str)], facts: &str| {
        let ran = on_terminal(arguments, variables);
        assert_eq!(ran.status, Some(0), "{ran:?}");
        assert!(ran.stdout.contains(facts), "{arguments}: {ran:?}");
    };
    let plain = "terminal=true color=false width=Some(100) boxes=true";
    let color = "terminal=true color=true width=Some(100) boxes=true";
    check("facts", &[], color);
    check("facts", &[("NO_COLOR", "1")], plain);
    check(
        "facts",
        &[("TERM", "dumb")],
        "color=false width=Some(100) boxes=false",
    );
    check("facts --color never", &[], plain);
    check("facts --color always", &[("NO_COLOR", "1")], color);
    check(
        "facts --output /dev/tty",
        &[],
        "terminal=false color=false width=None boxes=false",
    );
}

#[test]
fn a_pipe_is_plain_unless_told_otherwise() {
    let check = |args: &[&str], variables: &[(&str, &str)], color: bool| {
        let ran = run(command(args).envs(variables.iter().copied()));
        let facts = format!("terminal=false color={color} width=None boxes=false");
        assert!(ran.stdout.contains(&facts), "{args:?}: {ran:?}");
    };
    check(&["facts"], &[], false);
    check(&["facts", "--color", "always"], &[], true);
    check(&["facts"], &[("CLICOLOR_FORCE", "1")], true);
    check(
        &["facts"],
        &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")],
        false,
    );
    check(
        &["facts", "--color", "never"],
        &[("CLICOLOR_FORCE", "1")],
        false,
    );
}

#[test]
fn a_file_is_plain_whatever_the_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("facts");
    let arguments = format!("facts --output {}", path.display());
    on_terminal(&arguments, &[("CLICOLOR_FORCE", "1")]);
    let facts = std::fs::read_to_string(path).unwrap();
    assert!(
        facts.contains("terminal=false color=false width=None boxes=false"),
        "{facts}"
    );
}

#[test]
fn progress_is_shown_on_a_terminal_and_cleared() {
    let ran = on_terminal("slow 2", &[]);
    assert!(
        ran.stdout.contains(r"counting\x07 ["),
        "no bar, or a raw one: {ran:?}"
    );
    // The bar's line is erased (EL) before the warning is written and when all is done.
    let (before, after) = ran
        .stdout
        .split_once("specimen: warning: nearly there\r\n")
        .unwrap();
    let erased = "\r\x1b[2K";
    assert!(before.ends_with(erased), "{ran:?}");
    assert!(after.is_empty() || after.ends_with(erased), "{ran:?}");
}

#[test]
fn progress_is_silent_elsewhere() {
    let warning = "specimen: warning: nearly there\n";
    crate::specimen::check(&["slow", "2"], 0, "", warning);
    let quick = on_terminal("slow 0", &[]);
    assert!(!quick.stdout.contains("counting"), "{quick:?}");
    let quiet = on_terminal("-q slow 2", &[]);
    assert_eq!(quiet.stdout, "");
}

#[test]
fn questions_are_asked_on_a_terminal_only() {
    let answered = |answer: &str| {
        // Answered when it has asked: what was typed before is no answer.
        let seen = tempfile::NamedTempFile::new().unwrap();
        let script = format!(
            "(until grep -q y/N {seen}; do sleep 0.05; done; echo {answer}) |
            script -qefc \"stty -echo; exec '{tool}' ask\" {seen}",
            seen = seen.path().display(),
            tool = specimen().display()
        );
        let ran = run(Command::new("sh").args(["-c", &script]));
        assert_eq!(ran.status, Some(0), "{ran:?}");
        let question = r"go\x07on? [y/N] ";
        assert!(ran.stdout.contains(question), "{ran:?}");
        ran.stdout.trim_end().ends_with("true")
    };
    assert!(answered("y"));
    assert!(answered("YES"));
    assert!(!answered("n"));
    assert!(!answered(""));
    crate::specimen::check(
        &["ask"],
        2,
        "",
        "specimen: cannot ask for confirmation: standard input is not a terminal\nhint: use --yes to confirm in \
         advance\n",
    );
}

#[test]
fn help_is_coloured_as_asked() {
    let colored = |ran: Ran| ran.stdout.contains('\x1b');
    assert!(colored(on_terminal("--help", &[])));
    assert!(!colored(on_terminal("--help --color never", &[])));
    assert!(!colored(on_terminal("--help", &[("NO_COLOR", "1")])));
    assert!(!colored(run(&mut command(&["--help"]))));
}
