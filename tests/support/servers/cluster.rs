//! A Redis Cluster.

use std::{
    net::SocketAddr,
    ops::Range,
    sync::OnceLock,
    thread::sleep,
    time::{Duration, Instant},
};

use super::redis::{Persistence, Redis, RedisKind};

/// A Redis Cluster of three masters without replicas. It ends with this value, or with the test process.
///
/// While a master is away, the cluster as a whole refuses commands, as it does unless it is told otherwise
/// (`cluster-require-full-coverage`). It takes the others [`NODE_TIMEOUT`] or a bit more to notice.
pub struct Cluster {
    nodes: Vec<Redis>,
}

impl Cluster {
    /// The cluster that all tests of this process share. It keeps nothing. Give each test a key prefix of its own.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Starts a cluster for one test. It keeps nothing.
    pub fn start() -> Self {
        Self::start_with(Persistence::None)
    }

    /// Starts a cluster for one test that keeps what it is told to.
    pub fn start_with(persistence: Persistence) -> Self {
        let start = || Redis::launch(RedisKind::new(persistence).in_cluster(NODE_TIMEOUT));
        let nodes = (0..MASTERS).map(|_| start()).collect();
        let cluster = Self { nodes };
        cluster.join();
        cluster.wait_until_ready();
        cluster
    }

    /// Where the nodes are reached. A client finds the others by any of them.
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(Redis::url).collect()
    }

    /// The nodes, to be asked one by one.
    pub fn nodes(&self) -> &[Redis] {
        &self.nodes
    }

    /// Which node has a key, by its place in [`nodes`](Self::nodes). One of them must run to tell its slot.
    pub fn node_of(&self, key: &str) -> usize {
        let slot = |node: &Redis| node.try_command(&["CLUSTER", "KEYSLOT", key]).ok();
        let slot = self.nodes.iter().find_map(slot).expect("a node runs");
        let slot = slot.parse().expect("a slot is a number");
        (0..MASTERS)
            .find(|node| slots(*node).contains(&slot))
            .expect("every slot has a node")
    }

    /// From now on, and until that node starts again, clients are told to reach a node at this address, a proxy's.
    pub fn announce(&self, node: usize, proxy: SocketAddr) {
        let port = proxy.port().to_string();
        let set = ["CONFIG", "SET", "cluster-announce-port", &port];
        self.nodes[node].command(&set);
        self.wait_until(&["CLUSTER", "SLOTS"], &port);
    }

    /// Stops one node in order.
    pub fn stop(&mut self, node: usize) {
        self.nodes[node].stop();
    }

    /// Makes one node crash.
    pub fn kill(&mut self, node: usize) {
        self.nodes[node].kill();
    }

    /// Starts a node again, on the same port and with what it has kept. If it was the last one away, this waits until the
    /// cluster is whole.
    pub fn start_again(&mut self, node: usize) {
        self.nodes[node].start_again();
        if self.nodes.iter_mut().all(Redis::is_running) {
            self.wait_until_ready();
        }
    }

    /// Waits until every node says that all slots are served.
    pub fn wait_until_ready(&self) {
        self.wait_until(&["CLUSTER", "INFO"], "cluster_state:ok");
    }

    /// Waits until every node that runs has noticed that another one is away.
    pub fn wait_until_down(&self) {
        self.wait_until(&["CLUSTER", "INFO"], "cluster_state:fail");
    }

    fn join(&self) {
        for (number, node) in self.nodes.iter().enumerate() {
            let slots = slots(number);
            let (first, last) = (slots.start.to_string(), (slots.end - 1).to_string());
            node.command(&["CLUSTER", "ADDSLOTSRANGE", &first, &last]);
            // Different from the beginning, or the nodes would have to agree on it first.
            let epoch = (number + 1).to_string();
            node.command(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch]);
            if number > 0 {
                let port = node.address().port().to_string();
                self.nodes[0].command(&["CLUSTER", "MEET", "127.0.0.1", &port]);
            }
        }
    }

    /// Waits until the replies of all nodes that run have this line.
    fn wait_until(&self, command: &[&str], line: &str) {
        let deadline = Instant::now() + LIMIT;
        for node in &self.nodes {
            while let Ok(reply) = node.try_command(command)
                && !reply.lines().any(|it| it.trim_end() == line)
            {
                assert!(Instant::now() < deadline, "no {line} in:\n{reply}");
                sleep(MOMENT);
            }
        }
    }
}

/// The slots of a node.
fn slots(node: usize) -> Range<usize> {
    let before = |node: usize| node * SLOTS / MASTERS;
    before(node)..before(node + 1)
}

const MASTERS: usize = 3;

/// Of every Redis Cluster.
const SLOTS: usize = 16384;

/// How long a node is silent until the others hold it for lost. It takes twice as long until they trust it again. Shorter,
/// and a busy machine would make a node seem lost.
pub const NODE_TIMEOUT: Duration = Duration::from_secs(3);

const LIMIT: Duration = Duration::from_secs(60);

const MOMENT: Duration = Duration::from_millis(50);
