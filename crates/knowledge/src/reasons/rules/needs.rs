//! What a text must hold for a pattern to be found in it.
//!
//! Read off the pattern as it is written, at each start and for some thousand alternatives: a whole parser takes longer
//! for that than most starts have to do. What it cannot read asks for nothing.

use std::iter::Peekable;
use std::mem;
use std::str::Chars;
use std::sync::Arc;

use hashbrown::HashMap;

/// How many bytes of a run of letters are looked for.
const LETTERS_MAX: usize = 12;

/// How many bytes it must have to be worth looking for.
pub(super) const LETTERS_MIN: usize = 2;

/// How many runs one place of a pattern may be, before what follows is a place of its own.
const RUNS_MAX: usize = 64;

/// How many places an alternative is known by.
const NEEDS_MAX: usize = 3;

/// A run of letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct Run {
    bytes: [u8; LETTERS_MAX],
    len: usize,
    /// Nothing may be between it and what comes next.
    is_whole: bool,
}

/// Runs of which a text must hold one: the same one for each pattern that uses the same word.
pub(super) type Need = Arc<Vec<Run>>;

/// What the words of a file need, by name; none for a word that asks for nothing.
pub(super) type Named = HashMap<String, Option<Need>>;

/// What a part of a pattern is known by.
struct Part {
    /// What it begins with.
    start: Vec<Run>,
    need: Option<Need>,
}

impl Run {
    const EMPTY: Self = Self {
        bytes: [0; LETTERS_MAX],
        len: 0,
        is_whole: true,
    };

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn open(mut self) -> Self {
        self.is_whole = false;
        self
    }

    fn with(mut self, next: &Self) -> Self {
        let room = LETTERS_MAX - self.len;
        let more = next.len.min(room);
        self.bytes[self.len..self.len + more].copy_from_slice(&next.bytes[..more]);
        self.len += more;
        self.is_whole = next.is_whole && next.len <= room;
        self
    }
}

/// For each alternative of `pattern`, what a text must hold in which it is found: one of each.
pub(super) fn of_pattern(pattern: &str, named: &Named) -> Vec<Vec<Need>> {
    Reader::new(pattern, named).all().unwrap_or(vec![vec![]])
}

/// What a text must hold in which the pattern of a word is found, if it must hold something.
pub(super) fn of_word(pattern: &str) -> Option<Need> {
    let mut runs = Vec::new();
    for needs in of_pattern(pattern, &Named::default()) {
        runs.extend_from_slice(needs.first()?);
    }
    need(runs)
}

/// `runs` as a need, where all are long enough to be looked for.
fn need(mut runs: Vec<Run>) -> Option<Need> {
    runs.iter_mut().for_each(|run| run.is_whole = false);
    runs.sort_unstable();
    // A text that holds the longer one holds the shorter.
    runs.dedup_by(|next, run| next.bytes().starts_with(run.bytes()));
    let is_one = runs.iter().all(|run| run.len >= LETTERS_MIN) && !runs.is_empty();
    is_one.then(|| Arc::new(runs))
}

/// The longer its shortest run is, the fewer texts hold it.
fn worth(need: &Need) -> (usize, std::cmp::Reverse<usize>) {
    let shortest = need.iter().map(|run| run.len).min().unwrap_or(0);
    (shortest, std::cmp::Reverse(need.len()))
}

/// Puts what may come next to each of `runs`; false where nothing can be put to them, or too much.
fn grow(runs: &mut Vec<Run>, next: &[Run]) -> bool {
    let whole = runs.iter().filter(|run| run.is_whole).count();
    if whole == 0 || whole * next.len() + runs.len() - whole > RUNS_MAX {
        return false;
    }
    if let [next] = next {
        let whole = runs.iter_mut().filter(|run| run.is_whole);
        whole.for_each(|run| *run = run.with(next));
        return true;
    }
    let mut all = Vec::with_capacity(whole * next.len() + runs.len() - whole);
    for run in &*runs {
        match run.is_whole {
            true => all.extend(next.iter().map(|next| run.with(next))),
            false => all.push(*run),
        }
    }
    *runs = all;
    true
}

/// Reads a pattern. None of its functions says anything where the pattern has what it does not know.
struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
    named: &'a Named,
}

impl<'a> Reader<'a> {
    fn new(pattern: &'a str, named: &'a Named) -> Self {
        Self {
            rest: pattern.chars().peekable(),
            named,
        }
    }

    /// The needs of each alternative, the best first.
    fn all(&mut self) -> Option<Vec<Vec<Need>>> {
        let mut all = Vec::new();
        loop {
            let (_, mut needs) = self.sequence()?;
            needs.truncate(NEEDS_MAX);
            all.push(needs);
            match self.rest.next() {
                None => return Some(all),
                Some('|') => {}
                Some(_) => return None,
            }
        }
    }

    /// What is in a group, up to and with its end.
    fn group(&mut self) -> Option<Part> {
        let mut start = Vec::new();
        let mut bests = Some(Vec::new());
        loop {
            let (begins, needs) = self.sequence()?;
            start.extend(begins);
            bests = bests.zip(needs.into_iter().next()).map(|(mut all, best)| {
                all.push(best);
                all
            });
            if self.rest.next()? == ')' {
                break;
            }
        }
        let need = bests.and_then(|bests| match bests.as_slice() {
            [only] => Some(only.clone()),
            all => need(all.iter().flat_map(|best| best.iter().copied()).collect()),
        });
        Some(Part { start, need })
    }

    /// What an alternative begins with, and what it needs, the best first.
    fn sequence(&mut self) -> Option<(Vec<Run>, Vec<Need>)> {
        let mut needs: Vec<Need> = Vec::new();
        let mut start: Option<Vec<Run>> = None;
        // What began at the start, and what began where others ended.
        let mut growing = vec![vec![Run::EMPTY]];
        while !matches!(self.rest.peek(), None | Some('|' | ')')) {
            let part = self.repeated()?;
            needs.extend(part.need);
            let mut is_first = start.is_none();
            growing.retain_mut(|runs| {
                let has_grown = grow(runs, &part.start);
                if !has_grown {
                    // The first is what began at the start, until that is known.
                    if is_first {
                        start = Some(runs.iter().map(|run| run.open()).collect());
                    }
                    needs.extend(need(mem::take(runs)));
                }
                is_first = false;
                has_grown
            });
            let last = growing.last();
            if last.is_none_or(|runs| runs.iter().any(|run| !run.is_whole))
                && growing.len() < NEEDS_MAX
            {
                growing.push(vec![Run::EMPTY]);
            }
        }
        let start = start.or_else(|| growing.first().cloned())?;
        needs.extend(growing.into_iter().filter_map(need));
        needs.sort_by_key(|need| std::cmp::Reverse(worth(need)));
        needs.dedup();
        Some((start, needs))
    }

    /// A part, and how often it may be there.
    fn repeated(&mut self) -> Option<Part> {
        let mut part = self.part()?;
        let mut may_be_missing = false;
        let is_count = self.is_count();
        let sign = match self.rest.peek() {
            Some(c @ ('?' | '*' | '+')) => *c,
            Some('{') if is_count => '{',
            _ => return Some(part),
        };
        self.rest.next();
        match sign {
            '?' | '*' => may_be_missing = true,
            '{' => {
                let count: String = self.rest.by_ref().take_while(|c| *c != '}').collect();
                may_be_missing = count.starts_with(['0', ',']);
            }
            _ => {}
        }
        if sign != '?' {
            part.start.iter_mut().for_each(|run| *run = run.open());
        }
        if may_be_missing {
            part.start.push(Run::EMPTY);
            part.need = None;
        }
        // As few as can be, rather than as many.
        self.rest.next_if_eq(&'?');
        Some(part)
    }

    /// Is this brace one of `{2,5}`?
    fn is_count(&self) -> bool {
        let next = self.rest.clone().nth(1);
        next.is_some_and(|c| c.is_ascii_digit() || c == ',')
    }

    fn part(&mut self) -> Option<Part> {
        let start = match self.rest.next()? {
            '^' | '$' => vec![Run::EMPTY],
            '.' => vec![Run::EMPTY.open()],
            '(' => {
                if self.rest.next_if_eq(&'?').is_some() {
                    self.rest.next_if_eq(&':')?;
                }
                return self.group();
            }
            '[' => self.class()?,
            // How often what is repeated is repeated.
            '?' | '*' | '+' => return None,
            '{' => {
                let name: String = self.rest.by_ref().take_while(|c| *c != '}').collect();
                return Some(Part {
                    start: vec![Run::EMPTY.open()],
                    need: self.named.get(&name)?.clone(),
                });
            }
            '\\' => match self.rest.next()? {
                'b' | 'B' | 'A' | 'z' => vec![Run::EMPTY],
                'd' | 'D' | 'w' | 'W' | 's' | 'S' => vec![Run::EMPTY.open()],
                c if c.is_ascii_alphanumeric() || matches!(c, '<' | '>') => return None,
                c => vec![one(c)],
            },
            c => vec![one(c)],
        };
        Some(Part { start, need: None })
    }

    /// One of some characters: any where they are not simply listed.
    fn class(&mut self) -> Option<Vec<Run>> {
        let mut listed = Vec::new();
        let (mut is_listed, mut is_first) = (true, true);
        loop {
            let c = self.rest.next()?;
            match c {
                ']' if !is_first => break,
                // `[:alpha:]`
                '[' if self.rest.peek() == Some(&':') => return None,
                '[' => listed.extend(self.class()?),
                '\\' => {
                    self.rest.next()?;
                    is_listed = false;
                }
                '^' if is_first => is_listed = false,
                '-' if !is_first && self.rest.peek() != Some(&']') => is_listed = false,
                '&' | '~' if self.rest.peek() == Some(&c) => is_listed = false,
                c => listed.push(one(c)),
            }
            is_first = is_first && c == '^';
        }
        Some(match is_listed {
            true => listed,
            false => vec![Run::EMPTY.open()],
        })
    }
}

/// A character.
fn one(c: char) -> Run {
    let mut run = Run::EMPTY;
    run.len = c.encode_utf8(&mut run.bytes).len();
    run
}

#[cfg(test)]
mod tests;
