//! How records get in.

use std::time::SystemTime;

use rusqlite::{Connection, OptionalExtension, params};

use super::{
    records::{end, is_remembered, newest_live, remember, select},
    row::{Clients, Stored, Time, columns},
};
use crate::{
    ended::EndReason,
    store::{
        key::RecordKey,
        operation::{Continuity, Created, Limit, Replaced, WhenReached},
        query::fold,
        record::Record,
    },
};

pub(super) fn create(
    connection: &Connection,
    record: &Record,
    limit: Option<Limit>,
    now: SystemTime,
) -> rusqlite::Result<Created> {
    if is_there(connection, &record.key)? || is_remembered(connection, &record.key, now)? {
        return Ok(Created::Exists);
    }
    let Some(evicted) = to_evict(connection, &record.subject, limit, None, now)? else {
        return Ok(Created::Denied);
    };
    let end = |stored: Stored| end(connection, stored, EndReason::LimitReached, now);
    let evicted = evicted.into_iter().map(end).collect::<Result<_, _>>()?;
    insert(connection, record)?;
    Ok(Created::Created { evicted })
}

pub(super) fn replace(
    connection: &Connection,
    old: &RecordKey,
    record: &Record,
    continuity: Continuity,
    limit: Option<Limit>,
    now: SystemTime,
) -> rusqlite::Result<Replaced> {
    if let Some(replaced) = second_attempt(connection, &record.key)? {
        return Ok(replaced);
    }
    if is_remembered(connection, &record.key, now)? {
        return Ok(Replaced::Missing);
    }
    let old = newest_live(connection, old, now)?;
    let old = old.filter(|old| old.record.subject == record.subject);
    match continuity {
        Continuity::SameSession => {
            match old.filter(|old| old.record.session_id == record.session_id) {
                None => Ok(Replaced::Missing),
                Some(old) => go_on(connection, &old, record, now),
            }
        }
        Continuity::NewSession => begin_anew(connection, old, record, limit, now),
    }
}

/// The answer to a caller who has lost the first one.
fn second_attempt(connection: &Connection, key: &RecordKey) -> rusqlite::Result<Option<Replaced>> {
    let sql = "SELECT created, clients FROM sessions WHERE key = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let replaced = statement.query_row([key.as_bytes()], |row| {
        Ok(Replaced::Replaced {
            created: row.get::<_, Time>(0)?.0,
            clients: row.get::<_, Clients>(1)?.0,
            ended: Vec::new(),
        })
    });
    replaced.optional()
}

/// The session of the old record goes on in the new one, in the same row: its place in every list stays.
fn go_on(
    connection: &Connection,
    old: &Stored,
    record: &Record,
    now: SystemTime,
) -> rusqlite::Result<Replaced> {
    let mut clients = old.record.clients.clone();
    let own = record.clients.iter();
    clients.extend(own.filter(|own| !old.record.clients.contains(own)).cloned());
    let sql = "UPDATE sessions
               SET key = ?2, display_name = ?3, folded_name = ?4, renewed = ?5, expires = ?6, clients = ?7,
                   version = ?8, user_agent = ?9, address = ?10, ticket = ?11
               WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![
        old.id,
        record.key.as_bytes(),
        record.display_name,
        record.display_name.as_deref().map(fold),
        Time(record.renewed),
        Time(record.expires),
        Clients::text(&clients),
        record.version.cast_signed(),
        record.device.user_agent(),
        record.device.address(),
        record.ticket,
    ])?;
    remember(connection, &old.record.key, Some(&record.key), now)?;
    Ok(Replaced::Replaced {
        created: old.record.created,
        clients,
        ended: Vec::new(),
    })
}

/// Ends the old session, if there is one, and puts the new one in.
fn begin_anew(
    connection: &Connection,
    old: Option<Stored>,
    record: &Record,
    limit: Option<Limit>,
    now: SystemTime,
) -> rusqlite::Result<Replaced> {
    let Some(evicted) = to_evict(connection, &record.subject, limit, old.as_ref(), now)? else {
        return Ok(Replaced::Denied);
    };
    let old = old.map(|old| (old, EndReason::Replaced));
    let evicted = evicted
        .into_iter()
        .map(|old| (old, EndReason::LimitReached));
    let ends = old.into_iter().chain(evicted);
    let ended = ends
        .map(|(stored, reason)| end(connection, stored, reason, now))
        .collect::<Result<_, _>>()?;
    insert(connection, record)?;
    Ok(Replaced::Replaced {
        created: record.created,
        clients: record.clients.clone(),
        ended,
    })
}

/// Which sessions have to end for one more of a subject, oldest first; none if the limit refuses it. `but` does not count.
fn to_evict(
    connection: &Connection,
    subject: &str,
    limit: Option<Limit>,
    but: Option<&Stored>,
    now: SystemTime,
) -> rusqlite::Result<Option<Vec<Stored>>> {
    let Some(limit) = limit else {
        return Ok(Some(Vec::new()));
    };
    // Rows count from 1.
    let but = but.map_or(0, |but| but.id);
    let sql = "SELECT count(*) FROM sessions INDEXED BY sessions_by_subject
               WHERE subject = ?1 AND expires > ?2 AND id <> ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let live = statement.query_row(params![subject, Time(now), but], |row| row.get::<_, i64>(0))?;
    let excess = live + 1 - i64::from(limit.max.get());
    match limit.when_reached {
        _ if excess <= 0 => Ok(Some(Vec::new())),
        WhenReached::Deny => Ok(None),
        WhenReached::EndOldest => {
            let sql = concat!(
                "SELECT ",
                columns!(),
                " FROM sessions INDEXED BY sessions_by_subject
                 WHERE subject = ?1 AND expires > ?2 AND id <> ?3 ORDER BY created, session_id LIMIT ?4"
            );
            let oldest = select(connection, sql, params![subject, Time(now), but, excess])?;
            Ok(Some(oldest.records))
        }
    }
}

fn is_there(connection: &Connection, key: &RecordKey) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM sessions WHERE key = ?1")?
        .exists([key.as_bytes()])
}

fn insert(connection: &Connection, record: &Record) -> rusqlite::Result<()> {
    let sql = "INSERT INTO sessions
               (key, subject, session_id, display_name, folded_name, created, renewed, expires, clients, version,
                user_agent, address, ticket)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
    connection.prepare_cached(sql)?.execute(params![
        record.key.as_bytes(),
        record.subject,
        record.session_id.as_str(),
        record.display_name,
        record.display_name.as_deref().map(fold),
        Time(record.created),
        Time(record.renewed),
        Time(record.expires),
        Clients::text(&record.clients),
        record.version.cast_signed(),
        record.device.user_agent(),
        record.device.address(),
        record.ticket,
    ])?;
    Ok(())
}
