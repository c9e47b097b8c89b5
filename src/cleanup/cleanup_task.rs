use std::{future::Future, pin::pin, sync::Arc, time::Duration};

use rand::RngExt;
use tokio::time::timeout;

use super::handle::TaskHandle;
use crate::{
    config::{SessionConfig, Settings},
    error::Error,
    events::Event,
    store::{Selection, ask},
};

/// Ends sessions that have expired, in batches, again and again, and tidies the store.
///
/// A session that its user comes back to too late ends in that request. Most users never come back, and their clients are told only when somebody
/// looks: that is this task. It goes on after errors, which it logs.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// use std::time::Duration;
/// use axum_user_session::{KeyRing, SessionConfig, cleanup::CleanupTask, store::MemoryStore};
///
/// let config = SessionConfig::builder(KeyRing::ephemeral()).store(MemoryStore::new(1000)).build()?;
/// let cleanup = CleanupTask::new(&config)?.interval(Duration::from_secs(300)).spawn();
/// // ... serve, and when the server has stopped:
/// cleanup.stop().await;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
#[must_use]
pub struct CleanupTask {
    settings: Arc<Settings>,
    interval: Duration,
    batch: usize,
    keep_unheard: Duration,
    counts_sessions: bool,
}

/// What one round of a [`CleanupTask`] has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CleanedUp {
    /// Sessions that have expired, and were ended.
    pub expired: u64,
    /// Entries of the log of ends that nobody has dealt with in time, and were dropped.
    pub unheard_ends: u64,
    /// Sessions that have not expired, if the task [counts them](CleanupTask::count_sessions) and the store could say.
    pub sessions: Option<u64>,
}

impl CleanupTask {
    /// The clean-up of a configuration's store.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoStore`](crate::error::ErrorKind::NoStore) if there is none.
    pub fn new(config: &SessionConfig) -> Result<Self, Error> {
        let settings = config.settings();
        settings.store()?;
        Ok(Self {
            settings: Arc::clone(settings),
            interval: Duration::from_secs(60),
            batch: 200,
            keep_unheard: Duration::from_secs(7 * 24 * 3600),
            counts_sessions: false,
        })
    }

    /// How long it waits between two rounds. Default: a minute; at least a second.
    ///
    /// The first round comes after a random part of it, so that nodes that start together don't work together.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval.max(Duration::from_secs(1));
        self
    }

    /// How many sessions end in one operation of the store. Default: 200; at least 1.
    pub fn batch_size(mut self, sessions: usize) -> Self {
        self.batch = sessions.max(1);
        self
    }

    /// How long the store keeps the news of an end that nobody takes. Default: 7 days.
    ///
    /// An [`EndedTask`](super::EndedTask) takes them within seconds. Without one they would fill the store up.
    pub fn keep_unheard_ends(mut self, time: Duration) -> Self {
        self.keep_unheard = time;
        self
    }

    /// Whether each round ends with counting the sessions that have not expired, for the [event](crate::events) and the gauge of that. Default: no.
    ///
    /// That may take a store as long as there are sessions, so with a million of them choose a longer [interval](Self::interval), or let one node count. A store that
    /// can't say within the [`write_limit`](crate::config::SessionConfigBuilder::write_limit) leaves the gauge as it was.
    pub fn count_sessions(mut self, count: bool) -> Self {
        self.counts_sessions = count;
        self
    }

    /// Does one round, to the end of what has expired.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`](crate::error::ErrorKind::Unavailable); what was ended before stays ended.
    pub async fn run_once(&self) -> Result<CleanedUp, Error> {
        let store = self.settings.store()?;
        let mut cleaned = CleanedUp::default();
        loop {
            let now = self.settings.now().into();
            let take = || store.store.take_expired(self.batch, now);
            let answer = ask(self.settings.write_deadline(), take).await?;
            let expired = answer.value.len();
            cleaned.expired += expired as u64;
            for ended in &answer.value {
                Event::SessionEnded(ended).emit();
            }
            if expired > 0 {
                store.ended.notify_one();
            }
            if expired < self.batch && !answer.repeated {
                break;
            }
        }
        let now = std::time::SystemTime::from(self.settings.now());
        let before = now.checked_sub(self.keep_unheard);
        let before = before.unwrap_or(std::time::UNIX_EPOCH);
        let purge = || store.store.purge(before, now);
        // A store takes a few thousand of each away at a time, so that nobody waits long for that.
        for _ in 0..MOST_PURGES {
            let purged = ask(self.settings.write_deadline(), purge).await?.value;
            cleaned.unheard_ends += purged.unheard_ends;
            if purged.tombstones == 0 && purged.unheard_ends == 0 {
                break;
            }
        }
        // Without a hook nobody was to be told.
        if cleaned.unheard_ends > 0 && self.settings.ended_hook.is_some() {
            Event::EndsDropped(cleaned.unheard_ends).emit();
        }
        if self.counts_sessions {
            cleaned.sessions = self.count().await;
        }
        let event = Event::CleanupDone {
            expired: cleaned.expired,
            unheard_ends: cleaned.unheard_ends,
            sessions: cleaned.sessions,
        };
        event.emit();
        Ok(cleaned)
    }

    /// Does round after round, until `stop` is ready. A round that has begun is finished first.
    pub async fn run_until(self, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        let mut wait = self.interval.mul_f64(rand::rng().random());
        loop {
            if timeout(wait, &mut stop).await.is_ok() {
                return;
            }
            wait = self.interval;
            if let Err(error) = self.run_once().await {
                Event::CleanupFailed(&error).emit();
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

    async fn count(&self) -> Option<u64> {
        let store = self.settings.store().ok()?;
        let now = self.settings.now().into();
        let count = || store.store.count(&Selection::Everyone, now);
        // A failure is told of as every other of the store.
        let answer = ask(self.settings.write_deadline(), count).await.ok()?;
        Some(answer.value)
    }
}

/// How often a round asks for more to be taken away: for some hundred thousand, which is more than a minute brings.
const MOST_PURGES: usize = 100;

impl std::fmt::Debug for CleanupTask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CleanupTask")
            .field("interval", &self.interval)
            .field("batch", &self.batch)
            .finish_non_exhaustive()
    }
}
