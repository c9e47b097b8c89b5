//! What is under a key, and how it gets out.

use std::time::SystemTime;

use rusqlite::{Connection, OptionalExtension, Params, params};

use super::{
    end_log,
    row::{Stored, Time, columns, readable, record, saturating_millis, stored},
};
use crate::{
    ended::{EndReason, Ended},
    store::{
        key::RecordKey,
        operation::{End, Loaded, TOMBSTONE},
        record::event_of,
    },
};

/// What is known of a key.
pub(super) fn load(
    connection: &Connection,
    key: &RecordKey,
    now: SystemTime,
) -> rusqlite::Result<Loaded> {
    let sql = concat!("SELECT ", columns!(), " FROM sessions WHERE key = ?1");
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_row([key.as_bytes()], |row| Ok(readable(record(row))));
    match found.optional()? {
        Some(Some(record)) => Ok(Loaded::Found(Box::new(record))),
        Some(None) => Ok(Loaded::Missing),
        // Where this is no transaction, it may see a later moment than the statement before, and is true then.
        None if is_remembered(connection, key, now)? => Ok(Loaded::Gone),
        None => Ok(Loaded::Missing),
    }
}

/// Whether a record of this key is over, and was there not long ago.
pub(super) fn is_remembered(
    connection: &Connection,
    key: &RecordKey,
    now: SystemTime,
) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM tombstones WHERE key = ?1 AND until > ?2")?
        .exists(params![key.as_bytes(), Time(now)])
}

/// The record of a key, or of its newest successor.
///
/// A memory names its successor once, so the chain has no end only if somebody has made it so by hand; `UNION` ends it then.
pub(super) fn newest(
    connection: &Connection,
    key: &RecordKey,
    now: SystemTime,
) -> rusqlite::Result<Option<Stored>> {
    let selected = select(connection, NEWEST, params![key.as_bytes(), Time(now)])?;
    Ok(selected.records.into_iter().next())
}

/// As [`newest`], if it has not expired.
pub(super) fn newest_live(
    connection: &Connection,
    key: &RecordKey,
    now: SystemTime,
) -> rusqlite::Result<Option<Stored>> {
    let newest = newest(connection, key, now)?;
    Ok(newest.filter(|stored| !stored.record.has_expired(now)))
}

/// What a statement has found.
pub(super) struct Selected {
    pub(super) records: Vec<Stored>,
    /// How many more rows there were that made no sense, and have been removed.
    pub(super) senseless: usize,
}

/// Finds records for an operation that writes.
pub(super) fn select(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> rusqlite::Result<Selected> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let (mut records, mut senseless) = (Vec::new(), Vec::<i64>::new());
    while let Some(row) = rows.next()? {
        match readable(stored(row)) {
            Some(stored) => records.push(stored),
            None => senseless.push(row.get("id")?),
        }
    }
    for id in &senseless {
        delete_row(connection, *id)?;
    }
    Ok(Selected {
        records,
        senseless: senseless.len(),
    })
}

/// Ends the session of a record, and logs it.
pub(super) fn end(
    connection: &Connection,
    stored: Stored,
    reason: EndReason,
    now: SystemTime,
) -> rusqlite::Result<Ended> {
    let Stored { id, record } = stored;
    end_log::append(connection, id, event_of(&record.key), reason, now)?;
    delete_row(connection, id)?;
    remember(connection, &record.key, None, now)?;
    Ok(record.into_ended(reason, now))
}

/// Ends the session of a key, if it is there and is to end.
pub(super) fn end_newest(
    connection: &Connection,
    key: &RecordKey,
    end: End,
    now: SystemTime,
) -> rusqlite::Result<Option<Ended>> {
    let newest = newest(connection, key, now)?;
    let newest = newest.filter(|newest| !end.only_expired || newest.record.has_expired(now));
    newest
        .map(|newest| self::end(connection, newest, end.reason, now))
        .transpose()
}

/// Keeps the memory of a record that is no longer there.
pub(super) fn remember(
    connection: &Connection,
    key: &RecordKey,
    successor: Option<&RecordKey>,
    now: SystemTime,
) -> rusqlite::Result<()> {
    let until = Time(now)
        .millis()
        .saturating_add(saturating_millis(TOMBSTONE));
    // There may be an old memory, if somebody chose the key twice.
    let sql = "INSERT OR REPLACE INTO tombstones (key, until, successor) VALUES (?1, ?2, ?3)";
    let successor = successor.map(RecordKey::as_bytes);
    connection
        .prepare_cached(sql)?
        .execute(params![key.as_bytes(), until, successor])?;
    Ok(())
}

fn delete_row(connection: &Connection, id: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM sessions WHERE id = ?1")?
        .execute([id])?;
    Ok(())
}

/// A join that is called `CROSS` is made in the order in which it is written.
const NEWEST: &str = concat!(
    "WITH RECURSIVE chain (key) AS (
         VALUES (?1)
         UNION
         SELECT successor FROM chain CROSS JOIN tombstones USING (key)
         WHERE until > ?2 AND successor IS NOT NULL
     )
     SELECT ",
    columns!(),
    " FROM chain CROSS JOIN sessions USING (key) LIMIT 1"
);

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::store::sqlite::schema;

    fn connection() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        schema::migrate(&connection).unwrap();
        connection
    }

    #[test]
    fn s6_successors_are_found_by_their_keys() {
        let connection = connection();
        let sql = format!("EXPLAIN QUERY PLAN {NEWEST}");
        let mut statement = connection.prepare(&sql).unwrap();
        let steps = statement.query_map([0, 0], |row| row.get::<_, String>(3));
        let plan: Vec<_> = steps.unwrap().map(Result::unwrap).collect();
        let plan = plan.join("; ");
        for expected in [
            "SEARCH tombstones USING PRIMARY KEY (key=?)",
            "SEARCH sessions USING INDEX sqlite_autoindex_sessions_1 (key=?)",
        ] {
            assert!(plan.contains(expected), "{plan}");
        }
    }

    /// No store makes such a chain, but somebody with an editor can.
    #[test]
    fn s6_a_chain_that_bites_its_tail_is_followed_once() {
        let connection = connection();
        let [one, other] = [1, 2].map(|byte| RecordKey::new([byte; RecordKey::LEN], 0));
        remember(&connection, &one, Some(&other), UNIX_EPOCH).unwrap();
        remember(&connection, &other, Some(&one), UNIX_EPOCH).unwrap();
        assert!(newest(&connection, &one, UNIX_EPOCH).unwrap().is_none());
    }
}
