//! Carries bytes between clients and a server for a [`Proxy`](super::Proxy).

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    sync::{
        Arc, Condvar, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

#[derive(Default)]
pub struct Relay {
    state: Mutex<State>,
    /// Told when the delay changes.
    changed: Condvar,
}

#[derive(Default)]
pub struct State {
    pub refuses: bool,
    pub accepted: usize,
    pub connections: Vec<Arc<Connection>>,
    pub loses_reply_to: Option<Vec<u8>>,
    pub lost_replies: usize,
    /// In bytes.
    pub requested: usize,
    delay: Duration,
}

/// A client's connection and the one to the server that belongs to it.
pub struct Connection {
    client: TcpStream,
    server: TcpStream,
    /// Something has been asked, and nothing answered since.
    asked: AtomicBool,
    /// What the server says next is lost.
    loses_reply: AtomicBool,
}

impl Relay {
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics while holding it")
    }

    pub fn set_delay(&self, delay: Duration) {
        self.state().delay = delay;
        self.changed.notify_all();
    }

    /// Carries bytes both ways, until both ends have said their last or the connection is cut.
    pub fn carry(self: Arc<Self>, connection: Connection) {
        let connection = Arc::new(connection);
        self.state().connections.push(connection.clone());
        thread::spawn(move || {
            thread::scope(|scope| {
                scope.spawn(|| connection.or_cut(self.carry_requests(&connection)));
                connection.or_cut(self.carry_replies(&connection));
            });
            let others = |it: &Arc<Connection>| !Arc::ptr_eq(it, &connection);
            self.state().connections.retain(others);
        });
    }

    fn carry_requests(&self, connection: &Connection) -> io::Result<()> {
        let (mut client, mut server) = (&connection.client, &connection.server);
        let mut buffer = vec![0; BUFFER];
        loop {
            let request = match client.read(&mut buffer)? {
                0 => return server.shutdown(Shutdown::Write),
                length => &buffer[..length],
            };
            self.state().requested += request.len();
            // Before the server can answer.
            connection.asked.store(true, Ordering::SeqCst);
            if self.is_to_lose_reply_to(request) {
                connection.loses_reply.store(true, Ordering::SeqCst);
            }
            server.write_all(request)?;
        }
    }

    fn carry_replies(&self, connection: &Connection) -> io::Result<()> {
        let (mut client, mut server) = (&connection.client, &connection.server);
        let mut buffer = vec![0; BUFFER];
        loop {
            let reply = match server.read(&mut buffer)? {
                0 => return client.shutdown(Shutdown::Write),
                length => &buffer[..length],
            };
            if connection.loses_reply.load(Ordering::SeqCst) {
                connection.drain()?;
                self.state().lost_replies += 1;
                connection.cut();
                return Ok(());
            }
            // A long reply comes in pieces, and is late only once.
            if connection.asked.swap(false, Ordering::SeqCst) {
                self.wait_for_delay();
            }
            client.write_all(reply)?;
        }
    }

    fn is_to_lose_reply_to(&self, request: &[u8]) -> bool {
        let part = &mut self.state().loses_reply_to;
        part.take_if(|part| part.is_empty() || request.windows(part.len()).any(|it| it == part))
            .is_some()
    }

    fn wait_for_delay(&self) {
        let arrived = Instant::now();
        let mut state = self.state();
        while let Some(rest) = state.delay.checked_sub(arrived.elapsed()) {
            if rest.is_zero() {
                return;
            }
            let waited = self.changed.wait_timeout(state, rest);
            state = waited.expect("nobody panics while holding it").0;
        }
    }
}

impl Connection {
    pub fn new(client: TcpStream, server: TcpStream) -> io::Result<Self> {
        // A relay that waited for more to send would be a delay that nobody has asked for.
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        Ok(Self {
            client,
            server,
            asked: AtomicBool::new(false),
            loses_reply: AtomicBool::new(false),
        })
    }

    pub fn cut(&self) {
        // An error means that the other side has cut it already.
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.server.shutdown(Shutdown::Both);
    }

    fn or_cut(&self, outcome: io::Result<()>) {
        if outcome.is_err() {
            self.cut();
        }
    }

    /// Takes the rest of a reply. A server may begin to answer before it has done all that it was asked, and would give
    /// up if it lost the connection then.
    fn drain(&self) -> io::Result<()> {
        self.server.set_read_timeout(Some(QUIET))?;
        let mut buffer = vec![0; BUFFER];
        // An error is the time limit, or that the server has closed the connection.
        while (&self.server)
            .read(&mut buffer)
            .is_ok_and(|length| length > 0)
        {}
        Ok(())
    }
}

const BUFFER: usize = 1 << 16;

/// After so long without a byte, a reply is complete.
const QUIET: Duration = Duration::from_millis(100);
