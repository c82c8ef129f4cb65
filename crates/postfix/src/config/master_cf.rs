//! master.cf: the services of an instance.
//!
//! Read as Postfix `src/master/master_ent.c` (`get_master_ent`) reads it; see master(5).

use std::path::Path;

use super::lines::{LogicalLine, logical_lines};
use super::main_cf::split_nameval;
use crate::{Parsed, Position, Problem};

/// What kind of socket a service listens on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the words of master(5)")]
pub enum ServiceType {
    Inet,
    Unix,
    UnixDgram,
    Fifo,
    Pass,
}

impl ServiceType {
    fn from_word(word: &[u8]) -> Option<Self> {
        Some(match word {
            b"inet" => Self::Inet,
            b"unix" => Self::Unix,
            b"unix-dgram" => Self::UnixDgram,
            b"fifo" => Self::Fifo,
            b"pass" => Self::Pass,
            _ => return None,
        })
    }

    /// The word, as in master.cf.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inet => "inet",
            Self::Unix => "unix",
            Self::UnixDgram => "unix-dgram",
            Self::Fifo => "fifo",
            Self::Pass => "pass",
        }
    }
}

/// One service. Text that is not UTF-8 has replacement characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The line (from 1) at which its entry begins.
    pub line: u64,
    /// Its name; for an inet service `[host:]port`, see [`Service::listens_on`].
    pub name: String,
    /// Its type.
    pub kind: ServiceType,
    /// Only Postfix itself may reach it.
    pub private: bool,
    /// Runs in the queue directory. `None` where master.cf leaves it to compatibility_level.
    pub chroot: Option<bool>,
    /// Seconds between two wake-ups; 0 for none. pickup without one waits until it is notified of new mail.
    pub wakeup: u32,
    /// How many processes at most, 0 for any number; `None` for default_process_limit.
    pub process_limit: Option<u32>,
    /// The program, below daemon_directory.
    pub command: String,
    /// The program's arguments, `{ … }` taken off.
    pub args: Vec<String>,
}

impl Service {
    /// Host (where one is named, without brackets) and port of an inet service. No host: all of inet_interfaces.
    pub fn listens_on(&self) -> Option<(Option<&str>, &str)> {
        if self.kind != ServiceType::Inet {
            return None;
        }
        let (host, port) = self.name.rsplit_once(':').unwrap_or(("", &self.name));
        let inner = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        let inner = inner
            .strip_prefix("ipv6:")
            .or_else(|| inner.strip_prefix("IPv6:"))
            .unwrap_or(inner);
        Some(((!inner.is_empty()).then_some(inner), port))
    }
}

impl Service {
    /// What `-o name=value` says of parameters, in the order of the line: the last of one name counts. `-oname=value`
    /// and `-o { name = value }` are the same (master(5)). What is not such a pair is left out: Postfix would refuse
    /// it.
    pub fn overrides(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut args = self.args.iter();
        while let Some(arg) = args.next() {
            let pair = match arg.strip_prefix("-o") {
                Some("") => args.next().map(String::as_str),
                rest => rest,
            };
            if let Some(Ok((name, value))) = pair.map(|pair| split_nameval(pair.as_bytes())) {
                let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
                found.push((text(name), text(value)));
            }
        }
        found
    }
}

/// The services that a master.cf lists.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MasterCf {
    services: Vec<Service>,
}

impl MasterCf {
    /// Reads a master.cf's text. `path` names the file in the problems. Never fails, whatever the bytes.
    pub fn parse(path: &Path, text: &[u8]) -> Parsed<Self> {
        let Parsed {
            value: lines,
            mut problems,
        } = logical_lines(path, text);
        let mut services = Vec::new();
        for LogicalLine { line, text } in lines {
            match read_service(line, &text) {
                Ok(service) => services.push(service),
                Err(what) => problems.push(Problem::new(path, what).at(Position::Line(line))),
            }
        }
        Parsed {
            value: Self { services },
            problems,
        }
    }

    /// The services, in the order of the file.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// Those that run a program: `pickup`, `smtpd`.
    pub fn running<'a>(&'a self, command: &'a str) -> impl Iterator<Item = &'a Service> {
        self.services
            .iter()
            .filter(move |service| service.command == command)
    }

    /// Takes out what master_service_disable names: `inet`, `smtp/inet`, `!submission/inet`; the first that fits
    /// decides (`src/global/match_service.c`).
    pub(super) fn disable(&mut self, patterns: &[String]) {
        self.services.retain(|service| {
            let kind = service.kind.as_str();
            let full = format!("{}/{kind}", service.name);
            let hit = patterns.iter().find(|pattern| {
                let pattern = pattern.trim_start_matches('!');
                pattern.eq_ignore_ascii_case(if pattern.contains('/') { &full } else { kind })
            });
            let disabled = hit.is_some_and(|pattern| {
                let bare = pattern.trim_start_matches('!');
                pattern.len().saturating_sub(bare.len()) % 2 == 0
            });
            !disabled
        });
    }
}

fn read_service(line: u64, text: &[u8]) -> Result<Service, String> {
    let mut words = Words(text);
    let mut field = |name: &str| {
        words
            .next()
            .ok_or_else(|| format!("missing \"{name}\" field"))
    };
    let name = field("service name")?;
    let kind = field("transport type")?;
    let kind = ServiceType::from_word(kind).ok_or_else(|| bad("transport type", kind))?;
    let private = flag("private", field("private")?)?.unwrap_or(true);
    if private && kind == ServiceType::Inet {
        return Err("an inet service cannot be private".to_owned());
    }
    flag("unprivileged", field("unprivileged")?)?;
    let chroot = flag("chroot", field("chroot")?)?;
    let wakeup = field("wakeup_time")?;
    let wakeup = number("wakeup_time", wakeup.strip_suffix(b"?").unwrap_or(wakeup))?.unwrap_or(0);
    let process_limit = number("max_proc", field("max_proc")?)?;
    let command = lossy(field("command")?);
    let args = words.map(argument).collect();
    Ok(Service {
        line,
        name: lossy(name),
        kind,
        private,
        chroot,
        wakeup,
        process_limit,
        command,
        args,
    })
}

/// `y`, `n`, or `-` for the default.
fn flag(name: &str, value: &[u8]) -> Result<Option<bool>, String> {
    match value {
        b"y" => Ok(Some(true)),
        b"n" => Ok(Some(false)),
        b"-" => Ok(None),
        _ => Err(bad(name, value)),
    }
}

/// A number, or `-` for the default.
fn number(name: &str, value: &[u8]) -> Result<Option<u32>, String> {
    if value == b"-" {
        return Ok(None);
    }
    let digits = std::str::from_utf8(value)
        .ok()
        .filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
    digits
        .and_then(|digits| digits.parse().ok())
        .map(Some)
        .ok_or_else(|| bad(name, value))
}

/// `{ text }` is one argument, the braces and the white space inside them taken off (`extpar.c`).
fn argument(word: &[u8]) -> String {
    let inner = word
        .strip_prefix(b"{")
        .and_then(|word| word.strip_suffix(b"}"));
    lossy(inner.map_or(word, super::lines::trim))
}

fn bad(name: &str, value: &[u8]) -> String {
    format!("field \"{name}\": bad value \"{}\"", lossy(value))
}

fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

/// Words between white space, which counts as text inside braces (`mystrtok.c`, `mystrtokq`).
struct Words<'a>(&'a [u8]);

impl<'a> Iterator for Words<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let is_blank = |b: &u8| b" \t\r\n".contains(b);
        let start = self.0.iter().position(|b| !is_blank(b))?;
        let text = self.0.get(start..)?;
        let mut level = 0_usize;
        let end = text.iter().position(|byte| {
            match byte {
                b'{' => level = level.saturating_add(1),
                b'}' => level = level.saturating_sub(1),
                _ => return level == 0 && is_blank(byte),
            }
            false
        });
        let (word, rest) = text.split_at_checked(end.unwrap_or(text.len()))?;
        self.0 = rest;
        Some(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<(&str, &str, &[&str]), &str>) {
        let Parsed { value, problems } = MasterCf::parse(Path::new("master.cf"), text.as_bytes());
        let found = match (value.services(), problems.as_slice()) {
            ([service], []) => {
                let args: Vec<&str> = service.args.iter().map(String::as_str).collect();
                assert_eq!(
                    Ok((
                        service.name.as_str(),
                        service.command.as_str(),
                        args.as_slice()
                    )),
                    expected,
                    "{text}"
                );
                return;
            }
            ([], [problem]) => problem.what.as_str(),
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(Err(found), expected, "{text}");
    }

    #[test]
    fn services_are_read_as_master_reads_them() {
        check("smtp inet n - n - - smtpd", Ok(("smtp", "smtpd", &[])));
        check(
            "smtp inet n - n - - smtpd\n  -o a=b\n#c\n\t-v",
            Ok(("smtp", "smtpd", &["-o", "a=b", "-v"])),
        );
        check(
            "x unix - - - - - pipe { a { b } }  {c d",
            Ok(("x", "pipe", &["a { b }", "{c d"])),
        );
        check("x unix - - - 300? 5 qmgr", Ok(("x", "qmgr", &[])));
        check("x unix - - - - -", Err("missing \"command\" field"));
        check("x", Err("missing \"transport type\" field"));
        check(
            "x tcp - - - - - smtpd",
            Err("field \"transport type\": bad value \"tcp\""),
        );
        check(
            "x inet - - - - - smtpd",
            Err("an inet service cannot be private"),
        );
        check(
            "x unix yes - - - - smtpd",
            Err("field \"private\": bad value \"yes\""),
        );
        check(
            "x unix - - - 1m - smtpd",
            Err("field \"wakeup_time\": bad value \"1m\""),
        );
        check(
            "x unix - - - - 99999999999 smtpd",
            Err("field \"max_proc\": bad value \"99999999999\""),
        );
    }

    #[test]
    fn inet_services_name_a_host_and_a_port() {
        let check = |name: &str, expected: (Option<&str>, &str)| {
            let text = format!("{name} inet n - n - - smtpd");
            let parsed = MasterCf::parse(Path::new("master.cf"), text.as_bytes()).value;
            assert_eq!(parsed.services()[0].listens_on(), Some(expected), "{name}");
        };
        check("smtp", (None, "smtp"));
        check(":587", (None, "587"));
        check("127.0.0.1:smtp", (Some("127.0.0.1"), "smtp"));
        check("[::1]:25", (Some("::1"), "25"));
        check("[ipv6:::1]:25", (Some("::1"), "25"));
        check("mail.example.org:25", (Some("mail.example.org"), "25"));
    }

    #[test]
    fn disabled_services_are_left_out() {
        let text =
            "smtp inet n - n - - smtpd\n25 inet n - n - - smtpd\npickup fifo n - n - - pickup\n";
        let check = |patterns: &[&str], expected: &[&str]| {
            let mut parsed = MasterCf::parse(Path::new("master.cf"), text.as_bytes()).value;
            parsed.disable(&patterns.iter().map(|&p| p.to_owned()).collect::<Vec<_>>());
            let left: Vec<&str> = parsed.services().iter().map(|s| s.name.as_str()).collect();
            assert_eq!(left, expected, "{patterns:?}");
        };
        check(&[], &["smtp", "25", "pickup"]);
        check(&["inet"], &["pickup"]);
        check(&["INET", "fifo"], &[]);
        check(&["25/inet"], &["smtp", "pickup"]);
        check(&["!25/inet", "inet"], &["25", "pickup"]);
        check(&["!!inet"], &["pickup"]);
        check(&["pickup"], &["smtp", "25", "pickup"]);
    }
}
