//! Clients that receive logout tokens, over real sockets with TLS, and behave well or badly.
//!
//! A test binary takes them in with `#[path = "../support/receivers/mod.rs"] mod receivers;`. They run in a thread of their own, so that a test that is busy does
//! not slow them down.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses its own part"
)]

mod certificates;
mod connection;
mod heard;

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::{net::TcpListener, sync::oneshot};

pub use self::{certificates::Authority, heard::Heard};

/// How a client answers.
#[derive(Clone, Debug)]
pub enum Reply {
    /// With a status and no body.
    Status(u16),
    /// With a redirect to there.
    Redirect(String),
    /// With 200 after a while.
    Slow(Duration),
    /// Never; the connection stays open.
    Hang,
    /// With a body that has no end, as fast as it is taken.
    Huge(u16),
    /// With the head of an answer that has no end, as fast as it is taken.
    HugeHead,
    /// With 200, and a byte of the body now and then.
    Drip,
    /// With 200, byte by byte, so that the head alone takes minutes.
    DripHead,
    /// By closing the connection.
    Close,
}

/// Some clients at one address, told apart by their paths.
#[derive(Clone)]
pub struct Receivers {
    shared: Arc<Shared>,
    address: SocketAddr,
    scheme: &'static str,
    _running: Arc<oneshot::Sender<()>>,
}

#[derive(Default)]
struct Shared {
    replies: Mutex<HashMap<String, Vec<Reply>>>,
    heard: Mutex<Vec<Heard>>,
    /// How many requests are being answered, and the most that ever were.
    busy: Mutex<HashMap<String, (usize, usize)>>,
}

impl Receivers {
    /// With a certificate of an authority, for `localhost` and 127.0.0.1.
    pub fn start(authority: &Authority) -> Self {
        Self::with(Some(authority.acceptor(&["localhost", "127.0.0.1"])))
    }

    /// With a certificate for other names.
    pub fn start_as(authority: &Authority, names: &[&str]) -> Self {
        Self::with(Some(authority.acceptor(names)))
    }

    /// Without TLS.
    pub fn plain() -> Self {
        Self::with(None)
    }

    fn with(acceptor: Option<tokio_rustls::TlsAcceptor>) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let scheme = if acceptor.is_some() { "https" } else { "http" };
        let shared = Arc::<Shared>::default();
        let (running, stopped) = oneshot::channel::<()>();
        let here = Arc::clone(&shared);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                tokio::spawn(async move {
                    loop {
                        let Ok((stream, _)) = listener.accept().await else {
                            continue;
                        };
                        let (shared, acceptor) = (Arc::clone(&here), acceptor.clone());
                        tokio::spawn(connection::serve(stream, acceptor, shared));
                    }
                });
                let _ = stopped.await;
            });
        });
        Self {
            shared,
            address,
            scheme,
            _running: Arc::new(running),
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where a client is told.
    pub fn uri(&self, client: &str) -> String {
        self.uri_at("localhost", client)
    }

    /// The same under another name for this host.
    pub fn uri_at(&self, host: &str, client: &str) -> String {
        format!("{}://{host}:{}/{client}", self.scheme, self.address.port())
    }

    /// Has a client answer like this, one after the other; the last one again and again. All others answer 200.
    pub fn behave(&self, client: &str, replies: impl Into<Vec<Reply>>) {
        let mut all = self.shared.replies.lock().unwrap();
        all.insert(client.to_owned(), replies.into());
    }

    /// What all clients have heard, in order.
    pub fn heard(&self) -> Vec<Heard> {
        self.shared.heard.lock().unwrap().clone()
    }

    /// What one has heard.
    pub fn heard_by(&self, client: &str) -> Vec<Heard> {
        let mut heard = self.heard();
        heard.retain(|heard| heard.client == client);
        heard
    }

    /// How often anybody has.
    pub fn count(&self) -> usize {
        self.shared.heard.lock().unwrap().len()
    }

    pub fn forget(&self) {
        self.shared.heard.lock().unwrap().clear();
    }

    /// The most requests that a client had at the same time.
    pub fn most_at_once(&self, client: &str) -> usize {
        let busy = self.shared.busy.lock().unwrap();
        busy.get(client).map_or(0, |(_, most)| *most)
    }

    /// Waits until something holds of what was heard.
    pub async fn until(&self, what: &str, holds: impl Fn(&[Heard]) -> bool) {
        let began = Instant::now();
        while !holds(&self.shared.heard.lock().unwrap()) {
            assert!(began.elapsed() < Duration::from_secs(60), "never: {what}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Shared {
    fn reply_of(&self, client: &str) -> Reply {
        let mut all = self.replies.lock().unwrap();
        match all.get_mut(client) {
            None => Reply::Status(200),
            Some(replies) if replies.len() > 1 => replies.remove(0),
            Some(replies) => replies[0].clone(),
        }
    }

    fn begin(&self, client: &str) {
        let mut busy = self.busy.lock().unwrap();
        let (now, most) = busy.entry(client.to_owned()).or_default();
        *now += 1;
        *most = (*most).max(*now);
    }

    fn end(&self, client: &str) {
        let mut busy = self.busy.lock().unwrap();
        busy.entry(client.to_owned()).or_default().0 -= 1;
    }
}
