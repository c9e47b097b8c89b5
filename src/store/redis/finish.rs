//! Sessions end.

use std::{collections::BTreeMap, sync::Arc, time::SystemTime};

use redis::Value;

use super::{
    begin::with_now,
    call::Call,
    due::Due,
    failure::Failure,
    reply::{bytes, exactly, list},
    row::{Account, millis},
    script::{END, END_SUBJECT},
    store::Inner,
    walk::Form,
};
use crate::{
    ended::{EndReason, Ended},
    error::StoreError,
    store::{
        key::{RecordKey, bucket_of},
        operation::End,
        query::{Filter, Selection},
    },
};

impl Inner {
    pub(super) async fn delete(
        self: &Arc<Self>,
        key: &RecordKey,
        end: End,
        now: SystemTime,
    ) -> Result<Option<Ended>, StoreError> {
        let calls = [
            self.call_to_hint([key.bucket()], now),
            self.call_to_end(key.bucket(), &[*key], end, now),
        ];
        let reply = self.servers.call_all(&calls).await.pop();
        let reply = reply.expect("as many replies as calls")?;
        Ok(self.ended(key.bucket(), reply)?.pop())
    }

    pub(super) async fn take_expired(
        self: &Arc<Self>,
        max: usize,
        now: SystemTime,
    ) -> Result<Vec<Ended>, StoreError> {
        let (ended, failure) = self
            .end_by_expiry(millis(now), End::if_expired(), max, now)
            .await?;
        // What has ended is told, even if not all has: the rest is still there for the next call.
        match failure {
            Some(failure) if ended.is_empty() => Err(failure.into()),
            _ => Ok(ended),
        }
    }

    /// Ends sessions that expire no later than `until`, the first of them first. What the buckets say is right at any time, whatever has become of the indexes. A failure beside
    /// them says that not all could be looked at.
    async fn end_by_expiry(
        self: &Arc<Self>,
        until: i64,
        end: End,
        max: usize,
        now: SystemTime,
    ) -> Result<(Vec<Ended>, Option<Failure>), Failure> {
        let buckets: Vec<_> = (0..RecordKey::BUCKETS).collect();
        let expiry = |bucket| self.keys.expiry(bucket);
        let mut ended = Vec::new();
        let mut of_each = 8;
        let mut in_vain = 0;
        while ended.len() < max && in_vain < IN_VAIN {
            let (mut due, mut failure) = self.due(&buckets, expiry, of_each, until).await?;
            due.truncate(max - ended.len());
            if due.is_empty() {
                return Ok((ended, failure));
            }
            let (keys, foreign) = keys_of(due);
            let foreign = foreign.into_iter();
            let foreign = foreign.map(|(bucket, member)| {
                Call::command("ZREM", self.keys.expiry(bucket)).arg(member)
            });
            self.servers.call_all(&foreign.collect::<Vec<_>>()).await;
            let (more, refused) = self.end_all(keys, end, now).await?;
            failure = failure.or(refused);
            // Other callers may have been quicker with all of them.
            in_vain = if more.is_empty() { in_vain + 1 } else { 0 };
            ended.extend(more);
            if failure.is_some() {
                return Ok((ended, failure));
            }
            // Where many have expired in few buckets.
            of_each = (of_each * 4).min(1024);
        }
        Ok((ended, None))
    }

    pub(super) async fn delete_matching(
        self: &Arc<Self>,
        selection: &Selection,
        reason: EndReason,
        max: usize,
        now: SystemTime,
    ) -> Result<u64, StoreError> {
        if let Some(filter) = selection.filter()
            && let (Some(subject), None) = (filter.wanted_subject(), filter.wanted_name())
        {
            return self.end_subject(subject, filter, reason, max, now).await;
        }
        if let Selection::Everyone = selection {
            let end = End::because(reason);
            let (ended, failure) = self.end_by_expiry(i64::MAX, end, max, now).await?;
            return failure.map_or(Ok(ended.len() as u64), |failure| Err(failure.into()));
        }
        let mut walk = self.walk_all(selection).await?;
        let mut ended = 0;
        while ended < max
            && let Some(records) = walk.next(Form::Outline, now).await?
        {
            let matching = records.iter().filter(|record| selection.matches(record));
            let keys = matching.map(|record| record.key).take(max - ended);
            let end = End::because(reason);
            let (more, failure) = self.end_all(keys, end, now).await?;
            ended += more.len();
            // Whoever revokes must not take some for all.
            if let Some(failure) = failure {
                return Err(failure.into());
            }
        }
        Ok(ended as u64)
    }

    /// All sessions of a subject in one step, if they are not very many.
    async fn end_subject(
        self: &Arc<Self>,
        subject: &str,
        filter: &Filter,
        reason: EndReason,
        max: usize,
        now: SystemTime,
    ) -> Result<u64, StoreError> {
        let bucket = bucket_of(subject);
        let mut keys = self.keys.ending(bucket).to_vec();
        keys.push(self.keys.subject(bucket, subject));
        let mut ended = 0;
        loop {
            let step = (max - ended).min(STEP);
            let call = with_now(Call::script(&END_SUBJECT, keys.clone()), now)
                .arg(reason.as_str())
                .arg(step.to_string())
                .arg(filter.wanted_session_id().map_or("", |id| id.as_str()))
                .arg(filter.excepted().map_or("", |id| id.as_str()));
            let calls = [self.call_to_hint([bucket], now), call];
            let reply = self.servers.call_all(&calls).await.pop();
            let reply = reply.expect("as many replies as calls")?;
            let now_ended = list_len(&reply);
            self.ended(bucket, reply)?;
            ended += now_ended;
            if now_ended < step || ended == max {
                return Ok(ended as u64);
            }
        }
    }

    /// Ends sessions by their records' keys, many of a bucket in one step. A failure beside them says that not all could be ended.
    async fn end_all(
        self: &Arc<Self>,
        keys: impl IntoIterator<Item = RecordKey>,
        end: End,
        now: SystemTime,
    ) -> Result<(Vec<Ended>, Option<Failure>), Failure> {
        let mut of_bucket: BTreeMap<u16, Vec<RecordKey>> = BTreeMap::new();
        for key in keys {
            of_bucket.entry(key.bucket()).or_default().push(key);
        }
        if of_bucket.is_empty() {
            return Ok((Vec::new(), None));
        }
        let mut calls = vec![self.call_to_hint(of_bucket.keys().copied(), now)];
        let mut buckets = Vec::new();
        for (bucket, keys) in of_bucket {
            for keys in keys.chunks(STEP) {
                calls.push(self.call_to_end(bucket, keys, end, now));
                buckets.push(bucket);
            }
        }
        let replies = self.servers.call_all(&calls).await.into_iter().skip(1);
        let mut ended = Vec::new();
        let mut failure = None;
        for (bucket, reply) in buckets.into_iter().zip(replies) {
            match reply.and_then(|reply| self.ended(bucket, reply)) {
                Ok(more) => ended.extend(more),
                Err(error) => failure = Some(error),
            }
        }
        Ok((ended, failure))
    }

    fn call_to_end(&self, bucket: u16, records: &[RecordKey], end: End, now: SystemTime) -> Call {
        let mut keys = self.keys.ending(bucket).to_vec();
        keys.extend(records.iter().map(|key| self.keys.record(key)));
        with_now(Call::script(&END, keys), now)
            .arg(end.reason.as_str())
            .arg(if end.only_expired { "yes" } else { "" })
    }

    /// Reads what has ended in a bucket. It is in the log of ends by now, and leaves the indexes.
    pub(super) fn ended(
        self: &Arc<Self>,
        bucket: u16,
        reply: Value,
    ) -> Result<Vec<Ended>, Failure> {
        let mut ended = Vec::new();
        let mut calls = Vec::new();
        for told in list(reply)? {
            let [event, told] = exactly(told)?;
            match Account::read(bytes(event)?, &bytes(told)?) {
                Ok(account) => {
                    let name = account.name.as_ref();
                    calls.extend(account.entry.calls_to_remove(&self.keys, name));
                    self.ends.remember(account.ended.event_id, bucket);
                    ended.push(account.ended);
                }
                Err(failure) => {
                    tracing::warn!(%failure, "a session has ended of which not all can be told");
                }
            }
        }
        self.in_background(calls);
        Ok(ended)
    }
}

/// The members of expiry sets as keys of records, and what is none.
fn keys_of(due: Vec<Due>) -> (Vec<RecordKey>, Vec<(u16, Vec<u8>)>) {
    let mut keys = Vec::new();
    let mut foreign = Vec::new();
    for due in due {
        match due.member.try_into() {
            Ok(digest) => keys.push(RecordKey::new(digest, due.bucket)),
            Err(member) => foreign.push((due.bucket, member)),
        }
    }
    (keys, foreign)
}

fn list_len(reply: &Value) -> usize {
    match reply {
        Value::Array(values) => values.len(),
        _ => 0,
    }
}

/// How many sessions one script ends at most: others wait for it.
const STEP: usize = 200;

/// How often somebody else may be quicker with everything that has expired, until it is left to them.
const IN_VAIN: u32 = 10;
