//! What is wrong with an instance's parameters.

use std::path::{Path, PathBuf};

use super::expand::ExpandError;
use super::parameters::{Parameters, address};
use crate::{Position, Problem};

/// The parameters that the tools rely on: an error in one of them is reported when the instance is found.
const CHECKED: [&str; 24] = [
    "alternate_config_directories",
    "bounce_queue_lifetime",
    "content_filter",
    "daemon_directory",
    "data_directory",
    "default_destination_rate_delay",
    "hash_queue_names",
    "inet_interfaces",
    "mail_owner",
    "maillog_file",
    "master_service_disable",
    "maximal_backoff_time",
    "maximal_queue_lifetime",
    "minimal_backoff_time",
    "multi_instance_directories",
    "multi_instance_group",
    "mydomain",
    "myhostname",
    "process_id_directory",
    "setgid_group",
    "smtp_bind_address",
    "smtp_bind_address6",
    "smtp_helo_name",
    "transport_maps",
];

/// Reads parameters and collects what is wrong with them.
pub(super) struct Checker<'a> {
    parameters: &'a Parameters,
    path: &'a Path,
    problems: &'a mut Vec<Problem>,
}

impl<'a> Checker<'a> {
    /// Checks `parameters`, whose main.cf is at `path`.
    pub(super) fn new(
        parameters: &'a Parameters,
        path: &'a Path,
        problems: &'a mut Vec<Problem>,
    ) -> Self {
        Self {
            parameters,
            path,
            problems,
        }
    }

    /// Checks every parameter that the tools rely on.
    pub(super) fn all(&mut self) {
        for name in CHECKED {
            drop(self.value(name));
        }
        self.check_form();
    }

    fn report(&mut self, name: &str, what: &str) {
        let problem = Problem::new(self.path, format!("{name}: {what}"));
        self.problems
            .push(match self.parameters.main_cf().line(name.as_bytes()) {
                Some(line) => problem.at(Position::Line(line)),
                None => problem,
            });
    }

    fn value(&mut self, name: &str) -> Option<Vec<u8>> {
        let value = self.parameters.expand(name);
        value
            .map_err(|error: ExpandError| self.report(name, &error.to_string()))
            .ok()
    }

    /// The parameter as text, empty if it cannot be expanded.
    pub(super) fn text(&mut self, name: &str) -> String {
        let value = self.value(name).unwrap_or_default();
        String::from_utf8_lossy(&value).into_owned()
    }

    /// multi_instance_name; empty, too, if it is more than a word. A name is typed, and stands in commands that are
    /// shown to be pasted and in what a shell offers: a main.cf of another user's must not have root type `$(…)`.
    pub(super) fn instance_name(&mut self) -> String {
        const NAME: &str = "multi_instance_name";
        let name = self.text(NAME);
        let is_plain = |c: char| c.is_alphanumeric() || "-_.+@:".contains(c);
        if name.chars().all(is_plain) && !name.starts_with('-') {
            return name;
        }
        let what = "is not taken for a name: it has more than letters, digits and -_.+@:";
        self.report(NAME, &format!("\"{name}\" {what}"));
        String::new()
    }

    /// The parameter as an absolute path.
    pub(super) fn directory(&mut self, name: &str) -> Option<PathBuf> {
        self.value(name)?;
        let path = self.parameters.path(name).unwrap_or_default();
        if path.is_absolute() {
            return Some(path);
        }
        self.report(
            name,
            &format!("\"{}\" is not an absolute path", path.display()),
        );
        None
    }

    /// Values that have a form.
    fn check_form(&mut self) {
        for name in [
            "multi_instance_enable",
            "enable_long_queue_ids",
            "soft_bounce",
        ] {
            if self.value(name).is_some() && self.parameters.bool(name).is_none() {
                self.report(name, "must be yes or no");
            }
        }
        let depth = self.parameters.int("hash_queue_depth");
        if self.value("hash_queue_depth").is_some() && depth.is_none_or(|depth| depth < 1) {
            self.report("hash_queue_depth", "must be a number of 1 or more");
        }
        for name in ["smtp_bind_address", "smtp_bind_address6"] {
            let value = self.parameters.get(name);
            if !value.is_empty() && address(&value).is_none() {
                self.report(name, &format!("\"{value}\" is not an address"));
            }
        }
    }
}
