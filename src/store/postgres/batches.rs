//! The operations on many records, a statement for each batch.

use std::time::{Duration, SystemTime};

use sqlx::postgres::PgRow;

use super::{
    error::store_error,
    lists,
    rows::{Columns, as_limit, readable, remembered_until, to_millis, to_millis_up},
    store::PostgresStore,
};
use crate::{
    ended::{EndReason, Ended, EventId},
    error::StoreError,
    id::SessionId,
    store::{
        operation::{Purged, TakenEnd},
        query::{Filter, Part, Query, Selection},
        record::Record,
    },
};

impl PostgresStore {
    pub(super) async fn page(
        &self,
        query: &Query,
        now: SystemTime,
    ) -> Result<Vec<Record>, StoreError> {
        let statement = lists::page(self.schema(), query, now)?;
        let rows = self.rows(statement).await?;
        let records = readable(&rows, |mut row| row.record());
        let mut records = records.map_err(store_error)?;
        if let Part::NewerThan(_) = query.part {
            records.reverse();
        }
        Ok(records)
    }

    pub(super) async fn number_of(
        &self,
        selection: &Selection,
        now: SystemTime,
    ) -> Result<u64, StoreError> {
        let statement = lists::count(self.schema(), selection, now)?;
        let row = self.row(statement).await?;
        Columns::of(&row).number().map_err(store_error)
    }

    pub(super) async fn end_selected(
        &self,
        selection: &Selection,
        reason: EndReason,
        max: usize,
        now: SystemTime,
    ) -> Result<u64, StoreError> {
        if let Some(filter) = selection.filter()
            && let Some(subject) = filter.wanted_subject()
        {
            return self.end_of_subject(subject, filter, reason, max, now).await;
        }
        let first = (to_millis(now), remembered_until(now), reason.as_str());
        let max = as_limit(max).unsigned_abs();
        let mut ended = 0;
        loop {
            let statement = lists::delete(self.schema(), selection, first, max - ended)?;
            let row = self.row(statement).await?;
            let mut row = Columns::of(&row);
            let mut number = || row.number().map_err(store_error);
            let (picked, doomed) = (number()?, number()?);
            ended += doomed;
            // If others were quicker with some, what they have put in their place may be meant, too.
            if picked == doomed || ended >= max {
                return Ok(ended);
            }
        }
    }

    /// At one moment, as nobody adds a session of the subject meanwhile.
    async fn end_of_subject(
        &self,
        subject: &str,
        filter: &Filter,
        reason: EndReason,
        max: usize,
        now: SystemTime,
    ) -> Result<u64, StoreError> {
        let beginning = filter.wanted_name().map(lists::beginning).transpose()?;
        let statement = self.statements().delete_of_subject.query();
        let statement = statement
            .bind(subject)
            .bind(filter.wanted_session_id().map(SessionId::as_str))
            .bind(beginning)
            .bind(filter.excepted().map(SessionId::as_str))
            .bind(reason.as_str())
            .bind(as_limit(max))
            .bind(to_millis(now))
            .bind(remembered_until(now));
        let row = self.row(statement).await?;
        Columns::of(&row).number().map_err(store_error)
    }

    pub(super) async fn end_expired(
        &self,
        max: usize,
        now: SystemTime,
    ) -> Result<Vec<Ended>, StoreError> {
        let mut ended = Vec::new();
        for _ in 0..ROUNDS {
            let left = max - ended.len();
            let statement = self.statements().take_expired(max);
            let statement = statement
                .bind(to_millis(now))
                .bind(remembered_until(now))
                .bind(as_limit(left));
            let rows = match self.rows(statement).await {
                Ok(rows) => rows,
                // What the rounds before have ended is to be told.
                Err(_) if !ended.is_empty() => break,
                Err(error) => return Err(error),
            };
            let looked_at = expired(&rows, &mut ended).map_err(store_error)?;
            if looked_at < max as u64 || ended.len() >= max {
                break;
            }
        }
        Ok(ended)
    }

    pub(super) async fn lease_ended(
        &self,
        lease: Duration,
        max: usize,
        now: SystemTime,
    ) -> Result<Vec<TakenEnd>, StoreError> {
        let leased_until = to_millis(now).saturating_add(to_millis_up(lease));
        let statement = self.statements().take_ended(max);
        let statement = statement.bind(to_millis(now)).bind(leased_until);
        let rows = self.rows(statement).await?;
        let taken = readable(&rows, |mut row| {
            let attempts: i32 = row.next()?;
            let ended = row.ended()?;
            Ok(ended.map(|ended| TakenEnd {
                ended,
                attempts: attempts.unsigned_abs(),
            }))
        });
        taken.map_err(store_error)
    }

    pub(super) async fn forget_ended(&self, events: &[EventId]) -> Result<u64, StoreError> {
        let events: Vec<&[u8]> = events.iter().map(|event| &event.as_bytes()[..]).collect();
        let statement = self.statements().acknowledge.query().bind(events);
        let rows = self.rows(statement).await?;
        Ok(rows.len() as u64)
    }

    pub(super) async fn tidy(
        &self,
        unheard_before: SystemTime,
        now: SystemTime,
    ) -> Result<Purged, StoreError> {
        let statement = self.statements().purge.query();
        let statement = statement
            .bind(to_millis(now))
            .bind(to_millis(unheard_before));
        let row = self.row(statement).await?;
        let mut row = Columns::of(&row);
        let mut purged = || {
            Ok(Purged {
                tombstones: row.number()?,
                unheard_ends: row.number()?,
            })
        };
        purged().map_err(store_error)
    }
}

/// Adds what has ended, and gives how many rows were looked at.
fn expired(rows: &[PgRow], ended: &mut Vec<Ended>) -> Result<u64, sqlx::Error> {
    let mut looked_at = 0;
    for row in rows {
        let mut row = Columns::of(row);
        looked_at = row.number()?;
        let has_ended: bool = row.next()?;
        if has_ended {
            ended.extend(row.ended()?);
        }
    }
    Ok(looked_at)
}

/// Most sessions that clean-up looks at have been used since it last did, and are only looked at again later. So a call goes on for some
/// batches, until it has found enough that have expired.
const ROUNDS: usize = 8;
