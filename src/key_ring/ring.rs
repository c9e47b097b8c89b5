use std::{
    env, fmt,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use arc_swap::{ArcSwap, Guard};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::{
    error::KeyRingError,
    file::{KeyFile, Stamp},
    key::{Key, KeyId, KeyInfo},
    keys::Keys,
};
use crate::clock::Timestamp;

/// How stale a process's view of the key file can be.
const CHECK_EVERY: Duration = Duration::from_secs(5);
/// How often a key that nobody knows may make us look at the file: forged cookies must not cost a system call each.
const CHECK_FOR_UNKNOWN_EVERY: Duration = Duration::from_secs(1);

/// The keys that seal and open tickets.
///
/// A cheap handle: clones share the keys, and a change shows in all of them at once, while requests are being served. See the
/// [module](crate::key_ring) for the life of a key.
#[derive(Clone)]
pub struct KeyRing {
    inner: Arc<Inner>,
}

struct Inner {
    current: ArcSwap<Keys>,
    /// Held by whoever changes the keys.
    change: Mutex<Option<Stamp>>,
    file: Option<KeyFile>,
    next_check: AtomicU64,
    next_check_for_unknown: AtomicU64,
}

impl KeyRing {
    /// An empty ring in memory, to be filled by [`add_secret`](Self::add_secret); a configuration refuses it while it is empty.
    pub fn empty() -> Self {
        Self::with_keys(Keys::default(), None, None)
    }

    /// A ring in memory with one random key: for tests, and for demonstrations where a restart may sign everybody out.
    pub fn ephemeral() -> Self {
        let first = Keys::default().with(Key::generate(now()));
        let keys = first.expect("the first key can't be a duplicate");
        Self::with_keys(keys, None, None)
    }

    /// Loads a key file, or creates it, and its folder, with one random key.
    ///
    /// Changes by other processes show here within five seconds, or at once when a ticket names a key that this ring does
    /// not have (once a second at most). The file is looked at from within a request then (one `stat`, rarely a read), so keep it on a local disk.
    ///
    /// # Errors
    ///
    /// [`KeyRingError::Io`] and [`KeyRingError::Format`]. A file that can't be understood is never overwritten.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("keys.json");
    /// use axum_user_session::KeyRing;
    ///
    /// let ring = KeyRing::open_file(&path)?;
    /// let elsewhere = KeyRing::open_file(&path)?;
    /// assert_eq!(ring.keys()[0].id(), elsewhere.keys()[0].id());
    /// # Ok::<_, axum_user_session::key_ring::KeyRingError>(())
    /// ```
    pub fn open_file(path: impl Into<PathBuf>) -> Result<Self, KeyRingError> {
        let file = KeyFile::new(path.into());
        let (keys, stamp) = match file.read()? {
            Some(found) => found,
            None => file.locked(|| {
                // Another process may have been first.
                if let Some(found) = file.read()? {
                    return Ok(found);
                }
                let keys = Keys::default().with(Key::generate(now()))?;
                let stamp = file.write(&keys)?;
                Ok((keys, stamp))
            })?,
        };
        Ok(Self::with_keys(keys, Some(file), Some(stamp)))
    }

    /// Loads a key file that is there: for tools that change it, where a mistyped path must not make a new one.
    ///
    /// # Errors
    ///
    /// As [`open_file`](Self::open_file), and [`KeyRingError::Io`] when there is no file.
    pub fn open_existing_file(path: impl Into<PathBuf>) -> Result<Self, KeyRingError> {
        let file = KeyFile::new(path.into());
        file.stamp()?;
        match file.read()? {
            Some((keys, stamp)) => Ok(Self::with_keys(keys, Some(file), Some(stamp))),
            // Removed between the two looks at it.
            None => Err(file.missing()),
        }
    }

    /// A ring in memory from secrets of your own, the primary first. A key's id follows from its secret, so nodes that have the
    /// same secrets open each other's tickets.
    ///
    /// # Errors
    ///
    /// [`KeyRingError::ShortSecret`] for fewer than 32 bytes, [`KeyRingError::DuplicateKey`] for the same secret twice.
    ///
    /// ```
    /// use axum_user_session::KeyRing;
    ///
    /// # let (new, old) = ([1; 32], [2; 32]);
    /// let ring = KeyRing::from_secrets([&new, &old])?;
    /// assert!(ring.keys()[0].is_primary());
    /// # Ok::<_, axum_user_session::key_ring::KeyRingError>(())
    /// ```
    pub fn from_secrets<S: AsRef<[u8]>>(
        secrets: impl IntoIterator<Item = S>,
    ) -> Result<Self, KeyRingError> {
        let created = now();
        let keys = secrets
            .into_iter()
            .try_fold(Keys::default(), |keys, secret| {
                keys.with(Key::derive(secret.as_ref(), created)?.perhaps_used_until(created))
            })?;
        Ok(Self::with_keys(keys, None, None))
    }

    /// As [`from_secrets`](Self::from_secrets), from an environment variable that holds unpadded base64url secrets with commas
    /// between them.
    ///
    /// # Errors
    ///
    /// [`KeyRingError::Environment`] if the variable is missing or can't be decoded, else as `from_secrets`.
    pub fn from_env(variable: &str) -> Result<Self, KeyRingError> {
        let unusable = || KeyRingError::Environment {
            variable: variable.to_owned(),
        };
        let text = Zeroizing::new(env::var(variable).map_err(|_| unusable())?);
        let secrets = text
            .split(',')
            .map(|secret| {
                BASE64_URL_SAFE_NO_PAD
                    .decode(secret.trim())
                    .map(Zeroizing::new)
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| unusable())?;
        Self::from_secrets(secrets.iter().map(|secret| secret.as_slice()))
    }

    /// What keys there are, the primary first.
    pub fn keys(&self) -> Vec<KeyInfo> {
        self.inner.current.load().infos()
    }

    /// Adds a random key, which opens at once and seals from its [promotion](Self::promote) on.
    ///
    /// It waits for other processes that are changing the key file, so call it from a thread that may block, as the other changes too.
    ///
    /// # Errors
    ///
    /// Those of writing the key file, if there is one.
    pub fn add(&self) -> Result<KeyId, KeyRingError> {
        self.insert(Key::generate(now()))
    }

    /// Adds the key of a secret of your own (see [`from_secrets`](Self::from_secrets)).
    ///
    /// # Errors
    ///
    /// [`KeyRingError::ShortSecret`], [`KeyRingError::DuplicateKey`], and those of writing the key file.
    pub fn add_secret(&self, secret: &[u8]) -> Result<KeyId, KeyRingError> {
        self.insert(Key::derive(secret, now())?.perhaps_used_until(now()))
    }

    /// Makes a key the primary. With several processes, first give each the time to see the key; those that share a key file go on sealing
    /// with the key before it for up to five seconds.
    ///
    /// # Errors
    ///
    /// [`KeyRingError::UnknownKey`], and those of writing the key file.
    pub fn promote(&self, id: KeyId) -> Result<(), KeyRingError> {
        self.promote_at(id, SystemTime::now())
    }

    /// [`promote`](Self::promote) at a given time.
    ///
    /// # Errors
    ///
    /// As `promote`.
    pub fn promote_at(&self, id: KeyId, now: SystemTime) -> Result<(), KeyRingError> {
        self.change(|keys| keys.promoted_at(id, now.into()))
    }

    /// Drops a key that nothing alive can have been sealed with: it never was the primary, or stopped being it longer ago than the
    /// longest absolute lifetime of the configurations that use this ring.
    ///
    /// # Errors
    ///
    /// [`KeyRingError::TooEarly`], [`KeyRingError::PrimaryKey`], [`KeyRingError::UnknownKey`], and those of writing the key file.
    pub fn retire(&self, id: KeyId) -> Result<(), KeyRingError> {
        self.retire_at(id, SystemTime::now())
    }

    /// [`retire`](Self::retire) at a given time.
    ///
    /// # Errors
    ///
    /// As `retire`.
    pub fn retire_at(&self, id: KeyId, now: SystemTime) -> Result<(), KeyRingError> {
        self.change(|keys| keys.retired_at(id, now.into()))
    }

    /// Drops a key that has leaked, at once: every session sealed with it is over.
    ///
    /// # Errors
    ///
    /// [`KeyRingError::PrimaryKey`], [`KeyRingError::UnknownKey`], and those of writing the key file.
    pub fn retire_and_sign_out_its_sessions(&self, id: KeyId) -> Result<(), KeyRingError> {
        self.change(|keys| keys.without(id))
    }

    /// Reads the key file again if it has changed, and says whether it had. Nothing to do for a ring in memory.
    ///
    /// # Errors
    ///
    /// [`KeyRingError::Io`] and [`KeyRingError::Format`]; the keys stay as they were.
    pub fn reload(&self) -> Result<bool, KeyRingError> {
        self.reload_into(&mut self.lock())
    }

    /// The keys, at most `CHECK_EVERY` behind the file.
    pub(crate) fn current(&self, now: Timestamp) -> Guard<Arc<Keys>> {
        if self.inner.file.is_some() {
            self.reload_if_due(&self.inner.next_check, CHECK_EVERY, now);
        }
        self.inner.current.load()
    }

    /// Uses the key of this id, after a look at the file if it is not here; none if it is not there either.
    pub(crate) fn with_key<T>(
        &self,
        id: KeyId,
        now: Timestamp,
        mut with: impl FnMut(&Key) -> T,
    ) -> Option<T> {
        if let Some(key) = self.current(now).find(id) {
            return Some(with(key));
        }
        self.inner.file.as_ref()?;
        self.reload_if_due(
            &self.inner.next_check_for_unknown,
            CHECK_FOR_UNKNOWN_EVERY,
            now,
        );
        self.inner.current.load().find(id).map(|key| with(key))
    }

    /// Makes sure that no key is retired while tickets of this lifetime may be alive. A key file that can't be written is no reason not to start:
    /// it is then another process that retires its keys.
    pub(crate) fn retain_for(&self, lifetime: Duration) {
        if self.inner.current.load().retention >= lifetime {
            return;
        }
        let retain = |mut keys: Keys| {
            keys.retention = keys.retention.max(lifetime);
            Ok(keys)
        };
        if let Err(error) = self.change(retain) {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the key file could not record how long its keys are needed; whoever retires them must know"
            );
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.inner.current.load().primary().is_none()
    }

    fn with_keys(keys: Keys, file: Option<KeyFile>, stamp: Option<Stamp>) -> Self {
        Self {
            inner: Arc::new(Inner {
                current: ArcSwap::from_pointee(keys),
                change: Mutex::new(stamp),
                file,
                next_check: AtomicU64::new(0),
                next_check_for_unknown: AtomicU64::new(0),
            }),
        }
    }

    fn insert(&self, key: Key) -> Result<KeyId, KeyRingError> {
        let id = key.id;
        self.change(|keys| keys.with(key))?;
        Ok(id)
    }

    /// Applies a change to the newest keys: with a file, to what it holds now, under its lock, and written before anybody uses it.
    fn change(
        &self,
        change: impl FnOnce(Keys) -> Result<Keys, KeyRingError>,
    ) -> Result<(), KeyRingError> {
        let Some(file) = &self.inner.file else {
            let _changing = self.lock();
            let keys = change(Keys::clone(&self.inner.current.load()))?;
            self.publish(keys);
            return Ok(());
        };
        // The file's lock first: it may be held by another process for long, and requests must not wait for ours meanwhile.
        file.locked(|| {
            let mut known = self.lock();
            let newest = match file.read()? {
                Some((keys, _)) => keys,
                None => Keys::clone(&self.inner.current.load()),
            };
            let keys = change(newest)?;
            *known = Some(file.write(&keys)?);
            self.publish(keys);
            Ok(())
        })
    }

    fn reload_into(&self, known: &mut Option<Stamp>) -> Result<bool, KeyRingError> {
        let Some(file) = &self.inner.file else {
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
        self.inner.current.store(Arc::new(keys));
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
        let Ok(mut known) = self.inner.change.try_lock() else {
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
        self.inner
            .change
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing")
            .field("keys", &self.keys())
            .finish_non_exhaustive()
    }
}

fn now() -> Timestamp {
    SystemTime::now().into()
}
