use rusqlite::Connection;

use super::open_error::Problem;

/// Stands in the file's header (`axus`), so that this file and another application's are not taken for each other.
const APPLICATION_ID: i64 = 0x6178_7573;

/// How the tables came about, one step for each version. A step that was released is never changed.
const STEPS: [&str; 2] = [include_str!("schema.sql"), include_str!("outbox.sql")];

/// Whose file it is, and how far its tables are: 0 for a file with nothing in it.
pub(super) fn version(connection: &Connection) -> Result<usize, Problem> {
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let version = number("PRAGMA user_version")?;
    match number("PRAGMA application_id")? {
        APPLICATION_ID => {}
        0 if version == 0 && number("SELECT count(*) FROM sqlite_schema")? == 0 => return Ok(0),
        _ => return Err(Problem::OfAnotherApplication),
    }
    match usize::try_from(version) {
        Ok(version) if version <= STEPS.len() => Ok(version),
        _ => Err(Problem::Newer { version }),
    }
}

/// Makes the tables, or brings them up to date.
///
/// In one transaction that has the lock for writing from the start, so several processes can do this at once: all but one find it done. It is
/// begun even where nothing is to be done, which finds out whether the file can be written.
pub(super) fn migrate(connection: &Connection) -> Result<(), Problem> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let migrated = migrate_in_transaction(connection);
    if migrated.is_err() {
        // The connection is given up, which does the same.
        let _ = connection.execute_batch("ROLLBACK");
    }
    migrated
}

fn migrate_in_transaction(connection: &Connection) -> Result<(), Problem> {
    let version = version(connection)?;
    for step in &STEPS[version..] {
        connection.execute_batch(step)?;
    }
    if version < STEPS.len() {
        connection.execute_batch(&format!(
            "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {};",
            STEPS.len()
        ))?;
    }
    connection.execute_batch("COMMIT")?;
    Ok(())
}
