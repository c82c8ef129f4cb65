//! One Postfix instance: a configuration directory with its main.cf.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::expand::ExpandError;
use super::main_cf::MainCf;
use super::master_cf::MasterCf;
use super::parameters::Parameters;
use super::resolve::{read_regular, resolve};
use crate::{Parsed, Position, Problem, Root};

/// The parameters that the tools rely on: an error in one of them is told when the instance is found.
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

/// One Postfix instance. Paths are as the host itself names them; [`Root::under`] says where they are here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    name: String,
    is_default: bool,
    config_directory: PathBuf,
    resolved: PathBuf,
    queue_directory: PathBuf,
    data_directory: PathBuf,
    syslog_name: String,
    parameters: Parameters,
    problems: Vec<Problem>,
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
        is_default: bool,
    ) -> Result<Self, Vec<Problem>> {
        let path = root.under(&resolve_main_cf(root, &resolved).map_err(|problem| vec![problem])?);
        let told_path = root.under(&config_directory.join("main.cf"));
        let text = read_regular(&path)
            .map_err(|error| vec![Problem::new(&told_path, format!("cannot read it: {error}"))])?;
        let Parsed {
            value: main_cf,
            mut problems,
        } = MainCf::parse(&told_path, &text);
        let parameters = Parameters::new(main_cf, config_directory, hostname);
        let mut read = Reader {
            parameters: &parameters,
            path: &told_path,
            problems: &mut problems,
        };
        for name in CHECKED {
            drop(read.value(name));
        }
        read.check_form();
        let syslog_name = read.text("syslog_name");
        let own_name = read.text("multi_instance_name");
        let directories = (
            read.directory("queue_directory"),
            read.directory("data_directory"),
        );
        let (Some(queue_directory), Some(data_directory)) = directories else {
            return Err(problems);
        };
        let name = if !own_name.is_empty() {
            own_name
        } else if is_default {
            "postfix".to_owned()
        } else {
            config_directory
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned()
        };
        Ok(Self {
            name,
            is_default,
            config_directory: config_directory.to_path_buf(),
            resolved,
            queue_directory,
            data_directory,
            syslog_name,
            parameters,
            problems,
        })
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

    /// multi_instance_enable: does `postmulti -p start` start it? The default instance is always on where no other
    /// is configured (`postmulti.c`); ask [`super::Host`] for that.
    pub fn multi_instance_enable(&self) -> bool {
        self.parameters
            .bool("multi_instance_enable")
            .unwrap_or(false)
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

    /// The addresses it sends from: smtp_bind_address and smtp_bind_address6, or else, a family each, the one
    /// address that inet_interfaces names (`smtp_connect.c`, `smtp_connect_addr`). Empty: the system chooses.
    pub fn bind_addresses(&self) -> Vec<IpAddr> {
        let listed: Vec<IpAddr> = self
            .parameters
            .list("inet_interfaces")
            .iter()
            .filter_map(|text| address(text))
            .collect();
        let from = |parameter: &str, family: fn(&IpAddr) -> bool| {
            let set = self.get(parameter);
            if !set.is_empty() {
                return address(&set).filter(family);
            }
            let mut own = listed.iter().filter(|ip| family(ip));
            own.next()
                .filter(|ip| own.next().is_none() && !ip.is_loopback())
                .copied()
        };
        let v4 = from("smtp_bind_address", IpAddr::is_ipv4);
        let v6 = from("smtp_bind_address6", IpAddr::is_ipv6);
        v4.into_iter().chain(v6).collect()
    }

    /// smtp_helo_name: what it calls itself to other servers.
    pub fn helo_name(&self) -> String {
        self.get("smtp_helo_name")
    }

    /// Its services: what master.cf lists, but for what master_service_disable turns off.
    pub fn services(&self, root: &Root) -> Parsed<MasterCf> {
        let path = root.under(&self.resolved.join("master.cf"));
        let told_path = root.under(&self.config_directory.join("master.cf"));
        let path =
            resolve(root, &self.resolved.join("master.cf")).map_or(path, |path| root.under(&path));
        match read_regular(&path) {
            Ok(text) => {
                let mut parsed = MasterCf::parse(&told_path, &text);
                parsed
                    .value
                    .disable(&self.parameters.list("master_service_disable"));
                parsed
            }
            Err(error) => Parsed {
                value: MasterCf::default(),
                problems: vec![Problem::new(told_path, format!("cannot read it: {error}"))],
            },
        }
    }
}

/// An address as Postfix takes it in bind and listen parameters: brackets are optional.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    let inner = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text);
    inner
        .strip_prefix("ipv6:")
        .or_else(|| inner.strip_prefix("IPv6:"))
        .unwrap_or(inner)
        .parse()
        .ok()
}

fn resolve_main_cf(root: &Root, directory: &Path) -> Result<PathBuf, Problem> {
    let path = directory.join("main.cf");
    resolve(root, &path)
        .map_err(|error| Problem::new(root.under(&path), format!("cannot read it: {error}")))
}

/// Reads parameters and collects what is wrong with them.
struct Reader<'a> {
    parameters: &'a Parameters,
    path: &'a Path,
    problems: &'a mut Vec<Problem>,
}

impl Reader<'_> {
    fn tell(&mut self, name: &str, what: &str) {
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
            .map_err(|error: ExpandError| self.tell(name, &error.to_string()))
            .ok()
    }

    fn text(&mut self, name: &str) -> String {
        let value = self.value(name).unwrap_or_default();
        String::from_utf8_lossy(&value).into_owned()
    }

    fn directory(&mut self, name: &str) -> Option<PathBuf> {
        self.value(name)?;
        let path = self.parameters.path(name).unwrap_or_default();
        if path.is_absolute() {
            return Some(path);
        }
        self.tell(name, &format!("\"{}\" is no absolute path", path.display()));
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
                self.tell(name, "neither yes nor no");
            }
        }
        let depth = self.parameters.int("hash_queue_depth");
        if self.value("hash_queue_depth").is_some() && depth.is_none_or(|depth| depth < 1) {
            self.tell("hash_queue_depth", "no number of 1 or more");
        }
        for name in ["smtp_bind_address", "smtp_bind_address6"] {
            let value = self.parameters.get(name);
            if !value.is_empty() && address(&value).is_none() {
                self.tell(name, &format!("\"{value}\" is no address"));
            }
        }
    }
}
