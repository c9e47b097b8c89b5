use std::{cmp::Reverse, sync::Arc, time::Duration};

use super::{
    error::KeyRingError,
    key::{Key, KeyId, KeyInfo},
};
use crate::clock::Timestamp;

/// One state of the ring. It is never changed: a change makes the next one, which takes its place as a whole.
///
/// Time alone changes the primary too: a scheduled key takes over at its moment, by the clock of whoever asks. It is written down with the
/// next change that depends on the time.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    /// The first one is the primary until a scheduled one takes over.
    all: Vec<Arc<Key>>,
    /// Those that take over from the first one, and when, the latest first. Drawn from `all`, so that sealing compares times and no more.
    scheduled: Vec<(Timestamp, Arc<Key>)>,
    /// How long a ticket can be alive after it was sealed: the longest absolute lifetime of any configuration that uses the ring.
    pub(super) retention: Duration,
}

/// Of a ring that no configuration has used yet: the default absolute lifetime.
const DEFAULT_RETENTION: Duration = Duration::from_secs(24 * 3600);

/// How far apart processes may be. One sees a change of the key file five seconds after another. Clocks may differ by 25 s, which counts
/// twice: between who seals a ticket and who takes it for alive, and between who promotes a key and who retires it.
pub(super) const NOTICE: Duration = Duration::from_secs(60);

impl Default for Keys {
    fn default() -> Self {
        Self::new(Vec::new(), DEFAULT_RETENTION)
    }
}

impl Keys {
    pub(super) fn new(all: Vec<Arc<Key>>, retention: Duration) -> Self {
        let moment = |key: &Arc<Key>| Some((key.active_from?, key.clone()));
        let mut scheduled: Vec<_> = all.iter().skip(1).filter_map(moment).collect();
        // Every node must settle on the same one of two keys with one moment, in whatever order it came to know them.
        scheduled.sort_by_key(|(from, key)| Reverse((*from, key.id)));
        Self {
            all,
            scheduled,
            retention,
        }
    }

    /// The key that seals.
    pub(crate) fn primary(&self, now: Timestamp) -> Option<&Arc<Key>> {
        let taken_over = self.scheduled.iter().find(|(from, _)| *from <= now);
        taken_over.map(|(_, key)| key).or_else(|| self.all.first())
    }

    pub(crate) fn find(&self, id: KeyId) -> Option<&Arc<Key>> {
        self.all.iter().find(|key| key.id == id)
    }

    pub(super) fn all(&self) -> &[Arc<Key>] {
        &self.all
    }

    pub(super) fn infos_at(&self, now: Timestamp) -> Vec<KeyInfo> {
        let info = |(index, key): (usize, &Arc<Key>)| KeyInfo {
            id: key.id,
            primary: index == 0,
            created: key.created,
            active_from: key.active_from,
            primary_until: key.primary_until.filter(|_| index != 0),
        };
        let settled = self.clone().settled_at(now);
        settled.all.iter().enumerate().map(info).collect()
    }

    /// The first key of an empty ring is the primary; any later one only opens until it is promoted.
    pub(super) fn with(mut self, key: Key) -> Result<Self, KeyRingError> {
        if self.find(key.id).is_some() {
            return Err(KeyRingError::DuplicateKey);
        }
        self.all.push(Arc::new(key));
        Ok(Self::new(self.all, self.retention))
    }

    /// Adds a key that takes over when the lead is over. In an empty ring there is nothing to take over from.
    pub(super) fn rotated_at(
        self,
        key: Key,
        lead: Duration,
        now: Timestamp,
    ) -> Result<Self, KeyRingError> {
        if lead < NOTICE {
            return Err(KeyRingError::ShortLead { shortest: NOTICE });
        }
        if self.all.is_empty() {
            return self.with(key);
        }
        let id = key.id;
        self.with(key)?.scheduled_at(id, now.plus(lead), now)
    }

    pub(super) fn promoted_at(self, id: KeyId, now: Timestamp) -> Result<Self, KeyRingError> {
        let settled = self.settled_at(now);
        Ok(match settled.position(id)? {
            0 => settled,
            position => settled.taken_over(position, now),
        })
    }

    /// A moment that has passed means now: nobody has sealed with the key since.
    pub(super) fn scheduled_at(
        self,
        id: KeyId,
        active_from: Timestamp,
        now: Timestamp,
    ) -> Result<Self, KeyRingError> {
        if active_from <= now {
            return self.promoted_at(id, now);
        }
        let mut settled = self.settled_at(now);
        let position = settled.position(id)?;
        if position == 0 {
            return Err(KeyRingError::PrimaryKey);
        }
        let key = &settled.all[position];
        let used_until = key.perhaps_used_elsewhere_until(now);
        settled.all[position] = Arc::new(key.with_times(Some(active_from), used_until));
        Ok(Self::new(settled.all, settled.retention))
    }

    pub(super) fn retired_at(self, id: KeyId, now: Timestamp) -> Result<Self, KeyRingError> {
        let settled = self.settled_at(now);
        let position = settled.position(id)?;
        if position == 0 {
            return Err(KeyRingError::PrimaryKey);
        }
        // A key that never was the primary has sealed nothing.
        if let Some(until) = settled.all[position].perhaps_used_elsewhere_until(now) {
            let wait = until.plus(NOTICE).plus(settled.retention).since(now);
            if !wait.is_zero() {
                return Err(KeyRingError::TooEarly { wait });
            }
        }
        Ok(settled.removed(position))
    }

    pub(super) fn without_at(self, id: KeyId, now: Timestamp) -> Result<Self, KeyRingError> {
        let settled = self.settled_at(now);
        match settled.position(id)? {
            0 => Err(KeyRingError::PrimaryKey),
            position => Ok(settled.removed(position)),
        }
    }

    /// The same keys once those whose moments have come have taken over, one after the other: the first one is the primary then.
    fn settled_at(mut self, now: Timestamp) -> Self {
        while let Some((from, key)) = self.scheduled.last()
            && *from <= now
        {
            let (from, id) = (*from, key.id);
            let position = self
                .position(id)
                .expect("scheduled keys are drawn from all");
            self = self.taken_over(position, from);
        }
        self
    }

    fn taken_over(mut self, position: usize, from: Timestamp) -> Self {
        let next = self.all.remove(position);
        let before = &mut self.all[0];
        *before = Arc::new(before.with_times(None, Some(from)));
        self.all
            .insert(0, Arc::new(next.with_times(Some(from), next.primary_until)));
        Self::new(self.all, self.retention)
    }

    fn removed(mut self, position: usize) -> Self {
        self.all.remove(position);
        Self::new(self.all, self.retention)
    }

    fn position(&self, id: KeyId) -> Result<usize, KeyRingError> {
        self.all
            .iter()
            .position(|key| key.id == id)
            .ok_or(KeyRingError::UnknownKey)
    }
}

impl Key {
    /// Until when a key that is not the primary may have sealed somewhere: where a clock is ahead, a scheduled key takes over before its
    /// moment comes here.
    fn perhaps_used_elsewhere_until(&self, now: Timestamp) -> Option<Timestamp> {
        match self.active_from {
            Some(from) if from <= now.plus(NOTICE) => self.primary_until.max(Some(now)),
            _ => self.primary_until,
        }
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    const A: KeyId = KeyId(*b"aaaaaaaa");
    const B: KeyId = KeyId(*b"bbbbbbbb");
    const C: KeyId = KeyId(*b"cccccccc");

    fn key(id: KeyId) -> Key {
        Key::new(id, Zeroizing::new([id.0[0]; 32]), Timestamp(0))
    }

    /// A is the primary; B and C only open.
    fn ring() -> Keys {
        let ring = |keys: Keys, id| keys.with(key(id)).unwrap();
        [A, B, C].into_iter().fold(Keys::default(), ring)
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp(seconds * 1000)
    }

    /// What an operator does, and when.
    #[derive(Clone, Copy, Debug)]
    enum Change {
        Schedule(KeyId, u64),
        Promote(KeyId),
        Retire(KeyId),
        Force(KeyId),
    }
    use Change::*;

    impl Change {
        fn apply(self, keys: Keys, now: Timestamp) -> Result<Keys, KeyRingError> {
            match self {
                Schedule(id, from) => keys.scheduled_at(id, at(from), now),
                Promote(id) => keys.promoted_at(id, now),
                Retire(id) => keys.retired_at(id, now),
                Force(id) => keys.without_at(id, now),
            }
        }
    }

    fn changed(changes: &[(u64, Change)]) -> Keys {
        let apply = |keys, (now, change): &(u64, Change)| change.apply(keys, at(*now)).unwrap();
        changes.iter().fold(ring(), apply)
    }

    #[test]
    fn k10_who_seals_when() {
        type Row<'a> = (&'a str, &'a [(u64, Change)], &'a [(u64, KeyId)]);
        let table: &[Row<'_>] = &[
            ("nothing is scheduled", &[], &[(0, A), (9999, A)]),
            (
                "a scheduled key takes over at its moment",
                &[(0, Schedule(B, 100))],
                &[(0, A), (99, A), (100, B), (9999, B)],
            ),
            (
                "a clock that steps back across the moment",
                &[(0, Schedule(B, 100))],
                &[(100, B), (99, A), (100, B)],
            ),
            (
                "several take over one after the other",
                &[(0, Schedule(C, 200)), (0, Schedule(B, 100))],
                &[(99, A), (100, B), (199, B), (200, C)],
            ),
            (
                "one moment for two: the same one on every node",
                &[(0, Schedule(B, 100)), (0, Schedule(C, 100))],
                &[(99, A), (100, C)],
            ),
            (
                "and in the other order",
                &[(0, Schedule(C, 100)), (0, Schedule(B, 100))],
                &[(99, A), (100, C)],
            ),
            (
                "a moment that has passed means at once",
                &[(50, Schedule(B, 50))],
                &[(0, B), (50, B)],
            ),
            (
                "it was put off",
                &[(0, Schedule(B, 100)), (10, Schedule(B, 300))],
                &[(100, A), (299, A), (300, B)],
            ),
            (
                "it was brought forward",
                &[(0, Schedule(B, 300)), (10, Schedule(B, 100))],
                &[(99, A), (100, B), (300, B)],
            ),
            (
                "the scheduled key is promoted at once",
                &[(0, Schedule(B, 100)), (10, Promote(B))],
                &[(0, B), (10, B), (100, B)],
            ),
            (
                "another is promoted before the moment, and seals until then",
                &[(0, Schedule(B, 100)), (10, Promote(C))],
                &[(10, C), (99, C), (100, B)],
            ),
            (
                "another is promoted after the moment, which is over",
                &[(0, Schedule(B, 100)), (200, Promote(C))],
                &[(99, C), (100, C), (9999, C)],
            ),
            (
                "the primary is promoted again, which changes nothing",
                &[(0, Schedule(B, 100)), (10, Promote(A))],
                &[(99, A), (100, B)],
            ),
            (
                "a former primary is scheduled again",
                &[(0, Promote(B)), (10, Schedule(A, 100))],
                &[(99, B), (100, A)],
            ),
            (
                "the scheduled key is called off",
                &[(0, Schedule(B, 100)), (10, Retire(B))],
                &[(99, A), (100, A)],
            ),
            (
                "the scheduled key has leaked",
                &[(0, Schedule(B, 100)), (99, Force(B))],
                &[(99, A), (100, A)],
            ),
            (
                "the one before it has leaked",
                &[(0, Schedule(B, 100)), (100, Force(A))],
                &[(99, B), (100, B)],
            ),
        ];
        for (name, changes, expected) in table {
            let keys = changed(changes);
            for (now, id) in *expected {
                let sealing = keys.primary(at(*now)).unwrap().id;
                assert_eq!(sealing, *id, "{name}: at {now}");
                let infos = keys.infos_at(at(*now));
                assert_eq!(infos[0].id(), *id, "{name}: shown at {now}");
            }
        }
    }

    #[test]
    fn k10_what_is_shown_of_each_key() {
        let shown = |keys: &Keys, now| -> Vec<_> {
            let times = |key: KeyInfo| (key.id, key.active_from, key.primary_until);
            keys.infos_at(at(now)).into_iter().map(times).collect()
        };
        let keys = changed(&[(0, Schedule(B, 100)), (0, Schedule(C, 200))]);
        let (hundred, two_hundred) = (Some(at(100)), Some(at(200)));
        assert_eq!(
            shown(&keys, 99),
            [(A, None, None), (B, hundred, None), (C, two_hundred, None)]
        );
        assert_eq!(
            shown(&keys, 100),
            [
                (B, hundred, None),
                (A, None, hundred),
                (C, two_hundred, None)
            ]
        );
        assert_eq!(
            shown(&keys, 500),
            [
                (C, two_hundred, None),
                (B, None, two_hundred),
                (A, None, hundred)
            ],
            "each stopped when the next one started, whenever that was noticed"
        );
        let put_off = changed(&[(0, Schedule(B, 100)), (10, Schedule(B, 300))]);
        assert_eq!(shown(&put_off, 10)[1], (B, Some(at(300)), None));
    }

    #[test]
    fn k10_what_may_go_when() {
        #[derive(Debug, PartialEq)]
        enum Answer {
            Gone,
            Primary,
            Unknown,
            Wait(u64),
        }
        use Answer::*;
        const DAY: u64 = 24 * 3600;
        const MINUTE: u64 = 60;
        let scheduled = [(0, Schedule(B, 1000))];
        let put_off = [(0, Schedule(B, 1000)), (990, Schedule(B, 9000))];
        let again = [(0, Promote(B)), (0, Schedule(A, 1000))];
        for (name, changes, now, change, expected) in [
            ("before the moment", &scheduled[..], 999, Retire(A), Primary),
            (
                "at the moment",
                &scheduled,
                1000,
                Retire(A),
                Wait(DAY + MINUTE),
            ),
            (
                "noticed late",
                &scheduled,
                5000,
                Retire(A),
                Wait(DAY + MINUTE - 4000),
            ),
            (
                "a day later",
                &scheduled,
                1000 + DAY + MINUTE - 1,
                Retire(A),
                Wait(1),
            ),
            (
                "and a minute",
                &scheduled,
                1000 + DAY + MINUTE,
                Retire(A),
                Gone,
            ),
            ("called off", &scheduled, 939, Retire(B), Gone),
            (
                "it may seal elsewhere",
                &scheduled,
                940,
                Retire(B),
                Wait(DAY + MINUTE),
            ),
            ("it seals", &scheduled, 1000, Retire(B), Primary),
            (
                "put off when it may have sealed",
                &put_off,
                990,
                Retire(B),
                Wait(DAY + MINUTE),
            ),
            (
                "and a day later",
                &put_off,
                1990,
                Retire(B),
                Wait(DAY + MINUTE - 1000),
            ),
            (
                "was the primary before",
                &again,
                10,
                Retire(A),
                Wait(DAY + MINUTE - 10),
            ),
            (
                "forced before the moment",
                &scheduled,
                999,
                Force(A),
                Primary,
            ),
            ("forced at the moment", &scheduled, 1000, Force(A), Gone),
            ("forced, but it seals", &scheduled, 1000, Force(B), Primary),
            (
                "the primary can't be scheduled",
                &scheduled,
                10,
                Schedule(A, 2000),
                Primary,
            ),
            (
                "nor once its moment has come",
                &scheduled,
                1000,
                Schedule(B, 2000),
                Primary,
            ),
            (
                "no such key",
                &scheduled,
                10,
                Schedule(KeyId([0; 8]), 2000),
                Unknown,
            ),
            (
                "nor at once",
                &scheduled,
                10,
                Schedule(KeyId([0; 8]), 0),
                Unknown,
            ),
        ] {
            let answer = match change.apply(changed(changes), at(now)) {
                Ok(keys) if keys.all.len() == 2 => Gone,
                Err(KeyRingError::PrimaryKey) => Primary,
                Err(KeyRingError::UnknownKey) => Unknown,
                Err(KeyRingError::TooEarly { wait }) => Wait(wait.as_secs()),
                other => panic!("{name}: {other:?}"),
            };
            assert_eq!(answer, expected, "{name}");
        }
    }

    #[test]
    fn k10_a_rotation_needs_a_lead() {
        let second = Duration::from_secs(1);
        let refused = ring().rotated_at(key(KeyId([0; 8])), NOTICE - second, at(0));
        assert!(matches!(
            refused,
            Err(KeyRingError::ShortLead { shortest }) if shortest == NOTICE
        ));
        let first = Keys::default().rotated_at(key(A), NOTICE, at(0)).unwrap();
        assert_eq!(first.primary(at(0)).unwrap().id, A, "there is no other");
        assert_eq!(first.infos_at(at(0))[0].active_from, None);
    }
}
