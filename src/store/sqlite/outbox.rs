//! The outbox: putting in, taking, settling.

use std::{
    collections::HashSet,
    time::{Duration, SystemTime},
};

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::row::{Client, Sid, Time, other, readable, saturating_millis};
use crate::{
    ended::{Ended, EventId},
    id::ClientId,
    store::delivery::{Attempt, DeliveryState, Outcome, TakenDelivery},
};

pub(super) fn put_in(
    connection: &Connection,
    ended: &Ended,
    clients: &[ClientId],
    now: SystemTime,
) -> rusqlite::Result<u64> {
    let sql = "INSERT INTO deliveries (event, client, subject, session_id, state, created, due, free_from)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?6) ON CONFLICT (event, client) DO NOTHING";
    let mut statement = connection.prepare_cached(sql)?;
    let mut new = 0;
    for client in clients {
        new += statement.execute(params![
            ended.event_id.as_bytes(),
            client.as_str(),
            ended.subject,
            ended.session_id.as_str(),
            DeliveryState::Pending.as_str(),
            Time(now),
        ])? as u64;
    }
    Ok(new)
}

pub(super) fn take(
    connection: &Connection,
    lease: Duration,
    max: usize,
    except: &HashSet<ClientId>,
    now: SystemTime,
) -> rusqlite::Result<Vec<TakenDelivery>> {
    let until = Time(now).millis().saturating_add(saturating_millis(lease));
    let mut taken = Vec::new();
    // Again if there were some that make no sense. These are hidden too, so that each is met once.
    loop {
        let wanted = max - taken.len();
        let next = next_due(connection, wanted, except, now)?;
        let found = next.len();
        for id in next {
            taken.extend(take_one(connection, id, until)?);
        }
        if found < wanted || taken.len() == max || until <= Time(now).millis() {
            return Ok(taken);
        }
    }
}

/// The rows of those whose turn it is.
fn next_due(
    connection: &Connection,
    max: usize,
    except: &HashSet<ClientId>,
    now: SystemTime,
) -> rusqlite::Result<Vec<i64>> {
    let mut statement = connection.prepare_cached(NEXT_DUE)?;
    let mut rows = statement.query([Time(now)])?;
    let mut next = Vec::new();
    while next.len() < max
        && let Some(row) = rows.next()?
    {
        let client = row.get_ref(1)?.as_str();
        if client.is_ok_and(|client| except.contains(client)) {
            continue;
        }
        next.push(row.get(0)?);
    }
    Ok(next)
}

/// Hides a delivery until a time, and gives it if it makes sense.
fn take_one(
    connection: &Connection,
    id: i64,
    until: i64,
) -> rusqlite::Result<Option<TakenDelivery>> {
    let sql = "SELECT event, client, subject, session_id, created, attempts, turn, state FROM deliveries WHERE id = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let read = |row: &Row<'_>| Ok(readable(delivery(row)));
    let taken = statement.query_row([id], read).optional()?.flatten();
    match &taken {
        Some(taken) => connection
            .prepare_cached("UPDATE deliveries SET free_from = ?2, attempts = ?3, turn = turn + 1 WHERE id = ?1")?
            .execute(params![id, until, taken.attempt])?,
        // A later release may know what to make of it. Until then it is met no more often than others.
        None => connection
            .prepare_cached("UPDATE deliveries SET free_from = ?2 WHERE id = ?1")?
            .execute(params![id, until])?,
    };
    Ok(taken)
}

fn delivery(row: &Row<'_>) -> rusqlite::Result<TakenDelivery> {
    let state: DeliveryState = row.get_ref(7)?.as_str()?.parse().map_err(other)?;
    if state.is_settled() {
        return Err(other("a delivery that is due and settled").into());
    }
    let mut taken = TakenDelivery::new(
        EventId::new(row.get(0)?),
        row.get::<_, Client>(1)?.0,
        row.get::<_, String>(2)?,
        row.get::<_, Sid>(3)?.0,
        row.get::<_, Time>(4)?.0,
    );
    taken.attempt = row.get::<_, u32>(5)?.saturating_add(1);
    let turn = row.get::<_, i64>(6)?;
    // One that can't grow any more, or came from elsewhere, would stop whoever settles it.
    taken.turn = match turn {
        0..LAST_TURN => turn.unsigned_abs() + 1,
        _ => return Err(other("a delivery with a turn that is none").into()),
    };
    Ok(taken)
}

pub(super) fn settle(
    connection: &Connection,
    attempts: &[Attempt],
    now: SystemTime,
) -> rusqlite::Result<u64> {
    // A second word of the same taker does not count, so this is another turn.
    let sql = "UPDATE deliveries SET
                   state = coalesce(?4, state),
                   attempts = CASE WHEN ?4 IS NULL THEN max(attempts - 1, 0) ELSE attempts END,
                   turn = turn + 1,
                   due = coalesce(?5, due),
                   free_from = CASE WHEN ?6 IS NULL THEN coalesce(?5, due) END,
                   settled = ?6,
                   failure = coalesce(?7, failure)
               WHERE event = ?1 AND client = ?2 AND turn = ?3 AND free_from IS NOT NULL";
    let mut statement = connection.prepare_cached(sql)?;
    let mut counted = 0;
    for attempt in attempts {
        let Some(turn) = i64::try_from(attempt.turn).ok().filter(|turn| *turn > 0) else {
            continue;
        };
        let state = attempt.outcome.state();
        let again = match attempt.outcome {
            Outcome::Failed { again, .. } => Some(Time(again)),
            _ => None,
        };
        let settled = state.filter(|state| state.is_settled()).map(|_| Time(now));
        counted += statement.execute(params![
            attempt.event_id.as_bytes(),
            attempt.client.as_str(),
            turn,
            state.map(DeliveryState::as_str),
            again,
            settled,
            attempt.outcome.why(),
        ])? as u64;
    }
    Ok(counted)
}

pub(super) fn forget(connection: &Connection, before: SystemTime) -> rusqlite::Result<u64> {
    let sql = "DELETE FROM deliveries WHERE id IN (
                   SELECT id FROM deliveries INDEXED BY deliveries_settled
                   WHERE settled < ?1 AND free_from IS NULL ORDER BY settled LIMIT ?2)";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.execute(params![Time(before), MOST_FORGOTTEN])? as u64)
}

/// The index has all that is asked for.
const NEXT_DUE: &str = "SELECT id, client FROM deliveries INDEXED BY deliveries_waiting \
    WHERE free_from <= ?1 ORDER BY free_from";

/// There are turns after it, as many as two operations take.
const LAST_TURN: i64 = i64::MAX - 2;
/// The most that one call takes away, so that nobody waits long for it.
const MOST_FORGOTTEN: i64 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::schema;

    /// Those that are settled are not met, and those of clients that are passed by not looked up.
    #[test]
    fn o6_what_is_due_is_found_in_an_index_alone() {
        let connection = Connection::open_in_memory().unwrap();
        schema::migrate(&connection).unwrap();
        let plan = format!("EXPLAIN QUERY PLAN {NEXT_DUE}");
        let plan = connection.query_row(&plan, [0], |row| row.get::<_, String>(3));
        let expected = "SEARCH deliveries USING COVERING INDEX deliveries_waiting (free_from<?)";
        assert_eq!(plan.unwrap(), expected);
    }
}
