//! The DNS servers that this machine asks.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use crate::failure::Failure;

/// The server that is `given`, or else this machine's resolvers, whatever host is looked at: the DNS is the same from
/// everywhere.
///
/// # Errors
/// /etc/resolv.conf cannot be read. It is not an error if it is missing: the machine's own server is asked then.
pub fn servers(given: Option<SocketAddr>) -> anyhow::Result<Vec<SocketAddr>> {
    if let Some(server) = given {
        return Ok(vec![server]);
    }
    let path = Path::new("/etc/resolv.conf");
    let text = match guarded::read(path, 1 << 20) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(e) => {
            return Err(Failure::io("cannot read", path, e)
                .hint("name a resolver with --resolver ADDR")
                .into());
        }
    };
    Ok(dns::system_servers(&String::from_utf8_lossy(&text)))
}
