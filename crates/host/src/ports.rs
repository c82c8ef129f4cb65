//! Does anything listen there? A connection is made, and ended with QUIT.

use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long a connection may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3);

/// Connects to an SMTP server's port, and takes its leave.
///
/// # Errors
/// Nothing listens there (`ConnectionRefused`), nobody answers in time, or there is no way there from here.
pub fn knock(address: &SocketAddr) -> io::Result<()> {
    let mut stream = TcpStream::connect_timeout(address, PATIENCE)?;
    // Politeness: whether it is heard makes no difference.
    let _quit = stream.write_all(b"QUIT\r\n");
    Ok(())
}
