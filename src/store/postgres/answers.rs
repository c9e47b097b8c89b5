//! What the rows of a statement tell, for the operations with several outcomes.

use std::time::SystemTime;

use sqlx::postgres::PgRow;

use super::rows::{Columns, from_millis, readable, to_millis};
use crate::store::{
    key::RecordKey,
    operation::{Created, Loaded, Replaced, Touched},
};

pub(super) fn created(rows: &[PgRow]) -> Result<Created, sqlx::Error> {
    let (first, rest) = rows.split_first().ok_or(sqlx::Error::RowNotFound)?;
    Ok(match Columns::of(first).next()? {
        "created" => Created::Created {
            evicted: readable(rest, |row| row.skip(1).ended())?,
        },
        "denied" => Created::Denied,
        _ => Created::Exists,
    })
}

pub(super) fn replaced(rows: &[PgRow]) -> Result<Replaced, sqlx::Error> {
    let (first, rest) = rows.split_first().ok_or(sqlx::Error::RowNotFound)?;
    let mut first = Columns::of(first);
    Ok(match first.next()? {
        "replaced" => Replaced::Replaced {
            created: first.time()?,
            clients: first.clients()?.unwrap_or_default(),
            ended: readable(rest, |row| row.skip(3).ended())?,
        },
        "denied" => Replaced::Denied,
        _ => Replaced::Missing,
    })
}

pub(super) fn loaded(
    mut row: Columns<'_>,
    key: &RecordKey,
    now: SystemTime,
) -> Result<Loaded, sqlx::Error> {
    let gone_until: Option<i64> = row.next()?;
    if let Some(until) = gone_until {
        return Ok(match until > to_millis(now) {
            true => Loaded::Gone,
            false => Loaded::Missing,
        });
    }
    let Some(mut record) = row.record()? else {
        tracing::warn!(
            ?key,
            "a row in the session store that is not ours is no session"
        );
        return Ok(Loaded::Missing);
    };
    record.key = *key;
    Ok(Loaded::Found(Box::new(record)))
}

/// None if somebody else was quicker with a change, so that what was read is not what is there.
pub(super) fn loaded_and_touched(
    row: Option<&PgRow>,
    key: &RecordKey,
    now: SystemTime,
) -> Result<Option<Loaded>, sqlx::Error> {
    let Some(row) = row else {
        return Ok(Some(Loaded::Missing));
    };
    let mut row = Columns::of(row);
    let is_due: bool = row.next()?;
    let expires: Option<i64> = row.next()?;
    let mut loaded = loaded(row, key, now)?;
    match (expires, &mut loaded) {
        (None, _) if is_due => return Ok(None),
        (Some(expires), Loaded::Found(record)) => {
            record.renewed = from_millis(to_millis(now));
            record.expires = from_millis(expires);
        }
        _ => {}
    }
    Ok(Some(loaded))
}

/// None if somebody else was quicker with a change.
pub(super) fn touched(row: Option<&PgRow>) -> Result<Option<Touched>, sqlx::Error> {
    let Some(row) = row else {
        return Ok(Some(Touched::Missing));
    };
    let mut row = Columns::of(row);
    let is_due: bool = row.next()?;
    let expires: Option<i64> = row.next()?;
    Ok(match expires {
        Some(_) => Some(Touched::Touched),
        None if is_due => None,
        None => Some(Touched::NotDue),
    })
}
