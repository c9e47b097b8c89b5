use std::{
    fs, io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{
    open_error::{OpenError, Problem},
    options::{Durability, SqliteOptions},
    schema,
};

/// A file that is a store of sessions, with its tables up to date.
pub(super) struct Database<'a> {
    path: PathBuf,
    options: &'a SqliteOptions,
}

impl<'a> Database<'a> {
    /// Makes the file, if there is none, and gives the connection to write with.
    pub(super) fn open(
        path: &Path,
        options: &'a SqliteOptions,
    ) -> Result<(Self, Connection), OpenError> {
        // An absolute path is never a name that SQLite has another meaning for, such as `:memory:` or `file:...`.
        let path = std::path::absolute(path).map_err(|error| OpenError {
            path: path.to_owned(),
            problem: error.into(),
        })?;
        let database = Self { path, options };
        let writer = database.open_writer();
        match writer {
            Ok(writer) => Ok((database, writer)),
            Err(problem) => Err(database.error(problem)),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Another connection, to read with.
    pub(super) fn open_reader(&self) -> Result<Connection, OpenError> {
        self.connect(OpenFlags::SQLITE_OPEN_READ_ONLY)
            .map_err(|error| self.error(error.into()))
    }

    /// What goes wrong when the store is opened, with the name of its file.
    pub(super) fn error(&self, problem: Problem) -> OpenError {
        OpenError {
            path: self.path.clone(),
            problem,
        }
    }

    fn open_writer(&self) -> Result<Connection, Problem> {
        create_private(&self.path)?;
        let connection = self.connect(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        // Before anything is changed in a file that is not ours.
        schema::version(&connection)?;
        self.write_ahead(&connection)?;
        connection.execute_batch(match self.options.durability {
            // Some systems have a stronger way to ask the disk than the usual one; elsewhere it is ignored.
            Durability::PowerLoss => "PRAGMA synchronous = FULL; PRAGMA fullfsync = ON;",
            Durability::Crash => "PRAGMA synchronous = NORMAL;",
        })?;
        // When it has grown, because somebody read for long, it is cut as soon as it begins anew.
        connection.query_row(WAL_SIZE, [], |_| Ok(()))?;
        // What is deleted is about people, so it is overwritten, in pages that are written anyway.
        connection.query_row("PRAGMA secure_delete = FAST", [], |_| Ok(()))?;
        schema::migrate(&connection)?;
        Ok(connection)
    }

    fn connect(&self, access: OpenFlags) -> rusqlite::Result<Connection> {
        // Each connection belongs to one thread.
        let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(self.options.busy_timeout)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        connection.execute_batch(IN_MEMORY)?;
        Ok(connection)
    }

    /// Changes the journal mode, which asks for a moment in which nobody else uses the file, and does not wait for it by itself.
    fn write_ahead(&self, connection: &Connection) -> Result<(), Problem> {
        let began = Instant::now();
        loop {
            let changed = connection.query_row("PRAGMA journal_mode = WAL", [], |row| {
                row.get::<_, String>(0)
            });
            match changed {
                Ok(mode) if mode == "wal" => return Ok(()),
                Ok(mode) => return Err(Problem::NoWal { mode }),
                Err(error) if is_busy(&error) && began.elapsed() < self.options.busy_timeout => {
                    thread::sleep(BETWEEN_ATTEMPTS);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// More than there are different statements.
const STATEMENTS: usize = 128;

/// At most 16 MiB of pages for each connection, enough for the inner ones of a million sessions; the rest is left to the system's cache. And
/// what is needed for a moment, to undo one operation of many or to sort a list, is not worth a file.
const IN_MEMORY: &str = "PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY;";

/// Twice what the log of changes usually has: it is folded into the file when it has 4 MiB.
const WAL_SIZE: &str = "PRAGMA journal_size_limit = 8388608";

const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(5);

/// Makes an empty file that is nobody else's to read, if there is none. The files that SQLite puts beside it have the same mode.
///
/// A file that is there is left alone, unopened even: to close it would take away the locks that another connection of this process has on it.
fn create_private(path: &Path) -> io::Result<()> {
    let mut create = fs::OpenOptions::new();
    create.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut create, 0o600);
    match create.open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        created => created.map(drop),
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}
