//! What holds an instance back now, as its queue manager reads it.

use postfix::config::{Instance, MasterCf, ServiceType};

/// A parameter, and what Postfix reads in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// Its name.
    pub name: String,
    /// As it is written, expanded.
    pub text: String,
    /// Seconds, or a number; absent where Postfix would refuse to run.
    pub value: Option<u64>,
}

impl Value {
    fn seconds(instance: &Instance, name: String) -> Self {
        let value = instance.parameters().seconds(&name);
        Self::new(instance, name, value)
    }

    fn number(instance: &Instance, name: String) -> Self {
        let value = instance.parameters().int(&name);
        let value = value.and_then(|value| u64::try_from(value).ok());
        Self::new(instance, name, value)
    }

    fn new(instance: &Instance, name: String, value: Option<u64>) -> Self {
        Self {
            text: instance.get(&name),
            name,
            value,
        }
    }

    /// Is it a number above 0?
    pub fn is_set(&self) -> bool {
        self.value.is_some_and(|value| value > 0)
    }
}

/// The limits of the transport that an instance's mail leaves by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// default_transport, without a next hop: `smtp`.
    pub transport: String,
    /// Does master.cf run an SMTP client under that name? Absent if it could not be read.
    pub is_client: Option<bool>,
    /// TRANSPORT_transport_rate_delay: between any two deliveries.
    pub transport_delay: Value,
    /// TRANSPORT_destination_rate_delay: between two deliveries to one destination.
    pub destination_delay: Value,
    /// TRANSPORT_destination_concurrency_limit; 0 is no limit. A destination_delay makes it 1 (`qmgr_transport.c`,
    /// qmgr_transport_create), and a transport_delay lets one delivery end before the next begins
    /// (qmgr_transport_alloc).
    pub concurrency: Value,
    /// TRANSPORT_destination_recipient_limit.
    pub recipients: Value,
    /// TRANSPORT_destination_concurrency_failed_cohort_limit; 0 turns it off.
    pub cohort: Value,
    /// The most processes of the transport at a time; 0 is no limit.
    pub processes: Option<u64>,
    /// smtpd_client_recipient_rate_limit: recipients that are taken from each sending host; 0 is no limit.
    pub taken: Value,
    /// anvil_rate_time_unit: in how many seconds.
    pub taken_in: Value,
    /// Other SMTP clients of master.cf for which no delay is set.
    pub unheld: Vec<String>,
}

impl Limits {
    /// Those of an instance. `services` is what its master.cf lists: nothing if it could not be read.
    pub fn of(instance: &Instance, services: &MasterCf) -> Self {
        let services = Some(services).filter(|all| !all.services().is_empty());
        let default = instance.get("default_transport");
        let transport = default.split(':').next().unwrap_or_default().trim();
        let transport = transport.to_owned();
        let name = |suffix: &str| format!("{transport}_{suffix}");
        let clients: Vec<_> = services
            .map(|all| {
                let clients = all.running("smtp");
                clients.filter(|s| s.kind == ServiceType::Unix).collect()
            })
            .unwrap_or_default();
        let own = clients.iter().find(|service| service.name == transport);
        let processes = own.map(|service| match service.process_limit {
            Some(limit) => Some(u64::from(limit)),
            None => Value::number(instance, "default_process_limit".to_owned()).value,
        });
        let is_held = |name: &str| {
            ["transport_rate_delay", "destination_rate_delay"]
                .iter()
                .any(|suffix| Value::seconds(instance, format!("{name}_{suffix}")).is_set())
        };
        let others = clients.iter().map(|service| service.name.clone());
        Self {
            is_client: services.map(|_| own.is_some()),
            transport_delay: Value::seconds(instance, name("transport_rate_delay")),
            destination_delay: Value::seconds(instance, name("destination_rate_delay")),
            concurrency: Value::number(instance, name("destination_concurrency_limit")),
            recipients: Value::number(instance, name("destination_recipient_limit")),
            cohort: Value::number(
                instance,
                name("destination_concurrency_failed_cohort_limit"),
            ),
            processes: processes.flatten(),
            taken: Value::number(instance, "smtpd_client_recipient_rate_limit".to_owned()),
            taken_in: Value::seconds(instance, "anvil_rate_time_unit".to_owned()),
            unheld: others
                .filter(|name| *name != transport && !is_held(name))
                .collect(),
            transport,
        }
    }

    /// Is there a delay between deliveries?
    pub fn has_delay(&self) -> bool {
        self.transport_delay.is_set() || self.destination_delay.is_set()
    }

    /// Do deliveries to one destination go one at a time? A delay makes them.
    pub fn is_single(&self) -> bool {
        self.has_delay() || self.concurrency.value == Some(1)
    }
}
