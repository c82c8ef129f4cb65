//! Asks servers, one after the other, and remembers what they said.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use domain::base::name::ToName as _;

use crate::answer::{Answer, Data, Failure, Lookup};
use crate::exchange::exchange;
use crate::wire::{MAX_ALIASES, Manner, Query, ReplyContent};
use crate::{Name, Rtype};

/// How long a [`Resolver`] takes at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For one try at one server.
    pub per_try: Duration,
    /// How often each server is tried for one question.
    pub rounds: u32,
    /// For all questions together, from the making of the resolver on.
    pub total: Duration,
}

impl Default for Limits {
    /// Two tries of two seconds a server, ten seconds in all.
    fn default() -> Self {
        Self {
            per_try: Duration::from_secs(2),
            rounds: 2,
            total: Duration::from_secs(10),
        }
    }
}

/// As many of a zone's own servers as are asked in turn.
const MAX_AUTHORITIES: usize = 6;

type SharedAnswer = Arc<OnceLock<Result<Arc<Answer>, Failure>>>;

/// Asks recursive resolvers, and for whole times to live the zones' own servers. Threads share it: a question that one
/// of them asks is asked for all.
#[derive(Debug)]
pub struct Resolver {
    servers: Vec<SocketAddr>,
    limits: Limits,
    deadline: Instant,
    asked: Mutex<HashMap<(Name, Rtype, bool), SharedAnswer>>,
}

impl Resolver {
    /// A resolver that asks `servers`, the first of them first. Its time begins now.
    pub fn new(servers: Vec<SocketAddr>, limits: Limits) -> Self {
        Self {
            servers,
            limits,
            deadline: Instant::now() + limits.total,
            asked: Mutex::default(),
        }
    }

    /// Asks once for all threads.
    fn once(
        &self,
        key: (Name, Rtype, bool),
        ask: impl FnOnce() -> Result<Arc<Answer>, Failure>,
    ) -> Result<Arc<Answer>, Failure> {
        let slot = {
            let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(asked.entry(key).or_default())
        };
        slot.get_or_init(ask).clone()
    }

    /// Follows CNAME records that the servers leave to us.
    fn follow(
        &self,
        name: &Name,
        mut said: impl FnMut(&Name) -> Result<ReplyContent, Failure>,
    ) -> Result<Arc<Answer>, Failure> {
        let mut owner = name.clone();
        let mut ttl = u32::MAX;
        for _ in 0..=MAX_ALIASES {
            match said(&owner)? {
                ReplyContent::Answer(mut answer) => {
                    for record in &mut answer.records {
                        record.ttl = record.ttl.min(ttl);
                    }
                    if owner != *name {
                        answer.alias.get_or_insert(owner);
                    }
                    return Ok(Arc::new(answer));
                }
                ReplyContent::Alias(next, alias_ttl) => {
                    owner = next;
                    ttl = ttl.min(alias_ttl);
                }
            }
        }
        Err(Failure::TooManyAliases)
    }

    /// Asks servers in turn, round after round, until one of them has an answer that is one.
    fn try_all(
        &self,
        servers: &[SocketAddr],
        question: (&Name, Rtype),
        recursion: bool,
        accept: impl Fn(&ReplyContent) -> bool,
    ) -> Result<ReplyContent, Failure> {
        let mut failure = Failure::OutOfTime;
        // A server that has refused once would refuse again.
        let mut open: Vec<SocketAddr> = servers.to_vec();
        for _ in 0..self.limits.rounds {
            let mut silent = Vec::new();
            for &server in &open {
                if Instant::now() >= self.deadline {
                    return Err(failure);
                }
                match self.try_one(server, question, recursion) {
                    Ok(said) if accept(&said) => return Ok(said),
                    Ok(_) => failure = Failure::NoAuthority,
                    Err(Failure::Timeout) => {
                        silent.push(server);
                        // What one server said matters more than that another said nothing.
                        if failure == Failure::OutOfTime {
                            failure = Failure::Timeout;
                        }
                    }
                    Err(other) => failure = other,
                }
            }
            open = silent;
        }
        Err(failure)
    }

    fn try_one(
        &self,
        server: SocketAddr,
        (name, rtype): (&Name, Rtype),
        recursion: bool,
    ) -> Result<ReplyContent, Failure> {
        let until = (Instant::now() + self.limits.per_try).min(self.deadline);
        let mut manner = Manner {
            recursion,
            edns: true,
        };
        let mut reply = exchange(server, &Query::new(name, rtype, manner)?, until)?;
        if reply.is_not_understood() {
            manner.edns = false;
            reply = exchange(server, &Query::new(name, rtype, manner)?, until)?;
        }
        reply.read(name, rtype)
    }

    /// The addresses of the servers of the zone that `name` is in.
    fn authorities(&self, name: &Name) -> Result<Vec<SocketAddr>, Failure> {
        for zone in name.iter_suffixes().map(|suffix| suffix.to_name()) {
            let zone: Name = zone;
            let answer = self.ask(&zone, Rtype::NS)?;
            if answer.alias.is_some() || answer.records.is_empty() {
                continue;
            }
            let mut found = Vec::new();
            let mut failure = Failure::NoAuthority;
            for record in &answer.records {
                let Data::Ns(server) = &record.data else {
                    continue;
                };
                for rtype in [Rtype::A, Rtype::AAAA] {
                    match self.ask(server, rtype) {
                        Ok(answer) => {
                            found.extend(answer.addresses().map(|ip| SocketAddr::new(ip, 53)));
                        }
                        Err(why) => failure = why,
                    }
                }
                if found.len() >= MAX_AUTHORITIES {
                    found.truncate(MAX_AUTHORITIES);
                    break;
                }
            }
            return if found.is_empty() {
                Err(failure)
            } else {
                Ok(found)
            };
        }
        Err(Failure::NoAuthority)
    }
}

impl Lookup for Resolver {
    fn ask(&self, name: &Name, rtype: Rtype) -> Result<Arc<Answer>, Failure> {
        self.once((name.clone(), rtype, false), || {
            self.follow(name, |owner| {
                self.try_all(&self.servers, (owner, rtype), true, |_| true)
            })
        })
    }

    fn ask_authority(&self, name: &Name, rtype: Rtype) -> Result<Arc<Answer>, Failure> {
        let answer = self.ask(name, rtype)?;
        if answer.authoritative {
            return Ok(answer);
        }
        self.once((name.clone(), rtype, true), || {
            self.follow(name, |owner| {
                let servers = self.authorities(owner)?;
                let is_authoritative = |said: &ReplyContent| match said {
                    ReplyContent::Answer(answer) => answer.authoritative,
                    ReplyContent::Alias(..) => true,
                };
                self.try_all(&servers, (owner, rtype), false, is_authoritative)
            })
        })
    }
}
