//! Completions for shells, which offer the host's own instances where one can be named.
//!
//! clap_complete knows options and fixed values. The names come from the tool itself, asked by the shell at the time:
//! `TOOL --generate instances`.

use clap::Command;
use clap_complete::Shell;

/// What operands and values that name an instance are called.
const INSTANCES: [&str; 4] = ["INSTANCE", "FROM", "TO", "TARGET"];

/// The script for a shell.
pub(crate) fn script(shell: Shell, mut command: Command, name: &str) -> Vec<u8> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut text);
    let text = String::from_utf8_lossy(&text);
    let ask = format!("{name} --generate instances 2>/dev/null");
    let text = match shell {
        Shell::Bash => bash(&text, &command, &ask),
        Shell::Zsh => zsh(&text, &command, &ask),
        Shell::Fish => format!("{text}{}", fish(&command, name, &ask)),
        _ => text.into_owned(),
    };
    text.into_bytes()
}

/// clap_complete offers options and subcommands; of commands that take instances, those are offered too, and not as the
/// first word only.
fn bash(text: &str, command: &Command, ask: &str) -> String {
    let root = command.get_name().replace('-', "__");
    let below = command.get_subcommands().filter(|sub| has_instances(sub));
    let mut labels: Vec<String> = below
        .map(|sub| format!("{root}__subcmd__{})", sub.get_name().replace('-', "__")))
        .collect();
    if has_instances(command) {
        labels.push(format!("{root})"));
    }
    // clap_complete 4.6 takes a hyphen in the tool's name for the beginning of a subcommand's, in one place of two.
    let text = text.replace(&command.get_name().replace('-', "__subcmd__"), &root);
    let mut takes = false;
    let lines = text.lines().map(|line| {
        if let Some(label) = line
            .strip_prefix("        ")
            .filter(|l| !l.starts_with(' '))
        {
            takes = labels.iter().any(|known| known == label);
        }
        match line.strip_suffix('"') {
            Some(opts) if takes && line.trim_start().starts_with("opts=") => {
                format!("{opts} $({ask})\"\n")
            }
            _ if takes && line.contains("|| ${COMP_CWORD} -eq ") => {
                "            if [[ ${cur} == -* || ${prev} != -* ]] ; then\n".to_owned()
            }
            _ => format!("{line}\n"),
        }
    });
    lines.collect()
}

fn zsh(text: &str, command: &Command, ask: &str) -> String {
    let ids = operands(command);
    let lines = text.lines().map(|line| {
        let operand = line.trim_start().trim_start_matches('\'');
        let operand = operand.trim_start_matches(['*', ':']);
        let is_one = ids
            .iter()
            .any(|id| operand.starts_with(&format!("{id} --")));
        match line.strip_suffix(":_default' \\") {
            Some(line) if is_one => format!("{line}:{{compadd - $({ask})}}' \\\n"),
            _ => format!("{line}\n"),
        }
    });
    lines.collect()
}

fn fish(command: &Command, name: &str, ask: &str) -> String {
    let subs: Vec<&str> = command
        .get_subcommands()
        .filter(|sub| has_instances(sub))
        .map(Command::get_name)
        .collect();
    let mut text = String::new();
    if has_instances(command) {
        text.push_str(&format!("complete -c {name} -f -a \"({ask})\"\n"));
    }
    if !subs.is_empty() {
        text.push_str(&format!(
            "complete -c {name} -f -n \"__fish_seen_subcommand_from {}\" -a \"({ask})\"\n",
            subs.join(" ")
        ));
    }
    text
}

/// The ids of operands that name an instance, of subcommands too.
fn operands(command: &Command) -> Vec<String> {
    let own = command.get_positionals().filter(|arg| is_instance(arg));
    let own = own.map(|arg| arg.get_id().to_string());
    let below = command.get_subcommands().flat_map(operands);
    own.chain(below).collect()
}

fn has_instances(command: &Command) -> bool {
    command.get_positionals().any(is_instance)
}

fn is_instance(arg: &clap::Arg) -> bool {
    let names = arg.get_value_names().unwrap_or_default();
    names.iter().any(|name| INSTANCES.contains(&name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Arg;
    use std::process::Command as Process;

    /// What bash offers for the last of `words`, where the tool would name aol-a and msn-a.
    fn offered(words: &[&str]) -> String {
        let instance = || Arg::new("instance").value_name("INSTANCE").num_args(0..);
        let command = Command::new("my-tool")
            .arg(instance())
            .arg(
                Arg::new("format")
                    .long("format")
                    .value_parser(["text", "table"]),
            )
            .subcommand(Command::new("hold").arg(instance()))
            .subcommand(Command::new("history"));
        let script = script(Shell::Bash, command, "my-tool");
        let words = words.join(" ");
        let script = format!(
            "my-tool() {{ echo aol-a; echo msn-a; }}\n{}\nCOMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - \
             1))\n\
             _my__tool my-tool \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"; echo \
             ${{COMPREPLY[*]}}",
            String::from_utf8(script).unwrap()
        );
        let ran = Process::new("bash").args(["-c", &script]).output().unwrap();
        String::from_utf8(ran.stdout).unwrap().trim().to_owned()
    }

    #[test]
    fn bash_offers_the_hosts_instances() {
        let check =
            |words: &[&str], expected: &str| assert_eq!(offered(words), expected, "{words:?}");
        check(&["my-tool", "a"], "aol-a");
        check(&["my-tool", "aol-a", "m"], "msn-a");
        check(&["my-tool", "hold", "a"], "aol-a");
        check(&["my-tool", "history", "a"], "");
        check(&["my-tool", "--format", "ta"], "table");
    }
}
