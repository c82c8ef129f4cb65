//! How a reply came by its class: for an admin who writes rules.

use super::{Reason, Reasons, RulePlace, facts, read};

/// What a reply means, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// What [`Reasons::classify`] returns.
    pub reason: Reason,
    /// The words as rules see them.
    pub text: String,
    /// The rule that decided the class; none if none fits.
    pub rule: Option<RulePlace>,
    /// The rule that found the provider's code.
    pub code_rule: Option<RulePlace>,
}

impl Reasons {
    /// As [`Self::classify`], with the rules that decided.
    pub fn explain(&self, reply: &[u8], dsn: Option<&[u8]>, domain: Option<&[u8]>) -> Explained {
        let said = read(reply);
        let text = self.judged(&said, domain);
        let facts = facts(&said, &text, dsn);
        let rule = self.rules.decide(&facts).place(&facts);
        let reason = self.reason(&said, self.decide(&facts));
        let code_rule = self.code(&said).map(|(_, place)| place);
        Explained {
            reason,
            text,
            rule,
            code_rule,
        }
    }
}
