//! Who runs a tool, how, and from where: for journals, the system log, and tools that start one another.

use std::path::PathBuf;

/// The user, and who took that user's place by sudo(8): `ada (as root)`.
pub fn user() -> String {
    let uid = nix::unistd::getuid();
    let name = nix::unistd::User::from_uid(uid).ok().flatten();
    let name = name.map_or_else(|| uid.to_string(), |user| user.name);
    match std::env::var("SUDO_USER") {
        Ok(sudo) if !sudo.is_empty() && sudo != name => format!("{sudo} (as {name})"),
        _ => name,
    }
}

/// The command line, as it was typed; the program without its directory.
pub fn command_line() -> String {
    let mut words = std::env::args_os();
    let program = words.next().unwrap_or_default();
    let name = std::path::Path::new(&program).file_name();
    let name = name.unwrap_or_default().to_string_lossy().into_owned();
    let words = words.map(|word| legible::shell::quoted(&word.to_string_lossy()));
    std::iter::once(name)
        .chain(words)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Another tool of the same package: from beside the one that runs, or where the package has it.
pub fn other_tool(name: &str) -> PathBuf {
    let beside = std::env::current_exe().ok();
    let beside = beside.map(|path| path.with_file_name(name));
    beside
        .filter(|path| path.is_file())
        .unwrap_or_else(|| PathBuf::from("/usr/sbin").join(name))
}
