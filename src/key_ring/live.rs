use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::{ArcSwap, Guard};

use super::{
    error::KeyRingError,
    file::{KeyFile, Stamp},
    key::{Key, KeyId},
    keys::Keys,
};
use crate::clock::Timestamp;

/// How stale a process's view of the key file can be.
const CHECK_EVERY: Duration = Duration::from_secs(5);
/// How often a key that nobody knows may make us look at the file: forged cookies must not cost a system call each.
const CHECK_FOR_UNKNOWN_EVERY: Duration = Duration::from_secs(1);

/// The keys in use, kept in step with their file.
pub(super) struct Live {
    keys: ArcSwap<Keys>,
    /// Held by whoever changes the keys.
    change: Mutex<Option<Stamp>>,
    file: Option<KeyFile>,
    next_check: AtomicU64,
    next_check_for_unknown: AtomicU64,
}

impl Live {
    pub(super) fn in_memory(keys: Keys) -> Self {
        Self::new(keys, None, None)
    }

    pub(super) fn in_file(file: KeyFile, keys: Keys, stamp: Stamp) -> Self {
        Self::new(keys, Some(file), Some(stamp))
    }

    fn new(keys: Keys, file: Option<KeyFile>, stamp: Option<Stamp>) -> Self {
        Self {
            keys: ArcSwap::from_pointee(keys),
            change: Mutex::new(stamp),
            file,
            next_check: AtomicU64::new(0),
            next_check_for_unknown: AtomicU64::new(0),
        }
    }

    /// The keys as this process knows them.
    pub(super) fn load(&self) -> Guard<Arc<Keys>> {
        self.keys.load()
    }

    /// The keys, at most `CHECK_EVERY` behind the file.
    pub(super) fn current(&self, now: Timestamp) -> Guard<Arc<Keys>> {
        if self.file.is_some() {
            self.reload_if_due(&self.next_check, CHECK_EVERY, now);
        }
        self.load()
    }

    /// Uses the key of this id, after a look at the file if it is not here; none if it is not there either.
    pub(super) fn with_key<T>(
        &self,
        id: KeyId,
        now: Timestamp,
        mut with: impl FnMut(&Key) -> T,
    ) -> Option<T> {
        if let Some(key) = self.current(now).find(id) {
            return Some(with(key));
        }
        self.file.as_ref()?;
        self.reload_if_due(&self.next_check_for_unknown, CHECK_FOR_UNKNOWN_EVERY, now);
        self.load().find(id).map(|key| with(key))
    }

    /// Applies a change to the newest keys: with a file, to what it holds now, under its lock, and written before anybody uses it.
    pub(super) fn change(
        &self,
        change: impl FnOnce(Keys) -> Result<Keys, KeyRingError>,
    ) -> Result<(), KeyRingError> {
        let Some(file) = &self.file else {
            let _changing = self.lock();
            let keys = change(Keys::clone(&self.load()))?;
            self.publish(keys);
            return Ok(());
        };
        // The file's lock first: it may be held by another process for long, and requests must not wait for ours meanwhile.
        file.locked(|| {
            let mut known = self.lock();
            let newest = match file.read()? {
                Some((keys, _)) => keys,
                None => Keys::clone(&self.load()),
            };
            let keys = change(newest)?;
            *known = Some(file.write(&keys)?);
            self.publish(keys);
            Ok(())
        })
    }

    /// Reads the file again if it has changed, and says whether it had.
    pub(super) fn reload(&self) -> Result<bool, KeyRingError> {
        self.reload_into(&mut self.lock())
    }

    fn reload_into(&self, known: &mut Option<Stamp>) -> Result<bool, KeyRingError> {
        let Some(file) = &self.file else {
            return Ok(false);
        };
        if *known == Some(file.stamp()?) {
            return Ok(false);
        }
        match file.read()? {
            Some((keys, stamp)) => {
                *known = Some(stamp);
                self.publish(keys);
                Ok(true)
            }
            None => Ok(false),
        }
    }

    fn publish(&self, keys: Keys) {
        self.keys.store(Arc::new(keys));
    }

    /// Reloads unless somebody has within `every`. An unreadable file leaves the keys as they are: signing everybody out would
    /// be worse.
    fn reload_if_due(&self, next: &AtomicU64, every: Duration, now: Timestamp) {
        let due = next.load(Ordering::Relaxed);
        // A due time further off than `every` was set before the clock stepped back.
        if now.0 < due && Timestamp(due).since(now) <= every {
            return;
        }
        let claimed =
            next.compare_exchange(due, now.plus(every).0, Ordering::Relaxed, Ordering::Relaxed);
        if claimed.is_err() {
            return;
        }
        // Whoever changes or reloads the keys just now does the work.
        let Ok(mut known) = self.change.try_lock() else {
            return;
        };
        if let Err(error) = self.reload_into(&mut known) {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the key file could not be reloaded; its last keys stay in use"
            );
        }
    }

    /// A panic can't leave the keys half changed, because they are replaced as a whole.
    fn lock(&self) -> MutexGuard<'_, Option<Stamp>> {
        self.change.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
