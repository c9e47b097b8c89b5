use std::{
    cmp::Reverse,
    collections::BTreeMap,
    time::{SystemTime, UNIX_EPOCH},
};

use crate::{
    ended::{EndReason, Ended},
    store::{
        Limit, Loaded, Position, Record, RecordKey, Selection, TOMBSTONE, Touch, Touched,
        WhenReached,
    },
};

#[derive(Clone, Default)]
pub(super) struct State {
    pub(super) slots: BTreeMap<RecordKey, Slot>,
    pub(super) log: Vec<Entry>,
}

#[derive(Clone)]
pub(super) enum Slot {
    Record(Box<Record>),
    Over {
        until: SystemTime,
        successor: Option<RecordKey>,
    },
}

#[derive(Clone)]
pub(super) struct Entry {
    pub(super) ended: Ended,
    pub(super) attempts: u32,
    /// Never again, if none.
    pub(super) free_from: Option<SystemTime>,
}

impl State {
    pub(super) fn loaded(&self, key: &RecordKey, now: SystemTime) -> Loaded {
        match self.slots.get(key) {
            Some(Slot::Record(record)) => Loaded::Found(record.clone()),
            Some(Slot::Over { until, .. }) if now <= *until => Loaded::Gone,
            _ => Loaded::Missing,
        }
    }

    pub(super) fn live(&mut self, key: &RecordKey, now: SystemTime) -> Option<&mut Record> {
        match self.slots.get_mut(key) {
            Some(Slot::Record(record)) if !record.has_expired(now) => Some(record),
            _ => None,
        }
    }

    pub(super) fn newest(&self, key: &RecordKey, now: SystemTime) -> RecordKey {
        match self.slots.get(key) {
            Some(Slot::Over {
                until,
                successor: Some(next),
            }) if now <= *until => self.newest(next, now),
            _ => *key,
        }
    }

    pub(super) fn touch(&mut self, key: &RecordKey, touch: Touch, now: SystemTime) -> Touched {
        let Some(record) = self.live(key, now) else {
            return Touched::Missing;
        };
        let age = now.duration_since(record.renewed);
        if age.is_ok_and(|age| age >= touch.every) {
            record.renewed = now;
            record.expires = record.expires.max(touch.expires);
            Touched::Touched
        } else {
            Touched::NotDue
        }
    }

    pub(super) fn put(&mut self, record: Record) {
        self.slots
            .insert(record.key, Slot::Record(Box::new(record)));
    }

    pub(super) fn forget(
        &mut self,
        key: &RecordKey,
        successor: Option<RecordKey>,
        now: SystemTime,
    ) {
        let until = now + TOMBSTONE;
        self.slots.insert(*key, Slot::Over { until, successor });
    }

    pub(super) fn end_each(
        &mut self,
        keys: &[RecordKey],
        reason: EndReason,
        now: SystemTime,
    ) -> Vec<Ended> {
        let mut all = Vec::new();
        for key in keys {
            if let Loaded::Found(record) = self.loaded(key, now) {
                let ended = record.ended(reason, now);
                self.forget(key, None, now);
                self.log.push(Entry {
                    ended: ended.clone(),
                    attempts: 0,
                    free_from: Some(UNIX_EPOCH),
                });
                all.push(ended);
            }
        }
        all
    }

    /// Who has to end for one more of a subject, the oldest first; none if it is refused. `but` does not count.
    pub(super) fn excess(
        &self,
        subject: &str,
        limit: Option<Limit>,
        but: Option<RecordKey>,
        now: SystemTime,
    ) -> Option<Vec<RecordKey>> {
        let Some(limit) = limit else {
            return Some(vec![]);
        };
        let mut others = self.list(&Selection::Everyone);
        others.retain(|other| {
            other.subject == subject && !other.has_expired(now) && Some(other.key) != but
        });
        let too_many = (others.len() + 1).saturating_sub(limit.max.get() as usize);
        match limit.when_reached {
            WhenReached::Deny if too_many > 0 => None,
            _ => {
                let oldest = others.iter().rev().map(|other| other.key);
                Some(oldest.take(too_many).collect())
            }
        }
    }

    /// Newest first, the expired included.
    pub(super) fn list(&self, selection: &Selection) -> Vec<Record> {
        let records = self.slots.values().filter_map(|slot| match slot {
            Slot::Record(record) => Some(Record::clone(record)),
            Slot::Over { .. } => None,
        });
        let mut list: Vec<_> = records.filter(|one| selection.matches(one)).collect();
        list.sort_by_key(|record| Reverse(Position::of(record)));
        list
    }
}
