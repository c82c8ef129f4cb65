//! The value of a parameter: set in main.cf, or else Postfix's own default.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::net::IpAddr;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use super::expand::{ExpandError, expand};
use super::lines::is_space;
use super::main_cf::MainCf;
use super::master_cf::Service;

/// What `postconf -d` of Postfix 3.7 (Debian 12) prints, except what depends on the host or on master.cf, with
/// the parameters that later versions added and these tools use.
static DEFAULTS: LazyLock<HashMap<&[u8], &[u8]>> = LazyLock::new(|| {
    let lines = include_str!("defaults.cf").lines();
    lines
        .filter_map(|line| line.split_once(" ="))
        .map(|(name, value)| (name.as_bytes(), value.trim_start().as_bytes()))
        .collect()
});

/// The parameters that every transport has under its own name, and where their default comes from
/// (`src/postconf/postconf_service.c`). The longer of two suffixes that both fit comes first.
const PER_TRANSPORT: [(&str, &str); 17] = [
    (
        "_destination_concurrency_failed_cohort_limit",
        "default_destination_concurrency_failed_cohort_limit",
    ),
    (
        "_destination_concurrency_negative_feedback",
        "default_destination_concurrency_negative_feedback",
    ),
    (
        "_destination_concurrency_positive_feedback",
        "default_destination_concurrency_positive_feedback",
    ),
    (
        "_destination_concurrency_limit",
        "default_destination_concurrency_limit",
    ),
    (
        "_destination_recipient_limit",
        "default_destination_recipient_limit",
    ),
    ("_destination_rate_delay", "default_destination_rate_delay"),
    (
        "_initial_destination_concurrency",
        "initial_destination_concurrency",
    ),
    ("_transport_rate_delay", "default_transport_rate_delay"),
    ("_minimum_delivery_slots", "default_minimum_delivery_slots"),
    ("_delivery_slot_cost", "default_delivery_slot_cost"),
    ("_delivery_slot_discount", "default_delivery_slot_discount"),
    ("_delivery_slot_loan", "default_delivery_slot_loan"),
    ("_recipient_refill_delay", "default_recipient_refill_delay"),
    ("_recipient_refill_limit", "default_recipient_refill_limit"),
    ("_extra_recipient_limit", "default_extra_recipient_limit"),
    ("_recipient_limit", "default_recipient_limit"),
    ("_time_limit", "command_time_limit"),
];

/// Parameters in which Postfix leaves `$name` alone: its programs fill in what they know of a message
/// (`CONFIG_RAW_TABLE` in `src/local/local.c`, `src/smtpd/smtpd.c`, `src/postscreen/postscreen.c`).
const RAW: [&str; 9] = [
    "command_execution_directory",
    "default_rbl_reply",
    "forward_path",
    "luser_relay",
    "mailbox_command",
    "postscreen_expansion_filter",
    "postscreen_reject_footer",
    "smtpd_expansion_filter",
    "smtpd_reject_footer",
];

/// The domain of a host whose name has none (`mail_params.h`, `DEF_MYDOMAIN`).
const NO_DOMAIN: &[u8] = b"localdomain";

/// Where parameters come from, for one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameters {
    main_cf: MainCf,
    config_directory: Vec<u8>,
    myhostname: Vec<u8>,
    mydomain: Vec<u8>,
}

impl Parameters {
    /// The parameters of the instance whose main.cf this is, in the directory `config_directory` of a host whose
    /// kernel calls itself `hostname` (what gethostname(2) would return there).
    pub fn new(main_cf: MainCf, config_directory: &Path, hostname: &str) -> Self {
        // Postfix looks for these two only in main.cf, not among the defaults (`check_myhostname`).
        let set = |name: &[u8]| {
            let lookup = |name: &[u8]| main_cf.value(name).map(Cow::Borrowed);
            main_cf
                .value(name)
                .map(|value| expand(value, &lookup).unwrap_or_default())
        };
        let mut myhostname = hostname.as_bytes().to_vec();
        if !hostname.contains('.') {
            myhostname.push(b'.');
            myhostname.extend(set(b"mydomain").unwrap_or_else(|| NO_DOMAIN.to_vec()));
        }
        let full_name = set(b"myhostname").unwrap_or_else(|| myhostname.clone());
        let mydomain = full_name
            .splitn(2, |&b| b == b'.')
            .nth(1)
            .unwrap_or(NO_DOMAIN)
            .to_vec();
        Self {
            config_directory: config_directory.as_os_str().as_bytes().to_vec(),
            myhostname,
            mydomain,
            main_cf,
        }
    }

    /// Those of one service: what its `-o name=value` in master.cf says instead, and `$service_name`.
    #[must_use]
    pub fn of_service(&self, service: &Service) -> Self {
        let mut own = self.clone();
        own.main_cf
            .set(b"service_name", service.name.as_bytes(), service.line);
        for (name, value) in service.overrides() {
            own.main_cf
                .set(name.as_bytes(), value.as_bytes(), service.line);
        }
        own
    }

    /// What main.cf itself sets.
    pub fn main_cf(&self) -> &MainCf {
        &self.main_cf
    }

    /// The value before expansion; `None` where neither main.cf nor Postfix has one.
    fn unexpanded(&self, name: &[u8]) -> Option<Cow<'_, [u8]>> {
        if let Some(value) = self.main_cf.value(name) {
            return Some(Cow::Borrowed(value));
        }
        match name {
            b"config_directory" => return Some(Cow::Borrowed(&self.config_directory)),
            b"myhostname" => return Some(Cow::Borrowed(&self.myhostname)),
            b"mydomain" => return Some(Cow::Borrowed(&self.mydomain)),
            _ => {}
        }
        if let Some(value) = DEFAULTS.get(name) {
            return Some(Cow::Borrowed(value));
        }
        let transport = |suffix: &str| {
            name.strip_suffix(suffix.as_bytes())
                .is_some_and(|t| !t.is_empty())
        };
        let (_, default) = PER_TRANSPORT.iter().find(|(suffix, _)| transport(suffix))?;
        Some(Cow::Owned(format!("${default}").into_bytes()))
    }

    /// The expanded value, as `postconf -x` prints it except for white space, which is kept. An unknown
    /// parameter is empty.
    ///
    /// # Errors
    /// A syntax error or endless recursion in the value or in one that it refers to. Postfix programs that use the
    /// parameter do not start then.
    pub fn expand(&self, name: &str) -> Result<Vec<u8>, ExpandError> {
        let value = self.unexpanded(name.as_bytes()).unwrap_or_default();
        if RAW.contains(&name) {
            return Ok(value.into_owned());
        }
        expand(&value, &|name: &[u8]| self.unexpanded(name))
    }

    /// The expanded value as text; what is not UTF-8 is replaced. Empty where it cannot be expanded: discovery has
    /// reported that for the parameters that these tools rely on, see [`Parameters::expand`] for others.
    pub fn get(&self, name: &str) -> String {
        String::from_utf8_lossy(&self.bytes(name)).into_owned()
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        self.expand(name).unwrap_or_default()
    }

    /// A file or directory name; `None` if the value is empty.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        let value = self.bytes(name);
        (!value.is_empty()).then(|| PathBuf::from(std::ffi::OsString::from_vec(value)))
    }

    /// A list: its elements are separated by commas and white space (Postfix `CHARS_COMMA_SP`).
    pub fn list(&self, name: &str) -> Vec<String> {
        let value = self.bytes(name);
        let elements = value
            .split(|b| b", \t\r\n".contains(b))
            .filter(|element| !element.is_empty());
        elements
            .map(|element| String::from_utf8_lossy(element).into_owned())
            .collect()
    }

    /// A list of file or directory names.
    pub fn paths(&self, name: &str) -> Vec<PathBuf> {
        let value = self.bytes(name);
        let elements = value
            .split(|b| b", \t\r\n".contains(b))
            .filter(|element| !element.is_empty());
        elements
            .map(|element| PathBuf::from(OsStr::from_bytes(element)))
            .collect()
    }

    /// `yes` or `no`, in any case; `None` for any other value, which Postfix refuses (`mail_conf_bool.c`).
    pub fn bool(&self, name: &str) -> Option<bool> {
        match self.bytes(name).to_ascii_lowercase().as_slice() {
            b"yes" => Some(true),
            b"no" => Some(false),
            _ => None,
        }
    }

    /// A number; `None` for what Postfix refuses (`mail_conf_int.c`).
    pub fn int(&self, name: &str) -> Option<i32> {
        self.number(name)
    }

    /// A number of the greater kind, as message_size_limit, mailbox_size_limit and queue_minfree are; `None` for what
    /// Postfix refuses (`mail_conf_long.c`).
    pub fn long(&self, name: &str) -> Option<i64> {
        self.number(name)
    }

    fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        let value = self.bytes(name);
        let start = value.iter().position(|&b| !is_space(b)).unwrap_or_default();
        std::str::from_utf8(value.get(start..)?).ok()?.parse().ok()
    }

    /// A time in seconds: `5d`, `300s`. Without a unit it is in that of Postfix's default (`mail_conf_time.c`): days
    /// for maximal_queue_lifetime, seconds for minimal_backoff_time. `None` for what Postfix refuses.
    pub fn seconds(&self, name: &str) -> Option<u64> {
        let value = self.get(name);
        let value = value.trim_start();
        let end = value
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(value.len());
        let (number, suffix) = value.split_at_checked(end)?;
        let default_unit = || {
            DEFAULTS
                .get(name.as_bytes())
                .and_then(|default| default.last().copied())
        };
        // Postfix looks only at the first character after the number (`conv_time.c`).
        let unit = match suffix.bytes().next().or_else(default_unit) {
            Some(b'm') => 60,
            Some(b'h') => 3600,
            Some(b'd') => 86400,
            Some(b'w') => 604_800,
            Some(b's') => 1,
            _ if suffix.is_empty() => 1,
            _ => return None,
        };
        u64::from(number.parse::<u32>().ok()?).checked_mul(unit)
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
