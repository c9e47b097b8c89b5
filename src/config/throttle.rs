use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::Timestamp;

/// Lets one event a second through and counts the others, so that an outage under load does not fill the log up.
#[derive(Default)]
pub(crate) struct Throttle {
    last: AtomicU64,
    left_out: AtomicU64,
}

/// In milliseconds.
const SECOND: u64 = 1000;

impl Throttle {
    /// Whether an event goes through: then how many were left out since the one before.
    pub(crate) fn pass(&self, now: Timestamp) -> Option<u64> {
        let last = self.last.load(Ordering::Relaxed);
        // A clock that steps back must not silence it for as long.
        let due = now.0.abs_diff(last) >= SECOND;
        let took = || {
            let (success, failure) = (Ordering::Relaxed, Ordering::Relaxed);
            self.last.compare_exchange(last, now.0, success, failure)
        };
        if due && took().is_ok() {
            return Some(self.left_out.swap(0, Ordering::Relaxed));
        }
        self.left_out.fetch_add(1, Ordering::Relaxed);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s9_one_event_a_second_goes_through() {
        let throttle = Throttle::default();
        for (name, at, expected) in [
            ("the first", 5_000, Some(0)),
            ("at once", 5_000, None),
            ("within the second", 5_999, None),
            ("after a second", 6_000, Some(2)),
            ("much later", 60_000, Some(0)),
            ("a clock that stepped back", 30_000, Some(0)),
            ("a little back", 29_500, None),
        ] {
            assert_eq!(throttle.pass(Timestamp(at)), expected, "{name}");
        }
    }
}
