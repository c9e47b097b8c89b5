use std::{
    collections::HashSet,
    time::{Duration, SystemTime},
};

use super::{outbox, outbox_list, store::SqliteStore};
use crate::{
    ended::Ended,
    error::StoreError,
    id::ClientId,
    store::{
        delivery::{Attempt, Deliveries, Delivery, DeliveryFilter, TakenDelivery},
        outbox::LogoutOutbox,
    },
};

impl LogoutOutbox for SqliteStore {
    async fn put_in(
        &self,
        ended: &Ended,
        clients: &[ClientId],
        now: SystemTime,
    ) -> Result<u64, StoreError> {
        let (ended, clients) = (ended.clone(), clients.to_vec());
        self.write(move |connection| outbox::put_in(connection, &ended, &clients, now))
            .await
    }

    async fn take_due(
        &self,
        lease: Duration,
        max: usize,
        except: &[ClientId],
        now: SystemTime,
    ) -> Result<Vec<TakenDelivery>, StoreError> {
        let except: HashSet<_> = except.iter().cloned().collect();
        self.write(move |connection| outbox::take(connection, lease, max, &except, now))
            .await
    }

    async fn settle(&self, attempts: &[Attempt], now: SystemTime) -> Result<u64, StoreError> {
        let attempts = attempts.to_vec();
        self.write(move |connection| outbox::settle(connection, &attempts, now))
            .await
    }

    async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        limit: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        let quick = outbox_list::is_quick(filter);
        let filter = filter.clone();
        let work = move |connection: &_| outbox_list::list(connection, &filter, limit);
        match quick {
            true => self.read(work).await,
            false => self.list(work).await,
        }
    }

    async fn count_deliveries(&self) -> Result<Deliveries, StoreError> {
        self.list(outbox_list::count).await
    }

    async fn forget_settled(&self, before: SystemTime) -> Result<u64, StoreError> {
        self.write(move |connection| outbox::forget(connection, before))
            .await
    }
}
