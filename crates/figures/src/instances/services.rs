//! What master.cf adds: what an instance listens on, and what holds its SMTP clients back.

use postfix::config::{Instance, MasterCf, ServiceType};

/// Where an instance listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// The address or host, as configured; `*` for all of the machine's.
    pub host: String,
    /// The port, as configured: a number or a name of services(5).
    pub port: String,
    /// The program that answers.
    pub command: String,
}

/// What holds an SMTP client back. The values are as Postfix has them, with its defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimits {
    /// The transport: the service's name in master.cf.
    pub transport: String,
    /// TRANSPORT_destination_concurrency_limit: connections to one destination at a time.
    pub concurrency: String,
    /// TRANSPORT_destination_recipient_limit: recipients of one delivery.
    pub recipients: String,
    /// TRANSPORT_destination_rate_delay: time between two deliveries to one destination; `0s` for none.
    pub rate_delay: String,
    /// TRANSPORT_transport_rate_delay: time between any two deliveries; `0s` for none.
    pub transport_rate_delay: String,
    /// As many processes as may run at a time: master.cf's, or default_process_limit. `0` for any number.
    pub processes: String,
}

impl RateLimits {
    /// Are they the same apart from the transport?
    pub fn is_like(&self, other: &Self) -> bool {
        Self {
            transport: String::new(),
            ..self.clone()
        } == Self {
            transport: String::new(),
            ..other.clone()
        }
    }
}

pub(super) fn listens(instance: &Instance, services: &MasterCf) -> Vec<Listen> {
    let own: Vec<String> = instance
        .parameters()
        .list("inet_interfaces")
        .into_iter()
        .map(|host| match host.as_str() {
            "all" => "*".to_owned(),
            "loopback-only" => "localhost".to_owned(),
            _ => host,
        })
        .collect();
    let mut found = Vec::new();
    for service in services.services() {
        let Some((host, port)) = service.listens_on() else {
            continue;
        };
        let hosts = host.map_or_else(|| own.clone(), |host| vec![host.to_owned()]);
        found.extend(hosts.into_iter().map(|host| Listen {
            host,
            port: port.to_owned(),
            command: service.command.clone(),
        }));
    }
    found
}

pub(super) fn rate_limits(instance: &Instance, services: &MasterCf) -> Vec<RateLimits> {
    let clients = services
        .running("smtp")
        .filter(|service| service.kind == ServiceType::Unix);
    let limits = clients.map(|service| {
        let name = &service.name;
        let of = |limit: &str| instance.get(&format!("{name}_{limit}"));
        RateLimits {
            transport: name.clone(),
            concurrency: of("destination_concurrency_limit"),
            recipients: of("destination_recipient_limit"),
            rate_delay: of("destination_rate_delay"),
            transport_rate_delay: of("transport_rate_delay"),
            processes: service.process_limit.map_or_else(
                || instance.get("default_process_limit"),
                |limit| limit.to_string(),
            ),
        }
    });
    limits.collect()
}
