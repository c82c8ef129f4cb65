//! The flags and operands by which a user names instances.

use clap::Args;

/// `[INSTANCE]...`, to be flattened into a tool's arguments: no name means every instance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct InstanceArgs {
    /// The Postfix instances to look at [default: all]
    ///
    /// The name with or without "postfix-" (aol-b, postfix-aol-b), the configuration directory (/etc/postfix-aol-b),
    /// the address it sends from, a quoted glob ('aol-*'), or "-" or "postfix" for the default instance.
    #[arg(value_name = "INSTANCE")]
    pub instances: Vec<String>,
}

/// `INSTANCE...`, to be flattened into a tool's arguments: at least one must be named.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct RequiredInstanceArgs {
    /// Which Postfix instances
    ///
    /// The name with or without "postfix-" (aol-b, postfix-aol-b), the configuration directory (/etc/postfix-aol-b),
    /// the address it sends from, a quoted glob ('aol-*'), or "-" or "postfix" for the default instance.
    #[arg(value_name = "INSTANCE", required = true)]
    pub instances: Vec<String>,
}
