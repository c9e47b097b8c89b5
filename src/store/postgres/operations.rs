use std::time::{Duration, SystemTime};

use super::{
    answers::{created, loaded, loaded_and_touched, replaced, touched},
    error::store_error,
    rows::{Columns, bind_record, readable, remembered_until, to_millis, to_millis_up},
    store::PostgresStore,
};
use crate::{
    ended::{EndReason, Ended, EventId},
    error::StoreError,
    id::ClientId,
    store::{
        key::RecordKey,
        operation::{
            ClientAdded, ClientRemoved, Continuity, Created, End, Limit, Loaded, Purged, Replaced,
            TakenEnd, Touch, Touched, Update, Updated, WhenReached,
        },
        query::{Query, Selection, fold},
        record::Record,
        session_store::SessionStore,
    },
};

impl SessionStore for PostgresStore {
    async fn create(
        &self,
        record: &Record,
        limit: Option<Limit>,
        now: SystemTime,
    ) -> Result<Created, StoreError> {
        let statement = bind_record(self.statements().create.query(), record)
            .bind(limit.map(|limit| i64::from(limit.max.get())))
            .bind(is_denied(limit))
            .bind(to_millis(now))
            .bind(remembered_until(now));
        let rows = self.rows(statement).await?;
        created(&rows).map_err(store_error)
    }

    async fn load(
        &self,
        key: &RecordKey,
        touch: Option<Touch>,
        now: SystemTime,
    ) -> Result<Loaded, StoreError> {
        let Some(touch) = touch else {
            return self.load_only(key, now).await;
        };
        let statement = self.statements().load_and_touch.query();
        let statement = statement
            .bind(&key.as_bytes()[..])
            .bind(to_millis(now))
            .bind(due(touch, now))
            .bind(to_millis(touch.expires));
        let rows = self.rows(statement).await?;
        match loaded_and_touched(rows.first(), key, now).map_err(store_error)? {
            Some(loaded) => Ok(loaded),
            None => self.load_only(key, now).await,
        }
    }

    async fn update(
        &self,
        key: &RecordKey,
        update: &Update,
        expected_version: u64,
        now: SystemTime,
    ) -> Result<Updated, StoreError> {
        let statement = self.statements().update.query();
        let statement = statement
            .bind(&key.as_bytes()[..])
            // No record has a version that is no number of PostgreSQL's.
            .bind(i64::try_from(expected_version).unwrap_or(-1))
            .bind(&update.ticket)
            .bind(&update.display_name)
            .bind(update.display_name.as_deref().map(fold))
            .bind(to_millis(now));
        let row = self.row(statement).await?;
        let version: Option<i64> = Columns::of(&row).next().map_err(store_error)?;
        Ok(match version {
            None => Updated::Missing,
            Some(0) => Updated::Conflict,
            Some(version) => Updated::Updated {
                version: version.unsigned_abs(),
            },
        })
    }

    async fn touch(
        &self,
        key: &RecordKey,
        touch: Touch,
        now: SystemTime,
    ) -> Result<Touched, StoreError> {
        loop {
            let statement = self.statements().touch.query();
            let statement = statement
                .bind(&key.as_bytes()[..])
                .bind(to_millis(now))
                .bind(due(touch, now))
                .bind(to_millis(touch.expires));
            let rows = self.rows(statement).await?;
            if let Some(touched) = touched(rows.first()).map_err(store_error)? {
                return Ok(touched);
            }
        }
    }

    async fn add_client(
        &self,
        key: &RecordKey,
        client: &ClientId,
        now: SystemTime,
    ) -> Result<ClientAdded, StoreError> {
        let statement = self.statements().add_client.query();
        let statement = statement
            .bind(&key.as_bytes()[..])
            .bind(client.as_str())
            .bind(to_millis(now));
        let row = self.row(statement).await?;
        Ok(match Columns::of(&row).next().map_err(store_error)? {
            None => ClientAdded::Missing,
            Some(true) => ClientAdded::Added,
            Some(false) => ClientAdded::Known,
        })
    }

    async fn remove_client(
        &self,
        key: &RecordKey,
        client: &ClientId,
        now: SystemTime,
    ) -> Result<ClientRemoved, StoreError> {
        let statement = self.statements().remove_client.query();
        let statement = statement
            .bind(&key.as_bytes()[..])
            .bind(client.as_str())
            .bind(to_millis(now));
        let row = self.row(statement).await?;
        Ok(match Columns::of(&row).next().map_err(store_error)? {
            None => ClientRemoved::Missing,
            Some(true) => ClientRemoved::Removed,
            Some(false) => ClientRemoved::Unknown,
        })
    }

    async fn replace(
        &self,
        old: &RecordKey,
        record: &Record,
        continuity: Continuity,
        limit: Option<Limit>,
        now: SystemTime,
    ) -> Result<Replaced, StoreError> {
        let statement = bind_record(self.statements().replace.query(), record)
            .bind(&old.as_bytes()[..])
            .bind(continuity == Continuity::SameSession)
            .bind(limit.map(|limit| i64::from(limit.max.get())))
            .bind(is_denied(limit))
            .bind(to_millis(now))
            .bind(remembered_until(now));
        let rows = self.rows(statement).await?;
        replaced(&rows).map_err(store_error)
    }

    async fn delete(
        &self,
        key: &RecordKey,
        end: End,
        now: SystemTime,
    ) -> Result<Option<Ended>, StoreError> {
        let statement = self.statements().delete.query();
        let statement = statement
            .bind(&key.as_bytes()[..])
            .bind(end.reason.as_str())
            .bind(end.only_expired)
            .bind(to_millis(now))
            .bind(remembered_until(now));
        let rows = self.rows(statement).await?;
        let ended = readable(&rows, |mut row| row.ended());
        Ok(ended.map_err(store_error)?.pop())
    }

    async fn query(&self, query: &Query, now: SystemTime) -> Result<Vec<Record>, StoreError> {
        self.page(query, now).await
    }

    async fn count(&self, selection: &Selection, now: SystemTime) -> Result<u64, StoreError> {
        self.number_of(selection, now).await
    }

    async fn delete_matching(
        &self,
        selection: &Selection,
        reason: EndReason,
        max: usize,
        now: SystemTime,
    ) -> Result<u64, StoreError> {
        self.end_selected(selection, reason, max, now).await
    }

    async fn take_expired(&self, max: usize, now: SystemTime) -> Result<Vec<Ended>, StoreError> {
        self.end_expired(max, now).await
    }

    async fn take_ended(
        &self,
        lease: Duration,
        max: usize,
        now: SystemTime,
    ) -> Result<Vec<TakenEnd>, StoreError> {
        self.lease_ended(lease, max, now).await
    }

    async fn acknowledge(&self, events: &[EventId]) -> Result<u64, StoreError> {
        self.forget_ended(events).await
    }

    async fn purge(
        &self,
        unheard_before: SystemTime,
        now: SystemTime,
    ) -> Result<Purged, StoreError> {
        self.tidy(unheard_before, now).await
    }
}

impl PostgresStore {
    async fn load_only(&self, key: &RecordKey, now: SystemTime) -> Result<Loaded, StoreError> {
        let statement = self.statements().load.query();
        let rows = self.rows(statement.bind(&key.as_bytes()[..])).await?;
        let Some(row) = rows.first() else {
            return Ok(Loaded::Missing);
        };
        loaded(Columns::of(row), key, now).map_err(store_error)
    }
}

/// The last sign of life that is so old that another one counts.
fn due(touch: Touch, now: SystemTime) -> i64 {
    to_millis(now).saturating_sub(to_millis_up(touch.every))
}

fn is_denied(limit: Option<Limit>) -> bool {
    limit.is_some_and(|limit| limit.when_reached == WhenReached::Deny)
}
