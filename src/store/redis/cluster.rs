use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use redis::{ConnectionInfo, ErrorKind, Pipeline, RedisError, RedisResult, ServerErrorKind, Value};
use tokio::{
    sync::{Mutex, MutexGuard},
    task::JoinSet,
    time::sleep,
};

use super::{
    call::Call,
    link::{Link, TimeLimits, or_refusal},
    servers,
    slots::{Address, Slots},
};

/// The masters of a Redis Cluster: each call goes to the one that has its slot.
///
/// What a node has refused because a slot is elsewhere has not happened, so it is asked for again where it is. Any other failure goes to the caller. A node
/// that is away fails what is asked of its own slots, and nothing else.
pub(super) struct Cluster {
    inner: Arc<Inner>,
}

struct Inner {
    /// Where nodes are asked for that were not known at the start; also how to connect to the others.
    seeds: Vec<ConnectionInfo>,
    limits: TimeLimits,
    slots: ArcSwap<Slots>,
    refreshing: Mutex<()>,
}

impl Cluster {
    /// Asks the first of some nodes that answers for all of them.
    pub(super) async fn connect(
        seeds: Vec<ConnectionInfo>,
        limits: TimeLimits,
    ) -> RedisResult<Self> {
        let inner = Arc::new(Inner {
            seeds,
            limits,
            slots: ArcSwap::default(),
            refreshing: Mutex::new(()),
        });
        inner.refresh(inner.refreshing.lock().await).await?;
        Ok(Self { inner })
    }

    pub(super) fn masters(&self) -> Vec<Arc<Link>> {
        self.inner.slots.load().masters()
    }

    pub(super) async fn call(&self, call: &Call) -> RedisResult<Value> {
        let mut target = Target::Owner;
        let mut attempt = 0;
        loop {
            let reply = self.attempt(call, &target).await;
            attempt += 1;
            match reply {
                Err(error) if attempt < ATTEMPTS => target = self.after(error, attempt).await?,
                reply => return reply,
            }
        }
    }

    pub(super) async fn call_all(&self, calls: &[Call]) -> Vec<RedisResult<Value>> {
        let mut replies = self.send_all(calls).await;
        // Who was asked in vain because slots have moved is asked again, with the others where they are now.
        let moved: Vec<_> = positions(&replies, is_moved);
        if !moved.is_empty() && self.inner.refresh_if_old().await.is_ok() {
            let again: Vec<_> = moved.iter().map(|at| calls[*at].clone()).collect();
            for (at, reply) in moved.into_iter().zip(self.send_all(&again).await) {
                replies[at] = reply;
            }
        }
        for at in positions(&replies, is_elsewhere) {
            replies[at] = self.call(&calls[at]).await;
        }
        replies
    }

    /// One pipeline to each node, all at the same time.
    async fn send_all(&self, calls: &[Call]) -> Vec<RedisResult<Value>> {
        let mut of_node: Vec<(Arc<Link>, Vec<usize>)> = Vec::new();
        let mut replies = vec![Err(unserved()); calls.len()];
        let slots = self.inner.slots.load_full();
        for (at, call) in calls.iter().enumerate() {
            let Some(link) = slots.owner(call.slot()) else {
                continue;
            };
            match of_node.iter_mut().find(|(it, _)| Arc::ptr_eq(it, link)) {
                Some((_, positions)) => positions.push(at),
                None => of_node.push((link.clone(), vec![at])),
            }
        }
        let mut tasks = JoinSet::new();
        for (link, positions) in of_node {
            let calls: Vec<_> = positions.iter().map(|at| calls[*at].clone()).collect();
            tasks.spawn(async move { (positions, servers::send_all(&link, &calls).await) });
        }
        // A task that fails to end leaves what was there before: an error.
        while let Some(done) = tasks.join_next().await {
            for (at, reply) in done.into_iter().flat_map(|(at, it)| at.into_iter().zip(it)) {
                replies[at] = reply;
            }
        }
        if replies.iter().flatten().count() < replies.len() {
            self.inner.refresh_soon();
        }
        replies
    }

    async fn attempt(&self, call: &Call, target: &Target) -> RedisResult<Value> {
        match target {
            Target::Owner => {
                let slots = self.inner.slots.load_full();
                match slots.owner(call.slot()) {
                    Some(link) => servers::send(link, call).await,
                    None => Err(unserved()),
                }
            }
            Target::Moved(link) => servers::send(link, call).await,
            Target::Asking(link) => ask(link, call).await,
        }
    }

    /// Where to go on after a failure, if it says that nothing has happened; the failure, if it does not.
    async fn after(&self, error: RedisError, attempt: u32) -> RedisResult<Target> {
        let ErrorKind::Server(kind) = error.kind() else {
            // The node may be gone, and another may have taken its slots over.
            self.inner.refresh_soon();
            return Err(error);
        };
        match kind {
            ServerErrorKind::Moved => {
                self.inner.refresh_soon();
                Ok(Target::Moved(self.inner.redirected(&error)?))
            }
            ServerErrorKind::Ask => Ok(Target::Asking(self.inner.redirected(&error)?)),
            // Some keys of the slot are here and others on the node that it moves to.
            ServerErrorKind::TryAgain => {
                sleep(MOMENT * attempt).await;
                Ok(Target::Owner)
            }
            // It was a master until a moment ago.
            ServerErrorKind::ReadOnly => {
                sleep(MOMENT * attempt).await;
                self.inner.refresh_if_old().await?;
                Ok(Target::Owner)
            }
            _ => {
                self.inner.refresh_soon();
                Err(error)
            }
        }
    }
}

/// Where to send a call.
enum Target {
    Owner,
    Moved(Arc<Link>),
    /// To a node that does not have the slot yet, with the word that makes it answer.
    Asking(Arc<Link>),
}

impl Inner {
    /// Learns anew who has which slots, unless somebody has just done so, or is about to.
    fn refresh_soon(self: &Arc<Self>) {
        let inner = self.clone();
        tokio::spawn(async move {
            if let Ok(guard) = inner.refreshing.try_lock()
                && inner.slots.load().age() > FRESH
            {
                // If it fails, whatever fails next comes here again.
                inner.refresh(guard).await.ok();
            }
        });
    }

    async fn refresh_if_old(&self) -> RedisResult<()> {
        let guard = self.refreshing.lock().await;
        match self.slots.load().age() > MOMENT {
            true => self.refresh(guard).await,
            false => Ok(()),
        }
    }

    /// Asks one node after the other until one tells.
    async fn refresh(&self, _only_one: MutexGuard<'_, ()>) -> RedisResult<()> {
        let known = self.slots.load_full();
        let mut last = unserved();
        for (host, link) in known.hosts().chain(self.seeds()) {
            match link.send(redis::cmd("CLUSTER").arg("SLOTS")).await {
                Ok(reply) => {
                    let open = |address: &Address| self.open(address);
                    self.slots
                        .store(Arc::new(known.renewed(&reply, &host, open)?));
                    return Ok(());
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn seeds(&self) -> impl Iterator<Item = (String, Arc<Link>)> {
        self.seeds.iter().filter_map(|seed| {
            let link = Link::open(seed.clone(), self.limits).ok()?;
            Some((Address::of(seed)?.host, link))
        })
    }

    /// The node that an error refers to.
    fn redirected(&self, error: &RedisError) -> RedisResult<Arc<Link>> {
        let address = error.redirect_node().and_then(|(it, _)| Address::parse(it));
        let address = address.ok_or_else(unserved)?;
        match self.slots.load().link(&address) {
            Some(link) => Ok(link),
            None => self.open(&address),
        }
    }

    /// Opens the way to a node, with user, password and encryption as for the first one.
    fn open(&self, address: &Address) -> RedisResult<Arc<Link>> {
        let seed = self.seeds.first().cloned().ok_or_else(unserved)?;
        Link::open(address.instead_of_that_in(seed), self.limits)
    }
}

/// Both in one go, so that nothing of somebody else's comes between them.
async fn ask(link: &Arc<Link>, call: &Call) -> RedisResult<Value> {
    let mut pipeline = Pipeline::with_capacity(2);
    pipeline.cmd("ASKING");
    // With its source, since this may be the first that the node sees of the script.
    pipeline.add_command(call.cmd_with_source());
    let mut replies = link.send_all(&pipeline).await?;
    let last = replies.pop().ok_or_else(unserved)?;
    or_refusal(last)
}

fn positions(replies: &[RedisResult<Value>], which: fn(&RedisError) -> bool) -> Vec<usize> {
    let failed = replies.iter().enumerate();
    let chosen = failed.filter_map(|(at, reply)| reply.as_ref().is_err_and(which).then_some(at));
    chosen.collect()
}

fn is_moved(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::Moved)
}

/// Whether it has not happened because it was asked for in the wrong place, or at the wrong moment.
fn is_elsewhere(error: &RedisError) -> bool {
    use ServerErrorKind::{Ask, Moved, ReadOnly, TryAgain};
    matches!(
        error.kind(),
        ErrorKind::Server(Moved | Ask | TryAgain | ReadOnly)
    )
}

fn unserved() -> RedisError {
    let kind = ErrorKind::ClusterConnectionNotFound;
    (kind, "no node is known to have the slot").into()
}

/// How often a call is made at most when it is sent from one node to another.
const ATTEMPTS: u32 = 5;

/// The time after which slots that are being moved are looked at again.
const MOMENT: Duration = Duration::from_millis(20);

/// For how long nobody asks again who has which slots.
const FRESH: Duration = Duration::from_millis(200);
