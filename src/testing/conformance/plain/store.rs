use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use super::state::{Entry, Slot, State};
use crate::{
    ended::{EndReason, Ended, EventId},
    error::StoreError,
    id::ClientId,
    store::{
        ClientAdded, ClientRemoved, Continuity, Created, End, Limit, Loaded, Part, Position,
        Purged, Query, Record, RecordKey, Replaced, Selection, SessionStore, TakenEnd, Touch,
        Touched, Update, Updated,
    },
};

/// The plainest store that keeps the contract: no index, one lock, every list made anew. What other stores answer is held against it.
#[derive(Default)]
pub(crate) struct Plain {
    state: Mutex<State>,
}

impl Plain {
    /// What is known of a key, without a trace of the question.
    pub(crate) fn knows(&self, key: &RecordKey, now: SystemTime) -> Loaded {
        self.lock().loaded(key, now)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clone for Plain {
    /// Another store with the same in it.
    fn clone(&self) -> Self {
        Self {
            state: Mutex::new(self.lock().clone()),
        }
    }
}

impl SessionStore for Plain {
    async fn create(
        &self,
        record: &Record,
        limit: Option<Limit>,
        now: SystemTime,
    ) -> Result<Created, StoreError> {
        let mut state = self.lock();
        if state.loaded(&record.key, now) != Loaded::Missing {
            return Ok(Created::Exists);
        }
        let Some(excess) = state.excess(&record.subject, limit, None, now) else {
            return Ok(Created::Denied);
        };
        let evicted = state.end_each(&excess, EndReason::LimitReached, now);
        state.put(record.clone());
        Ok(Created::Created { evicted })
    }

    async fn load(
        &self,
        key: &RecordKey,
        touch: Option<Touch>,
        now: SystemTime,
    ) -> Result<Loaded, StoreError> {
        let mut state = self.lock();
        if let Some(touch) = touch {
            state.touch(key, touch, now);
        }
        Ok(state.loaded(key, now))
    }

    async fn update(
        &self,
        key: &RecordKey,
        update: &Update,
        expected_version: u64,
        now: SystemTime,
    ) -> Result<Updated, StoreError> {
        Ok(match self.lock().live(key, now) {
            None => Updated::Missing,
            Some(record) if record.version != expected_version => Updated::Conflict,
            Some(record) => {
                record.ticket = update.ticket.clone();
                record.display_name = update.display_name.clone();
                record.version += 1;
                Updated::Updated {
                    version: record.version,
                }
            }
        })
    }

    async fn touch(
        &self,
        key: &RecordKey,
        touch: Touch,
        now: SystemTime,
    ) -> Result<Touched, StoreError> {
        Ok(self.lock().touch(key, touch, now))
    }

    async fn add_client(
        &self,
        key: &RecordKey,
        client: &ClientId,
        now: SystemTime,
    ) -> Result<ClientAdded, StoreError> {
        let mut state = self.lock();
        let newest = state.newest(key, now);
        Ok(match state.live(&newest, now) {
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
        let mut state = self.lock();
        let newest = state.newest(key, now);
        let Some(record) = state.live(&newest, now) else {
            return Ok(ClientRemoved::Missing);
        };
        let Some(place) = record.clients.iter().position(|known| known == client) else {
            return Ok(ClientRemoved::Unknown);
        };
        record.clients.remove(place);
        Ok(ClientRemoved::Removed)
    }

    async fn replace(
        &self,
        old: &RecordKey,
        record: &Record,
        continuity: Continuity,
        limit: Option<Limit>,
        now: SystemTime,
    ) -> Result<Replaced, StoreError> {
        let mut state = self.lock();
        match state.loaded(&record.key, now) {
            Loaded::Missing => {}
            Loaded::Gone => return Ok(Replaced::Missing),
            Loaded::Found(there) => {
                return Ok(Replaced::Replaced {
                    created: there.created,
                    clients: there.clients,
                    ended: vec![],
                });
            }
        }
        let old = state.newest(old, now);
        let there = state.live(&old, now).cloned();
        let there = there.filter(|there| there.subject == record.subject);
        let mut new = record.clone();
        let mut ended = vec![];
        match continuity {
            Continuity::SameSession => {
                let there = there.filter(|there| there.session_id == record.session_id);
                let Some(there) = there else {
                    return Ok(Replaced::Missing);
                };
                new.created = there.created;
                new.clients = there.clients;
                for own in &record.clients {
                    if !new.clients.contains(own) {
                        new.clients.push(own.clone());
                    }
                }
                state.forget(&old, Some(new.key), now);
            }
            Continuity::NewSession => {
                let old = there.map(|there| there.key);
                let Some(excess) = state.excess(&record.subject, limit, old, now) else {
                    return Ok(Replaced::Denied);
                };
                ended.extend(state.end_each(old.as_slice(), EndReason::Replaced, now));
                ended.extend(state.end_each(&excess, EndReason::LimitReached, now));
            }
        }
        let (created, clients) = (new.created, new.clients.clone());
        state.put(new);
        Ok(Replaced::Replaced {
            created,
            clients,
            ended,
        })
    }

    async fn delete(
        &self,
        key: &RecordKey,
        end: End,
        now: SystemTime,
    ) -> Result<Option<Ended>, StoreError> {
        let mut state = self.lock();
        let newest = state.newest(key, now);
        match state.loaded(&newest, now) {
            Loaded::Found(record) if end.only_expired && !record.has_expired(now) => Ok(None),
            _ => Ok(state.end_each(&[newest], end.reason, now).pop()),
        }
    }

    async fn query(&self, query: &Query, now: SystemTime) -> Result<Vec<Record>, StoreError> {
        let mut list = self.lock().list(&query.selection);
        list.retain(|one| !one.has_expired(now) && query.part.contains(&Position::of(one)));
        match query.part {
            Part::NewerThan(_) => drop(list.drain(..list.len().saturating_sub(query.limit))),
            Part::Newest | Part::OlderThan(_) => list.truncate(query.limit),
        }
        Ok(list)
    }

    async fn count(&self, selection: &Selection, now: SystemTime) -> Result<u64, StoreError> {
        let list = self.lock().list(selection);
        let live = list.iter().filter(|record| !record.has_expired(now));
        Ok(live.count() as u64)
    }

    async fn delete_matching(
        &self,
        selection: &Selection,
        reason: EndReason,
        max: usize,
        now: SystemTime,
    ) -> Result<u64, StoreError> {
        let mut state = self.lock();
        let keys = state.list(selection).into_iter().map(|record| record.key);
        let keys: Vec<_> = keys.take(max).collect();
        Ok(state.end_each(&keys, reason, now).len() as u64)
    }

    async fn take_expired(&self, max: usize, now: SystemTime) -> Result<Vec<Ended>, StoreError> {
        let mut state = self.lock();
        let mut expired = state.list(&Selection::Everyone);
        expired.retain(|record| record.has_expired(now));
        expired.sort_by_key(|record| record.expires);
        let keys: Vec<_> = expired.into_iter().map(|record| record.key).collect();
        let first = &keys[..max.min(keys.len())];
        Ok(state.end_each(first, EndReason::Expired, now))
    }

    async fn take_ended(
        &self,
        lease: Duration,
        max: usize,
        now: SystemTime,
    ) -> Result<Vec<TakenEnd>, StoreError> {
        let mut state = self.lock();
        let is_free = |entry: &&mut Entry| entry.free_from.is_some_and(|from| from <= now);
        let take = |entry: &mut Entry| {
            entry.attempts += 1;
            entry.free_from = now.checked_add(lease);
            TakenEnd {
                ended: entry.ended.clone(),
                attempts: entry.attempts,
            }
        };
        let free = state.log.iter_mut().filter(is_free);
        Ok(free.take(max).map(take).collect())
    }

    async fn acknowledge(&self, events: &[EventId]) -> Result<u64, StoreError> {
        let mut state = self.lock();
        let before = state.log.len();
        let unheard = |entry: &Entry| !events.contains(&entry.ended.event_id);
        state.log.retain(unheard);
        Ok((before - state.log.len()) as u64)
    }

    async fn purge(
        &self,
        unheard_before: SystemTime,
        now: SystemTime,
    ) -> Result<Purged, StoreError> {
        let mut state = self.lock();
        let before = (state.slots.len(), state.log.len());
        let is_of_use = |slot: &Slot| !matches!(slot, Slot::Over { until, .. } if *until < now);
        state.slots.retain(|_, slot| is_of_use(slot));
        state.log.retain(|entry| entry.ended.at >= unheard_before);
        Ok(Purged {
            tombstones: (before.0 - state.slots.len()) as u64,
            unheard_ends: (before.1 - state.log.len()) as u64,
        })
    }

    fn searches_within_names(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What others are held against keeps the contract itself.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn the_plain_store_conforms() {
        crate::testing::conformance::run(async || Plain::default()).await;
    }
}
