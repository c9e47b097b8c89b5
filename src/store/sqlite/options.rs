use std::{num::NonZeroUsize, path::Path, thread, time::Duration};

use super::store::SqliteStore;
use crate::error::StoreError;

/// How a [`SqliteStore`] is opened.
///
/// ```
/// use std::time::Duration;
/// use axum_user_session::store::{Durability, SqliteOptions};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("sessions.db");
/// let store = SqliteOptions::new()
///     .durability(Durability::Crash)
///     .busy_timeout(Duration::from_secs(2))
///     .open(path)?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct SqliteOptions {
    pub(super) durability: Durability,
    pub(super) readers: usize,
    pub(super) busy_timeout: Duration,
}

/// What an answered change survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Durability {
    /// A crash of the process, of the system, and loss of power: each transaction waits until the disk has it (`synchronous=FULL`). The default.
    #[default]
    PowerLoss,
    /// A crash of the process (`synchronous=NORMAL`). When the system crashes or loses power, the last changes may be undone, all from some moment on: a
    /// sign-in is forgotten, and **a session that was signed out may be there again**. The file itself stays whole.
    Crash,
}

impl SqliteOptions {
    /// Durable against power loss, as many readers as the machine has cores, at most four, and 5 seconds for locks.
    pub fn new() -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self {
            durability: Durability::default(),
            readers: cores.min(4),
            busy_timeout: Duration::from_secs(5),
        }
    }

    /// What an answered change survives.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// How many threads read records, 1 to 64; what lies outside becomes the nearest. Each has a connection of its own.
    ///
    /// More of them help where the file is larger than the memory of the machine, so that reads wait for the disk.
    pub fn readers(mut self, readers: usize) -> Self {
        self.readers = readers.clamp(1, 64);
        self
    }

    /// How long an operation waits for another process that writes, before it fails; at most an hour.
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout.min(Duration::from_secs(3600));
        self
    }

    /// Opens a file, or makes it, as [`SqliteStore::open`] does.
    ///
    /// # Errors
    ///
    /// As [`SqliteStore::open`].
    pub fn open(&self, path: impl AsRef<Path>) -> Result<SqliteStore, StoreError> {
        SqliteStore::open_with(path.as_ref(), self)
    }
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self::new()
    }
}
