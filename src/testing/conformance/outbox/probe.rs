use std::{
    future::Future,
    panic::Location,
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::fixtures::{MINUTE, all};
use crate::{
    ended::{Ended, EventId},
    error::StoreError,
    id::ClientId,
    store::{Attempt, Deliveries, Delivery, DeliveryFilter, LogoutOutbox, Outcome, TakenDelivery},
};

/// An outbox in a case: an error that it gives fails the case, there and then. Clones are one outbox.
pub(super) struct Probe<O> {
    outbox: Arc<O>,
}

impl<O: LogoutOutbox> Probe<O> {
    pub(super) fn new(outbox: O) -> Self {
        Self {
            outbox: Arc::new(outbox),
        }
    }

    #[track_caller]
    pub(super) fn put_in(
        &self,
        ended: &Ended,
        clients: &[ClientId],
        now: SystemTime,
    ) -> impl Future<Output = u64> + Send {
        sure("put_in", self.outbox.put_in(ended, clients, now))
    }

    #[track_caller]
    pub(super) fn take(
        &self,
        lease: Duration,
        max: usize,
        now: SystemTime,
    ) -> impl Future<Output = Vec<TakenDelivery>> + Send {
        self.take_but(lease, max, &[], now)
    }

    #[track_caller]
    pub(super) fn take_but(
        &self,
        lease: Duration,
        max: usize,
        except: &[ClientId],
        now: SystemTime,
    ) -> impl Future<Output = Vec<TakenDelivery>> + Send {
        sure("take_due", self.outbox.take_due(lease, max, except, now))
    }

    #[track_caller]
    pub(super) fn settle(
        &self,
        attempts: &[Attempt],
        now: SystemTime,
    ) -> impl Future<Output = u64> + Send {
        sure("settle", self.outbox.settle(attempts, now))
    }

    #[track_caller]
    pub(super) fn list(
        &self,
        filter: &DeliveryFilter,
        limit: usize,
    ) -> impl Future<Output = Vec<Delivery>> + Send {
        sure("deliveries", self.outbox.deliveries(filter, limit))
    }

    #[track_caller]
    pub(super) fn counts(&self) -> impl Future<Output = Deliveries> + Send {
        sure("count_deliveries", self.outbox.count_deliveries())
    }

    #[track_caller]
    pub(super) fn forget(&self, before: SystemTime) -> impl Future<Output = u64> + Send {
        sure("forget_settled", self.outbox.forget_settled(before))
    }

    /// Forgets all that was settled before a time, in as many calls as that takes, and gives the number.
    pub(super) async fn forget_all(&self, before: SystemTime) -> u64 {
        let mut forgotten = 0;
        loop {
            let more = self.forget(before).await;
            forgotten += more;
            if more == 0 {
                break forgotten;
            }
            assert!(forgotten < 100_000, "it has no end");
        }
    }

    /// All there is, newest first.
    pub(super) async fn everything(&self) -> Vec<Delivery> {
        self.list(&DeliveryFilter::default(), 10_000).await
    }

    /// The only delivery there is.
    pub(super) async fn only(&self) -> Delivery {
        let mut all = self.everything().await;
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    /// The delivery of an end for a client, which must be there.
    pub(super) async fn one(&self, event_id: EventId, client: &ClientId) -> Delivery {
        let filter = DeliveryFilter {
            event_id: Some(event_id),
            client: Some(client.clone()),
            ..DeliveryFilter::default()
        };
        let mut found = self.list(&filter, 10).await;
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    /// Takes the only delivery that is due, for a minute.
    pub(super) async fn take_one(&self, now: SystemTime) -> TakenDelivery {
        let mut taken = self.take(MINUTE, 10, now).await;
        assert_eq!(taken.len(), 1, "{taken:?}");
        taken.remove(0)
    }

    /// Takes the only delivery that is due, and says what became of it at the same moment.
    pub(super) async fn try_one(&self, outcome: Outcome, now: SystemTime) -> TakenDelivery {
        let taken = self.take_one(now).await;
        assert_eq!(self.settle(&[taken.settled(outcome)], now).await, 1);
        taken
    }

    /// Takes all that is due, for a minute, a few at a time.
    pub(super) async fn take_all(&self, now: SystemTime) -> Vec<TakenDelivery> {
        let mut taken = Vec::new();
        loop {
            let batch = self.take(MINUTE, 50, now).await;
            assert!(batch.len() <= 50);
            if batch.is_empty() {
                break taken;
            }
            taken.extend(batch);
            assert!(taken.len() < 10_000, "it has no end");
        }
    }

    /// Takes all that is due, and says the same of each.
    pub(super) async fn settle_all(
        &self,
        outcome: &Outcome,
        now: SystemTime,
    ) -> Vec<TakenDelivery> {
        let taken = self.take_all(now).await;
        let counted = self.settle(&all(&taken, outcome), now).await;
        assert_eq!(counted, taken.len() as u64);
        taken
    }
}

impl<O> Clone for Probe<O> {
    fn clone(&self) -> Self {
        Self {
            outbox: self.outbox.clone(),
        }
    }
}

#[track_caller]
fn sure<T>(
    name: &'static str,
    operation: impl Future<Output = Result<T, StoreError>> + Send,
) -> impl Future<Output = T> + Send {
    let asked_at = Location::caller();
    async move {
        let answer = operation.await;
        answer.unwrap_or_else(|error| panic!("{name} failed, asked at {asked_at}: {error:?}"))
    }
}
