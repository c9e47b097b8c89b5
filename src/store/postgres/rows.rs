//! Records and ends as rows, and back.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sqlx::{
    Decode, Postgres, Row, Type,
    postgres::{PgArguments, PgRow},
    query::Query,
};

use super::client_array::ClientArray;
use crate::{
    device::Device,
    ended::{Ended, EventId},
    id::{ClientId, SessionId},
    store::{key::RecordKey, operation::TOMBSTONE, query::fold, record::Record},
};

/// The columns of a record, in the order in which [`Columns::record`] reads them.
pub(super) const RECORD: &str = "key, subject, session_id, version, created_ms, renewed_ms, expires_ms, \
    display_name, user_agent, address, clients, ticket";

/// The columns of an end, in the order in which [`Columns::ended`] reads them.
pub(super) const ENDED: &str =
    "event_id, subject, session_id, reason, at_ms, display_name, clients";

/// Reads the columns of a row one after the other.
pub(super) struct Columns<'a> {
    row: &'a PgRow,
    next: usize,
}

impl<'a> Columns<'a> {
    pub(super) fn of(row: &'a PgRow) -> Self {
        Self { row, next: 0 }
    }

    pub(super) fn next<T>(&mut self) -> Result<T, sqlx::Error>
    where
        T: Decode<'a, Postgres> + Type<Postgres>,
    {
        let index = self.next;
        self.next += 1;
        self.row.try_get(index)
    }

    pub(super) fn skip(mut self, columns: usize) -> Self {
        self.next += columns;
        self
    }

    pub(super) fn time(&mut self) -> Result<SystemTime, sqlx::Error> {
        Ok(from_millis(self.next()?))
    }

    /// How many of something.
    pub(super) fn number(&mut self) -> Result<u64, sqlx::Error> {
        let number: i64 = self.next()?;
        Ok(number.unsigned_abs())
    }

    /// Clients; none if somebody has written to the table what no client can be.
    pub(super) fn clients(&mut self) -> Result<Option<Vec<ClientId>>, sqlx::Error> {
        let ClientArray(clients) = self.next()?;
        Ok(clients)
    }

    /// A record; none if somebody has written to the table what no record can be.
    pub(super) fn record(&mut self) -> Result<Option<Record>, sqlx::Error> {
        let key: &[u8] = self.next()?;
        let subject: String = self.next()?;
        let session_id: &str = self.next()?;
        let version: i64 = self.next()?;
        let created = self.time()?;
        let renewed = self.time()?;
        let expires = self.time()?;
        let display_name = self.next()?;
        let user_agent: Option<&str> = self.next()?;
        let address: Option<&str> = self.next()?;
        let clients = self.clients()?;
        let ticket = self.next()?;
        let record = || {
            let mut device = Device::new();
            if let Some(user_agent) = user_agent {
                device = device.with_user_agent(user_agent);
            }
            if let Some(address) = address {
                device = device.with_address(address);
            }
            Some(Record {
                key: RecordKey::of_subject(key.try_into().ok()?, &subject),
                session_id: SessionId::parse(session_id).ok()?,
                version: version.try_into().ok()?,
                clients: clients?,
                subject,
                display_name,
                created,
                renewed,
                expires,
                ticket,
                device,
            })
        };
        Ok(record())
    }

    /// An end; none if somebody has written to the table what no end can be.
    pub(super) fn ended(&mut self) -> Result<Option<Ended>, sqlx::Error> {
        let event_id: &[u8] = self.next()?;
        let subject: &str = self.next()?;
        let session_id: &str = self.next()?;
        let reason: &str = self.next()?;
        let at = self.time()?;
        let display_name = self.next()?;
        let clients = self.clients()?;
        let ended = || {
            let event_id = EventId::new(event_id.try_into().ok()?);
            let session_id = SessionId::parse(session_id).ok()?;
            let reason = reason.parse().ok()?;
            let mut ended = Ended::new(event_id, subject, session_id, reason, at);
            ended.display_name = display_name;
            ended.clients = clients?;
            Some(ended)
        };
        Ok(ended())
    }
}

/// What rows tell, without those that can't be read. Somebody else has written those, so they must not stand in the way of the others.
pub(super) fn readable<T>(
    rows: &[PgRow],
    read: impl Fn(Columns<'_>) -> Result<Option<T>, sqlx::Error>,
) -> Result<Vec<T>, sqlx::Error> {
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        all.extend(read(Columns::of(row))?);
    }
    if all.len() < rows.len() {
        let unreadable = rows.len() - all.len();
        tracing::warn!(
            unreadable,
            "rows in the session store that are not ours are left out"
        );
    }
    Ok(all)
}

/// A statement with a record's values, in the order of the functions' parameters.
pub(super) fn bind_record<'q>(
    query: Query<'q, Postgres, PgArguments>,
    record: &Record,
) -> Query<'q, Postgres, PgArguments> {
    let clients: Vec<&str> = record.clients.iter().map(ClientId::as_str).collect();
    query
        .bind(&record.key.as_bytes()[..])
        .bind(&record.subject)
        .bind(record.session_id.as_str())
        .bind(i64::try_from(record.version).unwrap_or(i64::MAX))
        .bind(to_millis(record.created))
        .bind(to_millis(record.renewed))
        .bind(to_millis(record.expires))
        .bind(&record.display_name)
        .bind(record.display_name.as_deref().map(fold))
        .bind(record.device.user_agent())
        .bind(record.device.address())
        .bind(clients)
        .bind(&record.ticket)
}

/// A number of rows at most, of which PostgreSQL knows no greater one than this.
pub(super) fn as_limit(max: usize) -> i64 {
    i64::try_from(max).unwrap_or(i64::MAX)
}

/// Until when something that ends now is remembered.
pub(super) fn remembered_until(now: SystemTime) -> i64 {
    to_millis(now).saturating_add(to_millis_up(TOMBSTONE))
}

/// A time as the tables have it.
pub(super) fn to_millis(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => whole_millis(since),
        Err(before) => -whole_millis(before.duration()),
    }
}

/// A duration, rounded up: what takes a part of a millisecond more is not over before the next one.
pub(super) fn to_millis_up(duration: Duration) -> i64 {
    let part = i64::from(!duration.subsec_nanos().is_multiple_of(1_000_000));
    whole_millis(duration).saturating_add(part)
}

fn whole_millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Times that the platform can't tell become the epoch, which every comparison takes for long ago.
pub(super) fn from_millis(millis: i64) -> SystemTime {
    let distance = Duration::from_millis(millis.unsigned_abs());
    let time = match millis < 0 {
        true => UNIX_EPOCH.checked_sub(distance),
        false => UNIX_EPOCH.checked_add(distance),
    };
    time.unwrap_or(UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s2_times_round_trip() {
        for (name, millis) in [
            ("the epoch", 0),
            ("now", 1_700_000_000_123),
            ("before the epoch", -1),
            ("the year 10000", 253_402_300_800_000),
        ] {
            assert_eq!(to_millis(from_millis(millis)), millis, "{name}");
        }
    }

    #[test]
    fn s7_durations_are_rounded_up() {
        for (name, duration, millis) in [
            ("whole", Duration::from_secs(60), 60_000),
            ("a part", Duration::from_micros(1), 1),
            ("more than there is", Duration::MAX, i64::MAX),
        ] {
            assert_eq!(to_millis_up(duration), millis, "{name}");
        }
    }
}
