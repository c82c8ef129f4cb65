//! What main.cf and master.cf do with mail before any table of transport_maps is asked: filters, and other addresses
//! for recipients.

mod actions;

use std::collections::{BTreeMap, BTreeSet};

use postfix::Root;
use postfix::config::{Instance, MasterCf, Parameters, Service};
use transport::audit::{Action, Detours, Failed, Filter, Fits, PROBES, Readdressed};
use transport::{TableName, split_list};

use crate::postmap::{Postmap, name_here};

/// By what mail comes in, and content_filter is read (postconf(5)).
const ENTRIES: [&str; 3] = ["smtpd", "pickup", "qmqpd"];

/// Tables by which cleanup gives recipients other addresses, in its order, and the parameter that says whether it does
/// so for envelope recipients.
const ADDRESSES: [(&str, &str); 3] = [
    ("recipient_canonical_maps", ""),
    ("canonical_maps", "canonical_classes"),
    ("virtual_alias_maps", ""),
];

/// Tables whose answers may send mail elsewhere, or destroy it.
const CHECKS: [&str; 4] = [
    "header_checks",
    "mime_header_checks",
    "nested_header_checks",
    "body_checks",
];

/// What may take mail elsewhere, of which only it knows what it does: services, and tables that go by the sender.
const UNSEEN: [&str; 5] = [
    "smtpd_milters",
    "non_smtpd_milters",
    "smtpd_proxy_filter",
    "sender_dependent_default_transport_maps",
    "sender_dependent_relayhost_maps",
];

const RESTRICTIONS: [&str; 7] = [
    "smtpd_client_restrictions",
    "smtpd_helo_restrictions",
    "smtpd_sender_restrictions",
    "smtpd_relay_restrictions",
    "smtpd_recipient_restrictions",
    "smtpd_data_restrictions",
    "smtpd_end_of_data_restrictions",
];

/// Lines of a message such as any list's.
const ORDINARY: [&str; 4] = [
    "Subject: News of the week",
    "MIME-Version: 1.0",
    "Content-Type: text/plain",
    "Dear reader,",
];

/// What becomes of an instance's mail to `domains` before transport_maps is asked.
pub fn look_at(root: &Root, instance: &Instance, domains: &BTreeSet<String>) -> Detours {
    let services = instance.services(root).value;
    let entries: Vec<(String, Parameters)> = services
        .services()
        .iter()
        .filter(|service| ENTRIES.contains(&service.command.as_str()))
        .map(|service| (name_of(service), instance.parameters().of_service(service)))
        .collect();
    let mut look = Look {
        root,
        postmap: Postmap::new(root, instance),
        domains,
        known: BTreeMap::new(),
        found: Detours {
            filters: filters(&entries),
            ..Detours::default()
        },
    };
    let mut seen = BTreeSet::new();
    for (_, own) in &entries {
        let cleanup = cleanup(&services, instance, own);
        let options = own.list("receive_override_options");
        let is_off = |option: &str| options.iter().any(|own| own == option);
        if !is_off("no_address_mappings") {
            for (name, classes) in ADDRESSES {
                let set = cleanup.get(name);
                let counts = classes.is_empty()
                    || cleanup
                        .list(classes)
                        .iter()
                        .any(|class| class == "envelope_recipient");
                if counts && seen.insert((name, set.clone())) {
                    look.addresses(name, &set);
                }
            }
        }
        if !is_off("no_header_body_checks") {
            for name in CHECKS {
                let set = cleanup.get(name);
                // Those of parts of a message have header_checks' own tables, unless they are set.
                let is_header = name.ends_with("header_checks");
                let of = if is_header { CHECKS[0] } else { name };
                if seen.insert((of, set.clone())) {
                    look.checks(name, &set);
                }
            }
        }
        for name in UNSEEN {
            look.unseen(name, own.get(name).trim());
        }
        for name in RESTRICTIONS {
            let set = own.get(name);
            if seen.insert((name, set.clone())) {
                look.restrictions(name, &set);
            }
        }
    }
    let relocated = instance.get("relocated_maps");
    look.relocated(&relocated);
    look.found
}

/// `smtpd (smtp inet)`, `pickup`.
fn name_of(service: &Service) -> String {
    match service.command == service.name {
        true => service.name.clone(),
        false => format!(
            "{} ({} {})",
            service.command,
            service.name,
            service.kind.as_str()
        ),
    }
}

fn filters(entries: &[(String, Parameters)]) -> Vec<Filter> {
    let mut by_value: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, own) in entries {
        let filter = own.get("content_filter").trim().to_owned();
        by_value.entry(filter).or_default().push(name.clone());
    }
    let back = by_value.remove("").unwrap_or_default();
    let all = by_value.into_iter().map(|(to, of)| Filter {
        to,
        of,
        back: back.clone(),
    });
    all.collect()
}

/// The parameters of the cleanup that a service hands its mail to.
fn cleanup(services: &MasterCf, instance: &Instance, own: &Parameters) -> Parameters {
    let name = match own.get("cleanup_service_name") {
        name if name.is_empty() => "cleanup".to_owned(),
        name => name,
    };
    let mut all = services.running("cleanup");
    let found = all.find(|service| service.name == name);
    found.map_or_else(
        || instance.parameters().clone(),
        |service| instance.parameters().of_service(service),
    )
}

/// What a table answers to which keys.
type Answers = Result<BTreeMap<String, String>, Failed>;

struct Look<'a> {
    root: &'a Root,
    postmap: Postmap,
    domains: &'a BTreeSet<String>,
    known: BTreeMap<String, Answers>,
    found: Detours,
}

impl Look<'_> {
    /// What a table answers to these keys; nothing where it cannot be asked, which is noted.
    fn ask(
        &mut self,
        by: &str,
        table: &TableName,
        keys: &BTreeSet<String>,
    ) -> BTreeMap<String, String> {
        let key = format!("{by} {table}");
        let answers = self.known.entry(key).or_insert_with(|| {
            let here = name_here(self.root, table);
            let answers = self.postmap.answers(&here, keys);
            answers.map(|(answers, _)| answers.into_iter().collect())
        });
        match answers {
            Ok(answers) => answers.clone(),
            Err(why) => {
                let failed = (format!("{by} {table}"), why.clone());
                if !self.found.failed.contains(&failed) {
                    self.found.failed.push(failed);
                }
                BTreeMap::new()
            }
        }
    }

    /// Of one list of tables, the first that has the whole address, and then the first that has `@DOMAIN`, decides
    /// (Postfix `src/global/mail_addr_find.c`). Patterns are asked for whole addresses alone.
    fn addresses(&mut self, name: &str, set: &str) {
        let tables: Vec<TableName> = split_list(set)
            .into_iter()
            .filter_map(TableName::parse)
            .collect();
        let domains = self.domains;
        let whole = |domain: &str| PROBES.map(|probe| format!("{probe}@{domain}"));
        let keys: BTreeSet<String> = domains
            .iter()
            .flat_map(|domain| whole(domain).into_iter().chain([format!("@{domain}")]))
            .collect();
        let mut all = Vec::new();
        for table in tables {
            let by = format!("{name} {table}");
            let answers = self.ask(name, &table, &keys);
            self.single(&by, &table, &keys);
            all.push((by, table.is_pattern(), answers));
        }
        for domain in domains {
            let of_whole = whole(domain).into_iter().find_map(|key| {
                let mut asked = all.iter();
                asked.find_map(|(by, _, answers)| Some((by, answers.get(&key)?, key.clone())))
            });
            let of_domain = || {
                let key = format!("@{domain}");
                let mut asked = all.iter().filter(|(_, is_pattern, _)| !is_pattern);
                asked.find_map(|(by, _, answers)| Some((by, answers.get(&key)?, key.clone())))
            };
            let Some((by, to, key)) = of_whole.or_else(of_domain) else {
                continue;
            };
            // To the same domain is where the map is asked for.
            let is_same = *to == key || *to == format!("@{domain}");
            if !is_same {
                self.found.readdressed.push(Readdressed {
                    by: by.clone(),
                    from: format!("@{domain}"),
                    to: to.clone(),
                });
            }
        }
    }

    /// Domains of which a table says that all recipients have moved: trivial-rewrite asks it as others for addresses,
    /// and the mail bounces (relocated(5)).
    fn relocated(&mut self, set: &str) {
        let by_domain = self.domains.iter().flat_map(|domain| {
            let whole = format!("{}@{domain}", PROBES[0]);
            [whole, format!("@{domain}")].map(|key| (key, domain.clone()))
        });
        let by_domain: BTreeMap<String, String> = by_domain.collect();
        let keys = by_domain.keys().cloned().collect();
        for table in split_list(set).into_iter().filter_map(TableName::parse) {
            let mut answers = self.ask("relocated_maps", &table, &keys);
            answers.retain(|key, _| !table.is_pattern() || !key.starts_with('@'));
            let domains = answers.keys().filter_map(|key| by_domain.get(key));
            let domains: BTreeSet<&String> = domains.collect();
            self.found
                .actions
                .extend(domains.into_iter().map(|domain| Action {
                    by: format!("relocated_maps {table}"),
                    what: "5.1.6 (moved)".to_owned(),
                    of: Fits::Domain(domain.clone()),
                }));
        }
    }

    /// Notes what cannot be looked at.
    fn unseen(&mut self, name: &str, value: &str) {
        let what = format!("{name} = {value}");
        if !value.is_empty() && !self.found.unseen.contains(&what) {
            self.found.unseen.push(what);
        }
    }

    /// A table was asked for what can be guessed, and its own keys cannot be listed.
    fn unlisted(&mut self, by: &str) {
        let is_known = self.found.failed.iter().any(|(failed, _)| failed == by);
        if !is_known && !self.found.unlisted.iter().any(|other| other == by) {
            self.found.unlisted.push(by.to_owned());
        }
    }

    /// Recipients that a table lists one by one.
    fn single(&mut self, by: &str, table: &TableName, asked: &BTreeSet<String>) {
        let here = name_here(self.root, table);
        if here.source().is_none() {
            return;
        }
        let Ok(entries) = self.postmap.entries(&here) else {
            return self.unlisted(by);
        };
        for (from, to) in entries {
            let Some((local, domain)) = from.rsplit_once('@') else {
                continue;
            };
            let is_known = self.domains.contains(domain);
            if is_known && !local.is_empty() && !asked.contains(&from) && from != to {
                let by = by.to_owned();
                self.found.readdressed.push(Readdressed { by, from, to });
            }
        }
    }

    fn checks(&mut self, name: &str, set: &str) {
        let to = |domain: &String| (format!("To: {}@{domain}", PROBES[0]), domain.clone());
        let by_domain: BTreeMap<String, String> = self.domains.iter().map(to).collect();
        for table in split_list(set).into_iter().filter_map(TableName::parse) {
            self.actions(name, &table, &by_domain, &ORDINARY);
        }
    }

    fn restrictions(&mut self, name: &str, set: &str) {
        let words = split_list(set);
        let by_domain: BTreeMap<String, String> = self
            .domains
            .iter()
            .flat_map(|domain| {
                let whole = format!("{}@{domain}", PROBES[0]);
                [(whole, domain.clone()), (domain.clone(), domain.clone())]
            })
            .collect();
        let pairs = words.iter().zip(words.iter().skip(1));
        for (word, server) in pairs.clone() {
            if *word == "check_policy_service" {
                self.unseen(word, server);
            }
        }
        for (word, table) in
            pairs.filter(|(word, _)| word.starts_with("check_") && word.ends_with("_access"))
        {
            let Some(table) = TableName::parse(table) else {
                continue;
            };
            let name = format!("{name}: {word}");
            match *word {
                "check_recipient_access" => self.actions(&name, &table, &by_domain, &[]),
                // By whatever it is asked for, a table that answers to any key answers to this one.
                _ => self.actions(&name, &table, &BTreeMap::new(), &["relay-tools.invalid"]),
            }
        }
    }
}
