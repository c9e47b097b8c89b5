//! When sessions last showed a sign of life, as far as this process has seen it.
//!
//! A load that notes a sign of life is a script, which costs the server six times what reading the record costs. Most loads come so soon after the last sign
//! that none is due, and a process that has seen that sign can tell: then it just reads. Nothing depends on it but speed. What was forgotten is asked with the script;
//! what was remembered wrongly, after the clock stepped back or the server lost its last second, is put right by what the next load reads.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::SystemTime,
};

use super::row::millis;
use crate::{
    clock,
    store::{key::RecordKey, operation::Touch},
};

/// The last sign of one session in each place, which the next session to come there takes over.
pub(super) struct Signs {
    places: Box<[AtomicU64]>,
}

impl Signs {
    /// A record shows this sign.
    pub(super) fn note(&self, key: &RecordKey, renewed: SystemTime) {
        let (place, tag) = self.place(key);
        if let Some(renewed) = packable(renewed) {
            place.store(tag | renewed, Ordering::Relaxed);
        }
    }

    /// Whether a new sign counts, or may count.
    pub(super) fn may_be_due(&self, key: &RecordKey, touch: Touch, now: SystemTime) -> bool {
        let (place, tag) = self.place(key);
        let seen = place.load(Ordering::Relaxed);
        let Some(now) = packable(now).filter(|_| seen & !TIME == tag) else {
            return true;
        };
        (seen & TIME).saturating_add(clock::millis(touch.every)) <= now
    }

    /// Which place it is, and by what it is told from the others there, in the upper bits. Keys are digests, so any of their bits will do.
    fn place(&self, key: &RecordKey) -> (&AtomicU64, u64) {
        let [head, rest, ..] = key.as_bytes().as_chunks::<8>().0 else {
            unreachable!("a digest has 32 bytes");
        };
        let place = u64::from_le_bytes(*head) as usize % self.places.len();
        (&self.places[place], u64::from_le_bytes(*rest) & !TIME)
    }
}

impl Default for Signs {
    fn default() -> Self {
        Self {
            places: (0..PLACES).map(|_| AtomicU64::new(0)).collect(),
        }
    }
}

/// Milliseconds since the epoch; none if that is too far away.
fn packable(time: SystemTime) -> Option<u64> {
    u64::try_from(millis(time))
        .ok()
        .filter(|time| *time <= TIME)
}

/// Half a megabyte of them.
const PLACES: usize = 1 << 16;
/// The bits of a time; the other 20 are those of a key.
const TIME: u64 = (1 << 44) - 1;

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const TOUCH: Touch = Touch {
        every: MINUTE,
        expires: UNIX_EPOCH,
    };

    fn key(place: u8, tag: u8) -> RecordKey {
        let mut digest = [0; 32];
        digest[0] = place;
        digest[15] = tag;
        RecordKey::new(digest, 0)
    }

    #[test]
    fn s7_signs_table() {
        let signs = Signs::default();
        let seen = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        signs.note(&key(1, 1), seen);
        let second = Duration::from_secs(1);
        for (name, key, now, may_be_due) in [
            ("at once", key(1, 1), seen, false),
            ("just before", key(1, 1), seen + MINUTE - second, false),
            ("due", key(1, 1), seen + MINUTE, true),
            (
                "a clock that has stepped back",
                key(1, 1),
                seen - MINUTE,
                false,
            ),
            ("before the epoch", key(1, 1), UNIX_EPOCH - MINUTE, true),
            ("another session in the same place", key(1, 2), seen, true),
            ("another place", key(2, 1), seen, true),
        ] {
            assert_eq!(signs.may_be_due(&key, TOUCH, now), may_be_due, "{name}");
        }
        signs.note(&key(1, 2), seen + MINUTE);
        assert!(signs.may_be_due(&key(1, 1), TOUCH, seen), "taken over");
        signs.note(&key(1, 2), seen - MINUTE);
        assert!(signs.may_be_due(&key(1, 2), TOUCH, seen), "put right");
    }
}
