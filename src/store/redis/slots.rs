use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use redis::{ConnectionAddr, ConnectionInfo, ErrorKind, RedisResult, Value};

use super::link::Link;

/// Which master has which slots.
pub(super) struct Slots {
    nodes: Vec<(Address, Arc<Link>)>,
    /// The last slot of each range, in order, and the place of its master in `nodes`.
    ranges: Vec<Range>,
    made: Instant,
}

struct Range {
    first: u16,
    last: u16,
    node: usize,
}

/// Where a node is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
}

impl Default for Slots {
    /// Nothing is known.
    fn default() -> Self {
        Self {
            nodes: Vec::new(),
            ranges: Vec::new(),
            made: Instant::now(),
        }
    }
}

impl Slots {
    pub(super) fn owner(&self, slot: u16) -> Option<&Arc<Link>> {
        let at = self.ranges.partition_point(|range| range.last < slot);
        let range = self.ranges.get(at).filter(|range| range.first <= slot)?;
        Some(&self.nodes[range.node].1)
    }

    /// How long ago it was told.
    pub(super) fn age(&self) -> Duration {
        self.made.elapsed()
    }

    pub(super) fn link(&self, address: &Address) -> Option<Arc<Link>> {
        let known = self.nodes.iter().find(|(it, _)| it == address);
        known.map(|(_, link)| link.clone())
    }

    pub(super) fn masters(&self) -> Vec<Arc<Link>> {
        self.nodes.iter().map(|(_, link)| link.clone()).collect()
    }

    pub(super) fn hosts(&self) -> impl Iterator<Item = (String, Arc<Link>)> {
        let nodes = self.nodes.iter();
        nodes.map(|(address, link)| (address.host.clone(), link.clone()))
    }

    /// What a node tells in reply to `CLUSTER SLOTS`. Ways that are known stay open. `host` is where the node was asked, which is what it means
    /// where it leaves out the host.
    pub(super) fn renewed(
        &self,
        reply: &Value,
        host: &str,
        open: impl Fn(&Address) -> RedisResult<Arc<Link>>,
    ) -> RedisResult<Self> {
        let mut slots = Self::default();
        for range in list(reply).ok_or_else(unreadable)? {
            let (first, last, address) = range_of(range, host).ok_or_else(unreadable)?;
            let Some(address) = address else {
                continue;
            };
            let node = match slots.nodes.iter().position(|(it, _)| *it == address) {
                Some(node) => node,
                None => {
                    let link = self.link(&address).map_or_else(|| open(&address), Ok)?;
                    slots.nodes.push((address, link));
                    slots.nodes.len() - 1
                }
            };
            slots.ranges.push(Range { first, last, node });
        }
        slots.ranges.sort_unstable_by_key(|range| range.first);
        Ok(slots)
    }
}

/// First and last slot, and the master, if its address is known: `[first, last, [host, port, ..], replicas..]`.
fn range_of(range: &Value, host: &str) -> Option<(u16, u16, Option<Address>)> {
    let [first, last, master, ..] = list(range)? else {
        return None;
    };
    let [named, port, ..] = list(master)? else {
        return None;
    };
    let host = match named {
        Value::Nil => host,
        Value::BulkString(name) if name.is_empty() => host,
        Value::BulkString(name) => std::str::from_utf8(name).ok()?,
        _ => return None,
    };
    let address = Address {
        host: host.to_owned(),
        port: number(port)?,
    };
    // A node that does not know how another one is reached says so.
    let address = Some(address).filter(|it| it.host != "?");
    Some((number(first)?, number(last)?, address))
}

impl Address {
    /// `host:port`, as in a redirection. The port comes last, since an IPv6 address has colons of its own.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let port = port.parse().ok()?;
        (!host.is_empty()).then(|| Self {
            host: host.to_owned(),
            port,
        })
    }

    pub(super) fn of(info: &ConnectionInfo) -> Option<Self> {
        let (host, port) = match info.addr() {
            ConnectionAddr::Tcp(host, port) => (host, port),
            ConnectionAddr::TcpTls { host, port, .. } => (host, port),
            _ => return None,
        };
        Some(Self {
            host: host.clone(),
            port: *port,
        })
    }

    pub(super) fn instead_of_that_in(&self, info: ConnectionInfo) -> ConnectionInfo {
        let addr = match info.addr().clone() {
            ConnectionAddr::TcpTls {
                insecure,
                tls_params,
                ..
            } => ConnectionAddr::TcpTls {
                host: self.host.clone(),
                port: self.port,
                insecure,
                tls_params,
            },
            _ => ConnectionAddr::Tcp(self.host.clone(), self.port),
        };
        info.set_addr(addr)
    }
}

fn list(value: &Value) -> Option<&[Value]> {
    match value {
        Value::Array(values) => Some(values),
        _ => None,
    }
}

fn number(value: &Value) -> Option<u16> {
    match value {
        Value::Int(number) => u16::try_from(*number).ok(),
        _ => None,
    }
}

fn unreadable() -> redis::RedisError {
    let kind = ErrorKind::UnexpectedReturnType;
    (kind, "not a list of slots").into()
}
