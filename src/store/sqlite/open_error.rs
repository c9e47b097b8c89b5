use std::{error::Error, fmt, io, path::PathBuf};

/// Why a file can't be opened as a store of sessions.
#[derive(Debug)]
pub(super) struct OpenError {
    pub(super) path: PathBuf,
    pub(super) problem: Problem,
}

#[derive(Debug)]
pub(super) enum Problem {
    NotADatabase,
    OfAnotherApplication,
    Newer { version: i64 },
    NotWritable,
    NoWal { mode: String },
    Io(io::Error),
    Sqlite(rusqlite::Error),
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::NotWritable
            }
            _ => Self::Io(error),
        }
    }
}

impl From<rusqlite::Error> for Problem {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::NotADatabase) => Self::NotADatabase,
            Some(rusqlite::ErrorCode::ReadOnly | rusqlite::ErrorCode::CannotOpen) => {
                Self::NotWritable
            }
            _ => Self::Sqlite(error),
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.problem {
            Problem::NotADatabase => write!(f, "{path} is no SQLite database"),
            Problem::OfAnotherApplication => write!(
                f,
                "{path} is another application's database; give the sessions a file of their own"
            ),
            Problem::Newer { version } => write!(
                f,
                "{path} has version {version} of the sessions' tables, from a newer release than this one"
            ),
            Problem::NotWritable => write!(
                f,
                "{path} can't be opened for writing; it must be a file, and its folder must be writable too"
            ),
            Problem::NoWal { mode } => write!(
                f,
                "{path} can't have a write-ahead log, only the journal mode {mode}; is it on a network file system?"
            ),
            Problem::Io(error) => write!(f, "{path} can't be opened: {error}"),
            Problem::Sqlite(error) => write!(f, "{path} can't be opened: {error}"),
        }
    }
}

impl Error for OpenError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.problem {
            Problem::Io(error) => Some(error),
            Problem::Sqlite(error) => Some(error),
            _ => None,
        }
    }
}
