//! The log of ends, of which each bucket has its own.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Mutex,
    time::{Duration, SystemTime},
};

use redis::Value;

use super::{
    call::Call,
    due::Due,
    failure::Failure,
    hints::Hints,
    reply::{bytes, count, exactly, list},
    row::{Account, millis},
    script::{ACKNOWLEDGE, PURGE, TAKE},
    store::{Inner, lock},
};
use crate::{
    ended::EventId,
    error::StoreError,
    store::{key::RecordKey, operation::TakenEnd},
};

/// What this process remembers of the log of ends. Nothing depends on it but speed.
#[derive(Default)]
pub(super) struct Ends {
    /// In which bucket an event is, of those that were given out here.
    buckets: Mutex<HashMap<EventId, u16>>,
    /// What it knows of hints at ends.
    pub(super) hints: Hints,
}

impl Ends {
    pub(super) fn remember(&self, event: EventId, bucket: u16) {
        let mut buckets = lock(&self.buckets);
        if buckets.len() >= REMEMBERED {
            buckets.clear();
        }
        buckets.insert(event, bucket);
    }

    fn bucket_of(&self, event: &EventId) -> Option<u16> {
        lock(&self.buckets).remove(event)
    }
}

impl Inner {
    pub(super) async fn take_ended(
        &self,
        lease: Duration,
        max: usize,
        now: SystemTime,
    ) -> Result<Vec<TakenEnd>, StoreError> {
        // Without them, it takes a little longer.
        let hints = self.hints().await.ok();
        let hinted: BTreeSet<_> = hints.iter().flatten().map(|hint| hint.bucket).collect();
        let buckets: Vec<_> = match self.ends.hints.sweep_is_due() || hints.is_none() {
            true => (0..RecordKey::BUCKETS).collect(),
            false => hinted.iter().copied().collect(),
        };
        let free = |bucket| self.keys.due(bucket);
        let mut taken = Vec::new();
        let mut of_each = 8;
        while taken.len() < max {
            let (mut due, failure) = self.due(&buckets, free, of_each, millis(now)).await?;
            if let (Some(failure), true, true) = (failure, due.is_empty(), taken.is_empty()) {
                return Err(failure.into());
            }
            let mut unhinted = due
                .iter()
                .map(|due| due.bucket)
                .filter(|it| !hinted.contains(it));
            if let Some(first) = unhinted.next() {
                // So that what is not taken now is not left to the next sweep.
                let call = self.call_to_hint([first].into_iter().chain(unhinted), now);
                self.servers.call_all(&[call]).await;
            }
            due.truncate(max - taken.len());
            if due.is_empty() {
                break;
            }
            match self.take(&due, lease, now).await {
                Err(_) if !taken.is_empty() => break,
                more => taken.extend(more?),
            }
            of_each = (of_each * 4).min(1024);
        }
        if let Err(failure) = self.forget_idle(hints.unwrap_or_default()).await {
            tracing::debug!(%failure, "hints at ends of sessions stay for a while");
        }
        Ok(taken)
    }

    /// Takes those that nobody else has taken meanwhile.
    async fn take(
        &self,
        due: &[Due],
        lease: Duration,
        now: SystemTime,
    ) -> Result<Vec<TakenEnd>, Failure> {
        let mut of_bucket: BTreeMap<u16, Vec<&[u8]>> = BTreeMap::new();
        for due in due {
            of_bucket.entry(due.bucket).or_default().push(&due.member);
        }
        // A lease past the end of time would never be over anyway.
        let until = now.checked_add(lease).map_or(i64::MAX, millis);
        let calls = of_bucket.iter().map(|(bucket, events)| {
            let keys = vec![self.keys.due(*bucket), self.keys.log(*bucket)];
            let call = Call::script(&TAKE, keys).number(millis(now)).number(until);
            call.args(events.iter().copied())
        });
        let replies = self.servers.call_all(&calls.collect::<Vec<_>>()).await;
        let mut taken = HashMap::new();
        let mut failed = None;
        for (bucket, reply) in of_bucket.keys().zip(replies) {
            match reply.and_then(list) {
                Ok(entries) => {
                    for entry in entries {
                        let (event, end) = taken_end(entry)?;
                        if let Some(end) = end {
                            self.ends.remember(end.ended.event_id, *bucket);
                            taken.insert(event, end);
                        }
                    }
                }
                Err(failure) => failed = Some(failure),
            }
        }
        // What has been taken is told, even if not all has.
        if let (Some(failure), true) = (failed, taken.is_empty()) {
            return Err(failure);
        }
        let in_order = due.iter().filter_map(|due| taken.remove(&due.member));
        Ok(in_order.collect())
    }

    pub(super) async fn acknowledge(&self, events: &[EventId]) -> Result<u64, StoreError> {
        let mut of_bucket: BTreeMap<u16, Vec<&[u8; EventId::LEN]>> = BTreeMap::new();
        for event in events {
            match self.ends.bucket_of(event) {
                Some(bucket) => of_bucket.entry(bucket).or_default().push(event.as_bytes()),
                // It was given out by another process, or long ago.
                None => (0..RecordKey::BUCKETS)
                    .for_each(|bucket| of_bucket.entry(bucket).or_default().push(event.as_bytes())),
            }
        }
        let calls = of_bucket.iter().map(|(bucket, events)| {
            let keys = vec![self.keys.due(*bucket), self.keys.log(*bucket)];
            Call::script(&ACKNOWLEDGE, keys).args(events.iter().map(|event| &event[..]))
        });
        let replies = self.servers.call_all(&calls.collect::<Vec<_>>()).await;
        let mut known = 0;
        for reply in replies {
            known += count(reply?)?;
        }
        Ok(known)
    }

    /// Removes what nobody has heard of in time, and gives the number.
    pub(super) async fn drop_unheard(&self, before: SystemTime) -> Result<u64, Failure> {
        let buckets: Vec<_> = (0..RecordKey::BUCKETS).collect();
        let logs = buckets.iter();
        let sizes = logs.map(|bucket| Call::command("ZCARD", self.keys.due(*bucket)));
        let sizes = self.servers.call_all(&sizes.collect::<Vec<_>>()).await;
        let mut calls = Vec::new();
        for (bucket, size) in buckets.iter().zip(sizes) {
            if count(size?)? > 0 {
                let keys = vec![self.keys.due(*bucket), self.keys.log(*bucket)];
                calls.push(Call::script(&PURGE, keys).number(millis(before)));
            }
        }
        let mut dropped = 0;
        for reply in self.servers.call_all(&calls).await {
            dropped += count(reply?)?;
        }
        Ok(dropped)
    }
}

/// Reads what `take.lua` gives: the event, and its end unless that is damaged.
fn taken_end(entry: Value) -> Result<(Vec<u8>, Option<TakenEnd>), Failure> {
    let [event, told, attempts] = exactly(entry)?;
    let event = bytes(event)?;
    let attempts = u32::try_from(count(attempts)?).unwrap_or(u32::MAX);
    let end = match Account::read(event.clone(), &bytes(told)?) {
        Ok(account) => Some(TakenEnd {
            ended: account.ended,
            attempts,
        }),
        // One that is damaged must not hold up the others. It stays until it is purged.
        Err(failure) => {
            tracing::warn!(%failure, "an end of a session can't be told");
            None
        }
    };
    Ok((event, end))
}

/// How many events are remembered; far more than are being dealt with at once.
const REMEMBERED: usize = 65_536;
