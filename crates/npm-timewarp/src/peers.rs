//! Whose connections are served, where others than the build can reach the listener.
//!
//! A port of the machine's loopback is open to every user of the machine. The kernel says whose
//! socket is at the other end of a connection: `/proc/net/tcp` and `/proc/net/tcp6` have a row for
//! it as long as it is open. It is looked up once for each connection, before a byte of it is read.

/// Whose connections are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peers {
    /// Anybody's who can reach the listener: in a network of the build's own that is the build
    /// alone.
    Anybody,
    /// Those of one user of this machine. Where the system does not say whose a connection is (no
    /// `/proc`), all are served.
    User(u32),
}

/// Who is at the other end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Peer {
    /// Somebody who is served.
    Served,
    /// Nobody any more: it was closed before it was looked up.
    Gone,
    /// Somebody else, as the record names them.
    Stranger(String),
}

#[cfg(target_os = "linux")]
pub(super) use linux::peer;

/// There is no `/proc` here.
#[cfg(not(target_os = "linux"))]
pub(super) async fn peer(_: &tokio::net::TcpStream, _: Peers) -> Peer {
    Peer::Served
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::File;
    use std::io::{self, BufRead as _, BufReader};
    use std::net::{IpAddr, Ipv6Addr, SocketAddr};
    use std::time::Duration;

    use tokio::net::TcpStream;

    use super::{Peer, Peers};

    /// How often a row is looked for: while others come and go, a reading of the table can pass
    /// over one.
    const TRIES: u32 = 4;
    /// The pause before the next try.
    const PAUSE: Duration = Duration::from_millis(5);
    /// The table is read in pieces of this size: the fewer there are, the less it changes
    /// meanwhile.
    const PIECE: usize = 1 << 20;

    /// Who is at the other end.
    pub(crate) async fn peer(stream: &TcpStream, peers: Peers) -> Peer {
        let Peers::User(user) = peers else { return Peer::Served };
        let (Ok(theirs), Ok(ours)) = (stream.peer_addr(), stream.local_addr()) else { return Peer::Gone };
        for _ in 0..TRIES {
            let looked_up = tokio::task::spawn_blocking(move || whose(theirs, ours)).await;
            match looked_up.unwrap_or_else(|ended| Err(io::Error::other(ended))) {
                Ok(Some(row)) if row.inode == 0 => return Peer::Gone,
                Ok(Some(row)) if row.uid == user => return Peer::Served,
                Ok(Some(row)) => return Peer::Stranger(format!("user {}", row.uid)),
                Ok(None) => tokio::time::sleep(PAUSE).await,
                Err(error) => return Peer::Stranger(format!("somebody unknown (/proc/net/tcp: {error})")),
            }
        }
        Peer::Stranger("an unknown process (not in /proc/net/tcp)".to_owned())
    }

    /// What the kernel says of one end of a connection. A socket that no process has open any more
    /// has no inode, and an owner that means nothing.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    struct Row {
        uid: u32,
        inode: u64,
    }

    /// The row of the socket at `theirs` that is connected to `ours`, of either family: a socket of
    /// IPv6 can be connected to an address of IPv4.
    fn whose(theirs: SocketAddr, ours: SocketAddr) -> io::Result<Option<Row>> {
        let (theirs, ours) = (canonical(theirs), canonical(ours));
        for (table, wide) in [("/proc/net/tcp", false), ("/proc/net/tcp6", true)] {
            let (Some(local), Some(remote)) = (column(theirs, wide), column(ours, wide)) else { continue };
            let table = match File::open(table) {
                Ok(table) => table,
                // A kernel without IPv6.
                Err(error) if wide && error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            for line in BufReader::with_capacity(PIECE, table).lines() {
                if let Some(row) = row(&line?, &local, &remote) {
                    return Ok(Some(row));
                }
            }
        }
        Ok(None)
    }

    fn canonical(address: SocketAddr) -> SocketAddr {
        SocketAddr::new(address.ip().to_canonical(), address.port())
    }

    /// An address as the tables write it: each word of four bytes as the machine would print the
    /// number.
    fn column(address: SocketAddr, wide: bool) -> Option<String> {
        let octets = match (address.ip(), wide) {
            (IpAddr::V4(address), false) => address.octets().to_vec(),
            (IpAddr::V4(address), true) => address.to_ipv6_mapped().octets().to_vec(),
            (IpAddr::V6(address), true) => Ipv6Addr::octets(&address).to_vec(),
            (IpAddr::V6(_), false) => return None,
        };
        let words = octets.as_chunks::<4>().0.iter().map(|word| format!("{:08X}", u32::from_ne_bytes(*word)));
        Some(format!("{}:{:04X}", words.collect::<String>(), address.port()))
    }

    /// The row of a line, if it is of that connection.
    fn row(line: &str, local: &str, remote: &str) -> Option<Row> {
        // sl local remote state queues timer retransmissions uid timeout inode
        let mut columns = line.split_ascii_whitespace().skip(1);
        if columns.next()? != local || columns.next()? != remote {
            return None;
        }
        let uid = columns.nth(4)?.parse().ok()?;
        let inode = columns.nth(1)?.parse().ok()?;
        Some(Row { uid, inode })
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_row_is_of_both_ends_of_one_connection() {
            let line = "   2: 0100007F:C350 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1000        0 4242 1 0 20 4 30 10 -1";
            let found = Some(Row { uid: 1000, inode: 4242 });
            assert_eq!(row(line, "0100007F:C350", "0100007F:1F90"), found);
            assert_eq!(row(line, "0100007F:1F90", "0100007F:C350"), None, "the other end's own row");
            assert_eq!(row(line, "0100007F:C350", "0100007F:1F91"), None);
            assert_eq!(
                row("  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode", "x", "y"),
                None
            );
            assert_eq!(row("2: a b 01", "a", "b"), None);
        }

        #[cfg(target_endian = "little")]
        #[test]
        fn addresses_are_written_as_the_tables_do() {
            let at = |text: &str, wide| column(text.parse().unwrap(), wide);
            assert_eq!(at("127.0.0.1:8080", false).unwrap(), "0100007F:1F90");
            assert_eq!(at("127.0.0.1:80", true).unwrap(), "0000000000000000FFFF00000100007F:0050");
            assert_eq!(at("[::1]:80", true).unwrap(), "00000000000000000000000001000000:0050");
            assert_eq!(at("[::1]:80", false), None);
        }

        /// The user that this test runs as.
        fn me() -> u32 {
            use std::os::unix::fs::MetadataExt as _;
            std::fs::metadata("/proc/self").unwrap().uid()
        }

        #[tokio::test]
        async fn the_kernel_names_the_owner_of_either_family() {
            let listener = tokio::net::TcpListener::bind("[::]:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            for to in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
                let client = TcpStream::connect((to, port)).await.unwrap();
                let (stream, _) = listener.accept().await.unwrap();
                assert_eq!(peer(&stream, Peers::User(me())).await, Peer::Served, "{to}");
                assert_eq!(peer(&stream, Peers::User(me() + 1)).await, Peer::Stranger(format!("user {}", me())), "{to}");
                assert_eq!(peer(&stream, Peers::Anybody).await, Peer::Served);
                // Whoever has gone is nobody: the row of a socket without a process has no owner.
                drop(client);
                assert_eq!(peer(&stream, Peers::User(0)).await, Peer::Gone, "{to}");
            }
        }
    }
}
