use std::time::{Duration, SystemTime};

use super::{
    call::Call,
    reply::{UNEXPECTED, bytes},
    row::{loaded, millis},
    script::{ADD_CLIENT, LOAD, REMOVE_CLIENT, Script, TOUCH},
    store::RedisStore,
};
use crate::{
    clock,
    ended::{EndReason, Ended, EventId},
    error::StoreError,
    id::ClientId,
    store::{
        key::RecordKey,
        operation::{
            ClientAdded, ClientRemoved, Continuity, Created, End, Limit, Loaded, Purged, Replaced,
            TakenEnd, Touch, Touched, Update, Updated,
        },
        query::{Query, Selection},
        record::Record,
        session_store::SessionStore,
    },
};

impl SessionStore for RedisStore {
    async fn create(
        &self,
        record: &Record,
        limit: Option<Limit>,
        now: SystemTime,
    ) -> Result<Created, StoreError> {
        self.inner().create(record, limit, now).await
    }

    async fn load(
        &self,
        key: &RecordKey,
        touch: Option<Touch>,
        now: SystemTime,
    ) -> Result<Loaded, StoreError> {
        let call = match touch {
            None => Call::command("HGETALL", self.inner().keys.record(key)),
            Some(touch) => self.call_to_touch(&LOAD, key, touch, now),
        };
        let fields = self.inner().servers.call(&call).await?;
        Ok(loaded(*key, fields, now)?)
    }

    async fn update(
        &self,
        key: &RecordKey,
        update: &Update,
        expected_version: u64,
        now: SystemTime,
    ) -> Result<Updated, StoreError> {
        let inner = self.inner();
        inner.update(key, update, expected_version, now).await
    }

    async fn touch(
        &self,
        key: &RecordKey,
        touch: Touch,
        now: SystemTime,
    ) -> Result<Touched, StoreError> {
        let call = self.call_to_touch(&TOUCH, key, touch, now);
        match &self.outcome(&call).await?[..] {
            b"touched" => Ok(Touched::Touched),
            b"not due" => Ok(Touched::NotDue),
            b"missing" => Ok(Touched::Missing),
            _ => Err(UNEXPECTED.into()),
        }
    }

    async fn add_client(
        &self,
        key: &RecordKey,
        client: &ClientId,
        now: SystemTime,
    ) -> Result<ClientAdded, StoreError> {
        let call = self.call_with_client(&ADD_CLIENT, key, client, now);
        match &self.outcome(&call).await?[..] {
            b"added" => Ok(ClientAdded::Added),
            b"known" => Ok(ClientAdded::Known),
            b"missing" => Ok(ClientAdded::Missing),
            _ => Err(UNEXPECTED.into()),
        }
    }

    async fn remove_client(
        &self,
        key: &RecordKey,
        client: &ClientId,
        now: SystemTime,
    ) -> Result<ClientRemoved, StoreError> {
        let call = self.call_with_client(&REMOVE_CLIENT, key, client, now);
        match &self.outcome(&call).await?[..] {
            b"removed" => Ok(ClientRemoved::Removed),
            b"unknown" => Ok(ClientRemoved::Unknown),
            b"missing" => Ok(ClientRemoved::Missing),
            _ => Err(UNEXPECTED.into()),
        }
    }

    async fn replace(
        &self,
        old: &RecordKey,
        record: &Record,
        continuity: Continuity,
        limit: Option<Limit>,
        now: SystemTime,
    ) -> Result<Replaced, StoreError> {
        let inner = self.inner();
        inner.replace(old, record, continuity, limit, now).await
    }

    async fn delete(
        &self,
        key: &RecordKey,
        end: End,
        now: SystemTime,
    ) -> Result<Option<Ended>, StoreError> {
        self.inner().delete(key, end, now).await
    }

    async fn query(&self, query: &Query, now: SystemTime) -> Result<Vec<Record>, StoreError> {
        self.inner().query(query, now).await
    }

    async fn count(&self, selection: &Selection, now: SystemTime) -> Result<u64, StoreError> {
        self.inner().count(selection, now).await
    }

    async fn delete_matching(
        &self,
        selection: &Selection,
        reason: EndReason,
        max: usize,
        now: SystemTime,
    ) -> Result<u64, StoreError> {
        let inner = self.inner();
        inner.delete_matching(selection, reason, max, now).await
    }

    async fn take_expired(&self, max: usize, now: SystemTime) -> Result<Vec<Ended>, StoreError> {
        self.inner().take_expired(max, now).await
    }

    async fn take_ended(
        &self,
        lease: Duration,
        max: usize,
        now: SystemTime,
    ) -> Result<Vec<TakenEnd>, StoreError> {
        self.inner().take_ended(lease, max, now).await
    }

    async fn acknowledge(&self, events: &[EventId]) -> Result<u64, StoreError> {
        self.inner().acknowledge(events).await
    }

    /// Redis itself forgets records that are over.
    async fn purge(
        &self,
        unheard_before: SystemTime,
        now: SystemTime,
    ) -> Result<Purged, StoreError> {
        self.inner().tidy_indexes(now).await?;
        Ok(Purged {
            tombstones: 0,
            unheard_ends: self.inner().drop_unheard(unheard_before).await?,
        })
    }
}

impl RedisStore {
    fn call_to_touch(
        &self,
        script: &'static Script,
        key: &RecordKey,
        touch: Touch,
        now: SystemTime,
    ) -> Call {
        let keys = &self.inner().keys;
        Call::script(script, vec![keys.record(key), keys.expiry(key.bucket())])
            .number(millis(now))
            .arg(clock::millis(touch.every).to_string())
            .number(millis(touch.expires))
    }

    fn call_with_client(
        &self,
        script: &'static Script,
        key: &RecordKey,
        client: &ClientId,
        now: SystemTime,
    ) -> Call {
        let call = Call::script(script, vec![self.inner().keys.record(key)]);
        call.number(millis(now)).arg(client.as_str())
    }

    async fn outcome(&self, call: &Call) -> Result<Vec<u8>, StoreError> {
        Ok(bytes(self.inner().servers.call(call).await?)?)
    }
}
