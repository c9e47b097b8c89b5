//! The clock seam: every expiry is decided against a [`Clock`], so that tests need not sleep.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Tells the time.
///
/// The default is [`SystemClock`]. Implement it to simulate a year of sessions in a second, or use the manual clock
/// of the `testing` feature.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use axum_user_session::clock::{Clock, SystemClock};
///
/// /// A clock that runs five minutes ahead.
/// struct Ahead;
///
/// impl Clock for Ahead {
///     fn now(&self) -> SystemTime {
///         SystemClock.now() + Duration::from_secs(300)
///     }
/// }
/// ```
pub trait Clock: Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> SystemTime;
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// Milliseconds since the Unix epoch: what tickets hold and the state machine counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Timestamp(pub(crate) u64);

impl Timestamp {
    pub(crate) fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }

    /// The time from `earlier` to here; zero if that lies behind us.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// Whole seconds, as JWT's NumericDate counts (RFC 7519 section 2).
    pub(crate) fn unix_seconds(self) -> u64 {
        self.0 / 1000
    }
}

impl From<SystemTime> for Timestamp {
    /// Times before the epoch become the epoch: a session can't be older.
    fn from(time: SystemTime) -> Self {
        Self(millis(time.duration_since(UNIX_EPOCH).unwrap_or_default()))
    }
}

impl From<Timestamp> for SystemTime {
    /// Times that the platform can't tell become the epoch, which every comparison takes for long ago.
    fn from(time: Timestamp) -> Self {
        UNIX_EPOCH
            .checked_add(Duration::from_millis(time.0))
            .unwrap_or(UNIX_EPOCH)
    }
}

pub(crate) fn millis(duration: Duration) -> u64 {
    let millis = u64::from(duration.subsec_millis());
    duration
        .as_secs()
        .saturating_mul(1000)
        .saturating_add(millis)
}
