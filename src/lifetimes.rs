//! How long a session lasts: the window, whether it slides, and the limit that nothing moves.

use std::time::Duration;

use crate::clock::{Timestamp, millis};

/// No request is under way for longer than this.
pub(crate) const IN_FLIGHT: Duration = Duration::from_secs(600);
/// Two clocks that differ by no more than this count as one.
pub(crate) const CLOCK_SKEW: Duration = Duration::from_secs(60);

/// Validated lifetimes, in the form that the state machine takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lifetimes {
    /// From a sign-in, or with `sliding` from the last renewal, to the expiry.
    pub(crate) window: Duration,
    pub(crate) sliding: bool,
    /// From the authentication to the end, whatever happens in between.
    pub(crate) absolute: Duration,
}

/// The times that a live ticket carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Times {
    /// When the user signed in to it.
    pub(crate) issued: Timestamp,
    pub(crate) expires: Timestamp,
    pub(crate) absolute: Timestamp,
    /// When the ticket was last sealed: of two tickets of one session, the later one counts.
    pub(crate) sealed: Timestamp,
    /// When the host's validation last found the session sound; a sign-in counts.
    pub(crate) validated: Timestamp,
    /// The ticket's own window: a sign-in may ask for a shorter one than is configured.
    pub(crate) window_ms: u64,
}

impl Times {
    /// When the ticket is over.
    pub(crate) fn end(&self) -> Timestamp {
        self.expires.min(self.absolute)
    }
}

impl Lifetimes {
    /// The times of a sign-in at `now`. `expires` is what the host asked for, `absolute` the limit that binds this sign-in.
    pub(crate) fn sign_in(
        &self,
        now: Timestamp,
        expires: Option<Timestamp>,
        absolute: Timestamp,
    ) -> Times {
        let expires = expires.unwrap_or(now.plus(self.window)).min(absolute);
        Times {
            issued: now,
            sealed: now,
            validated: now,
            expires,
            absolute,
            window_ms: millis(expires.since(now)),
        }
    }

    /// The new expiry if the ticket is due for a renewal: sliding is on, less than half of the window is left, and there is
    /// something to gain before the absolute limit.
    pub(crate) fn renewal(&self, times: &Times, now: Timestamp) -> Option<Timestamp> {
        let window = Duration::from_millis(times.window_ms);
        if !self.sliding || times.expires.since(now) >= window / 2 {
            return None;
        }
        let expires = now.plus(window).min(times.absolute);
        (expires > times.expires).then_some(expires)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000;

    fn lifetimes(sliding: bool) -> Lifetimes {
        Lifetimes {
            window: Duration::from_secs(10 * 3600),
            sliding,
            absolute: Duration::from_secs(24 * 3600),
        }
    }

    fn at(hours: u64) -> Timestamp {
        Timestamp(1_000_000 * HOUR + hours * HOUR)
    }

    #[test]
    fn k4_renewal_table() {
        let signed_in = lifetimes(true).sign_in(at(0), None, at(24));
        for (name, sliding, now, expected) in [
            ("fresh", true, at(0), None),
            ("exactly half is left", true, at(5), None),
            (
                "less than half is left",
                true,
                Timestamp(at(5).0 + 1),
                Some(Timestamp(at(15).0 + 1)),
            ),
            (
                "just before the expiry",
                true,
                Timestamp(at(10).0 - 1),
                Some(Timestamp(at(20).0 - 1)),
            ),
            ("sliding off", false, at(9), None),
        ] {
            assert_eq!(
                lifetimes(sliding).renewal(&signed_in, now),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn k4_renewal_never_passes_the_absolute_expiry() {
        let near_the_end = Times {
            issued: at(0),
            sealed: at(0),
            validated: at(0),
            expires: at(20),
            absolute: at(24),
            window_ms: 10 * HOUR,
        };
        assert_eq!(lifetimes(true).renewal(&near_the_end, at(18)), Some(at(24)));
        let at_the_end = Times {
            expires: at(24),
            ..near_the_end
        };
        assert_eq!(lifetimes(true).renewal(&at_the_end, at(23)), None);
    }

    #[test]
    fn k3_a_shorter_expiry_asked_for_is_the_window_too() {
        let times = lifetimes(true).sign_in(at(0), Some(at(1)), at(24));
        assert_eq!(times.window_ms, HOUR);
        assert_eq!(
            lifetimes(true).sign_in(at(0), Some(at(99)), at(24)).expires,
            at(24)
        );
    }
}
