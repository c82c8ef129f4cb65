//! Recipients that smtpd accepts whatever transport_maps says, and the access table that refuses them.

use super::{ACCESS, Facts, FileState, Requirement, State, step};
use crate::replace::MapKind;

/// What the configuration says of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accepting {
    /// The parameters with tables that do so, and their values; empty: there is nothing to refuse.
    pub tables: Vec<(String, String)>,
    /// smtpd_recipient_restrictions as main.cf has it.
    pub restrictions: String,
    /// Our access table's files, where smtpd asks it before anything that accepts a recipient.
    pub access: Option<FileState>,
    /// Tables of aliases that cannot be listed.
    pub opaque: Vec<String>,
    /// Services of master.cf with an smtpd_recipient_restrictions of their own.
    pub unasked: Vec<String>,
}

impl Accepting {
    /// smtpd_recipient_restrictions with our table first.
    pub fn value(&self, facts: &Facts, kind: &MapKind) -> String {
        let path = facts.config_directory.join(ACCESS);
        let separator = if self.restrictions.is_empty() {
            ""
        } else {
            ", "
        };
        let ours = format!("check_recipient_access {}:{}", kind.word(), path.display());
        format!("{ours}{separator}{}", self.restrictions)
    }
}

pub(super) fn steps(facts: &Facts) -> Vec<Requirement> {
    let accepting = &facts.accepting;
    let names = accepting.tables.iter().map(|(name, _)| name.as_str());
    let names = names.collect::<Vec<_>>().join(", ");
    if names.is_empty() {
        return Vec::new();
    }
    let path = facts.config_directory.join(ACCESS);
    let path = path.display();
    let to_do = |state, what| Requirement {
        commands: vec![facts.setup_command("")],
        ..step(state, what)
    };
    let mut steps = vec![match &accepting.access {
        None => to_do(
            State::Unknown,
            format!(
                "smtpd accepts recipients of {names} despite a pause: smtpd_recipient_restrictions does not begin \
                 with {path}"
            ),
        ),
        Some(FileState::There) => step(
            State::Ok,
            format!("smtpd asks {path} first: recipients of {names} are refused, too"),
        ),
        Some(FileState::Missing) => to_do(
            State::ToDo,
            format!(
                "smtpd_recipient_restrictions names {path}, which is not there, or has no index"
            ),
        ),
        Some(FileState::Unusable(why)) => step(State::Wrong, format!("{path}: {why}")),
    }];
    for table in &accepting.opaque {
        let what = format!(
            "{table} cannot be listed: a recipient of another domain that it leads to a paused one is still accepted"
        );
        steps.push(step(State::Unknown, what));
    }
    for service in &accepting.unasked {
        let what = format!(
            "master.cf: the service {service} has its own smtpd_recipient_restrictions: recipients of {names} are \
             still accepted there"
        );
        steps.push(step(State::Unknown, what));
    }
    steps
}
