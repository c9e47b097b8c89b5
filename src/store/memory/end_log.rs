use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::{
    ended::{Ended, EventId},
    store::operation::TakenEnd,
};

/// Ends of sessions that nobody has acknowledged yet, in the order in which they came.
#[derive(Default)]
pub(super) struct EndLog {
    entries: BTreeMap<u64, Entry>,
    places: HashMap<EventId, u64>,
    next: u64,
}

struct Entry {
    ended: Ended,
    attempts: u32,
    /// When it may be taken. Never, if its lease lasts past the end of time.
    free_from: Option<SystemTime>,
}

impl EndLog {
    /// Appends ends. Of more than `most` entries the oldest are dropped, and their number is given.
    pub(super) fn append(&mut self, ended: impl IntoIterator<Item = Ended>, most: usize) -> usize {
        for ended in ended {
            self.places.insert(ended.event_id, self.next);
            let entry = Entry {
                ended,
                attempts: 0,
                free_from: Some(UNIX_EPOCH),
            };
            self.entries.insert(self.next, entry);
            self.next += 1;
        }
        let excess = self.entries.len().saturating_sub(most);
        for _ in 0..excess {
            self.drop_oldest();
        }
        excess
    }

    pub(super) fn take(&mut self, lease: Duration, max: usize, now: SystemTime) -> Vec<TakenEnd> {
        let free = |entry: &&mut Entry| entry.free_from.is_some_and(|from| from <= now);
        let take = |entry: &mut Entry| {
            entry.attempts = entry.attempts.saturating_add(1);
            entry.free_from = now.checked_add(lease);
            TakenEnd {
                ended: entry.ended.clone(),
                attempts: entry.attempts,
            }
        };
        self.entries
            .values_mut()
            .filter(free)
            .take(max)
            .map(take)
            .collect()
    }

    /// Whether the entry was there.
    pub(super) fn acknowledge(&mut self, event: &EventId) -> bool {
        match self.places.remove(event) {
            Some(place) => self.entries.remove(&place).is_some(),
            None => false,
        }
    }

    /// Drops what ended before a time, and gives the number.
    pub(super) fn drop_before(&mut self, time: SystemTime) -> u64 {
        let mut dropped = 0;
        while self.oldest_is_before(time) {
            self.drop_oldest();
            dropped += 1;
        }
        dropped
    }

    fn oldest_is_before(&self, time: SystemTime) -> bool {
        let oldest = self.entries.first_key_value();
        oldest.is_some_and(|(_, entry)| entry.ended.at < time)
    }

    fn drop_oldest(&mut self) {
        if let Some((_, entry)) = self.entries.pop_first() {
            self.places.remove(&entry.ended.event_id);
        }
    }
}
