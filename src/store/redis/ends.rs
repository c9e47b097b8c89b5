//! The log of ends, of which each bucket has its own.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Mutex,
    time::{Duration, Instant, SystemTime},
};

use redis::Value;

use super::{
    call::Call,
    failure::Failure,
    reply::{bytes, count, exactly, list, number, pairs, text},
    row::{Account, millis},
    script::{ACKNOWLEDGE, FORGET_HINT, PURGE, TAKE},
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
    /// When all buckets were last looked at.
    swept: Mutex<Option<Instant>>,
    /// Hints at buckets with nothing in their logs, and since when that is known.
    idle: Mutex<HashMap<Hint, Instant>>,
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

    /// Those of some hints that have been idle for so long that nothing is still to come. Only what is idle now goes on counting.
    fn idle_for_long(&self, idle: Vec<Hint>) -> Vec<Hint> {
        let mut since = lock(&self.idle);
        let before = std::mem::take(&mut *since);
        let now = Instant::now();
        let (long, short) = idle.into_iter().partition(|hint| {
            let since = before.get(hint);
            since.is_some_and(|since| now.duration_since(*since) >= SETTLED)
        });
        let short: Vec<Hint> = short;
        since.extend(short.into_iter().map(|hint| {
            let at = before.get(&hint).copied().unwrap_or(now);
            (hint, at)
        }));
        long
    }

    fn sweep_is_due(&self) -> bool {
        let mut swept = lock(&self.swept);
        let due = swept.is_none_or(|swept| swept.elapsed() >= SWEEP);
        if due {
            *swept = Some(Instant::now());
        }
        due
    }
}

/// A member of a sorted set whose time has come.
pub(super) struct Due {
    at: i64,
    pub(super) bucket: u16,
    pub(super) member: Vec<u8>,
}

impl Inner {
    /// Says that buckets may have ends to tell of. It goes out along with what ends sessions in them.
    ///
    /// So whoever takes ends need not look at every bucket. If it is lost, the next [`SWEEP`] finds them.
    pub(super) fn call_to_hint(
        &self,
        buckets: impl IntoIterator<Item = u16>,
        now: SystemTime,
    ) -> Call {
        let now = millis(now).to_string();
        let buckets = buckets.into_iter();
        let hints = buckets.flat_map(|bucket| [now.clone(), bucket.to_string()]);
        Call::command("ZADD", self.keys.hints()).args(hints)
    }

    pub(super) async fn take_ended(
        &self,
        lease: Duration,
        max: usize,
        now: SystemTime,
    ) -> Result<Vec<TakenEnd>, StoreError> {
        // Without them, it takes a little longer.
        let hints = self.hints().await.ok();
        let hinted: BTreeSet<_> = hints.iter().flatten().map(|hint| hint.bucket).collect();
        let buckets: Vec<_> = match self.ends.sweep_is_due() || hints.is_none() {
            true => (0..RecordKey::BUCKETS).collect(),
            false => hinted.iter().copied().collect(),
        };
        let free = |bucket| self.keys.due(bucket);
        let mut taken = Vec::new();
        let mut of_each = 8;
        while taken.len() < max {
            let mut due = match self.due(&buckets, free, of_each, millis(now)).await {
                // What has been taken is told.
                Err(_) if !taken.is_empty() => break,
                due => due?,
            };
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

    /// The first members of sorted sets, one in each bucket, whose time comes no later than `until`, in order; at most `of_each` of one set.
    pub(super) async fn due(
        &self,
        buckets: &[u16],
        set: impl Fn(u16) -> Vec<u8>,
        of_each: usize,
        until: i64,
    ) -> Result<Vec<Due>, Failure> {
        let calls = buckets.iter().map(|bucket| {
            Call::command("ZRANGE", set(*bucket))
                .arg("-inf")
                .number(until)
                .args(["BYSCORE", "LIMIT", "0"])
                .arg(of_each.to_string())
                .arg("WITHSCORES")
        });
        let replies = self.servers.call_all(&calls.collect::<Vec<_>>()).await;
        let mut due = Vec::new();
        let mut failure = None;
        for (bucket, reply) in buckets.iter().zip(replies) {
            match reply.and_then(pairs) {
                Ok(members) => {
                    for (member, at) in members {
                        due.push(Due {
                            at: number(at)?,
                            bucket: *bucket,
                            member: bytes(member)?,
                        });
                    }
                }
                Err(error) => failure = Some(error),
            }
        }
        // A node that is away does not stop work on the others.
        if let (Some(failure), true) = (failure, due.is_empty()) {
            return Err(failure);
        }
        due.sort_by_key(|due| due.at);
        Ok(due)
    }

    async fn hints(&self) -> Result<Vec<Hint>, Failure> {
        let call = Call::command("ZRANGE", self.keys.hints());
        let call = call.args(["0", "-1", "WITHSCORES"]);
        let mut hints = Vec::new();
        for (bucket, seen) in pairs(self.servers.call(&call).await?)? {
            let Ok(bucket) = text(bucket)?.parse() else {
                continue;
            };
            hints.push(Hint {
                bucket,
                seen: text(seen)?,
            });
        }
        Ok(hints)
    }

    /// Forgets hints at buckets that have had nothing in their logs for a while.
    async fn forget_idle(&self, hints: Vec<Hint>) -> Result<(), Failure> {
        let sizes = hints.iter();
        let sizes = sizes.map(|hint| Call::command("ZCARD", self.keys.due(hint.bucket)));
        let sizes = self.servers.call_all(&sizes.collect::<Vec<_>>()).await;
        let mut idle = Vec::new();
        for (hint, size) in hints.into_iter().zip(sizes) {
            if count(size?)? == 0 {
                idle.push(hint);
            }
        }
        let idle = self.ends.idle_for_long(idle);
        if idle.is_empty() {
            return Ok(());
        }
        let call = Call::script(&FORGET_HINT, vec![self.keys.hints()]);
        let call = call.args(
            idle.into_iter()
                .flat_map(|hint| [hint.bucket.to_string(), hint.seen]),
        );
        self.servers.call(&call).await.map(drop)
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

/// A bucket that may have ends to tell of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Hint {
    bucket: u16,
    /// When somebody last said so, as the server writes it.
    seen: String,
}

/// How many events are remembered; far more than are being dealt with at once.
const REMEMBERED: usize = 65_536;

/// How often all buckets are looked at for ends, whether or not somebody has said that they have any.
const SWEEP: Duration = Duration::from_secs(60);

/// How long after a hint its bucket may still be about to get what it hints at, at most. Far longer than any operation takes.
const SETTLED: Duration = Duration::from_secs(10);
