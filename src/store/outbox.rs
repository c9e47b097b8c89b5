//! The contract for outboxes: where logout notifications wait until their clients have heard them.

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::delivery::{Attempt, Deliveries, Delivery, DeliveryFilter, TakenDelivery};
use crate::{ended::Ended, error::StoreError, id::ClientId};

/// Keeps what clients still have to be told about sessions that have ended (OpenID Connect Back-Channel Logout 1.0 section 2.5).
///
/// Every store of this crate is one as well. Sessions in cookies alone can have an outbox in a
#[cfg_attr(feature = "sqlite", doc = "[`SqliteStore`](super::SqliteStore)")]
#[cfg_attr(not(feature = "sqlite"), doc = "`SqliteStore`")]
/// of their own. A [`BackChannelLogout`](crate::oidc::back_channel::BackChannelLogout) puts notifications in, and a
/// [`DeliveryTask`](crate::oidc::back_channel::DeliveryTask) takes them out.
///
/// A notification is one *delivery*: the end of one session, for one client. It is named by both.
///
/// # Rules
///
/// 1. **Put in once.** A delivery that is there already, in whatever state, stays as it is: the news of an end may come again.
/// 2. **Taken by one.** Of any number of takers at the same time, on any number of nodes, one gets a delivery, and nobody else until its lease is over.
/// 3. **Settled by its taker.** What a taker says counts, once, as long as nobody else has taken the delivery since, even if its lease is over; its
///    [turn](TakenDelivery::turn) tells.
/// 4. **Kept.** What was put in, and how it was settled, outlasts a crash as far as what the store says of sessions does.
/// 5. **A repeated request does no harm**, but for a take whose answer was lost: its deliveries wait for the end of their lease.
/// 6. An error means that the outcome is unknown.
///
/// Times come from the caller's clock, in whole milliseconds, and may step back a little between calls. `max`es and `limit`s are at least 1. Operations may be
/// cancelled at any point.
///
/// To write one of your own, run the conformance suite of the feature `testing` over it: `outbox_conformance!(a_fresh_outbox())` in a test makes a test of each promise.
pub trait LogoutOutbox: Send + Sync + 'static {
    /// Puts in a delivery of this end for each of these clients, due now, and gives how many of them are new.
    ///
    /// All of them, or none. The clients are those to be told, which need not be all that took part.
    ///
    /// # Errors
    ///
    /// When the outbox can't answer, as in every other operation, or has no room.
    fn put_in(
        &self,
        ended: &Ended,
        clients: &[ClientId],
        now: SystemTime,
    ) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// Takes deliveries that are due, at most `max`, about in the order in which they became due, and hides them from other takers for the time of `lease`. It is
    /// another attempt for each.
    ///
    /// None of the clients in `except`: these have enough to do. They may be some hundred.
    ///
    /// # Errors
    ///
    /// When the outbox can't answer.
    fn take_due(
        &self,
        lease: Duration,
        max: usize,
        except: &[ClientId],
        now: SystemTime,
    ) -> impl Future<Output = Result<Vec<TakenDelivery>, StoreError>> + Send;

    /// Notes what became of attempts, and gives how many of them counted: the others were taken by somebody else since, or are settled, or are not there.
    ///
    /// # Errors
    ///
    /// When the outbox can't answer. Some may have been noted then.
    fn settle(
        &self,
        attempts: &[Attempt],
        now: SystemTime,
    ) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// Gives the deliveries that meet a filter, at most `limit`, the newest first. Those that were put in at the same moment are in the order of their ends' ids, then
    /// of their clients', both compared by bytes.
    ///
    /// # Errors
    ///
    /// When the outbox can't answer.
    fn deliveries(
        &self,
        filter: &DeliveryFilter,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Delivery>, StoreError>> + Send;

    /// Counts the deliveries in each state.
    ///
    /// # Errors
    ///
    /// When the outbox can't answer.
    fn count_deliveries(&self) -> impl Future<Output = Result<Deliveries, StoreError>> + Send;

    /// Removes deliveries that were settled before a time, delivered or given up, and gives their number. It may leave some of them to the next call, so that a
    /// call does not take long; 0 means that none are left.
    ///
    /// # Errors
    ///
    /// When the outbox can't answer.
    fn forget_settled(
        &self,
        before: SystemTime,
    ) -> impl Future<Output = Result<u64, StoreError>> + Send;
}

/// So that the host can keep the outbox that it gives away.
impl<T: LogoutOutbox> LogoutOutbox for Arc<T> {
    async fn put_in(
        &self,
        ended: &Ended,
        clients: &[ClientId],
        now: SystemTime,
    ) -> Result<u64, StoreError> {
        T::put_in(self, ended, clients, now).await
    }

    async fn take_due(
        &self,
        lease: Duration,
        max: usize,
        except: &[ClientId],
        now: SystemTime,
    ) -> Result<Vec<TakenDelivery>, StoreError> {
        T::take_due(self, lease, max, except, now).await
    }

    async fn settle(&self, attempts: &[Attempt], now: SystemTime) -> Result<u64, StoreError> {
        T::settle(self, attempts, now).await
    }

    async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        limit: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        T::deliveries(self, filter, limit).await
    }

    async fn count_deliveries(&self) -> Result<Deliveries, StoreError> {
        T::count_deliveries(self).await
    }

    async fn forget_settled(&self, before: SystemTime) -> Result<u64, StoreError> {
        T::forget_settled(self, before).await
    }
}
