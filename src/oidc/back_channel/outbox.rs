use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::time::Instant;

use crate::{
    ended::Ended,
    error::{Error, StoreError},
    hook::BoxFuture,
    id::ClientId,
    store::{Attempt, Deliveries, Delivery, DeliveryFilter, LogoutOutbox, TakenDelivery, ask},
};

/// The host's outbox, as the parts of this module hold it. Each question has a time limit, and is asked once more after an error.
#[derive(Clone)]
pub(super) struct Outbox(Arc<dyn BoxedOutbox>);

impl Outbox {
    pub(super) fn new(outbox: impl LogoutOutbox) -> Self {
        Self(Arc::new(outbox))
    }

    pub(super) async fn put_in(
        &self,
        ended: &Ended,
        clients: &[ClientId],
        now: SystemTime,
    ) -> Result<u64, Error> {
        let put_in = || self.0.put_in(ended, clients, now);
        Ok(ask(deadline(), put_in).await?.value)
    }

    pub(super) async fn take_due(
        &self,
        lease: Duration,
        max: usize,
        except: &[ClientId],
        now: SystemTime,
    ) -> Result<Vec<TakenDelivery>, Error> {
        let take = || self.0.take_due(lease, max, except, now);
        Ok(ask(deadline(), take).await?.value)
    }

    pub(super) async fn settle(&self, attempts: &[Attempt], now: SystemTime) -> Result<u64, Error> {
        let settle = || self.0.settle(attempts, now);
        Ok(ask(deadline(), settle).await?.value)
    }

    pub(super) async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        limit: usize,
    ) -> Result<Vec<Delivery>, Error> {
        let list = || self.0.deliveries(filter, limit);
        Ok(ask(deadline(), list).await?.value)
    }

    pub(super) async fn count_deliveries(&self) -> Result<Deliveries, Error> {
        let count = || self.0.count_deliveries();
        Ok(ask(deadline(), count).await?.value)
    }

    pub(super) async fn forget_settled(&self, before: SystemTime) -> Result<u64, Error> {
        let forget = || self.0.forget_settled(before);
        Ok(ask(deadline(), forget).await?.value)
    }
}

fn deadline() -> Instant {
    Instant::now() + PATIENCE
}

/// The twin of [`LogoutOutbox`] that can be a trait object.
trait BoxedOutbox: Send + Sync {
    fn put_in<'a>(
        &'a self,
        ended: &'a Ended,
        clients: &'a [ClientId],
        now: SystemTime,
    ) -> BoxFuture<'a, Result<u64, StoreError>>;

    fn take_due<'a>(
        &'a self,
        lease: Duration,
        max: usize,
        except: &'a [ClientId],
        now: SystemTime,
    ) -> BoxFuture<'a, Result<Vec<TakenDelivery>, StoreError>>;

    fn settle<'a>(
        &'a self,
        attempts: &'a [Attempt],
        now: SystemTime,
    ) -> BoxFuture<'a, Result<u64, StoreError>>;

    fn deliveries<'a>(
        &'a self,
        filter: &'a DeliveryFilter,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Delivery>, StoreError>>;

    fn count_deliveries(&self) -> BoxFuture<'_, Result<Deliveries, StoreError>>;

    fn forget_settled(&self, before: SystemTime) -> BoxFuture<'_, Result<u64, StoreError>>;
}

impl<T: LogoutOutbox> BoxedOutbox for T {
    fn put_in<'a>(
        &'a self,
        ended: &'a Ended,
        clients: &'a [ClientId],
        now: SystemTime,
    ) -> BoxFuture<'a, Result<u64, StoreError>> {
        Box::pin(LogoutOutbox::put_in(self, ended, clients, now))
    }

    fn take_due<'a>(
        &'a self,
        lease: Duration,
        max: usize,
        except: &'a [ClientId],
        now: SystemTime,
    ) -> BoxFuture<'a, Result<Vec<TakenDelivery>, StoreError>> {
        Box::pin(LogoutOutbox::take_due(self, lease, max, except, now))
    }

    fn settle<'a>(
        &'a self,
        attempts: &'a [Attempt],
        now: SystemTime,
    ) -> BoxFuture<'a, Result<u64, StoreError>> {
        Box::pin(LogoutOutbox::settle(self, attempts, now))
    }

    fn deliveries<'a>(
        &'a self,
        filter: &'a DeliveryFilter,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Delivery>, StoreError>> {
        Box::pin(LogoutOutbox::deliveries(self, filter, limit))
    }

    fn count_deliveries(&self) -> BoxFuture<'_, Result<Deliveries, StoreError>> {
        Box::pin(LogoutOutbox::count_deliveries(self))
    }

    fn forget_settled(&self, before: SystemTime) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(LogoutOutbox::forget_settled(self, before))
    }
}

/// How long an outbox may take.
const PATIENCE: Duration = Duration::from_secs(5);
