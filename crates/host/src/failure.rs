//! What a tool finds wrong: what was tried, on which path, why it failed, and what to do next.

use std::error::Error;
use std::fmt;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use postfix::queue::ScanError;

/// An error with a way out. Tools return [`anyhow::Result`]; this is for what they find wrong themselves.
#[derive(Debug)]
pub struct Failure {
    what: String,
    hint: Option<String>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Failure {
    /// A failure that says `what`.
    pub fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            hint: None,
            source: None,
        }
    }

    /// What was tried, on which path, and the reason: `cannot read: /var/log/mail.log: Permission denied`.
    pub fn io(tried: &str, path: &Path, reason: io::Error) -> Self {
        let path = postfix::escape(path.as_os_str().as_bytes());
        Self::new(format!("{tried}: {path}")).because(reason)
    }

    /// A queue that cannot be looked at.
    pub fn scan(error: &ScanError) -> Self {
        let failure = Self::new(error.to_string());
        match error {
            ScanError::Denied(_) => failure.hint("run it with sudo"),
            ScanError::Unreadable(..) => failure,
        }
    }

    /// The same, with what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same, with the error it came from.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What to do next, if it says so.
    pub fn way_out(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|e| e as &(dyn Error + 'static))
    }
}

/// Adds what to do next to any error.
pub trait WithHint<T> {
    /// The same, with what was tried and what to do next.
    ///
    /// # Errors
    /// The error that it is called on, below a [`Failure`].
    fn or_hint(self, tried: &str, hint: &str) -> anyhow::Result<T>;
}

impl<T, E: Into<Box<dyn Error + Send + Sync>>> WithHint<T> for Result<T, E> {
    fn or_hint(self, tried: &str, hint: &str) -> anyhow::Result<T> {
        self.map_err(|e| Failure::new(tried).hint(hint).because(e).into())
    }
}
