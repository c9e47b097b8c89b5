use std::{error::Error, fmt, sync::Arc};

/// Why a job was not done. One failure can be that of many jobs, so it is cheap to clone.
#[derive(Clone, Debug)]
pub(super) enum Failure {
    /// SQLite says so. Its texts name tables and columns, and never hold a value: values are bound, and are no part of a statement.
    Sqlite(Arc<rusqlite::Error>),
    /// The operation panicked; what it had done was rolled back.
    Panicked,
    /// The thread that should have done it has ended.
    ThreadEnded,
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(Arc::new(error))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(error) => error.fmt(f),
            Self::Panicked => f.write_str("the operation panicked, and was rolled back"),
            Self::ThreadEnded => f.write_str("the store's thread has ended"),
        }
    }
}

impl Error for Failure {}
