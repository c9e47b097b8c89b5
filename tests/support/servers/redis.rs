//! Redis, standalone or as a node of a cluster.

use std::{
    ffi::OsString,
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    time::Duration,
};

use super::{
    programs::{command, output, program, try_output},
    server::{Kind, Server},
};

/// A Redis server.
pub type Redis = Server<RedisKind>;

/// What a Redis server keeps when it is stopped or killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persistence {
    /// Nothing.
    None,
    /// What it has written to its append-only file, which reaches the disk once a second.
    EverySecond,
    /// What it has answered: the append-only file reaches the disk before the reply is sent.
    Always,
}

impl Redis {
    /// The server that all tests of this process share. It keeps nothing. Give each test a key prefix of its own.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Redis> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Starts a server for one test. It keeps nothing.
    pub fn start() -> Self {
        Self::start_with(Persistence::None)
    }

    /// Starts a server for one test that keeps what it is told to.
    pub fn start_with(persistence: Persistence) -> Self {
        Self::launch(RedisKind::new(persistence))
    }

    /// Starts a server with this `maxmemory-policy`, such as `allkeys-lru`. All others have `noeviction`.
    pub fn start_evicting(policy: &'static str) -> Self {
        Self::launch(RedisKind {
            eviction: policy,
            ..RedisKind::new(Persistence::None)
        })
    }

    /// Where the server is reached.
    pub fn url(&self) -> String {
        Self::url_through(self.address())
    }

    /// Where it is reached by way of a proxy at this address.
    pub fn url_through(proxy: SocketAddr) -> String {
        format!("redis://{proxy}/")
    }

    /// Sends a command, such as `["SET", "key", "value"]`, and gives the reply as `redis-cli` prints it.
    ///
    /// # Panics
    ///
    /// If it fails.
    pub fn command(&self, words: &[&str]) -> String {
        let reply = output(self.kind.client(self.address()).args(words));
        reply.trim_end().to_owned()
    }

    /// As [`command`](Self::command), with the server's complaint as the error.
    pub fn try_command(&self, words: &[&str]) -> Result<String, String> {
        let reply = try_output(self.kind.client(self.address()).args(words))?;
        Ok(reply.trim_end().to_owned())
    }
}

/// How Redis is run.
pub struct RedisKind {
    server: PathBuf,
    client: PathBuf,
    persistence: Persistence,
    eviction: &'static str,
    /// As a node of a cluster: how long another node may be silent.
    node_timeout: Option<Duration>,
}

impl RedisKind {
    pub fn new(persistence: Persistence) -> Self {
        Self {
            server: program("redis-server", "redis-server"),
            client: program("redis-cli", "redis-tools"),
            persistence,
            eviction: "noeviction",
            node_timeout: None,
        }
    }

    pub fn in_cluster(self, node_timeout: Duration) -> Self {
        Self {
            node_timeout: Some(node_timeout),
            ..self
        }
    }

    /// `redis-cli`, which fails if its command does.
    fn client(&self, address: SocketAddr) -> Command {
        let mut client = command(&self.client);
        client.args(["-e", "-h", "127.0.0.1", "-p", &address.port().to_string()]);
        client
    }
}

impl Kind for RedisKind {
    const NAME: &'static str = "redis";
    const STOP: &'static str = "TERM";
    const END: &'static str = "TERM";

    fn command_line(&self, folder: &Path, port: u16) -> Vec<OsString> {
        let (append, sync) = match self.persistence {
            Persistence::None => ("no", "no"),
            Persistence::EverySecond => ("yes", "everysec"),
            Persistence::Always => ("yes", "always"),
        };
        let mut command_line = vec![self.server.clone().into(), "--dir".into(), folder.into()];
        let mut set = |name: &str, value: &str| command_line.extend([name.into(), value.into()]);
        set("--port", &port.to_string());
        set("--bind", "127.0.0.1");
        set("--save", "");
        set("--appendonly", append);
        set("--appendfsync", sync);
        set("--maxmemory-policy", self.eviction);
        if let Some(timeout) = self.node_timeout {
            set("--cluster-enabled", "yes");
            set("--cluster-node-timeout", &timeout.as_millis().to_string());
        }
        command_line
    }

    /// By what it says of itself: it could be somebody else's server, or one that still reads its append-only file.
    fn is_ready(&self, _folder: &Path, address: SocketAddr, pid: u32) -> bool {
        let info = info(address).unwrap_or_default();
        let has = |line: &str| info.lines().any(|it| it == line);
        has(&format!("process_id:{pid}")) && has("loading:0")
    }
}

/// The server's reply to `INFO`. Who listens there may also be somebody who never answers.
fn info(address: SocketAddr) -> io::Result<String> {
    let limit = Duration::from_secs(1);
    let mut server = TcpStream::connect_timeout(&address, limit)?;
    server.set_read_timeout(Some(limit))?;
    server.write_all(b"INFO\r\n")?;
    let mut server = BufReader::new(server);
    let mut header = String::new();
    server.by_ref().take(64).read_line(&mut header)?;
    let length = header
        .strip_prefix('$')
        .and_then(|it| it.trim_end().parse().ok());
    let mut info = String::new();
    server.take(length.unwrap_or(0)).read_to_string(&mut info)?;
    Ok(info)
}
