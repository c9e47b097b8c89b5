use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    hash::Hash,
    ops::Bound,
    time::SystemTime,
};

use super::places::{Place, Places};
use crate::{
    ended::Ended,
    id::SessionId,
    store::{
        key::RecordKey,
        operation::{End, Limit, TOMBSTONE, WhenReached},
        query::{Part, Position, Selection},
        record::Record,
    },
};

/// The records of some buckets, behind one lock.
#[derive(Default)]
pub(super) struct Shard {
    slots: HashMap<RecordKey, Slot>,
    of_subject: HashMap<String, Places>,
    of_session: HashMap<SessionId, Places>,
    newest: Places,
    by_expiry: BTreeSet<(SystemTime, RecordKey)>,
    /// In the order in which they were made.
    tombstones: VecDeque<(SystemTime, RecordKey)>,
}

enum Slot {
    Record(Box<Record>),
    Tombstone {
        until: SystemTime,
        successor: Option<RecordKey>,
    },
}

/// What is under a key.
pub(super) enum Found<'a> {
    Record(&'a Record),
    Gone,
    Nothing,
}

impl Shard {
    pub(super) fn get(&self, key: &RecordKey, now: SystemTime) -> Found<'_> {
        match self.slots.get(key) {
            Some(Slot::Record(record)) => Found::Record(record),
            Some(Slot::Tombstone { until, .. }) if *until >= now => Found::Gone,
            _ => Found::Nothing,
        }
    }

    /// The record of a key, unless it has expired.
    pub(super) fn live_mut(&mut self, key: &RecordKey, now: SystemTime) -> Option<&mut Record> {
        match self.slots.get_mut(key) {
            Some(Slot::Record(record)) if !record.has_expired(now) => Some(record),
            _ => None,
        }
    }

    /// The key of the newest successor, or the key itself if its record was not replaced.
    pub(super) fn newest_of(&self, key: &RecordKey, now: SystemTime) -> RecordKey {
        let mut newest = *key;
        while let Some(Slot::Tombstone {
            until,
            successor: Some(successor),
        }) = self.slots.get(&newest)
            && *until >= now
        {
            newest = *successor;
        }
        newest
    }

    pub(super) fn insert(&mut self, record: Record) {
        let place = (Position::of(&record), record.key);
        self.newest.insert(place);
        self.by_expiry.insert((record.expires, record.key));
        let of_session = self.of_session.entry(record.session_id).or_default();
        of_session.insert(place);
        let of_subject = self.of_subject.entry(record.subject.clone()).or_default();
        of_subject.insert(place);
        let slot = Slot::Record(Box::new(record));
        self.slots.insert(place.1, slot);
    }

    /// Notes a sign of life.
    pub(super) fn touch(&mut self, key: &RecordKey, expires: SystemTime, now: SystemTime) {
        let Some(record) = self.live_mut(key, now) else {
            return;
        };
        record.renewed = now;
        let before = record.expires;
        if expires > before {
            record.expires = expires;
            self.by_expiry.remove(&(before, *key));
            self.by_expiry.insert((expires, *key));
        }
    }

    /// Takes a record out, and leaves the memory of it.
    pub(super) fn remove(
        &mut self,
        key: &RecordKey,
        successor: Option<RecordKey>,
        now: SystemTime,
    ) -> Option<Record> {
        let slot = self.slots.get_mut(key)?;
        let Slot::Record(_) = slot else {
            return None;
        };
        let until = now + TOMBSTONE;
        let tombstone = Slot::Tombstone { until, successor };
        let Slot::Record(record) = std::mem::replace(slot, tombstone) else {
            return None;
        };
        self.tombstones.push_back((until, *key));
        let place = (Position::of(&record), *key);
        self.newest.remove(&place);
        self.by_expiry.remove(&(record.expires, *key));
        remove_from(&mut self.of_session, &record.session_id, &place);
        remove_from(&mut self.of_subject, &record.subject, &place);
        Some(*record)
    }

    pub(super) fn end(&mut self, key: &RecordKey, end: End, now: SystemTime) -> Option<Ended> {
        match self.get(key, now) {
            Found::Record(record) if !end.only_expired || record.has_expired(now) => {}
            _ => return None,
        }
        let record = self.remove(key, None, now)?;
        Some(record.into_ended(end.reason, now))
    }

    /// Which sessions have to end for one more of a subject, oldest first; none if the limit refuses it. `but` does not count.
    pub(super) fn to_evict(
        &self,
        subject: &str,
        limit: Option<Limit>,
        but: Option<&RecordKey>,
        now: SystemTime,
    ) -> Option<Vec<RecordKey>> {
        let (Some(limit), Some(places)) = (limit, self.of_subject.get(subject)) else {
            return Some(Vec::new());
        };
        let keys = places.iter().map(|(_, key)| *key);
        let live = keys.filter(|key| Some(key) != but && self.is_live(key, now));
        let live: Vec<_> = live.collect();
        let max = usize::try_from(limit.max.get()).unwrap_or(usize::MAX);
        let excess = (live.len() + 1).saturating_sub(max);
        match limit.when_reached {
            WhenReached::Deny if excess > 0 => None,
            _ => Some(live[..excess.min(live.len())].to_vec()),
        }
    }

    /// Records that have expired, with the time, the first of them first.
    pub(super) fn expired(&self, max: usize, now: SystemTime) -> Vec<(SystemTime, RecordKey)> {
        let expired = self.by_expiry.iter().take_while(|(at, _)| *at <= now);
        expired.take(max).copied().collect()
    }

    /// Records of a part of the list that have not expired, those nearest to where the part begins, at most `limit`.
    pub(super) fn list(
        &self,
        selection: &Selection,
        part: &Part,
        limit: usize,
        now: SystemTime,
    ) -> Vec<Record> {
        let first = RecordKey::new([0; RecordKey::LEN], 0);
        let last = RecordKey::new([u8::MAX; RecordKey::LEN], RecordKey::BUCKETS - 1);
        let range = match part {
            Part::Newest => (Bound::Unbounded, Bound::Unbounded),
            Part::OlderThan(place) => (Bound::Unbounded, Bound::Excluded((*place, first))),
            Part::NewerThan(place) => (Bound::Excluded((*place, last)), Bound::Unbounded),
        };
        let Some(places) = self.places(selection) else {
            return Vec::new();
        };
        let places = places.range(range);
        let live = |(_, key): &Place| {
            self.selected(selection, key)
                .filter(|record| !record.has_expired(now))
        };
        match part {
            Part::NewerThan(_) => places.filter_map(live).take(limit).cloned().collect(),
            _ => places.rev().filter_map(live).take(limit).cloned().collect(),
        }
    }

    pub(super) fn count(&self, selection: &Selection, now: SystemTime) -> u64 {
        let places = self.places(selection).into_iter().flat_map(Places::iter);
        let selected = places.filter_map(|(_, key)| self.selected(selection, key));
        selected.filter(|record| !record.has_expired(now)).count() as u64
    }

    /// Keys of records that a selection means, expired or not.
    pub(super) fn select(&self, selection: &Selection, max: usize) -> Vec<RecordKey> {
        let places = self.places(selection).into_iter().flat_map(Places::iter);
        let selected = places.filter_map(|(_, key)| self.selected(selection, key));
        selected.take(max).map(|record| record.key).collect()
    }

    /// Forgets records that are over, and gives the number.
    pub(super) fn forget(&mut self, now: SystemTime) -> u64 {
        let mut forgotten = 0;
        while let Some((until, key)) = self.tombstones.front().copied()
            && until < now
        {
            self.tombstones.pop_front();
            // The key may have a later memory, if somebody chose it twice.
            if let Some(Slot::Tombstone { until, .. }) = self.slots.get(&key)
                && *until < now
            {
                self.slots.remove(&key);
                forgotten += 1;
            }
        }
        forgotten
    }

    fn is_live(&self, key: &RecordKey, now: SystemTime) -> bool {
        matches!(self.get(key, now), Found::Record(record) if !record.has_expired(now))
    }

    /// The smallest index that all of a selection is in; none if it is empty.
    fn places(&self, selection: &Selection) -> Option<&Places> {
        let filter = selection.filter();
        if let Some(id) = filter.and_then(|filter| filter.wanted_session_id()) {
            return self.of_session.get(id);
        }
        match filter.and_then(|filter| filter.wanted_subject()) {
            Some(subject) => self.of_subject.get(subject),
            None => Some(&self.newest),
        }
    }

    /// The record of a key, if the selection means it.
    fn selected(&self, selection: &Selection, key: &RecordKey) -> Option<&Record> {
        match self.slots.get(key) {
            Some(Slot::Record(record)) if selection.matches(record) => Some(record),
            _ => None,
        }
    }
}

fn remove_from<K: Hash + Eq>(index: &mut HashMap<K, Places>, of: &K, place: &Place) {
    if let Some(places) = index.get_mut(of) {
        places.remove(place);
        if places.is_empty() {
            index.remove(of);
        }
    }
}
