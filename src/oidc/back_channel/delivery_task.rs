use std::{fmt, future::Future, pin::pin, sync::Arc, time::Duration};

use super::{
    back_channel_logout::{BackChannelLogout, Inner},
    retrying::Retrying,
    signer,
    worker::Worker,
};
use crate::{cleanup::TaskHandle, error::Error};

/// Sends what waits in the outbox, until clients have heard it or it is given up.
///
/// Run it on every node that has an [`EndedTask`](crate::cleanup::EndedTask); a delivery is taken by one of them. It begins at once when its own node has put something in. Clients are told side by
/// side, and each has only so many [lanes](Self::lanes_of_a_client), so that one that hangs delays nobody but itself; one that does not answer at all is left alone for a while, up to a minute, before it is
/// tried with another delivery.
///
/// The log has an event for each outcome: at debug, and a warning when a delivery is given up. None holds a token, a session id or an address.
///
/// ```no_run
/// use std::time::Duration;
/// use axum_user_session::oidc::back_channel::{BackChannelLogout, DeliveryTask};
///
/// # async fn example(back_channel: BackChannelLogout) {
/// let deliveries = DeliveryTask::new(&back_channel).give_up_after(Duration::from_secs(2 * 24 * 3600)).spawn();
/// // ... serve, and when the server has stopped:
/// deliveries.stop().await;
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct DeliveryTask {
    pub(super) inner: Arc<Inner>,
    pub(super) poll: Duration,
    lease: Duration,
    pub(super) at_once: usize,
    pub(super) lanes: usize,
    pub(super) retrying: Retrying,
    pub(super) keep_settled: Duration,
}

/// What one round of a [`DeliveryTask`] has done, in attempts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryRound {
    /// Clients that have heard.
    pub delivered: u64,
    /// Attempts that have failed, and will be followed by others.
    pub failed: u64,
    /// Deliveries that will not be tried again.
    pub given_up: u64,
}

impl DeliveryTask {
    /// The deliveries of a [`BackChannelLogout`].
    pub fn new(back_channel: &BackChannelLogout) -> Self {
        Self {
            inner: Arc::clone(&back_channel.inner),
            poll: Duration::from_secs(5),
            lease: Duration::from_secs(60),
            at_once: 64,
            lanes: 4,
            retrying: Retrying::default(),
            keep_settled: WEEK,
        }
    }

    /// How often it looks for what other nodes have put in, or left behind. Default: 5 seconds; 100 milliseconds to an hour. Of its own node it hears at
    /// once.
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.poll = interval.clamp(Duration::from_millis(100), HOUR);
        self
    }

    /// How long nobody else takes a delivery that was taken: after a crash it waits for the end of that. Default: a minute; at least what two attempts can take, which is 40 seconds
    /// with the default [time limit](super::BackChannelLogoutBuilder::time_limit), and at most an hour.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease.min(HOUR);
        self
    }

    /// How many requests are under way at once. Default: 64; 1 to 10,000.
    pub fn at_once(mut self, requests: usize) -> Self {
        self.at_once = requests.clamp(1, 10_000);
        self
    }

    /// How many of them go to one client. Default: 4; at least 1.
    pub fn lanes_of_a_client(mut self, lanes: usize) -> Self {
        self.lanes = lanes.max(1);
        self
    }

    /// How long it waits before the second attempt at most, and before any. Default: 5 seconds, and an hour; at most a week.
    ///
    /// The pause doubles with each attempt, and a random part of it is taken, but never less than half of the first one.
    pub fn backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.retrying.first = first.min(WEEK);
        self.retrying.longest = longest.clamp(self.retrying.first, WEEK);
        self
    }

    /// How long there are attempts before a delivery is given up. Default: a day.
    ///
    /// It counts from when the delivery was put in, and is looked at after an attempt that has failed. Of a client that still does not answer after it was left alone for a while, all that a node has taken
    /// are looked at, though one was tried.
    pub fn give_up_after(mut self, time: Duration) -> Self {
        self.retrying.give_up_after = time;
        self
    }

    /// How many attempts there are at most. Default: 100; at least 1. A client that refuses is not asked more than ten times.
    pub fn most_attempts(mut self, attempts: u32) -> Self {
        self.retrying.most_attempts = attempts.max(1);
        self
    }

    /// How long deliveries are kept after they were settled, for administrators to see. Default: 7 days.
    ///
    /// The news of an end that comes again is sent again if nothing is known of it. After a crash it comes within minutes, so keep them for an hour at least. Where other hooks
    /// [are told of ends too](crate::hook::EndedHook#several), it comes for as long as one of them fails: keep them then as long as
    /// [ends that nobody has dealt with](crate::cleanup::CleanupTask::keep_unheard_ends), which is the default of both.
    pub fn keep_settled(mut self, time: Duration) -> Self {
        self.keep_settled = time;
        self
    }

    /// Sends what is due now, and what becomes due meanwhile. What a client that did not answer has waiting is left to the next round.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`](crate::error::ErrorKind::Unavailable), if the outbox does not answer. What was sent before is sent.
    pub async fn run_once(&self) -> Result<DeliveryRound, Error> {
        Worker::new(self).run_once().await
    }

    /// Goes on until `stop` is ready. What is under way is finished then, and what waits is put back.
    pub async fn run_until(self, stop: impl Future<Output = ()>) {
        Worker::new(&self).run_until(pin!(stop)).await;
    }

    /// Runs it as a task of its own.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn spawn(self) -> TaskHandle {
        TaskHandle::spawn(|stop| self.run_until(stop.wait()))
    }

    /// Half of it is for waiting, and half for the attempt: the look into the registry, the signature and the exchange.
    pub(super) fn effective_lease(&self) -> Duration {
        let attempt = 2 * signer::PATIENCE + self.inner.outgoing.limit();
        self.lease.max(2 * attempt)
    }
}

impl fmt::Debug for DeliveryTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeliveryTask")
            .field("poll", &self.poll)
            .field("lease", &self.lease)
            .field("at_once", &self.at_once)
            .field("lanes", &self.lanes)
            .field("retrying", &self.retrying)
            .field("keep_settled", &self.keep_settled)
            .finish_non_exhaustive()
    }
}

const HOUR: Duration = Duration::from_secs(3600);
const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);
