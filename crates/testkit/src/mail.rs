//! A message to be sent, with its envelope.

/// A message: envelope, DSN options, header and body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    pub(crate) sender: String,
    pub(crate) recipients: Vec<String>,
    pub(crate) headers: Vec<String>,
    pub(crate) body: Vec<u8>,
    pub(crate) notify: Option<String>,
    pub(crate) ret: Option<String>,
    pub(crate) envid: Option<String>,
    pub(crate) verp: bool,
}

impl Mail {
    /// A short message. An empty sender is the null sender, `<>`.
    pub fn new(sender: &str, recipient: &str) -> Self {
        Self {
            sender: sender.to_owned(),
            recipients: vec![recipient.to_owned()],
            headers: Vec::new(),
            body: b"A test.\n".to_vec(),
            notify: None,
            ret: None,
            envid: None,
            verp: false,
        }
    }

    /// Adds a recipient.
    #[must_use]
    pub fn to(mut self, recipient: &str) -> Self {
        self.recipients.push(recipient.to_owned());
        self
    }

    /// Adds recipients.
    #[must_use]
    pub fn to_all<S: Into<String>>(mut self, recipients: impl IntoIterator<Item = S>) -> Self {
        self.recipients
            .extend(recipients.into_iter().map(Into::into));
        self
    }

    /// Adds a header line such as `Subject: test`. From, To, Date and Message-ID are left to Postfix if not given.
    #[must_use]
    pub fn header(mut self, line: &str) -> Self {
        self.headers.push(line.to_owned());
        self
    }

    /// The body, its lines ended by LF.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// A body of about this many bytes.
    #[must_use]
    pub fn size(self, bytes: usize) -> Self {
        const LINE: &[u8] = b"The quick brown fox jumps over the lazy dog, and over it again.\n";
        self.body(LINE.repeat(bytes.div_ceil(LINE.len())))
    }

    /// DSN NOTIFY for all recipients: `never`, or of `success`, `failure`, `delay` with commas.
    #[must_use]
    pub fn notify(mut self, when: &str) -> Self {
        self.notify = Some(when.to_owned());
        self
    }

    /// DSN RET: `full` or `hdrs`.
    #[must_use]
    pub fn ret(mut self, what: &str) -> Self {
        self.ret = Some(what.to_owned());
        self
    }

    /// DSN ENVID, of three characters at least: sendmail(1) takes what follows `-V` for VERP delimiters if it is
    /// shorter.
    #[must_use]
    pub fn envid(mut self, id: &str) -> Self {
        self.envid = Some(id.to_owned());
        self
    }

    /// VERP sender addresses, with Postfix's default delimiters.
    #[must_use]
    pub fn verp(mut self) -> Self {
        self.verp = true;
        self
    }

    /// Header and body, lines ended by LF.
    pub(crate) fn content(&self) -> Vec<u8> {
        let mut content = Vec::with_capacity(self.body.len() + 256);
        for line in &self.headers {
            content.extend_from_slice(line.as_bytes());
            content.push(b'\n');
        }
        content.push(b'\n');
        content.extend_from_slice(&self.body);
        content
    }

    /// Whether the envelope needs SMTPUTF8.
    pub(crate) fn is_utf8(&self) -> bool {
        !self.sender.is_ascii() || !self.recipients.iter().all(|address| address.is_ascii())
    }
}
