use std::{fmt::Write, path::PathBuf};

use axum_user_session::store::SqliteStore;
use rusqlite::Connection;
use tempfile::TempDir;

use super::Place;

/// A file, in a folder that goes away with it.
pub(crate) struct SqlitePlace {
    path: PathBuf,
    store: SqliteStore,
    _folder: TempDir,
}

impl SqlitePlace {
    fn open(content: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sessions.db");
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch(content).unwrap();
        connection.close().unwrap();
        Self {
            store: SqliteStore::open(&path).unwrap(),
            path,
            _folder: folder,
        }
    }
}

impl Place for SqlitePlace {
    type Store = SqliteStore;
    const NAME: &'static str = "sqlite";
    const ENDING: &'static str = "sql";

    async fn empty() -> Self {
        Self::open("")
    }

    async fn load(text: &str) -> Self {
        Self::open(text)
    }

    fn store(&self) -> SqliteStore {
        self.store.clone()
    }

    /// The tables, then their rows, as SQL that makes them again.
    async fn text(&self) -> String {
        let connection = Connection::open(&self.path).unwrap();
        let mut text = "BEGIN;\n".to_owned();
        for pragma in ["application_id", "user_version"] {
            let sql = format!("PRAGMA {pragma}");
            let value: i64 = connection.query_row(&sql, [], |row| row.get(0)).unwrap();
            writeln!(text, "PRAGMA {pragma} = {value};").unwrap();
        }
        let schema = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid";
        for sql in rows(&connection, schema) {
            writeln!(text, "{sql};").unwrap();
        }
        let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY rowid";
        for table in rows(&connection, tables) {
            let columns = format!("SELECT name FROM pragma_table_info('{table}') ORDER BY cid");
            let columns = rows(&connection, &columns);
            let values: Vec<_> = columns
                .iter()
                .map(|name| format!("quote({name})"))
                .collect();
            let values = values.join(" || ', ' || ");
            let columns = columns.join(", ");
            for row in rows(
                &connection,
                &format!("SELECT {values} FROM {table} ORDER BY 1"),
            ) {
                writeln!(text, "INSERT INTO {table} ({columns})\n  VALUES ({row});").unwrap();
            }
        }
        text + "COMMIT;\n"
    }
}

fn rows(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

super::upgrade_tests!(SqlitePlace);
