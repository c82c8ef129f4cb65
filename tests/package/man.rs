//! The manual pages are what the tools' own definitions say, and render without a warning.

use std::fs;
use std::process::Command;

/// Every tool of the package, and its program.
const TOOLS: &[(&str, &str)] = &[
    ("mail-stats-print", env!("CARGO_BIN_EXE_mail-stats-print")),
    (
        "mailq-distribution",
        env!("CARGO_BIN_EXE_mailq-distribution"),
    ),
    ("queue-move", env!("CARGO_BIN_EXE_queue-move")),
    ("queue-report", env!("CARGO_BIN_EXE_queue-report")),
    ("relay-instances", env!("CARGO_BIN_EXE_relay-instances")),
    ("relay-limit", env!("CARGO_BIN_EXE_relay-limit")),
    ("relay-transport", env!("CARGO_BIN_EXE_relay-transport")),
    ("relay-warmup", env!("CARGO_BIN_EXE_relay-warmup")),
];

fn generate(program: &str, what: &str) -> String {
    let out = Command::new(program)
        .args(["--generate", what])
        .output()
        .unwrap();
    assert!(out.status.success(), "{program} --generate {what}");
    assert!(out.stderr.is_empty());
    String::from_utf8(out.stdout).unwrap()
}

#[test]
fn the_committed_pages_are_current() {
    for (tool, program) in TOOLS {
        let path = format!("{}/man/{tool}.8", env!("CARGO_MANIFEST_DIR"));
        let committed = fs::read_to_string(&path).unwrap_or_default();
        let current = generate(program, "man");
        assert!(
            committed == current,
            "{path} is not current: {tool} --generate man > man/{tool}.8"
        );
    }
}

#[test]
fn every_page_is_of_a_tool() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/man");
    let mut pages: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    pages.sort();
    let mut tools: Vec<String> = TOOLS.iter().map(|(tool, _)| format!("{tool}.8")).collect();
    tools.sort();
    assert_eq!(pages, tools);
}

#[test]
fn pages_render_without_a_warning() {
    for (tool, _) in TOOLS {
        let path = format!("{}/man/{tool}.8", env!("CARGO_MANIFEST_DIR"));
        let out = Command::new("man")
            .args(["--warnings", "--local-file", &path])
            .env("MANWIDTH", "80")
            .env("LC_ALL", "C.UTF-8")
            .output()
            .expect("man is in Debian's package man-db");
        assert!(out.status.success(), "{tool}");
        assert_eq!(String::from_utf8_lossy(&out.stderr), "", "{tool}");
        let text = String::from_utf8_lossy(&out.stdout);
        for section in ["NAME", "SYNOPSIS", "OPTIONS", "EXIT STATUS", "SEE ALSO"] {
            assert!(
                text.lines().any(|l| l == section),
                "{tool} has no {section}"
            );
        }
    }
}

#[test]
fn completions_are_scripts_that_the_shell_can_read() {
    for (tool, program) in TOOLS {
        let script = generate(program, "bash");
        let out = Command::new("bash")
            .args(["-n", "-c", &script])
            .output()
            .unwrap();
        assert!(
            out.status.success(),
            "{tool}: {}",
            String::from_utf8_lossy(&out.stderr)
        );
        assert!(script.contains(tool));
        for shell in ["zsh", "fish"] {
            assert!(generate(program, shell).contains(tool), "{tool} {shell}");
        }
    }
}
