//! The system's resolvers: resolv.conf(5).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// As many servers as the C library asks (resolv.conf(5), MAXNS).
const MAX_SERVERS: usize = 3;

/// The servers that a resolv.conf's text names, on port 53; the local machine if it names none.
pub fn system_servers(text: &str) -> Vec<SocketAddr> {
    let named = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let is_server = words.next() == Some("nameserver");
        words.next().filter(|_| is_server).and_then(address)
    });
    let servers: Vec<SocketAddr> = named.take(MAX_SERVERS).collect();
    if servers.is_empty() {
        return vec![(Ipv4Addr::LOCALHOST, 53).into()];
    }
    servers
}

/// A scope (`fe80::1%eth0`) is an interface's name, which a socket address has as a number: such a server is left out.
fn address(word: &str) -> Option<SocketAddr> {
    word.parse::<IpAddr>().ok().map(|ip| (ip, 53).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_read_as_the_c_library_reads_them() {
        let check = |text: &str, expected: &[&str]| {
            let found: Vec<String> = system_servers(text)
                .iter()
                .map(ToString::to_string)
                .collect();
            assert_eq!(found, expected, "{text:?}");
        };
        check(
            "# nameserver 192.0.2.9\nsearch example.org\nnameserver 192.0.2.1\nnameserver\t2001:db8::53 \n",
            &["192.0.2.1:53", "[2001:db8::53]:53"],
        );
        check("", &["127.0.0.1:53"]);
        check("nameserver fe80::1%eth0\nnameserver x", &["127.0.0.1:53"]);
        check(
            "nameserver 1.1.1.1\nnameserver 1.1.1.2\nnameserver 1.1.1.3\nnameserver 1.1.1.4",
            &["1.1.1.1:53", "1.1.1.2:53", "1.1.1.3:53"],
        );
    }
}
