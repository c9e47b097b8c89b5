use std::time::{Duration, SystemTime};

use super::store::MemoryStore;
use crate::{
    ended::Ended,
    error::StoreError,
    id::ClientId,
    store::{
        delivery::{Attempt, Deliveries, Delivery, DeliveryFilter, TakenDelivery},
        outbox::LogoutOutbox,
    },
};

impl LogoutOutbox for MemoryStore {
    async fn put_in(
        &self,
        ended: &Ended,
        clients: &[ClientId],
        now: SystemTime,
    ) -> Result<u64, StoreError> {
        self.outbox().put_in(ended, clients, now)
    }

    async fn take_due(
        &self,
        lease: Duration,
        max: usize,
        except: &[ClientId],
        now: SystemTime,
    ) -> Result<Vec<TakenDelivery>, StoreError> {
        Ok(self.outbox().take_due(lease, max, except, now))
    }

    async fn settle(&self, attempts: &[Attempt], now: SystemTime) -> Result<u64, StoreError> {
        let mut outbox = self.outbox();
        let counted = attempts
            .iter()
            .filter(|attempt| outbox.settle(attempt, now));
        Ok(counted.count() as u64)
    }

    async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        limit: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        Ok(self.outbox().deliveries(filter, limit))
    }

    async fn count_deliveries(&self) -> Result<Deliveries, StoreError> {
        Ok(self.outbox().counts())
    }

    async fn forget_settled(&self, before: SystemTime) -> Result<u64, StoreError> {
        Ok(self.outbox().forget_settled(before))
    }
}
