use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

#[cfg(feature = "back-channel")]
use super::outbox::Outbox;
use super::{ends::Ends, index::Tidied, keys::Keys, options::RedisOptions, servers::Servers};
use crate::error::StoreError;
#[cfg(doc)]
use crate::store::session_store::SessionStore;

/// Keeps sessions in Redis 7.0 or later, standalone or a cluster, for any number of nodes.
///
/// A cheap handle; clones are one store, with one connection to each server that all requests share. A connection that is lost is made anew by the next
/// request.
///
/// ```no_run
/// # async fn open() -> Result<(), Box<dyn std::error::Error>> {
/// use axum_user_session::{KeyRing, SessionConfig, store::RedisStore};
///
/// let store = RedisStore::connect("redis://:secret@redis.example/").await?;
/// // Or a cluster, by some of its nodes:
/// let nodes = ["redis://redis-1.example/", "redis://redis-2.example/"];
/// let store = RedisStore::connect_cluster(nodes).await?;
///
/// let config = SessionConfig::builder(KeyRing::ephemeral()).store(store).build()?;
/// # Ok(())
/// # }
/// ```
///
/// # What is atomic
///
/// The records of a subject, its ends and when they expire are in one *bucket* of 1024, by the hash of the subject, and a bucket is one slot of a cluster. What
/// happens to them is one script, so it happens as a whole or not at all: `create` with its limit, `load`, `update`, `touch`, clients, `replace`, `delete`, each
/// with the entry in the log of ends. The same is true of `take_expired`, `take_ended` and `acknowledge` for each bucket that they touch.
///
/// - `delete_matching` ends up to 200 sessions of one subject in one step. With another selection, and beyond that number, it goes from bucket to bucket, in
///   parallel.
/// - `query` and `count` without a subject read one session after the other, as they are at that moment. `count` is exact when nothing changes meanwhile.
/// - A session is in the indexes of all sessions, of session ids and of names *before* it is there, and leaves them *after* it has ended. So one that is there
///   is never missing in a list; whoever meets an entry of one that is not there skips it, and drops it when it is old.
///
/// # What may be lost
///
/// A crash of this process loses nothing that was answered. A crash of the server loses what its append-only file has not kept: with `appendfsync always`
/// nothing that was answered; with `everysec` about the last second; without such a file everything since the last snapshot. Then sessions that began are
/// gone, and, which is worse, those that **ended in that time are back**, and nobody is told of their ends. The same goes for what a master
/// had not yet sent to the replica that takes its place, since Redis replicates after it has answered. Where signing out must hold in every case, use
/// `appendfsync always` and no automatic failover, or PostgreSQL.
///
/// If one node of a cluster loses more than the others, a session may be missing in the indexes. It works, is found by its subject, and ends when that subject, or
/// everyone, is signed out.
///
/// No session expires by itself, whatever the clock of the server says: [`take_expired`](SessionStore::take_expired) ends it, and logs that. Only the memory of a
/// record that is over has a time to live, of 60 seconds.
///
/// # The outbox
///
/// With the feature `back-channel` it is an outbox of logout notifications too. The deliveries of an end are in one of 64 *parts*, by the end's id, and a part is one slot of
/// a cluster. So putting in is one script, all or nothing; `take_due`, `settle` and `forget_settled` are one for each part that they touch, of which some may have happened when they fail. Lists
/// and counts read one part after the other, as it is at that moment.
///
/// What may be lost is what is said above: after a crash of the server, deliveries that were put in may be gone, with clients that never hear of an end, and those that were settled may wait again and
/// be sent once more. While a node is away, the deliveries of the others go on. When the memory is full, nothing more is put in; what is there is delivered and forgotten.
///
/// Taking asks all parts for what is due, 64 small commands in one round trip, and then takes in another. Deliveries that are due for clients that are passed by are read,
/// a few thousand of each part in one step. A list of one end is one command; any other reads deliveries from the newest on until enough meet its filter, so one that few
/// meet reads all of them.
///
/// # What the server needs
///
/// - `maxmemory-policy noeviction`, which is checked, or Redis would delete sessions. When its memory is full, sign-ins fail
///   with [`StoreFull`](crate::error::ErrorKind::StoreFull), new clients and new tickets are refused, and all else goes on.
/// - Only the database of the URL; in a cluster, number 0. The keys are in braces with a prefix: `{aus:...}...`. Nothing else must write to them.
/// - For a user of its own, this is enough: `~{aus:* +@read +@write +@scripting +@connection +@transaction +info +cluster|slots -@dangerous +info`. Without `info`, it asks
///   `hello` for the version and `config|get` for the policy.
/// - Memory: 1.6 kB for each session besides its ticket, if its subject has 36 bytes and it has a name and two clients: 0.7 kB for the record, 0.2 kB for the
///   set of its subject, 0.7 kB for expiry and indexes. A memory of a record takes 0.3 kB, an end that nobody has acknowledged 0.5 kB, and a
///   delivery that nobody has forgotten 0.5 kB to 0.8 kB: the fewer clients its end has, the more.
/// - A name or an address that leads to the master. Redis Sentinel is not asked; but a server that has stopped to be the master is looked for
///   again under its name, as managed ones expect it.
///
/// # What things cost
///
/// Reading a session is one `HGETALL`, and one script with a touch. Signing in is one round trip, on a cluster two: one for the indexes, one for the session.
/// Signing in again to the same session, an update, a client and signing out are one; a changed name takes one more. None of it depends on
/// the number of sessions, nor does a page of the list of all of them.
///
/// Looking for a name costs time with the number of sessions whose names begin so, but for common names, which are soon found among the newest sessions. `count`
/// looks at each session that it counts; the count of everyone is 1024 small commands in one round trip, as is looking for what has expired. Ends are
/// taken with one small command when there are none.
///
/// While a slot moves to another node, what would write to it may fail for that time.
#[derive(Clone)]
pub struct RedisStore {
    inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) servers: Servers,
    pub(super) keys: Keys,
    pub(super) ends: Ends,
    pub(super) tidied: Tidied,
    #[cfg(feature = "back-channel")]
    pub(super) outbox: Outbox,
}

impl RedisStore {
    /// Connects to a server that is not part of a cluster; see [`RedisOptions::connect`].
    ///
    /// # Errors
    ///
    /// As [`RedisOptions::connect`].
    pub async fn connect(url: impl AsRef<str>) -> Result<Self, StoreError> {
        RedisOptions::new().connect(url).await
    }

    /// Connects to a Redis Cluster by some of its nodes; see [`RedisOptions::connect_cluster`].
    ///
    /// # Errors
    ///
    /// As [`RedisOptions::connect_cluster`].
    pub async fn connect_cluster<U: AsRef<str>>(
        urls: impl IntoIterator<Item = U>,
    ) -> Result<Self, StoreError> {
        RedisOptions::new().connect_cluster(urls).await
    }

    pub(super) fn new(servers: Servers, keys: Keys) -> Self {
        Self {
            inner: Arc::new(Inner {
                servers,
                keys,
                ends: Ends::default(),
                tidied: Tidied::default(),
                #[cfg(feature = "back-channel")]
                outbox: Outbox::default(),
            }),
        }
    }

    pub(super) fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }
}

/// Without the URL, which holds the password.
impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("key_prefix", &self.inner.keys.prefix())
            .field("servers", &self.inner.servers.links().len())
            .finish_non_exhaustive()
    }
}

/// A panic can't leave what is behind a lock half changed: nothing here panics between two changes that belong together.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
