//! Which interface has which address.

use std::io;
use std::net::{IpAddr, Ipv4Addr};

use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;

/// One address of an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Is it up?
    pub is_up: bool,
    address: IpAddr,
    /// All of these addresses are the machine's own: a loopback interface has a whole network.
    local_network: Option<Ipv4Addr>,
}

/// The addresses of this machine's interfaces.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Interfaces(Vec<Interface>);

impl Interfaces {
    /// Asks the kernel (getifaddrs(3)).
    ///
    /// # Errors
    /// The kernel's.
    pub fn read() -> io::Result<Self> {
        let mut found = Vec::new();
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
            found.push(Interface {
                // An address may be labelled with an alias of the old kind, `eth0:1`.
                name: entry.interface_name,
                is_up: entry.flags.contains(InterfaceFlags::IFF_UP),
                address,
                local_network: mask.map(|m| m.ip()).filter(|_| is_loopback),
            });
        }
        Ok(Self(found))
    }

    /// The addresses that mail to other hosts may leave from: of interfaces that are up, neither loopback nor link-local.
    pub fn outward(&self) -> impl Iterator<Item = IpAddr> {
        let up = self.0.iter().filter(|i| i.is_up).map(|i| i.address);
        up.filter(|address| match address {
            IpAddr::V4(v4) => !v4.is_loopback() && !v4.is_link_local(),
            IpAddr::V6(v6) => !v6.is_loopback() && !v6.is_unicast_link_local(),
        })
    }

    /// The interface that has the address.
    pub fn with(&self, address: IpAddr) -> Option<&Interface> {
        let exactly = self.0.iter().find(|i| i.address == address);
        exactly.or_else(|| self.0.iter().find(|i| i.covers(address)))
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
    fn this_machine_has_a_loopback_address() {
        let interfaces = Interfaces::read().unwrap();
        assert!(interfaces.with(Ipv4Addr::LOCALHOST.into()).unwrap().is_up);
    }
}
