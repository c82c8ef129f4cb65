//! What an instance is held to by relay-limit, as the other tools show it.

use postfix::Time;

/// A pause or a rate that is to hold now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The instance's name.
    pub instance: String,
    /// The limit's name: `aol-b-20261124T093012Z`.
    pub id: String,
    /// `pause` or `rate`.
    pub kind: &'static str,
    /// What it does, in words: `paused, aol (43 domains)`, `slowed down to 600/h`.
    pub what: String,
    /// When it ends; `None`: not before somebody lifts it.
    pub until: Option<Time>,
    /// Why, in the words of whoever ordered it.
    pub reason: Option<String>,
}

impl Held {
    /// One word for a column: `paused`, `slowed`.
    pub fn word(&self) -> &'static str {
        match self.kind {
            "pause" => "paused",
            _ => "slowed",
        }
    }

    /// The words for what holds at `instance`, each once; empty where nothing does.
    pub fn words(all: &[Self], instance: &str) -> String {
        let own = all.iter().filter(|held| held.instance == instance);
        let mut words: Vec<&str> = own.map(Self::word).collect();
        words.sort_unstable();
        words.dedup();
        words.join(", ")
    }
}
