//! Questions and answers as bytes.

use domain::base::iana::Rcode;
use domain::base::name::{ParsedName, ToName as _};
use domain::base::record::ParsedRecord;
use domain::base::{Message, MessageBuilder, Rtype};
use domain::rdata::{A, Aaaa, Cname, Mx, Ns, Ptr, Srv, Txt};

use crate::{Answer, Data, Failure, Name, Record};

/// The largest answer that we take over UDP: it fits one packet on any path (DNS flag day 2020).
pub(crate) const UDP_SIZE: u16 = 1232;

/// As many CNAME records in a row as are followed.
pub(crate) const MAX_ALIASES: usize = 8;

/// A question, ready to be sent.
#[derive(Debug)]
pub(crate) struct Query(Message<Vec<u8>>);

/// How a question is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Manner {
    /// The server may ask others.
    pub(crate) recursion: bool,
    /// Answers over 512 bytes may come over UDP. Some old servers know nothing of it.
    pub(crate) edns: bool,
}

impl Query {
    /// A question with a random id. Fails only where memory does.
    pub(crate) fn new(name: &Name, rtype: Rtype, manner: Manner) -> Result<Self, Failure> {
        let mut builder = MessageBuilder::new_vec();
        builder.header_mut().set_random_id();
        builder.header_mut().set_rd(manner.recursion);
        let mut builder = builder.question();
        builder
            .push((name, rtype))
            .map_err(|_| Failure::Malformed)?;
        let mut builder = builder.additional();
        if manner.edns {
            builder
                .opt(|opt| {
                    opt.set_udp_payload_size(UDP_SIZE);
                    Ok(())
                })
                .map_err(|_| Failure::Malformed)?;
        }
        Ok(Self(builder.into_message()))
    }

    /// The bytes to send.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// Is this the answer to it? Anybody may send us packets.
    pub(crate) fn reply(&self, bytes: &[u8]) -> Option<Reply> {
        let message = Message::from_octets(bytes.to_vec()).ok()?;
        // An old server may leave out the question where it complains.
        let bare = message.header_counts().qdcount() == 0
            && message.header().qr()
            && message.header().rcode() == Rcode::FORMERR
            && message.header().id() == self.0.header().id();
        (bare || message.is_answer(&self.0)).then_some(Reply(message))
    }
}

/// An answer to a [`Query`], not yet read.
#[derive(Debug)]
pub(crate) struct Reply(Message<Vec<u8>>);

/// What a reply comes to.
#[derive(Debug)]
pub(crate) enum ReplyContent {
    /// An answer.
    Answer(Answer),
    /// CNAME records that lead to this name, of which the server said nothing; and the smallest of their times to live.
    Alias(Name, u32),
}

impl Reply {
    /// Has it been cut short, to be asked for again over TCP?
    pub(crate) fn is_truncated(&self) -> bool {
        self.0.header().tc()
    }

    /// Does the server not understand the question, perhaps for its EDNS record?
    pub(crate) fn is_not_understood(&self) -> bool {
        matches!(self.0.header().rcode(), Rcode::FORMERR | Rcode::NOTIMP)
    }

    /// Reads the records that answer the question.
    pub(crate) fn read(&self, name: &Name, rtype: Rtype) -> Result<ReplyContent, Failure> {
        let rcode = self.0.header().rcode();
        let no_such_name = rcode == Rcode::NXDOMAIN;
        if rcode != Rcode::NOERROR && !no_such_name {
            return Err(Failure::Refused(rcode.to_string()));
        }
        let records: Vec<ParsedRecord<'_, Vec<u8>>> = self
            .0
            .answer()
            .and_then(Iterator::collect)
            .map_err(|_| Failure::Malformed)?;
        let mut owner = name.clone();
        let mut alias_ttl = u32::MAX;
        // The records may come in any order (RFC 1034, section 3.7): the chain is looked for from its beginning.
        for _ in 0..=MAX_ALIASES {
            let own: Vec<&ParsedRecord<'_, Vec<u8>>> = records
                .iter()
                .filter(|record| record.owner().name_eq(&owner))
                .collect();
            let mut found = Vec::new();
            for record in own.iter().filter(|record| record.rtype() == rtype) {
                let ttl = record.ttl().as_secs().min(alias_ttl);
                if let Some(data) = data(record)? {
                    found.push(Record { ttl, data });
                }
            }
            let next = own.iter().find(|record| record.rtype() == Rtype::CNAME);
            let (true, Some(next)) = (found.is_empty(), next) else {
                let answer = Answer {
                    records: found,
                    no_such_name,
                    alias: (owner != *name).then(|| owner.clone()),
                    authoritative: self.0.header().aa(),
                };
                let left_open = answer.records.is_empty() && answer.alias.is_some();
                return Ok(if left_open && !no_such_name && !self.denies() {
                    ReplyContent::Alias(owner, alias_ttl)
                } else {
                    ReplyContent::Answer(answer)
                });
            };
            alias_ttl = alias_ttl.min(next.ttl().as_secs());
            let cname = next
                .to_record::<Cname<ParsedName<_>>>()
                .map_err(|_| Failure::Malformed)?
                .ok_or(Failure::Malformed)?;
            owner = cname.data().cname().to_name();
        }
        Err(Failure::TooManyAliases)
    }

    /// Does the authority section have the SOA record that says "no such record" (RFC 2308)?
    fn denies(&self) -> bool {
        let authority = self.0.authority();
        authority.is_ok_and(|records| {
            records
                .filter_map(Result::ok)
                .any(|record| record.rtype() == Rtype::SOA)
        })
    }
}

/// What a record says; `None` if it is of a type that is not asked for here.
fn data(record: &ParsedRecord<'_, Vec<u8>>) -> Result<Option<Data>, Failure> {
    macro_rules! parse {
        ($type:ty, $take:expr) => {
            record
                .to_record::<$type>()
                .map_err(|_| Failure::Malformed)?
                .map(|record| $take(record.data()))
        };
    }
    Ok(match record.rtype() {
        Rtype::A => parse!(A, |data: &A| Data::A(data.addr())),
        Rtype::AAAA => parse!(Aaaa, |data: &Aaaa| Data::Aaaa(data.addr())),
        Rtype::PTR => parse!(Ptr<ParsedName<_>>, |data: &Ptr<ParsedName<&[u8]>>| {
            Data::Ptr(data.ptrdname().to_name())
        }),
        Rtype::NS => parse!(Ns<ParsedName<_>>, |data: &Ns<ParsedName<&[u8]>>| {
            Data::Ns(data.nsdname().to_name())
        }),
        Rtype::MX => parse!(Mx<ParsedName<_>>, |data: &Mx<ParsedName<&[u8]>>| {
            Data::Mx(data.preference(), data.exchange().to_name())
        }),
        Rtype::SRV => parse!(Srv<ParsedName<_>>, |data: &Srv<ParsedName<&[u8]>>| {
            Data::Srv {
                priority: data.priority(),
                weight: data.weight(),
                port: data.port(),
                host: data.target().to_name(),
            }
        }),
        Rtype::TXT => parse!(Txt<_>, |data: &Txt<&[u8]>| Data::Txt(
            data.iter().flatten().copied().collect()
        )),
        _ => None,
    })
}
