//! A network that fails as it is told to.

use std::{
    mem,
    net::{SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use super::{
    port::Port,
    relay::{Connection, Relay},
};

/// A way to a server that can be cut, closed and slowed down while it is used.
///
/// Commands have taken effect when they return, on the connections that there are and on those to come. To a server that
/// is away a connection is accepted, and closed at once. A Redis Cluster tells clients where to go, and has to be told of
/// the proxy: [`Cluster::announce`](super::Cluster::announce).
pub struct Proxy {
    port: Port,
    relay: Arc<Relay>,
    server: SocketAddr,
    /// None, while connections are refused.
    acceptor: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Opens a way to a server. That need not run yet.
    pub fn to(server: SocketAddr) -> Self {
        let mut proxy = Self {
            port: Port::reserve(),
            relay: Arc::default(),
            server,
            acceptor: None,
        };
        while !proxy.listen() {
            proxy.port = Port::reserve();
        }
        proxy
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Cuts all connections now. What is under way on them is lost.
    pub fn cut(&self) {
        let connections = mem::take(&mut self.relay.state().connections);
        connections.iter().for_each(|connection| connection.cut());
    }

    /// From now on refuses new connections, as if no server ran. Those that there are live on.
    pub fn refuse(&mut self) {
        let Some(acceptor) = self.acceptor.take() else {
            return;
        };
        self.relay.state().refuses = true;
        // It waits for a connection, so here is one. If it has gone already, that is refused.
        let _ = TcpStream::connect(self.address());
        acceptor.join().expect("it does not panic");
    }

    /// From now on accepts new connections again.
    ///
    /// # Panics
    ///
    /// If a stranger has taken the port meanwhile.
    pub fn accept(&mut self) {
        if self.acceptor.is_none() {
            assert!(self.listen(), "{} is taken", self.address());
        }
    }

    /// From now on every reply is this much later, also one that waits already. Zero ends it.
    pub fn delay(&self, delay: Duration) {
        self.relay.set_delay(delay);
    }

    /// The next request reaches the server and takes effect there, but the reply is lost, and so is the connection with
    /// all that is under way on it.
    ///
    /// Which request is the next one may not be plain: a pool may look first whether its connection still works. Then
    /// [`lose_reply_to`](Self::lose_reply_to) is better.
    pub fn lose_next_reply(&self) {
        self.lose_reply_to("");
    }

    /// As [`lose_next_reply`](Self::lose_next_reply), for the next request with these bytes in it, such as a key or
    /// `COMMIT`. They are looked for in what arrives at once, so it should be a short request.
    pub fn lose_reply_to(&self, part: impl Into<Vec<u8>>) {
        self.relay.state().loses_reply_to = Some(part.into());
    }

    /// How many replies have been lost on command so far.
    pub fn lost_replies(&self) -> usize {
        self.relay.state().lost_replies
    }

    /// How many bytes clients have sent so far.
    pub fn requested(&self) -> usize {
        self.relay.state().requested
    }

    /// How many connections have been accepted so far.
    pub fn accepted(&self) -> usize {
        self.relay.state().accepted
    }

    /// How many connections there are now.
    pub fn open(&self) -> usize {
        self.relay.state().connections.len()
    }

    fn listen(&mut self) -> bool {
        let Ok(listener) = TcpListener::bind(self.address()) else {
            return false;
        };
        self.relay.state().refuses = false;
        let (relay, server) = (self.relay.clone(), self.server);
        self.acceptor = Some(thread::spawn(move || accept(&listener, &relay, server)));
        true
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.refuse();
        self.cut();
        self.delay(Duration::ZERO);
    }
}

/// Until connections are refused. A connection is known before the next one is accepted, so none is missed by a `cut` that
/// follows on a `refuse`.
fn accept(listener: &TcpListener, relay: &Arc<Relay>, server: SocketAddr) {
    for client in listener.incoming() {
        if relay.state().refuses {
            return;
        }
        let Ok(client) = client else { continue };
        relay.state().accepted += 1;
        if let Ok(server) = TcpStream::connect_timeout(&server, LIMIT)
            && let Ok(connection) = Connection::new(client, server)
        {
            relay.clone().carry(connection);
        }
    }
}

/// On this machine a server that runs is reached at once.
const LIMIT: Duration = Duration::from_secs(5);
