use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::SystemTime,
};

#[cfg(feature = "back-channel")]
use super::outbox::Outbox;
use super::{
    end_log::EndLog,
    shard::{Found, Shard},
};
use crate::{
    ended::{EndReason, Ended},
    store::{
        key::{RecordKey, bucket_of},
        operation::{Continuity, Created, End, Limit, Replaced},
        query::Selection,
        record::Record,
    },
};

/// Keeps sessions in the memory of this process: for tests, and for a site on one node where a restart may sign everybody out.
///
/// A cheap handle; clones are one store. It is divided into shards by subject, each with a lock of its own that is held for the time of a few
/// look-ups. It holds a bounded number of sessions: when it is full, sessions that have expired make room, and no other ends for a newcomer, whose
/// sign-in fails with [`StoreFull`](crate::error::ErrorKind::StoreFull).
///
/// The log of ends is bounded by the same number. If nobody takes ends from it, the oldest are dropped, with a warning.
///
/// With the feature `back-channel` it is an outbox of logout notifications too. That holds eight deliveries for each session there is room for, and 10,000 at
/// least, of about 760 bytes each. When it is full, those that were settled longest ago make room; what still waits is never dropped, so where that fills it,
/// putting in fails. A restart loses all of it: clients that have not heard of an end by then never will.
///
/// Every operation is atomic. [`query`](crate::store::SessionStore::query), [`count`](crate::store::SessionStore::count) and
/// [`delete_matching`](crate::store::SessionStore::delete_matching) without a subject go through the shards one after the other.
///
/// ```
/// use axum_user_session::{KeyRing, SessionConfig, store::MemoryStore};
///
/// let config = SessionConfig::builder(KeyRing::ephemeral())
///     .store(MemoryStore::new(100_000))
///     .build()?;
/// # Ok::<_, axum_user_session::error::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct MemoryStore {
    inner: Arc<Inner>,
}

struct Inner {
    shards: Vec<Mutex<Shard>>,
    /// Taken while a shard is locked, so that a record is out when its end is in; never the other way round.
    end_log: Mutex<EndLog>,
    #[cfg(feature = "back-channel")]
    outbox: Mutex<Outbox>,
    len: AtomicUsize,
    capacity: usize,
}

/// Enough for cores not to wait for each other; a power of two, so that the buckets are spread evenly.
const SHARDS: usize = 64;

impl MemoryStore {
    /// An empty store for at most `capacity` sessions. One with a ticket of 600 bytes, a name and two clients takes about 2.3 kB.
    pub fn new(capacity: usize) -> Self {
        Self {
            inner: Arc::new(Inner {
                shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
                end_log: Mutex::default(),
                #[cfg(feature = "back-channel")]
                outbox: Mutex::new(Outbox::new(capacity)),
                len: AtomicUsize::new(0),
                capacity,
            }),
        }
    }

    /// How many sessions it holds, expired ones that nobody has taken away yet included.
    pub fn len(&self) -> usize {
        self.inner.len.load(Ordering::Relaxed)
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn shards(&self) -> &[Mutex<Shard>] {
        &self.inner.shards
    }

    pub(super) fn of_key(&self, key: &RecordKey) -> MutexGuard<'_, Shard> {
        lock(&self.inner.shards[usize::from(key.bucket()) % SHARDS])
    }

    pub(super) fn end_log(&self) -> MutexGuard<'_, EndLog> {
        lock(&self.inner.end_log)
    }

    #[cfg(feature = "back-channel")]
    pub(super) fn outbox(&self) -> MutexGuard<'_, Outbox> {
        lock(&self.inner.outbox)
    }

    /// The shards that a selection can be in.
    pub(super) fn of_selection(&self, selection: &Selection) -> &[Mutex<Shard>] {
        let subject = selection
            .filter()
            .and_then(|filter| filter.wanted_subject());
        match subject {
            None => &self.inner.shards,
            Some(subject) => {
                let index = usize::from(bucket_of(subject)) % SHARDS;
                &self.inner.shards[index..=index]
            }
        }
    }

    /// Notes what has just been taken out of a locked shard.
    pub(super) fn log(&self, _shard: &mut Shard, ended: &[Ended]) {
        if ended.is_empty() {
            return;
        }
        self.inner.len.fetch_sub(ended.len(), Ordering::Relaxed);
        let most = self.inner.capacity.max(1);
        let dropped = self.end_log().append(ended.iter().cloned(), most);
        if dropped > 0 {
            tracing::warn!(
                dropped,
                "nobody takes the ends of sessions from the memory store; the oldest are dropped"
            );
        }
    }

    /// Counts one more record, if there is room.
    fn reserve(&self) -> bool {
        let more = |len: usize| (len < self.inner.capacity).then_some(len + 1);
        self.inner
            .len
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .is_ok()
    }

    /// Ends what is under keys of a locked shard, each as `end` says.
    pub(super) fn end_all(
        &self,
        shard: &mut Shard,
        keys: &[RecordKey],
        end: End,
        now: SystemTime,
    ) -> Vec<Ended> {
        let ended = keys.iter().filter_map(|key| shard.end(key, end, now));
        let ended: Vec<_> = ended.collect();
        self.log(shard, &ended);
        ended
    }

    /// Runs `attempt`, which answers none when there is no room, again for as long as a session that has expired makes some.
    pub(super) fn with_room<T>(
        &self,
        now: SystemTime,
        mut attempt: impl FnMut() -> Option<T>,
    ) -> Option<T> {
        let make_room = |shard: &Mutex<Shard>| {
            let mut shard = lock(shard);
            let expired = shard.expired(1, now).into_iter();
            let expired: Vec<_> = expired.map(|(_, key)| key).collect();
            !self
                .end_all(&mut shard, &expired, End::if_expired(), now)
                .is_empty()
        };
        loop {
            if let Some(answer) = attempt() {
                return Some(answer);
            }
            // Others who make room and take it at the same time may be quicker.
            if !self.inner.shards.iter().any(make_room) {
                return attempt();
            }
        }
    }

    /// Puts a record in, in whose place others end; none if there is no room.
    fn put(
        &self,
        shard: &mut Shard,
        record: Record,
        ends: &[(RecordKey, EndReason)],
        now: SystemTime,
    ) -> Option<Vec<Ended>> {
        // Before the others end, so that nothing has happened if there is no room; one that ends makes some.
        let reserved = self.reserve();
        if !reserved && ends.is_empty() {
            return None;
        }
        let end =
            |(key, reason): &(RecordKey, EndReason)| shard.end(key, End::because(*reason), now);
        let ended: Vec<_> = ends.iter().filter_map(end).collect();
        self.log(shard, &ended);
        if !reserved {
            self.inner.len.fetch_add(1, Ordering::Relaxed);
        }
        shard.insert(record);
        Some(ended)
    }

    pub(super) fn create_in_shard(
        &self,
        record: &Record,
        limit: Option<Limit>,
        now: SystemTime,
    ) -> Option<Created> {
        let mut shard = self.of_key(&record.key);
        if !matches!(shard.get(&record.key, now), Found::Nothing) {
            return Some(Created::Exists);
        }
        let Some(evicted) = shard.to_evict(&record.subject, limit, None, now) else {
            return Some(Created::Denied);
        };
        let evicted = evicted
            .into_iter()
            .map(|key| (key, EndReason::LimitReached));
        let evicted: Vec<_> = evicted.collect();
        let evicted = self.put(&mut shard, record.clone(), &evicted, now)?;
        Some(Created::Created { evicted })
    }

    pub(super) fn replace_in_shard(
        &self,
        old: &RecordKey,
        record: &Record,
        continuity: Continuity,
        limit: Option<Limit>,
        now: SystemTime,
    ) -> Option<Replaced> {
        let mut shard = self.of_key(&record.key);
        match shard.get(&record.key, now) {
            Found::Nothing => {}
            Found::Gone => return Some(Replaced::Missing),
            Found::Record(there) => {
                return Some(Replaced::Replaced {
                    created: there.created,
                    clients: there.clients.clone(),
                    ended: Vec::new(),
                });
            }
        }
        let old = shard.newest_of(old, now);
        let there = shard.live_mut(&old, now);
        let there = there.filter(|there| there.subject == record.subject);
        match continuity {
            Continuity::SameSession => Some(
                match there.filter(|there| there.session_id == record.session_id) {
                    None => Replaced::Missing,
                    Some(_) => go_on(&mut shard, &old, record, now),
                },
            ),
            Continuity::NewSession => {
                let ends = there.is_some().then_some(&old);
                self.begin_anew(&mut shard, ends, record, limit, now)
            }
        }
    }

    /// Ends the old session, if there is one, and puts the new one in; none if there is no room.
    fn begin_anew(
        &self,
        shard: &mut Shard,
        old: Option<&RecordKey>,
        record: &Record,
        limit: Option<Limit>,
        now: SystemTime,
    ) -> Option<Replaced> {
        let Some(evicted) = shard.to_evict(&record.subject, limit, old, now) else {
            return Some(Replaced::Denied);
        };
        let mut ends = Vec::with_capacity(1 + evicted.len());
        ends.extend(old.map(|old| (*old, EndReason::Replaced)));
        ends.extend(
            evicted
                .into_iter()
                .map(|key| (key, EndReason::LimitReached)),
        );
        let ended = self.put(shard, record.clone(), &ends, now)?;
        Some(Replaced::Replaced {
            created: record.created,
            clients: record.clients.clone(),
            ended,
        })
    }
}

/// The session of the old record goes on in the new one.
fn go_on(shard: &mut Shard, old: &RecordKey, record: &Record, now: SystemTime) -> Replaced {
    let mut record = record.clone();
    if let Some(old) = shard.remove(old, Some(record.key), now) {
        let mut clients = old.clients;
        let own = record.clients.into_iter();
        let own: Vec<_> = own.filter(|own| !clients.contains(own)).collect();
        clients.extend(own);
        record.clients = clients;
        record.created = old.created;
    }
    let replaced = Replaced::Replaced {
        created: record.created,
        clients: record.clients.clone(),
        ended: Vec::new(),
    };
    shard.insert(record);
    replaced
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("len", &self.len())
            .field("capacity", &self.inner.capacity)
            .finish_non_exhaustive()
    }
}

/// A panic can't leave what is behind a lock half changed: nothing here panics between two changes that belong together.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
