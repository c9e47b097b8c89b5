//! What stands in a row, and back.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{
    Row,
    types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef},
};

use crate::{
    device::Device,
    error::BoxError,
    id::{ClientId, SessionId},
    store::{key::RecordKey, record::Record},
};

/// The columns of a record, in the order in which [`record`] reads them.
macro_rules! columns {
    () => {
        "key, subject, session_id, display_name, created, renewed, expires, clients, version, user_agent, address, ticket, id"
    };
}

pub(super) use columns;

/// A record and its row.
pub(super) struct Stored {
    pub(super) id: i64,
    pub(super) record: Record,
}

/// Reads a row of these columns.
pub(super) fn stored(row: &Row<'_>) -> rusqlite::Result<Stored> {
    Ok(Stored {
        id: row.get(12)?,
        record: record(row)?,
    })
}

/// Reads a row of these columns.
pub(super) fn record(row: &Row<'_>) -> rusqlite::Result<Record> {
    let subject: String = row.get(1)?;
    let mut device = Device::new();
    if let Some(user_agent) = row.get::<_, Option<String>>(9)? {
        device = device.with_user_agent(&user_agent);
    }
    if let Some(address) = row.get::<_, Option<String>>(10)? {
        device = device.with_address(&address);
    }
    Ok(Record {
        key: RecordKey::of_subject(row.get(0)?, &subject),
        subject,
        session_id: row.get::<_, Sid>(2)?.0,
        display_name: row.get(3)?,
        created: row.get::<_, Time>(4)?.0,
        renewed: row.get::<_, Time>(5)?.0,
        expires: row.get::<_, Time>(6)?.0,
        clients: row.get::<_, Clients>(7)?.0,
        version: row.get::<_, i64>(8)?.cast_unsigned(),
        device,
        ticket: row.get(11)?,
    })
}

/// What was read from a row, or none, with a warning, if somebody has changed it so that it makes no sense.
///
/// A failure to get at the row is not among these: SQLite reports it before there is a row.
pub(super) fn readable<T>(read: rusqlite::Result<T>) -> Option<T> {
    match read {
        Ok(value) => Some(value),
        Err(error) => {
            tracing::warn!(%error, "a row of the session database makes no sense; it counts as missing");
            None
        }
    }
}

/// A time, kept as milliseconds since 1970.
#[derive(Clone, Copy)]
pub(super) struct Time(pub(super) SystemTime);

impl Time {
    /// Times that lie too far off become the last or first one that can be kept.
    pub(super) fn millis(self) -> i64 {
        match self.0.duration_since(UNIX_EPOCH) {
            Ok(since) => saturating_millis(since),
            Err(before) => -saturating_millis(before.duration()),
        }
    }
}

impl ToSql for Time {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.millis().into())
    }
}

impl FromSql for Time {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let millis = value.as_i64()?;
        let distance = Duration::from_millis(millis.unsigned_abs());
        let time = match millis {
            0.. => UNIX_EPOCH.checked_add(distance),
            _ => UNIX_EPOCH.checked_sub(distance),
        };
        time.map(Self)
            .ok_or_else(|| other("a time that this system can't tell"))
    }
}

/// A session id.
pub(super) struct Sid(pub(super) SessionId);

impl FromSql for Sid {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        SessionId::parse(value.as_str()?).map(Self).map_err(other)
    }
}

/// A client's id.
#[cfg(feature = "back-channel")]
pub(super) struct Client(pub(super) ClientId);

#[cfg(feature = "back-channel")]
impl FromSql for Client {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        ClientId::parse(value.as_str()?).map(Self).map_err(other)
    }
}

/// Clients, kept as text with a line for each. A client id holds no control character, so no line feed.
pub(super) struct Clients(pub(super) Vec<ClientId>);

impl Clients {
    pub(super) fn text(clients: &[ClientId]) -> String {
        let lines: Vec<_> = clients.iter().map(ClientId::as_str).collect();
        lines.join("\n")
    }
}

impl FromSql for Clients {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        // No client is no line, and not one with nothing in it.
        match value.as_str()? {
            "" => Ok(Self(Vec::new())),
            text => ClientId::parse_lines(text).map(Self).map_err(other),
        }
    }
}

/// The milliseconds of a duration, or the most that can be kept.
pub(super) fn saturating_millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// A number of rows as SQLite takes it.
pub(super) fn row_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

pub(super) fn other(problem: impl Into<BoxError>) -> FromSqlError {
    FromSqlError::Other(problem.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s2_times_round_trip_in_milliseconds() {
        for (name, millis) in [
            ("the epoch", 0),
            ("a day of today", 1_800_000_000_123),
            ("before the epoch", -1),
            ("far off", 1 << 50),
        ] {
            let time = Time::column_result(ValueRef::Integer(millis)).unwrap();
            assert_eq!(time.millis(), millis, "{name}");
        }
    }

    #[test]
    fn s2_clients_round_trip_as_lines() {
        let ids = |texts: &[&str]| -> Vec<ClientId> {
            let ids = texts.iter().map(|text| ClientId::parse(text).unwrap());
            ids.collect()
        };
        for (name, clients, text) in [
            ("none", ids(&[]), ""),
            ("one", ids(&["client1"]), "client1"),
            ("two", ids(&["client 1, \"a\"", "ü"]), "client 1, \"a\"\nü"),
        ] {
            assert_eq!(Clients::text(&clients), text, "{name}");
            let read = Clients::column_result(ValueRef::Text(text.as_bytes())).unwrap();
            assert_eq!(read.0, clients, "{name}");
        }
        for senseless in ["\n", "a\n", "a\n\nb", "a\0"] {
            let read = Clients::column_result(ValueRef::Text(senseless.as_bytes()));
            assert!(read.is_err(), "{senseless:?}");
        }
    }
}
