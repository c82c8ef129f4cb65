//! One Postfix instance: a configuration directory with its main.cf.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::check::Checker;
use super::lines::logical_lines;
use super::main_cf::MainCf;
use super::master_cf::MasterCf;
use super::parameters::Parameters;
use super::resolve::{read_regular, resolve};
use super::sending::{self, Outlet};
use crate::{Parsed, Problem, Root};

/// How an instance was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It is the one in /etc/postfix.
    Default,
    /// multi_instance_directories names it.
    Managed,
    /// alternate_config_directories names it.
    Alternate,
    /// Its directory is called /etc/postfix-*.
    NamedAlike,
}

/// One Postfix instance. Paths are as the host itself names them; [`Root::under`] says where they are here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    name: String,
    is_default: bool,
    is_enabled: bool,
    config_directory: PathBuf,
    resolved: PathBuf,
    queue_directory: PathBuf,
    data_directory: PathBuf,
    syslog_name: String,
    other_syslog_names: Vec<String>,
    outlets: Vec<Outlet>,
    parameters: Parameters,
    problems: Vec<Problem>,
    /// How many of the problems, the first ones, Postfix itself tolerates.
    borne: usize,
}

impl Instance {
    /// Reads the main.cf in `config_directory`. `resolved` is that directory with no symbolic link in its path.
    ///
    /// # Errors
    /// What makes the instance useless: no main.cf to read, or no telling which queue directory it has.
    pub(super) fn load(
        root: &Root,
        hostname: &str,
        config_directory: &Path,
        resolved: PathBuf,
        role: Role,
    ) -> Result<Self, Vec<Problem>> {
        let path = root.under(&resolve_main_cf(root, &resolved).map_err(|problem| vec![problem])?);
        let shown_path = root.under(&config_directory.join("main.cf"));
        let text = read_regular(&path).map_err(|error| {
            vec![Problem::new(
                &shown_path,
                format!("cannot read it: {error}"),
            )]
        })?;
        let Parsed {
            value: main_cf,
            mut problems,
        } = MainCf::parse(&shown_path, &text);
        let borne = logical_lines(&shown_path, &text).problems.len();
        let parameters = Parameters::new(main_cf, config_directory, hostname);
        let mut check = Checker::new(&parameters, &shown_path, &mut problems);
        check.all();
        let syslog_name = check.text("syslog_name");
        let own_name = check.instance_name();
        let directories = (
            check.directory("queue_directory"),
            check.directory("data_directory"),
        );
        let (Some(queue_directory), Some(data_directory)) = directories else {
            return Err(problems);
        };
        let is_default = role == Role::Default;
        let name = match own_name.as_str() {
            "" => usual_name(role, config_directory),
            _ => own_name,
        };
        let only_one = is_default && parameters.paths("multi_instance_directories").is_empty();
        let managed = matches!(role, Role::Default | Role::Managed);
        let says_so = parameters.bool("multi_instance_enable").unwrap_or(false);
        let mut instance = Self {
            name,
            is_default,
            is_enabled: only_one || (managed && says_so),
            config_directory: config_directory.to_path_buf(),
            resolved,
            queue_directory,
            data_directory,
            syslog_name,
            other_syslog_names: Vec::new(),
            outlets: Vec::new(),
            parameters,
            problems,
            borne,
        };
        instance.look_at_services(root);
        Ok(instance)
    }

    /// Where master.cf differs from main.cf. [`Instance::services`] says what is wrong with it.
    fn look_at_services(&mut self, root: &Root) {
        let services = self.services(root).value;
        let parameters = &self.parameters;
        let mut outlets = sending::outlets(root, parameters, &services);
        if outlets.is_empty() {
            let (v4, v6) = sending::sources(parameters, "smtp");
            outlets.push(Outlet {
                service: "smtp".to_owned(),
                led_by: "default_transport",
                v4,
                v6,
                helo_name: self.helo_name(),
            });
        }
        let mut names = BTreeSet::new();
        for service in services.services() {
            if service
                .overrides()
                .iter()
                .any(|(name, _)| name == "syslog_name")
            {
                names.insert(parameters.of_service(service).get("syslog_name"));
            }
        }
        // `postfix-aol-a/submission` is the instance's by its beginning.
        let own = format!("{}/", self.syslog_name);
        names.retain(|name| {
            !name.is_empty() && *name != self.syslog_name && !name.starts_with(&own)
        });
        self.other_syslog_names = names.into_iter().collect();
        self.outlets = outlets;
    }

    /// multi_instance_name, or else the configuration directory's own name (`postfix-aol-a`); `postfix` for the
    /// default instance. What an admin types; unique unless a problem says otherwise.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Is this the instance in /etc/postfix?
    pub fn is_default(&self) -> bool {
        self.is_default
    }

    /// Where its main.cf is, under the name by which the instance was found.
    pub fn config_directory(&self) -> &Path {
        &self.config_directory
    }

    /// The same directory with no symbolic link in its path.
    pub(super) fn resolved_config_directory(&self) -> &Path {
        &self.resolved
    }

    /// queue_directory: always an absolute path.
    pub fn queue_directory(&self) -> &Path {
        &self.queue_directory
    }

    /// data_directory: always an absolute path.
    pub fn data_directory(&self) -> &Path {
        &self.data_directory
    }

    /// syslog_name: what the tags of its log lines begin with.
    pub fn syslog_name(&self) -> &str {
        &self.syslog_name
    }

    /// What is wrong in its main.cf. Postfix would not run with most of it, and a value that was not read may be
    /// wrong here: a tool that changes something should not go on.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Those of the problems with which Postfix, or the part of it that is concerned, does not run.
    pub fn refusals(&self) -> &[Problem] {
        self.problems.get(self.borne..).unwrap_or_default()
    }

    /// Every parameter, with Postfix's defaults.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The expanded value of a parameter, see [`Parameters::get`].
    pub fn get(&self, name: &str) -> String {
        self.parameters.get(name)
    }

    /// multi_instance_group, if it has one.
    pub fn group(&self) -> Option<String> {
        Some(self.get("multi_instance_group")).filter(|group| !group.is_empty())
    }

    /// Does `postfix start`, given to the default instance, start it too? That takes multi_instance_enable here and
    /// an entry in the default instance's multi_instance_directories. Where that is empty, the default instance is
    /// alone and always starts (`postmulti.c`).
    pub fn is_enabled(&self) -> bool {
        self.is_enabled
    }

    /// mail_owner: the user who owns the queue.
    pub fn mail_owner(&self) -> String {
        self.get("mail_owner")
    }

    /// hash_queue_names: the queues that have subdirectories.
    pub fn hash_queue_names(&self) -> Vec<String> {
        self.parameters.list("hash_queue_names")
    }

    /// hash_queue_depth: how many levels of subdirectories those have; at least 1, as Postfix demands.
    pub fn hash_queue_depth(&self) -> usize {
        let depth = self
            .parameters
            .int("hash_queue_depth")
            .and_then(|depth| usize::try_from(depth).ok());
        depth.unwrap_or(1).max(1)
    }

    /// maillog_file: where it logs if not through syslog.
    pub fn maillog_file(&self) -> Option<PathBuf> {
        self.parameters.path("maillog_file")
    }

    /// Where its master daemon keeps its process id, and a lock while it runs: always there, process_id_directory is
    /// not asked (`src/master/master.c`).
    pub fn master_pid_file(&self) -> PathBuf {
        self.queue_directory.join("pid/master.pid")
    }

    /// The addresses it sends from, by all SMTP clients that its mail leaves by ([`Instance::outlets`]), each once;
    /// where master.cf has none, as main.cf says. Empty: the system chooses.
    pub fn bind_addresses(&self) -> Vec<IpAddr> {
        let mut found = Vec::new();
        let addresses = self.outlets.iter().flat_map(Outlet::addresses);
        for address in addresses {
            if !found.contains(&address) {
                found.push(address);
            }
        }
        found
    }

    /// How its mail leaves: by which SMTP clients of master.cf, from which addresses. The first is default_transport's.
    /// Where master.cf has none of those that main.cf leads to, one as main.cf alone says.
    pub fn outlets(&self) -> &[Outlet] {
        &self.outlets
    }

    /// What the tags of its log lines begin with, beside [`Instance::syslog_name`]: those that `-o syslog_name=` gives
    /// to services of its own (`src/global/mail_task.c`).
    pub fn other_syslog_names(&self) -> &[String] {
        &self.other_syslog_names
    }

    /// smtp_helo_name: what it calls itself to other servers.
    pub fn helo_name(&self) -> String {
        self.get("smtp_helo_name")
    }

    /// Its services: what master.cf lists, except what master_service_disable turns off.
    pub fn services(&self, root: &Root) -> Parsed<MasterCf> {
        let path = root.under(&self.resolved.join("master.cf"));
        let shown_path = root.under(&self.config_directory.join("master.cf"));
        let path =
            resolve(root, &self.resolved.join("master.cf")).map_or(path, |path| root.under(&path));
        match read_regular(&path) {
            Ok(text) => {
                let mut parsed = MasterCf::parse(&shown_path, &text);
                parsed
                    .value
                    .disable(&self.parameters.list("master_service_disable"));
                parsed
            }
            Err(error) => Parsed {
                value: MasterCf::default(),
                problems: vec![Problem::new(shown_path, format!("cannot read it: {error}"))],
            },
        }
    }
}

/// The name of an instance that has no multi_instance_name.
fn usual_name(role: Role, config_directory: &Path) -> String {
    match role {
        Role::Default => "postfix".to_owned(),
        _ => {
            let name = config_directory.file_name().unwrap_or_default();
            name.to_string_lossy().into_owned()
        }
    }
}

fn resolve_main_cf(root: &Root, directory: &Path) -> Result<PathBuf, Problem> {
    let path = directory.join("main.cf");
    resolve(root, &path)
        .map_err(|error| Problem::new(root.under(&path), format!("cannot read it: {error}")))
}
