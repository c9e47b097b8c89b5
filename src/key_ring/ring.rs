use std::{
    env, fmt,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use arc_swap::Guard;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::{
    error::KeyRingError,
    file::KeyFile,
    key::{Key, KeyId, KeyInfo},
    keys::{Keys, NOTICE},
    live::Live,
};
use crate::clock::Timestamp;

/// The keys that seal and open tickets.
///
/// A cheap handle: clones share the keys, and a change shows in all of them at once, while requests are being served. See the
/// [module](crate::key_ring) for the life of a key.
#[derive(Clone)]
pub struct KeyRing {
    live: Arc<Live>,
}

impl KeyRing {
    /// The shortest lead of a [rotation](Self::rotate): a minute. It covers the five seconds until a process looks at the key file again, with room for clocks that
    /// differ.
    pub const SHORTEST_LEAD: Duration = NOTICE;

    /// An empty ring in memory, to be filled by [`add_secret`](Self::add_secret); a configuration refuses it while it is empty.
    pub fn empty() -> Self {
        Self::of(Live::in_memory(Keys::default()))
    }

    /// A ring in memory with one random key: for tests, and for demonstrations where a restart may sign everybody out.
    pub fn ephemeral() -> Self {
        let first = Keys::default().with(Key::generate(now()));
        let keys = first.expect("the first key can't be a duplicate");
        Self::of(Live::in_memory(keys))
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
        Ok(Self::of(Live::in_file(file, keys, stamp)))
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
            Some((keys, stamp)) => Ok(Self::of(Live::in_file(file, keys, stamp))),
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
        Ok(Self::of(Live::in_memory(keys)))
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
        self.keys_at(SystemTime::now())
    }

    /// [`keys`](Self::keys) at a given time, such as after the moment of a scheduled key.
    pub fn keys_at(&self, now: SystemTime) -> Vec<KeyInfo> {
        self.live.load().infos_at(now.into())
    }

    /// Adds a random key that opens at once and seals when the lead is over, on every node, with no further call: a rotation in one step.
    ///
    /// The lead is the time in which the key must reach every process. Where all share a key file,
    /// [`SHORTEST_LEAD`](Self::SHORTEST_LEAD) is enough; where the file is copied to other machines, take twice the time until the last one
    /// has it. A long lead costs nothing. Call it in one place, such as a monthly job: every call adds a key. It may block, as
    /// [`add`](Self::add).
    ///
    /// # Errors
    ///
    /// [`KeyRingError::ShortLead`], and those of writing the key file.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use axum_user_session::KeyRing;
    ///
    /// let ring = KeyRing::ephemeral();
    /// let hour = Duration::from_secs(3600);
    /// let now = SystemTime::now();
    /// let new = ring.rotate_at(hour, now)?;
    /// assert_ne!(ring.keys_at(now)[0].id(), new, "it only opens");
    /// assert_eq!(ring.keys_at(now + hour)[0].id(), new);
    /// # Ok::<_, axum_user_session::key_ring::KeyRingError>(())
    /// ```
    pub fn rotate(&self, lead: Duration) -> Result<KeyId, KeyRingError> {
        self.rotate_at(lead, SystemTime::now())
    }

    /// [`rotate`](Self::rotate) at a given time.
    ///
    /// # Errors
    ///
    /// As `rotate`.
    pub fn rotate_at(&self, lead: Duration, now: SystemTime) -> Result<KeyId, KeyRingError> {
        let now = now.into();
        let key = Key::generate(now);
        let id = key.id;
        self.live.change(|keys| keys.rotated_at(key, lead, now))?;
        Ok(id)
    }

    /// Adds a random key, which opens at once and seals from its [promotion](Self::promote) or its [moment](Self::schedule) on.
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

    /// Makes a key the primary from a moment on, by the clock of each process: none has to be told then. Until that moment it only opens.
    ///
    /// For keys from secrets of your own, and to move the moment of a key that is scheduled already. Every process must have the key before;
    /// see [`rotate`](Self::rotate) for how long. Of several scheduled keys each takes over at its own moment. A moment that has passed
    /// means at once, so a ring that is made from secrets at every start may be given the same moment each time.
    ///
    /// # Errors
    ///
    /// [`KeyRingError::PrimaryKey`] if it is the primary already and the moment lies ahead, [`KeyRingError::UnknownKey`], and those of
    /// writing the key file.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use axum_user_session::KeyRing;
    ///
    /// # let (old, new) = ([1; 32], [2; 32]);
    /// // On every node, from the same settings. The nodes restart with them one after the other, the last one a minute before the moment.
    /// let moment = SystemTime::UNIX_EPOCH + Duration::from_secs(1_900_000_000);
    /// let ring = KeyRing::from_secrets([&old, &new])?;
    /// ring.schedule(ring.keys()[1].id(), moment)?;
    /// # Ok::<_, axum_user_session::key_ring::KeyRingError>(())
    /// ```
    pub fn schedule(&self, id: KeyId, active_from: SystemTime) -> Result<(), KeyRingError> {
        self.schedule_at(id, active_from, SystemTime::now())
    }

    /// [`schedule`](Self::schedule) at a given time.
    ///
    /// # Errors
    ///
    /// As `schedule`.
    pub fn schedule_at(
        &self,
        id: KeyId,
        active_from: SystemTime,
        now: SystemTime,
    ) -> Result<(), KeyRingError> {
        self.live
            .change(|keys| keys.scheduled_at(id, active_from.into(), now.into()))
    }

    /// Makes a key the primary at once. With several processes, [schedule](Self::schedule) it, or first give each the time to see it; those
    /// that share a key file go on sealing with the key before it for up to five seconds. Other keys that are scheduled still take over at
    /// their moments.
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
        self.live.change(|keys| keys.promoted_at(id, now.into()))
    }

    /// Drops a key that nothing alive can have been sealed with: it never was the primary, or stopped being it longer ago than the
    /// longest absolute lifetime of the configurations that use this ring. Where a scheduled key took over, that counts from its moment.
    ///
    /// A scheduled key is called off in this way, until a minute before its moment; after that it may be sealing where a clock is ahead.
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
        self.live.change(|keys| keys.retired_at(id, now.into()))
    }

    /// Drops a key that has leaked, at once: every session sealed with it is over. If a key file has leaked, so have the scheduled keys in it.
    ///
    /// # Errors
    ///
    /// [`KeyRingError::PrimaryKey`], [`KeyRingError::UnknownKey`], and those of writing the key file.
    pub fn retire_and_sign_out_its_sessions(&self, id: KeyId) -> Result<(), KeyRingError> {
        self.retire_and_sign_out_its_sessions_at(id, SystemTime::now())
    }

    /// [`retire_and_sign_out_its_sessions`](Self::retire_and_sign_out_its_sessions) at a given time.
    ///
    /// # Errors
    ///
    /// As `retire_and_sign_out_its_sessions`.
    pub fn retire_and_sign_out_its_sessions_at(
        &self,
        id: KeyId,
        now: SystemTime,
    ) -> Result<(), KeyRingError> {
        self.live.change(|keys| keys.without_at(id, now.into()))
    }

    /// Reads the key file again if it has changed, and says whether it had. Nothing to do for a ring in memory.
    ///
    /// # Errors
    ///
    /// [`KeyRingError::Io`] and [`KeyRingError::Format`]; the keys stay as they were.
    pub fn reload(&self) -> Result<bool, KeyRingError> {
        self.live.reload()
    }

    /// The keys as of now: see [`Live::current`].
    pub(crate) fn current(&self, now: Timestamp) -> Guard<Arc<Keys>> {
        self.live.current(now)
    }

    /// Uses the key of this id, if there is one: see [`Live::with_key`].
    pub(crate) fn with_key<T>(
        &self,
        id: KeyId,
        now: Timestamp,
        with: impl FnMut(&Key) -> T,
    ) -> Option<T> {
        self.live.with_key(id, now, with)
    }

    /// Makes sure that no key is retired while tickets of this lifetime may be alive. A key file that can't be written is no reason not to start:
    /// it is then another process that retires its keys.
    pub(crate) fn retain_for(&self, lifetime: Duration) {
        if self.live.load().retention >= lifetime {
            return;
        }
        let retain = |mut keys: Keys| {
            keys.retention = keys.retention.max(lifetime);
            Ok(keys)
        };
        if let Err(error) = self.live.change(retain) {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the key file could not record how long its keys are needed; whoever retires them must know"
            );
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.live.load().all().is_empty()
    }

    fn of(live: Live) -> Self {
        Self {
            live: Arc::new(live),
        }
    }

    fn insert(&self, key: Key) -> Result<KeyId, KeyRingError> {
        let id = key.id;
        self.live.change(|keys| keys.with(key))?;
        Ok(id)
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
