//! What a server says to those who believe something, and to those whom something may befall.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::sentences::{LINE, sentence_len, sentence_start};

/// How people are addressed who may believe something, and the words for it, in the form of the text that rules see:
/// accented letters are `?`, or the bare ones.
const BELIEFS: [(&str, &[&str]); 42] = [
    (
        "if you ",
        &[
            "think", "believe", "feel", "suspect", "consider", "wish", "want",
        ],
    ),
    ("wenn sie ", GERMAN),
    ("falls sie ", GERMAN),
    ("sollten sie ", GERMAN),
    ("si vous ", &["pensez", "croyez", "estimez"]),
    ("si usted ", SPANISH),
    ("si ", SPANISH),
    ("se voc? ", ITALIAN),
    ("se voce ", ITALIAN),
    ("se ", ITALIAN),
    ("если вы ", &["счита", "дума", "полага", "увер"]),
    ("якщо ви ", &["вважа", "дума"]),
    ("ако ", &["смята", "мисли"]),
    ("ako ", &["misli", "smatra"]),
    ("je?li ", POLISH),
    ("jesli ", POLISH),
    ("pokud ", &["si mysl", "se domn"]),
    ("ak ", &["si mysl", "sa domn"]),
    ("ha ", &["?gy gondol", "ugy gondol", "?gy v", "azt gondol"]),
    ("dac? ", &["crede", "consider"]),
    ("daca ", &["crede", "consider"]),
    ("als u ", DUTCH),
    ("als je ", DUTCH),
    ("indien u ", DUTCH),
    ("om du ", SCANDINAVIAN),
    ("hvis du ", SCANDINAVIAN),
    ("dersom du ", SCANDINAVIAN),
    ("jos ", &["usko", "luul", "ep?ile", "epaile"]),
    ("kui ", &["arva", "usu"]),
    ("jei ", &["mano"]),
    ("αν ", GREEK),
    ("εάν ", GREEK),
    ("إذا كنت ", &["تعتقد", "تظن"]),
    ("אם אתה ", &["סבור", "חושב", "מאמין"]),
    ("nếu bạn ", &["cho r", "ngh", "tin"]),
    ("jika anda ", &["yakin", "merasa", "percaya", "berpikir"]),
    ("หากคุณ", &["เชื่อ", "คิด"]),
    ("如果您", CHINESE),
    ("如果你", CHINESE),
    ("如果", CHINESE),
    ("若您", CHINESE),
    ("如您", CHINESE),
];
const GERMAN: &[&str] = &["glaub", "denk", "mein", "vermut", "der "];
const SPANISH: &[&str] = &["cree", "piensa", "considera"];
const ITALIAN: &[&str] = &[
    "acredit", "acha", "pensa", "ritien", "ritengo", "cred", "pensi",
];
const POLISH: &[&str] = &["uwa?a", "uwaza", "s?dz", "sadz"];
const DUTCH: &[&str] = &["denkt", "meent", "vindt", "gelooft"];
const SCANDINAVIAN: &[&str] = &["tror", "anser", "mener"];
const GREEK: &[&str] = &["πιστε", "νομίζ", "θεωρ"];
const CHINESE: &[&str] = &["认为", "認為", "觉得", "覺得"];

/// The same where it ends what is believed: in Japanese, Korean and Turkish.
const BELIEVED: [&str; 9] = [
    "と思われる場合",
    "と思う場合",
    "とお考えの場合",
    "고 생각되",
    "고 생각하",
    "d?n?yorsan?z",
    "dusunuyorsaniz",
    "inan?yorsan?z",
    "inaniyorsaniz",
];

/// How those are addressed whose host may be on a list: `if your IP is listed, see …`.
const CASES: [&str; 7] = [
    "if your ",
    "if the ip ",
    "whether your ",
    "check if ",
    "wenn ihre ",
    "falls ihre ",
    "si votre ",
];

/// Words for a list, of which one is in what such a sentence is about.
const LISTED: [&str; 6] = [
    "listed",
    "blocked",
    "blacklist",
    "blocklist",
    "block list",
    "gesperrt",
];

/// Finds any of all these.
static ANY: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let beliefs = BELIEFS.iter().map(|(whoever, _)| whoever);
    AhoCorasick::new(BELIEVED.iter().chain(beliefs).chain(&CASES)).ok()
});

/// May `text` hold advice? Most do not, and need not be searched for each of these.
fn may_hold_advice(text: &str) -> bool {
    let Some(any) = &*ANY else { return true };
    any.find_overlapping_iter(text).any(|found| {
        found.pattern().as_usize() < BELIEVED.len() || begins_word(&text[..found.start()])
    })
}

/// Does a word begin behind `before`?
fn begins_word(before: &str) -> bool {
    !before.ends_with(|before: char| before.is_ascii_alphanumeric())
}

/// Takes out what a server advises those to do who believe something: what they may believe is not what it judged.
/// Leaves no [`LINE`] in.
pub(super) fn take_advice_out(out: &mut String) {
    let in_lines = out.contains(LINE).then(|| out.clone());
    if in_lines.is_some() {
        *out = out.replace(LINE, " ");
    }
    if !may_hold_advice(out) {
        return;
    }
    let mut text = Text {
        in_lines: in_lines.unwrap_or_else(|| out.clone()),
        flat: std::mem::take(out),
    };
    for (whoever, verbs) in BELIEFS {
        let is_belief = |rest: &str| verbs.iter().any(|verb| rest.starts_with(verb));
        text.take_sentences_out(whoever, is_belief);
    }
    for whoever in CASES {
        text.take_sentences_out(whoever, |rest| {
            let clause = rest.split(',').next().unwrap_or_default();
            LISTED.iter().any(|word| clause.contains(word))
        });
    }
    for end in BELIEVED {
        text.take_believed_out(end);
    }
    *out = text.flat;
}

/// A text twice: with a [`LINE`] where a line ends, and with a blank there.
struct Text {
    in_lines: String,
    flat: String,
}

impl Text {
    fn take_out(&mut self, range: Range<usize>) {
        self.in_lines.replace_range(range.clone(), "");
        self.flat.replace_range(range, "");
    }

    /// Takes the sentences out, or what is left of them, that begin with `whoever` and of whose rest `is_advice` is
    /// true.
    fn take_sentences_out(&mut self, whoever: &str, is_advice: impl Fn(&str) -> bool) {
        let mut from = 0;
        while let Some(at) = self.flat[from..].find(whoever).map(|at| from + at) {
            let rest = at + whoever.len();
            let end = rest + sentence_len(&self.in_lines[rest..]);
            if begins_word(&self.flat[..at]) && is_advice(&self.flat[rest..end]) {
                self.take_out(at..end);
                from = at;
            } else {
                from = rest;
            }
        }
    }

    /// Takes out what comes before `end` in its sentence, and `end`.
    fn take_believed_out(&mut self, end: &str) {
        while let Some(at) = self.flat.find(end) {
            let before = &self.flat[..at];
            // What is in ASCII before it is another's, but in Turkish, of which logs keep no other letters.
            let words = match end.is_ascii() {
                true => before.find(|c: char| c.is_ascii_alphabetic()),
                false => before.find(|c: char| !c.is_ascii()),
            };
            let from = sentence_start(&self.in_lines[..at]).max(words.unwrap_or(at));
            self.take_out(from..at + end.len());
        }
    }
}

#[cfg(test)]
mod tests;
