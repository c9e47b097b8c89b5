//! The log of ends, and what else is tidied away.

use std::time::{Duration, SystemTime};

use rusqlite::{Connection, Row, params};

use super::row::{Clients, Sid, Time, other, readable, row_limit, saturating_millis};
use crate::{
    ended::{EndReason, Ended, EventId},
    store::operation::{Purged, TakenEnd},
};

/// Logs the end of the session in a row, which is still there.
pub(super) fn append(
    connection: &Connection,
    row: i64,
    event: EventId,
    reason: EndReason,
    at: SystemTime,
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO ends (event, subject, session_id, display_name, clients, reason, at)
               SELECT ?2, subject, session_id, display_name, clients, ?3, ?4 FROM sessions WHERE id = ?1";
    let params = params![row, event.as_bytes(), reason.as_str(), Time(at)];
    match connection.prepare_cached(sql)?.execute(params)? {
        0 => Err(rusqlite::Error::QueryReturnedNoRows),
        _ => Ok(()),
    }
}

pub(super) fn take(
    connection: &Connection,
    lease: Duration,
    max: usize,
    now: SystemTime,
) -> rusqlite::Result<Vec<TakenEnd>> {
    let sql = "SELECT id, event, subject, session_id, display_name, clients, reason, at, attempts FROM ends
               WHERE leased_until IS NULL OR leased_until <= ?1 ORDER BY id LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![Time(now), row_limit(max)])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push((row.get::<_, i64>(0)?, readable(taken(row))));
    }
    let until = Time(now).millis().saturating_add(saturating_millis(lease));
    let mut lease = connection
        .prepare_cached("UPDATE ends SET attempts = ?2, leased_until = ?3 WHERE id = ?1")?;
    let mut all = Vec::with_capacity(found.len());
    for (id, taken) in found {
        match taken {
            Some(taken) => {
                lease.execute(params![id, taken.attempts, until])?;
                all.push(taken);
            }
            // A later release may know what to make of it. Until it is purged it is met no more often than others.
            None => lease.execute(params![id, 1, until]).map(|_| ())?,
        }
    }
    Ok(all)
}

pub(super) fn acknowledge(connection: &Connection, events: &[EventId]) -> rusqlite::Result<u64> {
    let mut statement = connection.prepare_cached("DELETE FROM ends WHERE event = ?1")?;
    let mut known = 0;
    for event in events {
        known += statement.execute([event.as_bytes()])? as u64;
    }
    Ok(known)
}

pub(super) fn purge(
    connection: &Connection,
    unheard_before: SystemTime,
    now: SystemTime,
) -> rusqlite::Result<Purged> {
    let delete = |sql: &str, time| -> rusqlite::Result<u64> {
        let mut statement = connection.prepare_cached(sql)?;
        Ok(statement.execute(params![Time(time), MOST_PURGED])? as u64)
    };
    Ok(Purged {
        tombstones: delete(
            "DELETE FROM tombstones WHERE key IN (SELECT key FROM tombstones WHERE until <= ?1 LIMIT ?2)",
            now,
        )?,
        unheard_ends: delete(
            "DELETE FROM ends WHERE id IN (SELECT id FROM ends WHERE at < ?1 LIMIT ?2)",
            unheard_before,
        )?,
    })
}

fn taken(row: &Row<'_>) -> rusqlite::Result<TakenEnd> {
    let reason = row
        .get_ref(6)?
        .as_str()?
        .parse::<EndReason>()
        .map_err(other)?;
    let mut ended = Ended::new(
        EventId::new(row.get(1)?),
        row.get::<_, String>(2)?,
        row.get::<_, Sid>(3)?.0,
        reason,
        row.get::<_, Time>(7)?.0,
    );
    ended.display_name = row.get(4)?;
    ended.clients = row.get::<_, Clients>(5)?.0;
    Ok(TakenEnd {
        ended,
        attempts: row.get::<_, u32>(8)?.saturating_add(1),
    })
}

/// The most of each that one call takes away, so that nobody waits long for it.
const MOST_PURGED: i64 = 10_000;
