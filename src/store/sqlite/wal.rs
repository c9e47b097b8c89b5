use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::Connection;

/// Keeps the log of changes (the file with `-wal`) from growing without bound.
///
/// SQLite folds it into the file as it goes, and begins it anew when nobody reads what is in it. Under many short reads that moment may not
/// come by itself: there is always one. When the log has grown large, this waits for the reads that are under way, which takes no longer than
/// they do, while new ones don't count.
pub(super) struct WalBound {
    file: PathBuf,
    /// The size from which on it is folded and cut.
    limit: u64,
    busy_timeout: Duration,
}

impl WalBound {
    /// For a database file whose connection has the given time limit otherwise.
    pub(super) fn new(database: &Path, busy_timeout: Duration) -> Self {
        // SQLite puts it beside the file that a link leads to.
        let database = fs::canonicalize(database).unwrap_or_else(|_| database.to_owned());
        let mut file = database.into_os_string();
        file.push("-wal");
        Self {
            file: file.into(),
            limit: LIMIT,
            busy_timeout,
        }
    }

    /// To be called after each transaction.
    pub(super) fn keep(&mut self, connection: &Connection) {
        let len = fs::metadata(&self.file).map_or(0, |metadata| metadata.len());
        if len < self.limit {
            return;
        }
        match self.fold(connection) {
            Ok(true) => self.limit = LIMIT,
            Ok(false) => self.postpone(len),
            Err(error) => {
                tracing::warn!(%error, "the log of the session database could not be folded into it");
                self.postpone(len);
            }
        }
    }

    /// Whether nobody was in the way.
    fn fold(&self, connection: &Connection) -> rusqlite::Result<bool> {
        connection.busy_timeout(PATIENCE.min(self.busy_timeout))?;
        let blocked = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
            row.get::<_, bool>(0)
        });
        connection.busy_timeout(self.busy_timeout)?;
        Ok(!blocked?)
    }

    /// Tries again when it has grown as much again, so that a reader who stays is not waited for at every turn.
    fn postpone(&mut self, len: u64) {
        self.limit = len.saturating_add(LIMIT);
    }
}

const LIMIT: u64 = 64 << 20;

/// How long to wait for reads. A read from outside, such as a backup, may take long, and operations wait meanwhile.
const PATIENCE: Duration = Duration::from_millis(100);

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_log_of_a_linked_file_is_beside_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let folder = fs::canonicalize(&folder).unwrap();
        let (file, link) = (folder.join("file"), folder.join("link"));
        fs::write(&file, "").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let bound = WalBound::new(&link, PATIENCE);
        assert_eq!(bound.file, folder.join("file-wal"));
    }
}
