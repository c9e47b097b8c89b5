//! Hints at the buckets that may have ends to tell of, so that whoever takes ends need not look at all of them.
//!
//! Nothing depends on them but speed: a bucket without a hint is found by the next look at all buckets, and a hint at nothing costs one look at a bucket.

use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, Instant, SystemTime},
};

use super::{
    call::Call,
    failure::Failure,
    reply::{count, pairs, text},
    row::millis,
    script::FORGET_HINT,
    store::{Inner, lock},
};

/// A bucket that may have ends to tell of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Hint {
    pub(super) bucket: u16,
    /// When somebody last said so, as the server writes it.
    seen: String,
}

/// What this process remembers of hints.
#[derive(Default)]
pub(super) struct Hints {
    /// When all buckets were last looked at.
    swept: Mutex<Option<Instant>>,
    /// Hints at buckets with nothing in their logs, and since when that is known.
    idle: Mutex<HashMap<Hint, Instant>>,
}

impl Hints {
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

    /// Whether it is time to look at all buckets. Then it is not, for a while.
    pub(super) fn sweep_is_due(&self) -> bool {
        let mut swept = lock(&self.swept);
        let due = swept.is_none_or(|swept| swept.elapsed() >= SWEEP);
        if due {
            *swept = Some(Instant::now());
        }
        due
    }
}

impl Inner {
    /// Says that buckets may have ends to tell of. It goes out along with what ends sessions in them.
    ///
    /// If it is lost, they are found with the next [`SWEEP`].
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

    pub(super) async fn hints(&self) -> Result<Vec<Hint>, Failure> {
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
    pub(super) async fn forget_idle(&self, hints: Vec<Hint>) -> Result<(), Failure> {
        let sizes = hints.iter();
        let sizes = sizes.map(|hint| Call::command("ZCARD", self.keys.due(hint.bucket)));
        let sizes = self.servers.call_all(&sizes.collect::<Vec<_>>()).await;
        let mut idle = Vec::new();
        for (hint, size) in hints.into_iter().zip(sizes) {
            if count(size?)? == 0 {
                idle.push(hint);
            }
        }
        let idle = self.ends.hints.idle_for_long(idle);
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

/// How often all buckets are looked at for ends, whether or not somebody has said that they have any.
const SWEEP: Duration = Duration::from_secs(60);

/// How long after a hint its bucket may still be about to get what it hints at, at most. Far longer than any operation takes.
const SETTLED: Duration = Duration::from_secs(10);
