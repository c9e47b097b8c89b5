use std::time::{Duration, SystemTime};

use super::{changes, end_log, list, records, sign_in, store::SqliteStore};
use crate::{
    ended::{EndReason, Ended, EventId},
    error::StoreError,
    id::ClientId,
    store::{
        key::RecordKey,
        operation::{
            ClientAdded, ClientRemoved, Continuity, Created, End, Limit, Loaded, Purged, Replaced,
            TakenEnd, Touch, Touched, Update, Updated,
        },
        query::{Filter, Query, Selection},
        record::Record,
        session_store::SessionStore,
    },
};

impl SessionStore for SqliteStore {
    async fn create(
        &self,
        record: &Record,
        limit: Option<Limit>,
        now: SystemTime,
    ) -> Result<Created, StoreError> {
        let record = record.clone();
        self.write(move |connection| sign_in::create(connection, &record, limit, now))
            .await
    }

    async fn load(
        &self,
        key: &RecordKey,
        touch: Option<Touch>,
        now: SystemTime,
    ) -> Result<Loaded, StoreError> {
        let key = *key;
        let read = self.read(move |connection| records::load(connection, &key, now));
        let loaded = read.await?;
        // Most of the time no sign of life is due, and nothing is to be written.
        let due = match &loaded {
            Loaded::Found(record) => touch.filter(|touch| changes::is_due(record, *touch, now)),
            Loaded::Gone | Loaded::Missing => None,
        };
        let Some(touch) = due else {
            return Ok(loaded);
        };
        let touched = self.write(move |connection| {
            changes::touch(connection, &key, touch, now)?;
            records::load(connection, &key, now)
        });
        Ok(touched.await.unwrap_or_else(|error| {
            // What was read is true all the same: whoever is signed in stays so while the disk is full.
            let error = std::error::Error::source(&error);
            tracing::warn!(error, "a session's sign of life could not be written");
            loaded
        }))
    }

    async fn update(
        &self,
        key: &RecordKey,
        update: &Update,
        expected_version: u64,
        now: SystemTime,
    ) -> Result<Updated, StoreError> {
        let (key, update) = (*key, update.clone());
        self.write(move |connection| {
            changes::update(connection, &key, &update, expected_version, now)
        })
        .await
    }

    async fn touch(
        &self,
        key: &RecordKey,
        touch: Touch,
        now: SystemTime,
    ) -> Result<Touched, StoreError> {
        let key = *key;
        self.write(move |connection| changes::touch(connection, &key, touch, now))
            .await
    }

    async fn add_client(
        &self,
        key: &RecordKey,
        client: &ClientId,
        now: SystemTime,
    ) -> Result<ClientAdded, StoreError> {
        let (key, client) = (*key, client.clone());
        self.write(move |connection| changes::add_client(connection, &key, &client, now))
            .await
    }

    async fn remove_client(
        &self,
        key: &RecordKey,
        client: &ClientId,
        now: SystemTime,
    ) -> Result<ClientRemoved, StoreError> {
        let (key, client) = (*key, client.clone());
        self.write(move |connection| changes::remove_client(connection, &key, &client, now))
            .await
    }

    async fn replace(
        &self,
        old: &RecordKey,
        record: &Record,
        continuity: Continuity,
        limit: Option<Limit>,
        now: SystemTime,
    ) -> Result<Replaced, StoreError> {
        let (old, record) = (*old, record.clone());
        self.write(move |connection| {
            sign_in::replace(connection, &old, &record, continuity, limit, now)
        })
        .await
    }

    async fn delete(
        &self,
        key: &RecordKey,
        end: End,
        now: SystemTime,
    ) -> Result<Option<Ended>, StoreError> {
        let key = *key;
        self.write(move |connection| records::end_newest(connection, &key, end, now))
            .await
    }

    async fn query(&self, query: &Query, now: SystemTime) -> Result<Vec<Record>, StoreError> {
        let query = query.clone();
        let quick = is_quick(&query.selection);
        let work = move |connection: &_| list::query(connection, &query, now);
        match quick {
            true => self.read(work).await,
            false => self.list(work).await,
        }
    }

    async fn count(&self, selection: &Selection, now: SystemTime) -> Result<u64, StoreError> {
        let quick = is_quick(selection);
        let selection = selection.clone();
        let work = move |connection: &_| list::count(connection, &selection, now);
        match quick {
            true => self.read(work).await,
            false => self.list(work).await,
        }
    }

    async fn delete_matching(
        &self,
        selection: &Selection,
        reason: EndReason,
        max: usize,
        now: SystemTime,
    ) -> Result<u64, StoreError> {
        let selection = selection.clone();
        self.write(move |connection| list::end_matching(connection, &selection, reason, max, now))
            .await
    }

    async fn take_expired(&self, max: usize, now: SystemTime) -> Result<Vec<Ended>, StoreError> {
        self.write(move |connection| list::end_expired(connection, max, now))
            .await
    }

    async fn take_ended(
        &self,
        lease: Duration,
        max: usize,
        now: SystemTime,
    ) -> Result<Vec<TakenEnd>, StoreError> {
        self.write(move |connection| end_log::take(connection, lease, max, now))
            .await
    }

    async fn acknowledge(&self, events: &[EventId]) -> Result<u64, StoreError> {
        let events = events.to_vec();
        self.write(move |connection| end_log::acknowledge(connection, &events))
            .await
    }

    async fn purge(
        &self,
        unheard_before: SystemTime,
        now: SystemTime,
    ) -> Result<Purged, StoreError> {
        self.write(move |connection| end_log::purge(connection, unheard_before, now))
            .await
    }

    fn searches_within_names(&self) -> bool {
        true
    }
}

/// Whether an index leads to a few records.
fn is_quick(selection: &Selection) -> bool {
    let leads =
        |filter: &Filter| filter.wanted_subject().is_some() || filter.wanted_session_id().is_some();
    selection.filter().is_some_and(leads)
}
