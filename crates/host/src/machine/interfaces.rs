//! Which interface has which address.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;

/// One address of an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Is it up?
    pub is_up: bool,
    /// Why no mail can leave from the address though the interface is up, if so.
    pub trouble: Option<&'static str>,
    address: IpAddr,
    /// All of these addresses are the machine's own: a loopback interface has a whole network.
    local_network: Option<Ipv4Addr>,
}

/// The addresses of this machine's interfaces.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Interfaces(Vec<Interface>);

impl Interfaces {
    /// Asks the kernel (getifaddrs(3)) about the network namespace of this process.
    ///
    /// # Errors
    /// The kernel's.
    pub fn read() -> io::Result<Self> {
        let mut found = Vec::new();
        let six = match guarded::read_text(Path::new("/proc/self/net/if_inet6"), 16 << 20) {
            // A kernel without IPv6 has no such file.
            Err(e) if e.kind() == io::ErrorKind::NotFound => String::new(),
            read => read?,
        };
        for entry in getifaddrs()? {
            let v4 = entry
                .address
                .as_ref()
                .and_then(|a| a.as_sockaddr_in())
                .map(|a| a.ip());
            let v6 = entry
                .address
                .as_ref()
                .and_then(|a| a.as_sockaddr_in6())
                .map(|a| a.ip());
            let Some(address) = v4.map(IpAddr::V4).or(v6.map(IpAddr::V6)) else {
                continue;
            };
            let mask = entry.netmask.as_ref().and_then(|m| m.as_sockaddr_in());
            let is_loopback = entry.flags.contains(InterfaceFlags::IFF_LOOPBACK);
            // A loopback or dummy interface has a carrier as long as it is up.
            let has_carrier = entry.flags.contains(InterfaceFlags::IFF_RUNNING);
            let trouble = match (v6.and_then(|v6| undecided(&six, v6)), has_carrier) {
                (Some(why), _) => Some(why),
                (None, false) => Some("which has no carrier"),
                (None, true) => None,
            };
            found.push(Interface {
                trouble,
                // An address may be labelled with an alias of the old kind, `eth0:1`.
                name: entry.interface_name,
                is_up: entry.flags.contains(InterfaceFlags::IFF_UP),
                address,
                local_network: mask.map(|m| m.ip()).filter(|_| is_loopback),
            });
        }
        Ok(Self(found))
    }

    /// The addresses that mail to other hosts may leave from: of interfaces that are up, neither loopback nor
    /// link-local.
    pub fn outward(&self) -> impl Iterator<Item = IpAddr> {
        let up = self.0.iter().filter(|i| i.is_up).map(|i| i.address);
        up.filter(|address| match address {
            IpAddr::V4(v4) => !v4.is_loopback() && !v4.is_link_local(),
            IpAddr::V6(v6) => !v6.is_loopback() && !v6.is_unicast_link_local(),
        })
    }

    /// The interface that has the address: of several, the one that serves best.
    pub fn with(&self, address: IpAddr) -> Option<&Interface> {
        let exactly = self.0.iter().filter(|i| i.address == address);
        // Of equals, the first.
        let best = exactly.rev().max_by_key(|i| (i.is_up, i.trouble.is_none()));
        best.or_else(|| self.0.iter().find(|i| i.covers(address)))
    }
}

/// Is a process in another network namespace than this one, whose interfaces are others (network_namespaces(7))? No, if
/// that cannot be seen: only root sees it of another user's.
pub(super) fn is_elsewhere(pid: u32) -> bool {
    let of = |process: &str| std::fs::read_link(format!("/proc/{process}/ns/net")).ok();
    let (own, its) = (of("self"), of(&pid.to_string()));
    own.zip(its).is_some_and(|(own, its)| own != its)
}

/// Why the kernel does not allow sending from an IPv6 address of /proc/PID/net/if_inet6, if so: duplicate address
/// detection (RFC 4862) has not ended, or has found another host with it. A line is address, index, prefix length,
/// scope, flags (hexadecimal; IFA_F_* of `linux/if_addr.h`) and interface.
fn undecided(text: &str, address: Ipv6Addr) -> Option<&'static str> {
    let hex: String = address
        .octets()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let flags = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let is_it = words.next() == Some(&hex);
        let flags = words.nth(3).filter(|_| is_it)?;
        u32::from_str_radix(flags, 16).ok()
    });
    // On several interfaces: one may do.
    let flags = flags.reduce(|a, b| a & b)?;
    match flags {
        f if f & 0x08 != 0 => Some("but another host has it too (dadfailed)"),
        f if f & 0x40 != 0 => Some("but it is still being checked for duplicates (tentative)"),
        _ => None,
    }
}

impl Interface {
    fn covers(&self, address: IpAddr) -> bool {
        match (self.address, self.local_network, address) {
            (IpAddr::V4(own), Some(mask), IpAddr::V4(address)) => own & mask == address & mask,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_where_it_is_local() {
        let interface = |name: &str, address: &str, mask: Option<&str>| Interface {
            name: name.to_owned(),
            is_up: true,
            trouble: None,
            address: address.parse().unwrap(),
            local_network: mask.map(|mask| mask.parse().unwrap()),
        };
        let interfaces = Interfaces(vec![
            interface("lo", "127.0.0.1", Some("255.0.0.0")),
            interface("lo", "192.0.2.9", Some("255.255.255.255")),
            interface("lo", "::1", None),
            interface("eth0", "192.0.2.1", None),
            interface("eth0:1", "192.0.2.2", None),
            interface("eth0", "2001:db8::1", None),
        ]);
        let check = |address: &str, expected: Option<&str>| {
            let found = interfaces.with(address.parse().unwrap());
            assert_eq!(found.map(|i| i.name.as_str()), expected, "{address}");
        };
        check("127.0.0.1", Some("lo"));
        check("127.3.2.1", Some("lo"));
        check("192.0.2.9", Some("lo"));
        check("192.0.2.1", Some("eth0"));
        check("192.0.2.2", Some("eth0:1"));
        check("192.0.2.3", None);
        check("2001:db8::1", Some("eth0"));
        check("2001:db8::2", None);
        check("::1", Some("lo"));
    }

    #[test]
    fn of_several_interfaces_the_best_counts() {
        let interface = |name: &str, is_up, trouble| Interface {
            name: name.to_owned(),
            is_up,
            trouble,
            address: "192.0.2.1".parse().unwrap(),
            local_network: None,
        };
        let check = |all: Vec<Interface>, expected: &str| {
            let interfaces = Interfaces(all);
            let found = interfaces.with("192.0.2.1".parse().unwrap()).unwrap();
            assert_eq!(found.name, expected);
        };
        let down = || interface("eth0", false, None);
        let idle = || interface("eth1", true, Some("which has no carrier"));
        let up = |name| interface(name, true, None);
        check(vec![down(), idle(), up("eth2"), up("eth3")], "eth2");
        check(vec![down(), idle()], "eth1");
        check(vec![down()], "eth0");
    }

    #[test]
    fn addresses_that_are_not_decided_on() {
        let text = "20010db8000000000000000000000005 02 40 00 48     eth0\n\
                    20010db8000000000000000000000006 02 40 00 c0     eth0\n\
                    20010db8000000000000000000000007 02 40 00 80     eth0\n\
                    00000000000000000000000000000001 01 80 10 80       lo\n";
        let check = |address: &str, expected: Option<&str>| {
            let found = undecided(text, address.parse().unwrap());
            assert_eq!(
                found.map(|why| why.split(' ').next_back().unwrap()),
                expected,
                "{address}"
            );
        };
        check("2001:db8::5", Some("(dadfailed)"));
        check("2001:db8::6", Some("(tentative)"));
        check("2001:db8::7", None);
        check("::1", None);
        check("2001:db8::8", None);
    }

    #[test]
    fn this_machine_has_a_loopback_address() {
        let interfaces = Interfaces::read().unwrap();
        assert!(interfaces.with(Ipv4Addr::LOCALHOST.into()).unwrap().is_up);
    }
}
