//! Who a message is from.

/// Who a message is from. That it is nobody, is a kind of its own, whatever name that is shown by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sender {
    /// The null sender: the message is a notice, such as a bounce, that is never answered. How the instance shows it
    /// (`empty_address_recipient`).
    Null(Box<str>),
    /// An address, quoted and printable.
    Addr(Box<str>),
}

impl Sender {
    /// Is it nobody?
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null(_))
    }

    /// As showq(8) of the instance shows it.
    pub fn shown(&self) -> &str {
        let (Self::Null(shown) | Self::Addr(shown)) = self;
        shown
    }

    /// The address; empty for the null sender, as in an envelope.
    pub fn address(&self) -> &str {
        match self {
            Self::Null(_) => "",
            Self::Addr(address) => address,
        }
    }
}
