//! Records are put in.

use std::{sync::Arc, time::SystemTime};

use redis::Value;

use super::{
    call::Call,
    entry::{Entry, MarkedName},
    failure::Failure,
    rename::Renaming,
    reply::{UNEXPECTED, bytes, exactly, list, number},
    row::{client, millis, time, with_record},
    script::{CREATE, REPLACE, Script},
    store::Inner,
};
use crate::{
    error::StoreError,
    store::{
        key::{RecordKey, bucket_of},
        operation::{Continuity, Created, Limit, Replaced, WhenReached},
        record::Record,
    },
};

impl Inner {
    pub(super) async fn create(
        self: &Arc<Self>,
        record: &Record,
        limit: Option<Limit>,
        now: SystemTime,
    ) -> Result<Created, StoreError> {
        let bucket = own_bucket(record)?;
        let entry = Entry::of_first(record, millis(record.created));
        let name = MarkedName::of(record);
        let mut before = entry.calls_to_add(&self.keys, name.as_ref());
        before.extend(evicts(limit).then(|| self.call_to_hint([bucket], now)));
        let keys = self.keys_to_begin(record, None);
        let call = self.call_to_begin(&CREATE, keys, limit, now);
        let call = with_record(call.arg("").arg(""), record, &entry);
        let [outcome, ended] = match self.servers.call_after(&before, call).await {
            Err(failure) if failure.is_full() => {
                self.unindex(&entry, name.as_ref());
                return Ok(Created::Full);
            }
            reply => at_most(reply?)?,
        };
        match &bytes(outcome)?[..] {
            b"created" => {
                self.index_again_if_old(&entry, name.as_ref(), now).await?;
                let evicted = self.ended(bucket, ended)?;
                Ok(Created::Created { evicted })
            }
            // It is this very record, so its entries in the indexes stay.
            b"exists" => Ok(Created::Exists),
            b"denied" => {
                self.unindex(&entry, name.as_ref());
                Ok(Created::Denied)
            }
            _ => Err(UNEXPECTED.into()),
        }
    }

    pub(super) async fn replace(
        self: &Arc<Self>,
        old: &RecordKey,
        record: &Record,
        continuity: Continuity,
        limit: Option<Limit>,
        now: SystemTime,
    ) -> Result<Replaced, StoreError> {
        let bucket = own_bucket(record)?;
        // A record in another bucket is another subject's.
        let old = Some(old).filter(|old| old.bucket() == bucket);
        match continuity {
            Continuity::NewSession => self.begin_anew(old, record, limit, now).await,
            Continuity::SameSession => match old {
                Some(old) => self.go_on(old, record, now).await,
                None => Ok(Replaced::Missing),
            },
        }
    }

    async fn begin_anew(
        self: &Arc<Self>,
        old: Option<&RecordKey>,
        record: &Record,
        limit: Option<Limit>,
        now: SystemTime,
    ) -> Result<Replaced, StoreError> {
        let entry = Entry::of_first(record, millis(record.created));
        let name = MarkedName::of(record);
        let mut before = entry.calls_to_add(&self.keys, name.as_ref());
        before.push(self.call_to_hint([record.key.bucket()], now));
        let keys = self.keys_to_begin(record, Some(old.unwrap_or(&record.key)));
        let call = self.call_to_begin(&REPLACE, keys, limit, now);
        let call = with_record(call.arg("new").arg(""), record, &entry);
        let reply = self.servers.call_after(&before, call).await;
        let replaced = match reply {
            Err(failure) if failure.is_full() => Replaced::Full,
            reply => self.replaced(record.key.bucket(), reply?)?,
        };
        match replaced {
            Replaced::Replaced { .. } => {
                self.index_again_if_old(&entry, name.as_ref(), now).await?
            }
            _ => self.unindex(&entry, name.as_ref()),
        }
        Ok(replaced)
    }

    /// In the usual case only the bucket changes, since what stands in the indexes leads to the session.
    async fn go_on(
        self: &Arc<Self>,
        old: &RecordKey,
        record: &Record,
        now: SystemTime,
    ) -> Result<Replaced, StoreError> {
        let own = Entry::of_first(record, millis(record.created));
        let mut renaming = Renaming::new(MarkedName::of(record));
        loop {
            let keys = self.keys_to_begin(record, Some(old));
            let call = self.call_to_begin(&REPLACE, keys, None, now);
            let call = call.arg("same").arg(renaming.indexed());
            let call = with_record(call, record, &own);
            let calls = renaming.calls(&self.keys);
            let reply = match self.servers.call_after(&calls, call).await {
                Err(failure) if failure.is_full() => return Ok(Replaced::Full),
                reply => reply?,
            };
            if renaming.is_asked_for(&reply)? {
                continue;
            }
            let replaced = self.replaced(record.key.bucket(), reply)?;
            let done = matches!(replaced, Replaced::Replaced { .. });
            self.in_background(renaming.calls_to_tidy(&self.keys, done));
            return Ok(replaced);
        }
    }

    fn replaced(self: &Arc<Self>, bucket: u16, reply: Value) -> Result<Replaced, Failure> {
        let [outcome, created, clients, ended] = at_most(reply)?;
        match &bytes(outcome)?[..] {
            b"replaced" => {
                let clients = list(clients)?.into_iter();
                let clients = clients.map(|id| client(&bytes(id)?));
                Ok(Replaced::Replaced {
                    created: time(number(created)?),
                    clients: clients.collect::<Result<_, _>>()?,
                    ended: self.ended(bucket, ended)?,
                })
            }
            b"missing" => Ok(Replaced::Missing),
            b"denied" => Ok(Replaced::Denied),
            _ => Err(UNEXPECTED),
        }
    }

    fn keys_to_begin(&self, record: &Record, old: Option<&RecordKey>) -> Vec<Vec<u8>> {
        let bucket = record.key.bucket();
        let mut keys = self.keys.ending(bucket).to_vec();
        keys.push(self.keys.record(&record.key));
        keys.push(self.keys.subject(bucket, &record.subject));
        keys.extend(old.map(|old| self.keys.record(old)));
        keys
    }

    fn call_to_begin(
        &self,
        script: &'static Script,
        keys: Vec<Vec<u8>>,
        limit: Option<Limit>,
        now: SystemTime,
    ) -> Call {
        let max = limit.map(|limit| limit.max.to_string());
        let when_reached = match limit.map(|limit| limit.when_reached) {
            Some(WhenReached::Deny) => "deny",
            Some(WhenReached::EndOldest) => "end oldest",
            None => "",
        };
        with_now(Call::script(script, keys), now)
            .arg(max.unwrap_or_default())
            .arg(when_reached)
    }

    /// The entries of a session that begins now are young, and young ones are let alone by whoever finds no session to them. Of one that has
    /// begun long ago, they may have been dropped before it was there.
    async fn index_again_if_old(
        &self,
        entry: &Entry,
        name: Option<&MarkedName>,
        now: SystemTime,
    ) -> Result<(), Failure> {
        if !entry.may_be_dropped(now) {
            return Ok(());
        }
        let calls = entry.calls_to_add(&self.keys, name);
        let replies = self.servers.call_all(&calls).await.into_iter();
        replies.collect::<Result<Vec<_>, _>>().map(drop)
    }
}

/// Adds the time, and until when memories last that are made now.
pub(super) fn with_now(call: Call, now: SystemTime) -> Call {
    let now = millis(now);
    let memory = i64::try_from(crate::store::operation::TOMBSTONE.as_millis());
    call.number(now)
        .number(now.saturating_add(memory.unwrap_or(i64::MAX)))
}

/// A key in the bucket of another subject would be found by nobody who looks for the subject.
fn own_bucket(record: &Record) -> Result<u16, StoreError> {
    let bucket = record.key.bucket();
    match bucket == bucket_of(&record.subject) {
        true => Ok(bucket),
        false => Err(StoreError::new(
            "the record's key has another bucket than its subject",
        )),
    }
}

fn evicts(limit: Option<Limit>) -> bool {
    limit.is_some_and(|limit| limit.when_reached == WhenReached::EndOldest)
}

/// A reply that is a list, filled up.
fn at_most<const N: usize>(reply: Value) -> Result<[Value; N], Failure> {
    let mut parts = list(reply)?;
    parts.resize(N.max(parts.len()), Value::Nil);
    exactly(Value::Array(parts))
}
