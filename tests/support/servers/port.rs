//! Free ports that stay ours.

use std::{
    hash::{BuildHasher, RandomState},
    net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
    ops::Range,
};

/// A TCP port of the loopback address, ours for as long as this value lives, also while nothing listens on it.
///
/// The reservation is the UDP port of the same number: the system gives it to one process only, whichever test that is
/// in, and takes it back when the process ends. Only strangers could still take the TCP port, so a server that finds
/// its address in use is started on another one.
pub struct Port {
    number: u16,
    _reservation: UdpSocket,
}

impl Port {
    pub fn reserve() -> Self {
        // Tests that start together begin at different places.
        let begin = RandomState::new().hash_one(()) as usize % RANGE.len();
        RANGE
            .cycle()
            .skip(begin)
            .take(RANGE.len())
            .find_map(Self::try_reserve)
            .expect("ten thousand ports are never all taken")
    }

    /// None, if it is taken.
    pub fn try_reserve(number: u16) -> Option<Self> {
        let reservation = UdpSocket::bind((Ipv4Addr::LOCALHOST, number)).ok()?;
        for port in [number, number + CLUSTER_BUS] {
            TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()?;
        }
        Some(Self {
            number,
            _reservation: reservation,
        })
    }

    pub fn number(&self) -> u16 {
        self.number
    }

    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.number).into()
    }
}

/// Below the ports that systems give to outgoing connections (from 32768 on Linux). From among those, a client that
/// keeps trying to connect to a stopped server would in the end be given the server's own port, and meet itself.
const RANGE: Range<u16> = 10_000..20_000;

/// A node of a Redis Cluster listens on a second port, which is this much higher. It is reserved with the first: no
/// other reservation reaches it.
const CLUSTER_BUS: u16 = 10_000;
