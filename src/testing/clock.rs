use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use crate::clock::{Clock, Timestamp, millis};

/// A clock that stands still until it is moved; clones are one clock. It counts milliseconds.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use axum_user_session::{clock::Clock, testing::ManualClock};
///
/// let clock = ManualClock::at(SystemTime::UNIX_EPOCH);
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.now(), SystemTime::UNIX_EPOCH + Duration::from_secs(60));
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock {
    now: Arc<AtomicU64>,
}

impl ManualClock {
    /// A clock that shows a time.
    pub fn at(now: SystemTime) -> Self {
        let Timestamp(millis) = now.into();
        Self {
            now: Arc::new(AtomicU64::new(millis)),
        }
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.now.fetch_add(millis(by), Ordering::Relaxed);
    }

    /// Sets the clock, forward or back.
    pub fn set(&self, now: SystemTime) {
        let Timestamp(millis) = now.into();
        self.now.store(millis, Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> SystemTime {
        Timestamp(self.now.load(Ordering::Relaxed)).into()
    }
}
