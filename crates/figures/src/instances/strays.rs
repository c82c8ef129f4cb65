//! Mail that leaves from another address than those that are set.

use std::net::IpAddr;

use postfix::config::{From, Outlet};

use super::Facts;

/// Mail of one client and address family that no set address holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stray {
    /// The client: its transport.
    pub service: String,
    /// The parameter to set: `smtp_bind_address6`.
    pub parameter: &'static str,
    /// What inet_protocols can be where the family is not needed: `ipv4`.
    pub protocols: Option<&'static str>,
    /// What happens, without the instance's name.
    pub found: String,
}

impl Facts {
    /// What leaves from the machine's own addresses, though the instance has some of its own, and what cannot leave
    /// since the parameter holds no address. Nothing where the instance has none at all: see [`Facts::senders`].
    pub fn strays(&self) -> Vec<Stray> {
        let has_any = !self.senders.is_empty();
        let each = |outlet: &Outlet| {
            let v4 = stray(self, outlet, &outlet.v4, false).filter(|_| has_any);
            let v6 = stray(self, outlet, &outlet.v6, true).filter(|_| has_any);
            [v4, v6].into_iter().flatten().collect::<Vec<_>>()
        };
        self.outlets.iter().flat_map(each).collect()
    }
}

fn stray(facts: &Facts, outlet: &Outlet, from: &From, is_v6: bool) -> Option<Stray> {
    let (parameter, family, other) = match is_v6 {
        true => ("smtp_bind_address6", "IPv6", "ipv4"),
        false => ("smtp_bind_address", "IPv4", "ipv6"),
    };
    let service = &outlet.service;
    let (found, protocols) = match from {
        From::Off | From::Address(_) => return None,
        From::Invalid(setting) => (
            format!(
                "{setting} is not an {family} address: the {service} client exits and its mail is deferred"
            ),
            None,
        ),
        From::System => {
            let own: Vec<String> = facts
                .system
                .iter()
                .filter(|ip| ip.is_ipv6() == is_v6)
                .map(IpAddr::to_string)
                .collect();
            let addresses = match own.as_slice() {
                [] => return None,
                [one] => one.clone(),
                [first, others @ ..] => format!("{first} or {} more", others.len()),
            };
            let is_only = outlet.addresses().next().is_none();
            let what = match is_only {
                true => format!(
                    "mail of the {service} client ({}) leaves from the host's own {addresses}",
                    outlet.led_by
                ),
                false => format!("mail over {family} leaves from the host's own {addresses}"),
            };
            (
                format!("{what}: {parameter} is not set"),
                (!is_only).then_some(other),
            )
        }
    };
    Some(Stray {
        service: service.clone(),
        parameter,
        protocols,
        found,
    })
}
