use std::time::{Duration, SystemTime};

use crate::{
    ended::Ended,
    error::StoreError,
    id::ClientId,
    store::{Attempt, Deliveries, Delivery, DeliveryFilter, LogoutOutbox, TakenDelivery},
    testing::conformance::{Kept, Nodes},
};

macro_rules! hand_on {
    ([$($of:tt)*] $handle:ty) => {
        impl<$($of)*> LogoutOutbox for $handle {
            async fn put_in(
                &self,
                ended: &Ended,
                clients: &[ClientId],
                now: SystemTime,
            ) -> Result<u64, StoreError> {
                self.pick().put_in(ended, clients, now).await
            }

            async fn take_due(
                &self,
                lease: Duration,
                max: usize,
                except: &[ClientId],
                now: SystemTime,
            ) -> Result<Vec<TakenDelivery>, StoreError> {
                self.pick().take_due(lease, max, except, now).await
            }

            async fn settle(
                &self,
                attempts: &[Attempt],
                now: SystemTime,
            ) -> Result<u64, StoreError> {
                self.pick().settle(attempts, now).await
            }

            async fn deliveries(
                &self,
                filter: &DeliveryFilter,
                limit: usize,
            ) -> Result<Vec<Delivery>, StoreError> {
                self.pick().deliveries(filter, limit).await
            }

            async fn count_deliveries(&self) -> Result<Deliveries, StoreError> {
                self.pick().count_deliveries().await
            }

            async fn forget_settled(&self, before: SystemTime) -> Result<u64, StoreError> {
                self.pick().forget_settled(before).await
            }
        }
    };
}

hand_on! { [O: LogoutOutbox] Nodes<O> }
hand_on! { [O: LogoutOutbox, T: Send + Sync + 'static] Kept<O, T> }
