use std::{
    cmp::Reverse,
    sync::Mutex,
    time::{Duration, SystemTime},
};

use super::{
    shard::{Found, Shard},
    store::{MemoryStore, lock},
};
use crate::{
    ended::{EndReason, Ended, EventId},
    error::StoreError,
    id::ClientId,
    store::{
        key::RecordKey,
        operation::{
            ClientAdded, ClientRemoved, Continuity, Created, End, Limit, Loaded, Purged, Replaced,
            TakenEnd, Touch, Touched, Update, Updated,
        },
        query::{Part, Position, Query, Selection},
        record::Record,
        session_store::SessionStore,
    },
};

impl SessionStore for MemoryStore {
    async fn create(
        &self,
        record: &Record,
        limit: Option<Limit>,
        now: SystemTime,
    ) -> Result<Created, StoreError> {
        let created = self.with_room(now, || self.create_in_shard(record, limit, now));
        Ok(created.unwrap_or(Created::Full))
    }

    async fn load(
        &self,
        key: &RecordKey,
        touch: Option<Touch>,
        now: SystemTime,
    ) -> Result<Loaded, StoreError> {
        let mut shard = self.of_key(key);
        if let Some(touch) = touch {
            touch_if_due(&mut shard, key, touch, now);
        }
        Ok(match shard.get(key, now) {
            Found::Record(record) => Loaded::Found(Box::new(record.clone())),
            Found::Gone => Loaded::Gone,
            Found::Nothing => Loaded::Missing,
        })
    }

    async fn update(
        &self,
        key: &RecordKey,
        update: &Update,
        expected_version: u64,
        now: SystemTime,
    ) -> Result<Updated, StoreError> {
        let mut shard = self.of_key(key);
        let Some(record) = shard.live_mut(key, now) else {
            return Ok(Updated::Missing);
        };
        if record.version != expected_version {
            return Ok(Updated::Conflict);
        }
        record.version += 1;
        record.ticket.clone_from(&update.ticket);
        record.display_name.clone_from(&update.display_name);
        Ok(Updated::Updated {
            version: record.version,
        })
    }

    async fn touch(
        &self,
        key: &RecordKey,
        touch: Touch,
        now: SystemTime,
    ) -> Result<Touched, StoreError> {
        Ok(touch_if_due(&mut self.of_key(key), key, touch, now))
    }

    async fn add_client(
        &self,
        key: &RecordKey,
        client: &ClientId,
        now: SystemTime,
    ) -> Result<ClientAdded, StoreError> {
        let mut shard = self.of_key(key);
        let newest = shard.newest_of(key, now);
        Ok(match shard.live_mut(&newest, now) {
            None => ClientAdded::Missing,
            Some(record) if record.clients.contains(client) => ClientAdded::Known,
            Some(record) => {
                record.clients.push(client.clone());
                ClientAdded::Added
            }
        })
    }

    async fn remove_client(
        &self,
        key: &RecordKey,
        client: &ClientId,
        now: SystemTime,
    ) -> Result<ClientRemoved, StoreError> {
        let mut shard = self.of_key(key);
        let newest = shard.newest_of(key, now);
        let Some(record) = shard.live_mut(&newest, now) else {
            return Ok(ClientRemoved::Missing);
        };
        let before = record.clients.len();
        record.clients.retain(|known| known != client);
        Ok(match record.clients.len() < before {
            true => ClientRemoved::Removed,
            false => ClientRemoved::Unknown,
        })
    }

    async fn replace(
        &self,
        old: &RecordKey,
        record: &Record,
        continuity: Continuity,
        limit: Option<Limit>,
        now: SystemTime,
    ) -> Result<Replaced, StoreError> {
        let attempt = || self.replace_in_shard(old, record, continuity, limit, now);
        let replaced = self.with_room(now, attempt);
        Ok(replaced.unwrap_or(Replaced::Full))
    }

    async fn delete(
        &self,
        key: &RecordKey,
        end: End,
        now: SystemTime,
    ) -> Result<Option<Ended>, StoreError> {
        let mut shard = self.of_key(key);
        let newest = shard.newest_of(key, now);
        let ended = shard.end(&newest, end, now);
        self.log(&mut shard, ended.as_slice());
        Ok(ended)
    }

    async fn query(&self, query: &Query, now: SystemTime) -> Result<Vec<Record>, StoreError> {
        let shards = self.of_selection(&query.selection).iter();
        let list = |shard: &Mutex<Shard>| {
            lock(shard).list(&query.selection, &query.part, query.limit, now)
        };
        let mut records: Vec<_> = shards.flat_map(list).collect();
        records.sort_by_cached_key(|record| Reverse(Position::of(record)));
        // What lies nearest to where the part begins is the part.
        if let Part::NewerThan(_) = query.part {
            records.drain(..records.len().saturating_sub(query.limit));
        }
        records.truncate(query.limit);
        Ok(records)
    }

    async fn count(&self, selection: &Selection, now: SystemTime) -> Result<u64, StoreError> {
        let shards = self.of_selection(selection).iter();
        Ok(shards.map(|shard| lock(shard).count(selection, now)).sum())
    }

    async fn delete_matching(
        &self,
        selection: &Selection,
        reason: EndReason,
        max: usize,
        now: SystemTime,
    ) -> Result<u64, StoreError> {
        let mut left = max;
        for shard in self.of_selection(selection) {
            let mut shard = lock(shard);
            let keys = shard.select(selection, left);
            left -= self
                .end_all(&mut shard, &keys, End::because(reason), now)
                .len();
        }
        Ok((max - left) as u64)
    }

    async fn take_expired(&self, max: usize, now: SystemTime) -> Result<Vec<Ended>, StoreError> {
        // Other callers may be quicker with one or another, which then is not among these.
        let first = |shard: &Mutex<Shard>| lock(shard).expired(max, now);
        let mut expired: Vec<_> = self.shards().iter().flat_map(first).collect();
        expired.sort_unstable();
        let mut ended = Vec::new();
        for (_, key) in expired {
            if ended.len() < max {
                let mut shard = self.of_key(&key);
                ended.extend(self.end_all(&mut shard, &[key], End::if_expired(), now));
            }
        }
        Ok(ended)
    }

    async fn take_ended(
        &self,
        lease: Duration,
        max: usize,
        now: SystemTime,
    ) -> Result<Vec<TakenEnd>, StoreError> {
        Ok(self.end_log().take(lease, max, now))
    }

    async fn acknowledge(&self, events: &[EventId]) -> Result<u64, StoreError> {
        let mut log = self.end_log();
        let known = events.iter().filter(|event| log.acknowledge(event));
        Ok(known.count() as u64)
    }

    async fn purge(
        &self,
        unheard_before: SystemTime,
        now: SystemTime,
    ) -> Result<Purged, StoreError> {
        let shards = self.shards().iter();
        Ok(Purged {
            tombstones: shards.map(|shard| lock(shard).forget(now)).sum(),
            unheard_ends: self.end_log().drop_before(unheard_before),
        })
    }

    fn searches_within_names(&self) -> bool {
        true
    }
}

fn touch_if_due(shard: &mut Shard, key: &RecordKey, touch: Touch, now: SystemTime) -> Touched {
    let Some(record) = shard.live_mut(key, now) else {
        return Touched::Missing;
    };
    let due = record.renewed.checked_add(touch.every);
    if due.is_none_or(|due| due > now) {
        return Touched::NotDue;
    }
    shard.touch(key, touch.expires, now);
    Touched::Touched
}
