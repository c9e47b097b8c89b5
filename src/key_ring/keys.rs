use std::{sync::Arc, time::Duration};

use super::{
    error::KeyRingError,
    key::{Key, KeyId, KeyInfo},
};
use crate::clock::Timestamp;

/// One state of the ring. It is never changed: a change makes the next one, which takes its place as a whole.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    /// The primary comes first.
    all: Vec<Arc<Key>>,
    /// How long a ticket can be alive after it was sealed: the longest absolute lifetime of any configuration that uses the ring.
    pub(super) retention: Duration,
}

/// Of a ring that no configuration has used yet: the default absolute lifetime.
const DEFAULT_RETENTION: Duration = Duration::from_secs(24 * 3600);

/// How long other processes may go on sealing with a key after another was promoted.
const NOTICE: Duration = Duration::from_secs(60);

impl Default for Keys {
    fn default() -> Self {
        Self::new(Vec::new(), DEFAULT_RETENTION)
    }
}

impl Keys {
    pub(super) fn new(all: Vec<Arc<Key>>, retention: Duration) -> Self {
        Self { all, retention }
    }

    pub(crate) fn primary(&self) -> Option<&Arc<Key>> {
        self.all.first()
    }

    pub(crate) fn find(&self, id: KeyId) -> Option<&Arc<Key>> {
        self.all.iter().find(|key| key.id == id)
    }

    pub(super) fn all(&self) -> &[Arc<Key>] {
        &self.all
    }

    pub(super) fn infos(&self) -> Vec<KeyInfo> {
        let info = |(index, key): (usize, &Arc<Key>)| KeyInfo {
            id: key.id,
            primary: index == 0,
            created: key.created,
            primary_until: key.primary_until.filter(|_| index != 0),
        };
        self.all.iter().enumerate().map(info).collect()
    }

    /// The first key of an empty ring is the primary; any later one only opens until it is promoted.
    pub(super) fn with(mut self, key: Key) -> Result<Self, KeyRingError> {
        if self.find(key.id).is_some() {
            return Err(KeyRingError::DuplicateKey);
        }
        self.all.push(Arc::new(key));
        Ok(self)
    }

    pub(super) fn promoted_at(mut self, id: KeyId, now: Timestamp) -> Result<Self, KeyRingError> {
        let position = self.position(id)?;
        if position == 0 {
            return Ok(self);
        }
        let demoted = &self.all[0];
        self.all[0] = Arc::new(Key {
            primary_until: Some(now),
            ..Key::new(demoted.id, demoted.secret.clone(), demoted.created)
        });
        let promoted = self.all.remove(position);
        self.all.insert(0, promoted);
        Ok(self)
    }

    pub(super) fn retired_at(self, id: KeyId, now: Timestamp) -> Result<Self, KeyRingError> {
        let position = self.position(id)?;
        // A key that never was the primary has sealed nothing.
        if let Some(until) = self.all[position].primary_until {
            let wait = until.plus(NOTICE).plus(self.retention).since(now);
            if !wait.is_zero() {
                return Err(KeyRingError::TooEarly { wait });
            }
        }
        self.without(id)
    }

    pub(super) fn without(mut self, id: KeyId) -> Result<Self, KeyRingError> {
        match self.position(id)? {
            0 => Err(KeyRingError::PrimaryKey),
            position => {
                self.all.remove(position);
                Ok(self)
            }
        }
    }

    fn position(&self, id: KeyId) -> Result<usize, KeyRingError> {
        self.all
            .iter()
            .position(|key| key.id == id)
            .ok_or(KeyRingError::UnknownKey)
    }
}
