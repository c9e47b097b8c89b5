use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use crate::{clock::Timestamp, store::RecordKey};

/// Which records this process has lately seen in use, so that it need not ask the store to note it again.
///
/// A table of fixed size without locks, in which newer entries overwrite older ones: what it has forgotten is asked again, and the store knows.
pub(crate) struct Recent {
    slots: Box<[AtomicU64]>,
}

/// 128 KiB: enough for some thousands of sessions a minute.
const SLOTS: usize = 1 << 14;

impl Recent {
    pub(super) fn new() -> Self {
        Self {
            slots: (0..SLOTS).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// Notes when a record was in use, as the store has it.
    pub(crate) fn note(&self, key: &RecordKey, used: Timestamp) {
        let (slot, tag) = self.place(key);
        slot.store(u64::from(tag) << 32 | seconds(used), Ordering::Relaxed);
    }

    /// Whether a record is known to have been in use less than `interval` ago.
    pub(crate) fn knows(&self, key: &RecordKey, interval: Duration, now: Timestamp) -> bool {
        let (slot, tag) = self.place(key);
        let entry = slot.load(Ordering::Relaxed);
        let now = seconds(now);
        // Whole seconds, rounded down, make it look older than it is. One of the future was noted before the clock stepped back.
        let age = now.checked_sub(entry & u64::from(u32::MAX));
        entry >> 32 == u64::from(tag) && age.is_some_and(|age| age < interval.as_secs())
    }

    fn place(&self, key: &RecordKey) -> (&AtomicU64, u32) {
        let [a, b, c, d, e, f, g, h, ..] = *key.as_bytes();
        let index = u32::from_be_bytes([a, b, c, d]) as usize % SLOTS;
        (&self.slots[index], u32::from_be_bytes([e, f, g, h]))
    }
}

fn seconds(time: Timestamp) -> u64 {
    time.unix_seconds() & u64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn s7_what_is_known_of_a_record() {
        let noted = Timestamp(1_800_000_000_900);
        let key = |tag: u8| {
            let mut digest = [7; 32];
            digest[7] = tag;
            RecordKey::new(digest, 0)
        };
        let recent = Recent::new();
        recent.note(&key(1), noted);
        for (name, key, now, expected) in [
            ("at once", key(1), noted, true),
            ("just before", key(1), Timestamp(1_800_000_059_999), true),
            ("after an interval", key(1), noted.plus(MINUTE), false),
            (
                "a clock that stepped back",
                key(1),
                Timestamp(1_799_999_999_000),
                false,
            ),
            ("another record in the same place", key(2), noted, false),
        ] {
            assert_eq!(recent.knows(&key, MINUTE, now), expected, "{name}");
        }
        recent.note(&key(2), noted);
        assert!(!recent.knows(&key(1), MINUTE, noted), "forgotten");
        assert!(!recent.knows(&key(2), Duration::ZERO, noted));
    }
}
