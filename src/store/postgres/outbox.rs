//! The outbox.

use std::time::{Duration, SystemTime};

use super::{
    error::store_error,
    outbox_lists,
    rows::{Columns, as_limit, readable, to_millis, to_millis_up},
    store::PostgresStore,
};
use crate::{
    ended::{Ended, EventId},
    error::StoreError,
    id::{ClientId, SessionId},
    store::{
        delivery::{
            Attempt, Deliveries, Delivery, DeliveryFilter, DeliveryState, Outcome, TakenDelivery,
        },
        outbox::LogoutOutbox,
    },
};

impl LogoutOutbox for PostgresStore {
    async fn put_in(
        &self,
        ended: &Ended,
        clients: &[ClientId],
        now: SystemTime,
    ) -> Result<u64, StoreError> {
        let statement = self.statements().put_in.query();
        let statement = statement
            .bind(&ended.event_id.as_bytes()[..])
            .bind(texts(clients))
            .bind(&ended.subject)
            .bind(ended.session_id.as_str())
            .bind(to_millis(now));
        Ok(self.rows(statement).await?.len() as u64)
    }

    async fn take_due(
        &self,
        lease: Duration,
        max: usize,
        except: &[ClientId],
        now: SystemTime,
    ) -> Result<Vec<TakenDelivery>, StoreError> {
        let until = to_millis(now).saturating_add(to_millis_up(lease));
        let mut taken = Vec::new();
        loop {
            let left = max - taken.len();
            let statement = self.statements().take_due.query();
            let statement = statement
                .bind(to_millis(now))
                .bind(until)
                .bind(texts(except))
                .bind(as_limit(left));
            let rows = match self.rows(statement).await {
                Ok(rows) => rows,
                // What has been taken is to be told.
                Err(_) if !taken.is_empty() => return Ok(taken),
                Err(error) => return Err(error),
            };
            let more = readable(&rows, taken_delivery).map_err(store_error)?;
            // Those that nobody can read are hidden as well, so that they keep no others from being taken.
            let are_all = more.len() == rows.len() || rows.len() < left || lease.is_zero();
            taken.extend(more);
            if are_all {
                return Ok(taken);
            }
        }
    }

    async fn settle(&self, attempts: &[Attempt], now: SystemTime) -> Result<u64, StoreError> {
        let (mut events, mut clients, mut turns) = (Vec::new(), Vec::new(), Vec::new());
        let (mut states, mut next_times, mut failures) = (Vec::new(), Vec::new(), Vec::new());
        for attempt in attempts {
            let again = match attempt.outcome {
                Outcome::Failed { again, .. } => Some(to_millis(again)),
                _ => None,
            };
            events.push(&attempt.event_id.as_bytes()[..]);
            clients.push(attempt.client.as_str());
            // No delivery has a turn that is no number of PostgreSQL's.
            turns.push(i64::try_from(attempt.turn).unwrap_or(-1));
            states.push(attempt.outcome.state().map(DeliveryState::as_str));
            next_times.push(again);
            failures.push(attempt.outcome.why());
        }
        let statement = self.statements().settle.query();
        let statement = statement
            .bind(events)
            .bind(clients)
            .bind(turns)
            .bind(states)
            .bind(next_times)
            .bind(failures)
            .bind(to_millis(now));
        let row = self.row(statement).await?;
        Columns::of(&row).number().map_err(store_error)
    }

    async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        limit: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        let statement = outbox_lists::list(self.schema(), filter, limit);
        let rows = self.rows(statement).await?;
        readable(&rows, outbox_lists::delivery).map_err(store_error)
    }

    async fn count_deliveries(&self) -> Result<Deliveries, StoreError> {
        let rows = self
            .rows(self.statements().count_deliveries.query())
            .await?;
        let counted = readable(&rows, |mut row| {
            let state: &str = row.next()?;
            let count = row.number()?;
            Ok(state
                .parse::<DeliveryState>()
                .ok()
                .map(|state| (state, count)))
        });
        let mut counts = Deliveries::default();
        for (state, count) in counted.map_err(store_error)? {
            *counts.of(state) = count;
        }
        Ok(counts)
    }

    async fn forget_settled(&self, before: SystemTime) -> Result<u64, StoreError> {
        let statement = self.statements().forget_settled.query();
        let row = self.row(statement.bind(to_millis(before))).await?;
        Columns::of(&row).number().map_err(store_error)
    }
}

/// None if somebody has written to the table what no delivery can be.
fn taken_delivery(mut row: Columns<'_>) -> Result<Option<TakenDelivery>, sqlx::Error> {
    let event_id: &[u8] = row.next()?;
    let client: &str = row.next()?;
    let subject: &str = row.next()?;
    let session_id: &str = row.next()?;
    let created = row.time()?;
    let attempts: i32 = row.next()?;
    let turn: i64 = row.next()?;
    let state: &str = row.next()?;
    let taken = || {
        let state: DeliveryState = state.parse().ok()?;
        let mut taken = TakenDelivery::new(
            EventId::new(event_id.try_into().ok()?),
            ClientId::parse(client).ok()?,
            subject,
            SessionId::parse(session_id).ok()?,
            created,
        );
        taken.attempt = attempts.try_into().ok()?;
        taken.turn = turn.try_into().ok()?;
        (!state.is_settled()).then_some(taken)
    };
    Ok(taken())
}

fn texts(clients: &[ClientId]) -> Vec<&str> {
    clients.iter().map(ClientId::as_str).collect()
}
