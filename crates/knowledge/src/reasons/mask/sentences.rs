//! Where a sentence of advice ends, and what is said behind it begins.
//!
//! Case says nothing here (a server may shout), and a reply's line may end anywhere. So a full stop ends a sentence;
//! a line's end, a link, a `:` or a `?` (which may be a letter, too) does where the advice is complete and what follows
//! begins like a sentence of its own. What is taken for advice that is none hides what a server judged; what is taken
//! for a judgement that is none pages an admin: in doubt, advice goes on.

/// Stands for the end of a reply's line, until advice is out.
pub(super) const LINE: char = LINE_END as char;

/// The same as a byte.
pub(in super::super) const LINE_END: u8 = b'\n';

/// Marks that end a sentence wherever they stand.
const ENDS: [char; 6] = [';', '。', '！', '？', '；', '؟'];

/// Words that end with a full stop and no sentence with them.
const ABBREVIATED: [&str; 7] = ["e.g", "i.e", "z.b", "bzw", "p.ex", "ex", "vs"];

/// What a link or an address is in the text that rules see.
const PLACES: [&str; 4] = ["~link~", "~address~", "~host~", "~blocklist~"];

/// The length of the sentence that `text` begins with, without the mark that ends it.
pub(super) fn sentence_len(text: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        let rest = &text[at + c.len_utf8()..];
        let is_followed = rest.is_empty() || rest.starts_with([' ', LINE]);
        let is_end = match c {
            '(' => {
                depth += 1;
                false
            }
            ')' if depth > 0 => {
                depth -= 1;
                false
            }
            ')' => true,
            '.' => is_followed && !ABBREVIATED.contains(&last_word(&text[..at])),
            '!' => is_followed,
            ' ' | LINE => {
                depth == 0
                    && (c == LINE || may_end(&text[..at], rest))
                    && is_complete(&text[..at])
                    && begins_sentence(rest)
            }
            c => ENDS.contains(&c),
        };
        if is_end {
            return at;
        }
    }
    text.len()
}

/// Where the sentence begins that `text` ends within.
pub(super) fn sentence_start(text: &str) -> usize {
    let mut ends = text.char_indices().filter(|(at, c)| {
        let before = &text[..*at];
        let rest = &text[at + c.len_utf8()..];
        match c {
            '.' | '!' => rest.starts_with([' ', LINE]),
            &LINE => {
                before.ends_with(['た', 'す', 'い', 'ん', '다', '요', '오', '.', '!', '?', '~'])
            }
            c => ENDS.contains(c),
        }
    });
    ends.next_back().map_or(0, |(at, c)| at + c.len_utf8())
}

/// Does what stands around a blank let a sentence end there?
fn may_end(before: &str, after: &str) -> bool {
    let place = before.trim_end_matches(['"', '\'', '>', ')', ']']);
    before.ends_with(['?', ':', '|', '*'])
        || PLACES.iter().any(|word| place.ends_with(word))
        || ["- ", "-- ", "| ", "* "]
            .iter()
            .any(|dash| after.starts_with(dash))
}

fn words(text: &str) -> impl DoubleEndedIterator<Item = &str> {
    let plain = text.split([' ', LINE]).map(|word| {
        word.trim_matches(|c: char| c.is_ascii_punctuation() && !matches!(c, '~' | '?'))
    });
    plain.filter(|word| !word.is_empty())
}

fn last_word(text: &str) -> &str {
    let word = text.rsplit([' ', LINE, '(']).next();
    word.unwrap_or_default()
}

/// Has advice said what is to be done, and nothing that its last word leaves open?
fn is_complete(advice: &str) -> bool {
    let last = words(advice).next_back().unwrap_or_default();
    if advice.ends_with(',') || OPEN.contains(&last) || last.ends_with("ing") {
        return false;
    }
    PLACES.iter().any(|word| advice.contains(word))
        || words(advice).any(|word| DO.iter().any(|verb| is_verb(word, verb)))
        || DO_HERE.iter().any(|verb| advice.contains(verb))
}

/// A short one may be the beginning of another.
fn is_verb(word: &str, verb: &str) -> bool {
    word == verb || (verb.chars().count() > 4 && word.starts_with(verb))
}

/// How people are asked to do something.
const DO: &[&str] = &[
    "contact",
    "visit",
    "please",
    "write",
    "call",
    "ask",
    "see",
    "check",
    "consult",
    "kontakt",
    "wende",
    "schreib",
    "melde",
    "besuch",
    "contatt",
    "contat",
    "cont?ct",
    "escrib",
    "escrev",
    "scriv",
    "acess",
    "neem",
    "bezoek",
    "skontakt",
    "napis",
    "napi?",
    "odwied",
    "обрат",
    "свяж",
    "напиш",
    "посет",
    "ota",
    "bize",
];

/// The same where no blanks stand between words.
const DO_HERE: &[&str] = &["请", "請", "联系", "聯絡", "连絡", "ください", "십시오"];

/// Words behind which something is still to come.
const OPEN: &[&str] = &[
    "a", "an", "the", "to", "at", "in", "on", "of", "or", "and", "by", "for", "from", "with",
    "via", "that", "this", "your", "our", "my", "their", "its", "is", "are", "was", "were", "be",
    "been", "has", "have", "not", "if", "why", "whether", "when", "where", "how", "which", "who",
    "as", "because", "but", "than", "about", "into", "please", "contact", "visit", "see", "write",
    "call", "ask", "tell", "inform", "check", "read", "send", "forward", "include", "provide",
    "submit", "request", "quote", "use", "open", "follow", "go", "let", "notify", "consult",
    "remove", "unblock", "report", "say", "says", "e-mail", "email", "ip", "ihre", "ihren", "die",
    "der", "den", "das", "dem", "an", "unter", "auf", "bei", "zu", "und", "oder", "von", "dass",
    "bitte", "votre", "le", "la", "les", "de", "du", "des", "et", "ou", "par", "sur", "que", "su",
    "el", "los", "en", "con", "y", "o", "por", "para", "seu", "sua", "e", "em", "com", "da", "il",
    "che", "di", "per", "uw", "het", "met", "и", "или", "что", "ваш",
];

/// Does `text` begin with whom or what a server judges?
fn begins_sentence(text: &str) -> bool {
    let is_code = |word: &&str| word.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let mut words = words(text).skip_while(is_code);
    let first = words.next().unwrap_or_default();
    let second = words.next().unwrap_or_default();
    let is_order = ["us", "to", "them", "~address~", "~link~"].contains(&second);
    (BEGINS.contains(&first) && !is_order)
        || BEGINS_HERE
            .iter()
            .any(|word| first.starts_with(word) && !first.is_ascii())
        || first.starts_with("~ip~")
        || first.starts_with("~host~")
}

/// The first words of what servers judge.
const BEGINS: &[&str] = &[
    "your",
    "the",
    "this",
    "that",
    "client",
    "remote",
    "sending",
    "connecting",
    "ip",
    "ips",
    "host",
    "server",
    "sender",
    "recipient",
    "mailbox",
    "user",
    "account",
    "address",
    "access",
    "connection",
    "connections",
    "mail",
    "mails",
    "message",
    "messages",
    "email",
    "e-mail",
    "service",
    "blocked",
    "listed",
    "rejected",
    "refused",
    "denied",
    "banned",
    "blacklisted",
    "you",
    "we",
    "our",
    "it",
    "no",
    "not",
    "too",
    "error",
    "sorry",
    "reject",
    "transaction",
    "delivery",
    "relay",
    "relaying",
    "unable",
    "cannot",
    "domain",
    "requested",
    "spam",
    "rbl",
    "dnsbl",
    "reason",
    "poor",
    "bad",
    "quota",
    "over",
    "temporary",
    "temporarily",
    "permanent",
    "unknown",
    "invalid",
    "greylisted",
    "ihre",
    "ihr",
    "die",
    "der",
    "das",
    "diese",
    "dieser",
    "zugriff",
    "verbindung",
    "absender",
    "nachricht",
    "gesperrt",
    "votre",
    "cette",
    "ce",
    "le",
    "la",
    "les",
    "connexion",
    "acc?s",
    "acces",
    "su",
    "el",
    "esta",
    "este",
    "acceso",
    "conexi?n",
    "conexion",
    "seu",
    "sua",
    "o",
    "a",
    "esse",
    "acesso",
    "il",
    "tuo",
    "questo",
    "accesso",
    "uw",
    "het",
    "de",
    "deze",
    "toegang",
    "tw?j",
    "twoj",
    "adres",
    "va?e",
    "din",
    "ditt",
    "ваш",
    "доступ",
];

/// The same, of which more than a word is written together.
const BEGINS_HERE: &[&str] = &[
    "您",
    "你",
    "此",
    "该",
    "該",
    "本",
    "对",
    "由于",
    "发",
    "あなた",
    "この",
    "お",
    "귀하",
    "이",
];
