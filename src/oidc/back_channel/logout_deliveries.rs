use std::{fmt, sync::Arc};

use super::back_channel_logout::{BackChannelLogout, Inner};
use crate::{
    error::Error,
    events::Event,
    store::{Deliveries, Delivery, DeliveryFilter},
};

/// Shows where the deliveries of logout tokens stand, for administrators. A cheap handle.
///
/// It is the part of [`SessionAdmin`](crate::admin::SessionAdmin) for what comes after sessions, and apart from it because an outbox may be elsewhere than the sessions, or there with
/// sessions in cookies alone. Whoever can call it sees which users have used which clients.
///
/// ```
/// use axum_user_session::{Error, oidc::back_channel::LogoutDeliveries, store::{DeliveryFilter, DeliveryState}};
///
/// async fn report(deliveries: &LogoutDeliveries) -> Result<String, Error> {
///     let given_up = DeliveryFilter { state: Some(DeliveryState::GivenUp), ..Default::default() };
///     let newest = deliveries.find(&given_up, 20).await?;
///     let clients: Vec<_> = newest.iter().map(|delivery| delivery.client.as_str()).collect();
///     Ok(format!("{} wait, not told: {}", deliveries.count().await?.pending, clients.join(", ")))
/// }
/// ```
#[derive(Clone)]
pub struct LogoutDeliveries {
    inner: Arc<Inner>,
}

impl LogoutDeliveries {
    /// The deliveries of a [`BackChannelLogout`].
    pub fn new(back_channel: &BackChannelLogout) -> Self {
        Self {
            inner: Arc::clone(&back_channel.inner),
        }
    }

    /// Those that a filter lets through, the newest first, at most `limit`, which is 1 to 1000.
    ///
    /// Settled ones are [forgotten](super::DeliveryTask::keep_settled) after a week.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`](crate::error::ErrorKind::Unavailable).
    pub async fn find(
        &self,
        filter: &DeliveryFilter,
        limit: usize,
    ) -> Result<Vec<Delivery>, Error> {
        let limit = limit.clamp(1, MOST);
        self.inner.outbox.deliveries(filter, limit).await
    }

    /// How many there are in each state. It may take as long as there are deliveries.
    ///
    /// # Errors
    ///
    /// As [`find`](Self::find).
    pub async fn count(&self) -> Result<Deliveries, Error> {
        let counted = self.inner.outbox.count_deliveries().await?;
        Event::LogoutsWaiting(counted.pending + counted.failed).emit();
        Ok(counted)
    }
}

impl fmt::Debug for LogoutDeliveries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogoutDeliveries").finish_non_exhaustive()
    }
}

/// The most deliveries that are given at once.
const MOST: usize = 1000;
