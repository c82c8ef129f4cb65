//! How instances are made.

use std::fs::{self, File};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::config::{self, Params};
use crate::or_fail::{OrFail, lock};
use crate::{Host, Instance, Sink};

/// The default instance's name and the directory of its configuration.
const DEFAULT: &str = "postfix";
const DEFAULT_DIR: &str = "/etc/postfix";

/// The parameter of the default instance that lists the directories of all others.
const LIST: &str = "multi_instance_directories";

/// An instance to be; it is made by [`create`](Self::create) or [`start`](Self::start).
#[derive(Debug, Clone)]
#[must_use]
pub struct InstanceBuilder {
    host: Host,
    name: String,
    address: Ipv4Addr,
    group: String,
    params: Params,
    master_cf: String,
    by_postmulti: bool,
    tmpfs: Option<String>,
}

impl InstanceBuilder {
    pub(crate) fn new(host: &Host, name: &str, address: Ipv4Addr) -> Self {
        let mut params = config::common();
        let mut add = |param: &str, value: String| params.push((param.to_owned(), value));
        add("myhostname", format!("{name}.{}.example.org", host.name()));
        add("queue_directory", format!("/var/spool/{name}"));
        add("data_directory", format!("/var/lib/{name}"));
        add("multi_instance_name", name.to_owned());
        add("inet_interfaces", address.to_string());
        add("smtp_bind_address", address.to_string());
        Self::with(host, name, address, params)
    }

    /// Only what the test sets: the rest is there already, by [`write_default`].
    pub(crate) fn default_instance(host: &Host) -> Self {
        Self::with(host, DEFAULT, Ipv4Addr::LOCALHOST, Params::new())
    }

    fn with(host: &Host, name: &str, address: Ipv4Addr, params: Params) -> Self {
        Self {
            host: host.clone(),
            name: name.to_owned(),
            address,
            group: "relay".to_owned(),
            params,
            master_cf: config::MASTER_CF.to_owned(),
            by_postmulti: false,
            tmpfs: None,
        }
    }

    /// Sets a main.cf parameter, over what the kit would set.
    pub fn param(mut self, name: &str, value: impl Into<String>) -> Self {
        self.params.push((name.to_owned(), value.into()));
        self
    }

    /// Sends all mail to this sink.
    pub fn relay_to(self, sink: &Sink) -> Self {
        self.param("relayhost", sink.nexthop())
    }

    /// Its own address, for its smtpd and as smtp_bind_address; by default 127.0.0.11, .12, … as made. Any address will
    /// do: it is added to the host's loopback interface.
    pub fn address(mut self, address: Ipv4Addr) -> Self {
        self.address = address;
        let text = address.to_string();
        let networks = format!("127.0.0.0/8 {text}/32");
        self.param("inet_interfaces", text.clone())
            .param("smtp_bind_address", text)
            .param("mynetworks", networks)
    }

    /// Has an smtpd, which the default instance of a relay host does without.
    pub fn listen(self) -> Self {
        self.param("master_service_disable", "")
    }

    /// Its multi_instance_group, in place of `relay`; empty for none.
    pub fn group(mut self, group: &str) -> Self {
        group.clone_into(&mut self.group);
        self
    }

    /// Retries deferred mail every second or two. Without this it stays deferred for minutes.
    pub fn fast_retries(self) -> Self {
        self.param("minimal_backoff_time", "1s")
            .param("maximal_backoff_time", "2s")
            .param("queue_run_delay", "1s")
    }

    /// Adds a master.cf line, in place of the service of that name and type if there is one.
    #[track_caller]
    pub fn service(mut self, line: &str) -> Self {
        let mut words = line.split_whitespace();
        let (name, kind) = (words.next(), words.next());
        let (name, kind) = name
            .zip(kind)
            .or_fail("a master.cf line has a name and a type");
        self.master_cf = config::service(&self.master_cf, name, kind, Some(line));
        self
    }

    /// Leaves a service out of master.cf, such as `("pickup", "unix")`.
    pub fn without_service(mut self, name: &str, kind: &str) -> Self {
        self.master_cf = config::service(&self.master_cf, name, kind, None);
        self
    }

    /// Gives its queue a file system of its own, of a size such as `64m` (mount(8), tmpfs): no rename leads into it or
    /// out of it, and it fills up.
    pub fn queue_on_tmpfs(mut self, size: &str) -> Self {
        self.tmpfs = Some(size.to_owned());
        self
    }

    /// Makes it with `postmulti -e create`, which takes some four seconds more: Postfix waits for a main.cf just edited
    /// to come of age. What the kit writes by itself is the same for all that Postfix sees (its tests compare the two).
    pub fn by_postmulti(mut self) -> Self {
        self.by_postmulti = true;
        self
    }

    /// Makes it and starts it. Panics if it does not start.
    #[track_caller]
    pub fn start(self) -> Instance {
        let instance = self.create();
        instance.start();
        instance
    }

    /// Makes it with its queue and data directories, without starting it.
    #[track_caller]
    pub fn create(mut self) -> Instance {
        if self.name != DEFAULT && !self.group.is_empty() {
            let group = self.group.clone();
            self = self.param("multi_instance_group", group);
        }
        let Self { host, name, .. } = &self;
        let instance = Instance {
            host: host.clone(),
            name: name.clone(),
            config_dir: Path::new("/etc").join(name),
            queue_dir: self.directory("queue_directory", "/var/spool/postfix"),
            address: SocketAddr::new(IpAddr::V4(self.address), 25),
        };
        // Postfix does not start with an address that no interface has. `replace` because two may share one.
        let address = format!("{}/32", self.address);
        host.run(["ip", "address", "replace", &address, "dev", "lo"])
            .ok();
        if let Some(size) = &self.tmpfs {
            let dir = instance.queue_dir.display();
            host.sh(&format!(
                "mkdir -p {dir} && mount -t tmpfs -o mode=0755,size={size} tmpfs {dir}"
            ));
        }
        if self.by_postmulti {
            let create = host.command("postmulti").args(["-e", "create", "-I", name]);
            create.args(["-G", &self.group]).run().ok();
        }
        // Instances may be made by several threads of a test, and all go into one list.
        let made = {
            let _alone = lock(host.making());
            host.enter(|| self.write(&instance))
        };
        made.or_fail(format_args!("making instance {name}"));
        // Makes the directories that postfix-files lists; the next start need not do it again (postfix-script).
        let checked = instance.postfix("check");
        if checked.code() != Some(0) {
            panic!(
                "testkit: {name} cannot be made: {checked}\n{}",
                host.log_tail()
            );
        }
        host.write(instance.queue_dir.join("quick-start"), "");
        instance
    }

    fn directory(&self, param: &str, default: &str) -> PathBuf {
        let value = self.params.iter().rev().find(|(name, _)| name == param);
        PathBuf::from(value.map_or(default, |(_, value)| value))
    }

    /// Writes the instance's files, inside the host.
    fn write(&self, instance: &Instance) -> io::Result<()> {
        let dir = &instance.config_dir;
        fs::create_dir_all(dir)?;
        fs::create_dir_all(&instance.queue_dir)?;
        let main_cf = dir.join("main.cf");
        let before = match fs::read_to_string(&main_cf) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            read => read?,
        };
        write_aged(&main_cf, &config::set_all(&before, &self.params))?;
        write_aged(&dir.join("master.cf"), &self.master_cf)?;
        if self.name != DEFAULT {
            list(dir)?;
        }
        Ok(())
    }
}

/// Writes /etc/postfix as the kit wants it, inside the host: whatever the machine has there does not count.
pub(crate) fn write_default(host_name: &str) -> io::Result<()> {
    let dir = Path::new(DEFAULT_DIR);
    let mut params = config::common();
    let mut add = |param: &str, value: &str| params.push((param.to_owned(), value.to_owned()));
    add("myhostname", &format!("{host_name}.example.org"));
    add("inet_interfaces", "127.0.0.1");
    add("smtp_bind_address", "127.0.0.1");
    add("master_service_disable", "inet");
    // What `postmulti -e init` sets.
    add(
        "multi_instance_wrapper",
        "${command_directory}/postmulti -p --",
    );
    add(LIST, "");
    write_aged(&dir.join("main.cf"), &config::set_all("", &params))?;
    write_aged(&dir.join("master.cf"), config::MASTER_CF)
}

/// Adds a directory to the default instance's list, as postmulti does.
fn list(dir: &Path) -> io::Result<()> {
    let main_cf = Path::new(DEFAULT_DIR).join("main.cf");
    let dir = dir.to_string_lossy();
    let text = fs::read_to_string(&main_cf)?;
    let listed = config::get(&text, LIST).unwrap_or_default();
    if listed.split_whitespace().any(|other| other == dir) {
        return Ok(());
    }
    let listed = format!("{listed} {dir}");
    write_aged(&main_cf, &config::set(&text, LIST, listed.trim()))
}

/// Writes a configuration file with a modification time in the past: Postfix takes a file changed this very second
/// for one that is being edited, and waits (`dict_load_file_xt`, dict.c).
pub(crate) fn write_aged(path: &Path, text: &str) -> io::Result<()> {
    fs::write(path, text)?;
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    File::options()
        .write(true)
        .open(path)?
        .set_modified(long_ago)
}
