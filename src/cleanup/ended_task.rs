use std::{future::Future, pin::pin, sync::Arc, time::Duration};

use tokio::{task::JoinSet, time::timeout};

use super::handle::{First, TaskHandle, first_of};
use crate::{
    config::{SessionConfig, Settings},
    ended::EventId,
    error::{Error, ErrorKind},
    events::Event,
    store::{TakenEnd, ask},
};

/// Hands every end of a session from the store to the host's [`EndedHook`](crate::hook::EndedHook), at least once.
///
/// An end that the hook fails at, or takes too long for, is handed out again when its lease is over, by this node or another. The order is not kept.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// use axum_user_session::{
///     KeyRing, SessionConfig, cleanup::EndedTask, ended::Ended, error::BoxError, hook::EndedHook, store::MemoryStore,
/// };
///
/// struct Notifier;
///
/// impl EndedHook for Notifier {
///     async fn ended(&self, ended: &Ended) -> Result<(), BoxError> {
///         println!("{} clients are to be told", ended.clients.len());
///         Ok(())
///     }
/// }
///
/// let config = SessionConfig::builder(KeyRing::ephemeral())
///     .store(MemoryStore::new(1000))
///     .ended_hook(Notifier)
///     .build()?;
/// let news = EndedTask::new(&config)?.spawn();
/// // ... serve, and when the server has stopped:
/// news.stop().await;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
#[must_use]
pub struct EndedTask {
    settings: Arc<Settings>,
    poll: Duration,
    lease: Duration,
    batch: usize,
}

impl EndedTask {
    /// The news of a configuration's store.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoStore`] if there is none, and [`ErrorKind::NoEndedHook`] if nobody wants to hear.
    pub fn new(config: &SessionConfig) -> Result<Self, Error> {
        let settings = config.settings();
        settings.store()?;
        if settings.ended_hook.is_none() {
            return Err(ErrorKind::NoEndedHook.into());
        }
        Ok(Self {
            settings: Arc::clone(settings),
            poll: Duration::from_secs(5),
            lease: Duration::from_secs(60),
            batch: 32,
        })
    }

    /// How often it looks for ends that other nodes have made. Default: 5 seconds; at least a second. Those of its own node it hears of at once.
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.poll = interval.max(Duration::from_secs(1));
        self
    }

    /// How long nobody else is handed an end that was taken. Default: a minute; at least a second. The hook must be done within half of it.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease.max(Duration::from_secs(1));
        self
    }

    /// How many ends are dealt with at once. Default: 32; at least 1.
    pub fn batch_size(mut self, ends: usize) -> Self {
        self.batch = ends.max(1);
        self
    }

    /// Deals with the ends that are there, and gives the number of those that the hook has dealt with.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`].
    pub async fn run_once(&self) -> Result<u64, Error> {
        let mut dealt_with = 0;
        loop {
            let (taken, heard) = self.run_batch().await?;
            dealt_with += heard;
            if taken < self.batch {
                return Ok(dealt_with);
            }
        }
    }

    /// Goes on until `stop` is ready. What was taken is dealt with first.
    pub async fn run_until(self, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        loop {
            let outcome = self.run_batch().await;
            if let Err(error) = &outcome {
                tracing::warn!(
                    error = error as &dyn std::error::Error,
                    "the ends of sessions could not be taken from the store; it is tried again"
                );
            }
            // After a full batch there may be more.
            let more = outcome.is_ok_and(|(taken, _)| taken == self.batch);
            let pause = match more {
                true => Duration::ZERO,
                false => self.poll,
            };
            let mut rings = pin!(self.rings());
            let stopped = first_of(stop.as_mut(), rings.as_mut());
            if timeout(pause, stopped).await == Ok(First::Left) {
                return;
            }
        }
    }

    /// Runs it as a task of its own.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn spawn(self) -> TaskHandle {
        TaskHandle::spawn(|stop| self.run_until(stop.wait()))
    }

    async fn rings(&self) {
        match &self.settings.store {
            Some(store) => store.ended.notified().await,
            None => std::future::pending().await,
        }
    }

    /// Takes some ends, and hands them to the hook. Gives how many were taken, and how many the hook has dealt with.
    async fn run_batch(&self) -> Result<(usize, u64), Error> {
        let store = self.settings.store()?;
        let now = self.settings.now().into();
        let take = || store.store.take_ended(self.lease, self.batch, now);
        let taken = ask(self.settings.write_deadline(), take).await?.value;
        let count = taken.len();
        let mut hearing = JoinSet::new();
        for end in taken {
            hearing.spawn(hear(Arc::clone(&self.settings), end, self.lease / 2));
        }
        let mut heard = Vec::with_capacity(count);
        while let Some(outcome) = hearing.join_next().await {
            match outcome {
                Ok(event) => heard.extend(event),
                Err(panicked) => tracing::error!(
                    error = &panicked as &dyn std::error::Error,
                    "the hook for the ends of sessions panicked"
                ),
            }
        }
        if !heard.is_empty() {
            let acknowledge = || store.store.acknowledge(&heard);
            ask(self.settings.write_deadline(), acknowledge).await?;
        }
        Ok((count, heard.len() as u64))
    }
}

/// Hands one end to the hook, and gives its id if that has dealt with it.
async fn hear(settings: Arc<Settings>, end: TakenEnd, limit: Duration) -> Option<EventId> {
    let TakenEnd {
        mut ended,
        attempts,
    } = end;
    ended.issuer.clone_from(&settings.issuer);
    let hook = settings.ended_hook.as_ref()?;
    let event_id = ended.event_id;
    let heard = timeout(limit, hook.ended(&ended)).await;
    match heard.unwrap_or_else(|late| Err(late.into())) {
        Ok(()) => Some(event_id),
        Err(error) => {
            let event = Event::EndedHookFailed {
                event_id,
                attempts,
                again: true,
                error: &*error,
            };
            event.emit();
            None
        }
    }
}

impl std::fmt::Debug for EndedTask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EndedTask")
            .field("poll", &self.poll)
            .field("lease", &self.lease)
            .finish_non_exhaustive()
    }
}
