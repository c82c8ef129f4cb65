//! An instance made up in memory, for the tests of this crate and of those that show instances.

use std::path::PathBuf;

use super::{AddressPlace, Directory, DirectoryState, Facts, Running, Sender};

fn directory(path: String) -> Directory {
    Directory {
        path: PathBuf::from(&path),
        resolved: PathBuf::from(path),
        identity: None,
        state: DirectoryState::Ok,
    }
}

/// An instance that is enabled, runs, and has nothing wrong.
pub fn right(name: &str, address: &str) -> Facts {
    Facts {
        name: name.to_owned(),
        group: Some("relay".to_owned()),
        is_enabled: true,
        running: Running::Yes {
            since: postfix::Time::from_seconds(1_790_000_000),
            pid: Some(812),
        },
        refused: None,
        senders: vec![Sender {
            address: address.parse().unwrap(),
            place: AddressPlace::Interface {
                name: "eth0".to_owned(),
                is_up: true,
            },
            dns: Vec::new(),
        }],
        outlets: Vec::new(),
        system: Vec::new(),
        helo_name: format!("{name}.smtp.example.org"),
        mydomain: "smtp.example.org".to_owned(),
        config_directory: PathBuf::from(format!("/etc/{name}")),
        queue: directory(format!("/var/spool/{name}")),
        data: directory(format!("/var/lib/{name}")),
        mail_owner: "postfix".to_owned(),
        syslog_name: name.to_owned(),
        maillog_file: None,
        troubles: Vec::new(),
        listens: Vec::new(),
        rate_limits: Vec::new(),
        pickup: Some(true),
    }
}
