//! Answers as bytes, whole and damaged.

use proptest::prelude::*;

use crate::spf::check_host;
use crate::wire::{Manner, Query, ReplyContent};
use crate::{Answer, Data, Failure, Lookup, Name, Record, Rtype, name};
use std::sync::Arc;

const MANNER: Manner = Manner {
    recursion: true,
    edns: false,
};

/// A question for the A record of a.example, and an answer made by hand (RFC 1035, section 4.1): an alias of b.example,
/// which may be kept for 60 seconds and is 192.0.2.1. `more` follows.
fn asked(more: &[u8]) -> (Query, Vec<u8>) {
    let query = Query::new(&name("a.example").unwrap(), Rtype::A, MANNER).unwrap();
    let mut answer = query.bytes().to_vec();
    answer[2] |= 0x84;
    answer[7] = 2;
    // a.example at offset 12 (0xc00c), its example at 14 (0xc00e); type CNAME, class IN, TTL 60, 4 bytes: b and a
    // pointer.
    answer.extend_from_slice(b"\xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x04\x01b\xc0\x0e");
    // The b.example of those four bytes is at offset 39 (0xc027); type A, TTL 86400.
    answer.extend_from_slice(b"\xc0\x27\0\x01\0\x01\0\x01\x51\x80\0\x04\xc0\0\x02\x01");
    answer.extend_from_slice(more);
    (query, answer)
}

#[test]
fn an_alias_is_followed_within_the_answer() {
    let (query, answer) = asked(b"");
    let reply = query.reply(&answer).unwrap();
    let Ok(ReplyContent::Answer(answer)) = reply.read(&name("a.example").unwrap(), Rtype::A) else {
        panic!("no answer");
    };
    assert_eq!(
        answer,
        Answer {
            records: vec![Record {
                ttl: 60,
                data: Data::A([192, 0, 2, 1].into()),
            }],
            no_such_name: false,
            alias: name("b.example"),
            authoritative: true,
        }
    );
}

#[test]
fn what_answers_another_question_is_no_answer() {
    let check = |change: &dyn Fn(&mut Vec<u8>)| {
        let (query, mut answer) = asked(b"");
        change(&mut answer);
        assert!(query.reply(&answer).is_none());
    };
    check(&|answer| answer[0] ^= 1);
    check(&|answer| answer[2] &= 0x7f);
    check(&|answer| answer[13] = b'x');
    check(&|answer| answer[24] = 28);
    check(&|answer| answer.truncate(11));
    check(&Vec::clear);
}

/// Every name has this text.
struct Everywhere(Vec<u8>);

impl Lookup for Everywhere {
    fn ask(&self, _: &Name, rtype: Rtype) -> Result<Arc<Answer>, Failure> {
        let data = Data::Txt(self.0.clone());
        let is_text = rtype == Rtype::TXT;
        Ok(Arc::new(Answer {
            records: is_text
                .then_some(Record { ttl: 1, data })
                .into_iter()
                .collect(),
            ..Answer::default()
        }))
    }

    fn ask_authority(&self, name: &Name, rtype: Rtype) -> Result<Arc<Answer>, Failure> {
        self.ask(name, rtype)
    }
}

proptest! {
    #[test]
    fn damage_is_borne(at in 2_usize..80, byte in any::<u8>(), length in 12_usize..80, more in any::<Vec<u8>>()) {
        let (query, mut answer) = asked(&more);
        if let Some(place) = answer.get_mut(at) {
            *place = byte;
        }
        answer.truncate(length.max(at));
        if let Some(reply) = query.reply(&answer) {
            for rtype in [Rtype::A, Rtype::TXT, Rtype::MX, Rtype::NS, Rtype::PTR] {
                drop(reply.read(&name("a.example").unwrap(), rtype));
            }
        }
    }

    #[test]
    fn any_text_may_be_an_spf_record(text in "[ -~\u{202e}]{0,60}", bytes in any::<Vec<u8>>()) {
        for text in [text.into_bytes(), bytes] {
            let record = [b"v=spf1 ", text.as_slice()].concat();
            let domain = name("d.example").unwrap();
            let ip = [192, 0, 2, 1].into();
            drop(check_host(&Everywhere(record), ip, ("postmaster", &domain), "h.example"));
        }
    }

    #[test]
    fn any_spf_term_may_be_there(
        terms in prop::collection::vec(
            "[+~?-]?(a|mx|ptr|exists|include|redirect=|ip4|ip6|x=)[:/]{0,2}(%\\{[a-z][0-9]{0,2}r?[.-]?\\}|[a-z.]{0,9}|[0-9./:]{0,9})",
            0..8,
        ),
    ) {
        let record = format!("v=spf1 {}", terms.join(" "));
        let domain = name("d.example").unwrap();
        let lookup = Everywhere(record.into_bytes());
        let verdict = check_host(&lookup, [192, 0, 2, 1].into(), ("postmaster", &domain), "h.example");
        prop_assert!(verdict.lookups <= crate::spf::MAX_LOOKUPS);
    }
}
