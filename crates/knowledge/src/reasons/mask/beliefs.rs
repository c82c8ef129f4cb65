//! What a server says to those who believe something, and to those whom something may befall.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

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
pub(super) fn take_advice_out(out: &mut String) {
    if !may_hold_advice(out) {
        return;
    }
    for (whoever, verbs) in BELIEFS {
        let is_belief = |rest: &str| verbs.iter().any(|verb| rest.starts_with(verb));
        take_sentences_out(out, whoever, is_belief);
    }
    for whoever in CASES {
        take_sentences_out(out, whoever, |rest| {
            let clause = &rest[..rest.find([',', '.', ';', ')']).unwrap_or(rest.len())];
            LISTED.iter().any(|word| clause.contains(word))
        });
    }
    for end in BELIEVED {
        while let Some(at) = out.find(end) {
            let before = &out[..at];
            let sentence = ["。", ". ", "; "].map(|mark| Some(before.rfind(mark)? + mark.len()));
            // What is in ASCII before it is another's, but in Turkish, of which logs keep no other letters.
            let words = match end.is_ascii() {
                true => before.find(|c: char| c.is_ascii_alphabetic()),
                false => before.find(|c: char| !c.is_ascii()),
            };
            let from = sentence.into_iter().flatten().max().unwrap_or(0);
            out.replace_range(from.max(words.unwrap_or(at))..at + end.len(), "");
        }
    }
}

/// Takes the sentences out, or what is left of them, that begin with `whoever` and of whose rest `is_advice` is true.
fn take_sentences_out(out: &mut String, whoever: &str, is_advice: impl Fn(&str) -> bool) {
    let mut from = 0;
    while let Some(at) = out[from..].find(whoever).map(|at| from + at) {
        let rest = &out[at + whoever.len()..];
        if !begins_word(&out[..at]) || !is_advice(rest) {
            from = at + whoever.len();
            continue;
        }
        let ends = [". ", ";", ")", "。"].map(|end| rest.find(end));
        let len = ends.into_iter().flatten().min().unwrap_or(rest.len());
        out.replace_range(at..at + whoever.len() + len, "");
        from = at;
    }
}
