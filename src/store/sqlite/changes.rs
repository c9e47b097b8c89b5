//! What changes in a record that stays.

use std::time::SystemTime;

use rusqlite::{Connection, params};

use super::{
    records::newest_live,
    row::{Clients, Time, saturating_millis},
};
use crate::{
    id::ClientId,
    store::{
        key::RecordKey,
        operation::{ClientAdded, ClientRemoved, Touch, Touched, Update, Updated},
        query::fold,
        record::Record,
    },
};

/// Notes a sign of life, if it is due.
pub(super) fn touch(
    connection: &Connection,
    key: &RecordKey,
    touch: Touch,
    now: SystemTime,
) -> rusqlite::Result<Touched> {
    let sql = "UPDATE sessions SET renewed = ?2, expires = max(expires, ?3)
               WHERE key = ?1 AND expires > ?2 AND renewed <= ?4";
    let params = params![
        key.as_bytes(),
        Time(now),
        Time(touch.expires),
        last_due(touch, now)
    ];
    if connection.prepare_cached(sql)?.execute(params)? > 0 {
        return Ok(Touched::Touched);
    }
    Ok(match is_live(connection, key, now)? {
        true => Touched::NotDue,
        false => Touched::Missing,
    })
}

/// Whether a sign of life would change a record.
pub(super) fn is_due(record: &Record, touch: Touch, now: SystemTime) -> bool {
    !record.has_expired(now) && Time(record.renewed).millis() <= last_due(touch, now)
}

/// The latest `renewed` for which a sign of life is due. Counted from `now`, because a sum in SQL could grow past what a number can be.
fn last_due(touch: Touch, now: SystemTime) -> i64 {
    let every = saturating_millis(touch.every);
    Time(now).millis().saturating_sub(every)
}

pub(super) fn update(
    connection: &Connection,
    key: &RecordKey,
    update: &Update,
    expected_version: u64,
    now: SystemTime,
) -> rusqlite::Result<Updated> {
    let version = expected_version.saturating_add(1);
    let sql = "UPDATE sessions SET version = ?4, ticket = ?5, display_name = ?6, folded_name = ?7
               WHERE key = ?1 AND expires > ?2 AND version = ?3";
    let updated = connection.prepare_cached(sql)?.execute(params![
        key.as_bytes(),
        Time(now),
        expected_version.cast_signed(),
        version.cast_signed(),
        update.ticket,
        update.display_name,
        update.display_name.as_deref().map(fold),
    ])?;
    if updated > 0 {
        return Ok(Updated::Updated { version });
    }
    Ok(match is_live(connection, key, now)? {
        true => Updated::Conflict,
        false => Updated::Missing,
    })
}

pub(super) fn add_client(
    connection: &Connection,
    key: &RecordKey,
    client: &ClientId,
    now: SystemTime,
) -> rusqlite::Result<ClientAdded> {
    let Some(mut newest) = newest_live(connection, key, now)? else {
        return Ok(ClientAdded::Missing);
    };
    if newest.record.clients.contains(client) {
        return Ok(ClientAdded::Known);
    }
    newest.record.clients.push(client.clone());
    set_clients(connection, newest.id, &newest.record.clients)?;
    Ok(ClientAdded::Added)
}

pub(super) fn remove_client(
    connection: &Connection,
    key: &RecordKey,
    client: &ClientId,
    now: SystemTime,
) -> rusqlite::Result<ClientRemoved> {
    let Some(mut newest) = newest_live(connection, key, now)? else {
        return Ok(ClientRemoved::Missing);
    };
    let before = newest.record.clients.len();
    newest.record.clients.retain(|known| known != client);
    if newest.record.clients.len() == before {
        return Ok(ClientRemoved::Unknown);
    }
    set_clients(connection, newest.id, &newest.record.clients)?;
    Ok(ClientRemoved::Removed)
}

fn set_clients(connection: &Connection, id: i64, clients: &[ClientId]) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE sessions SET clients = ?2 WHERE id = ?1")?
        .execute(params![id, Clients::text(clients)])?;
    Ok(())
}

/// Whether there is a record of this key that has not expired.
fn is_live(connection: &Connection, key: &RecordKey, now: SystemTime) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM sessions WHERE key = ?1 AND expires > ?2")?
        .exists(params![key.as_bytes(), Time(now)])
}
