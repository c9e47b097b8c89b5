//! Records and ends of sessions, as they are written and read.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use redis::Value;

use super::{
    call::Call,
    entry::{Entry, MarkedName},
    failure::Failure,
    reply::{bytes, pairs, text},
};
use crate::{
    device::Device,
    ended::{EndReason, Ended, EventId},
    id::{ClientId, SessionId},
    store::{key::RecordKey, operation::Loaded, record::Record},
};

/// Milliseconds since the epoch, or before it. Scores hold no greater numbers.
pub(super) fn millis(time: SystemTime) -> i64 {
    let whole = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(FARTHEST);
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => whole(since).min(FARTHEST),
        Err(before) => -whole(before.duration()).min(FARTHEST),
    }
}

pub(super) fn time(millis: i64) -> SystemTime {
    let distance = Duration::from_millis(millis.unsigned_abs());
    let time = match millis < 0 {
        true => UNIX_EPOCH.checked_sub(distance),
        false => UNIX_EPOCH.checked_add(distance),
    };
    time.unwrap_or(UNIX_EPOCH)
}

/// The greatest whole number up to which the numbers of Redis are exact.
const FARTHEST: i64 = (1 << 53) - 1;

/// Adds a new record to a call, as `beginning.lua` reads it.
pub(super) fn with_record(call: Call, record: &Record, entry: &Entry) -> Call {
    let name = MarkedName::of(record).map(|name| name.to_bytes());
    let fields = [
        ("t", Some(&record.ticket[..])),
        ("n", name.as_deref()),
        ("u", record.device.user_agent().map(str::as_bytes)),
        ("a", record.device.address().map(str::as_bytes)),
    ];
    let fields = fields.into_iter();
    let fields = fields.filter_map(|(name, value)| Some([name.as_bytes(), value?]));
    let fields: Vec<_> = fields.flatten().collect();
    call.arg(*record.key.as_bytes())
        .number(entry.created)
        .arg(record.session_id.as_str())
        .arg(entry.mark)
        .number(millis(record.renewed))
        .number(millis(record.expires))
        .arg(record.version.to_string())
        .arg(fields.len().to_string())
        .args(fields)
        .args(record.clients.iter().map(|client| client.as_str()))
}

/// What is under a key, from all of its fields.
///
/// A record that somebody else has damaged is none: its user can sign in again, and would otherwise not get past an error.
pub(super) fn loaded(key: RecordKey, fields: Value, now: SystemTime) -> Result<Loaded, Failure> {
    let read = Row::read(pairs(fields)?).and_then(|row| match &row {
        Row {
            identity: None,
            state: None,
            memory: None,
            ..
        } => Ok(Loaded::Missing),
        Row {
            memory: Some(until),
            ..
        } => Ok(match whole(until)? > millis(now) {
            true => Loaded::Gone,
            false => Loaded::Missing,
        }),
        _ => Ok(Loaded::Found(Box::new(row.record(key)?))),
    });
    Ok(read.unwrap_or_else(|failure| {
        tracing::warn!(%failure, ?key, "a session is taken for missing");
        Loaded::Missing
    }))
}

/// A record from those of its fields that were asked for; none if it is not there.
pub(super) fn record(key: RecordKey, fields: Value) -> Result<Option<Record>, Failure> {
    let row = Row::read(pairs(fields)?)?;
    match row.identity {
        None => Ok(None),
        Some(_) => row.record(key).map(Some),
    }
}

#[derive(Default)]
struct Row {
    identity: Option<Vec<u8>>,
    state: Option<String>,
    ticket: Vec<u8>,
    display_name: Option<String>,
    device: Device,
    clients: Vec<(u64, ClientId)>,
    /// Until when it is good, if this is the memory of a record.
    memory: Option<String>,
}

impl Row {
    fn read(fields: Vec<(Value, Value)>) -> Result<Self, Failure> {
        let mut row = Self::default();
        for (name, value) in fields {
            if let Value::Nil = value {
                continue;
            }
            row.set(&bytes(name)?, value)?;
        }
        Ok(row)
    }

    fn set(&mut self, name: &[u8], value: Value) -> Result<(), Failure> {
        match name {
            b"i" => self.identity = Some(bytes(value)?),
            b"m" => self.state = Some(text(value)?),
            b"z" => self.memory = Some(text(value)?),
            b"t" => self.ticket = bytes(value)?,
            b"n" => self.display_name = Some(marked_name(&bytes(value)?)?.name),
            b"u" => self.device = std::mem::take(&mut self.device).with_user_agent(&text(value)?),
            b"a" => self.device = std::mem::take(&mut self.device).with_address(&text(value)?),
            [b'c', id @ ..] => {
                let ordinal = text(value)?.parse().map_err(|_| DAMAGED)?;
                self.clients.push((ordinal, client(id)?));
            }
            // The successor, which scripts follow, and what a later release may add.
            _ => {}
        }
        Ok(())
    }

    fn record(self, key: RecordKey) -> Result<Record, Failure> {
        let Entry {
            created,
            session_id,
            subject,
            ..
        } = identity(&self.identity.ok_or(DAMAGED)?)?;
        let state = self.state.ok_or(DAMAGED)?;
        let mut state = state.split(' ');
        let mut next = || state.next().ok_or(DAMAGED);
        let (renewed, expires, version) = (whole(next()?)?, whole(next()?)?, next()?);
        let _ordinal = whole(next()?)?;
        let mut clients = self.clients;
        clients.sort_unstable_by_key(|(ordinal, _)| *ordinal);
        Ok(Record {
            key,
            subject,
            session_id,
            display_name: self.display_name,
            created: time(created),
            renewed: time(renewed),
            expires: time(expires),
            clients: clients.into_iter().map(|(_, client)| client).collect(),
            ticket: self.ticket,
            version: version.parse().map_err(|_| DAMAGED)?,
            device: self.device,
        })
    }
}

/// Reads what names a session: "CREATED SESSION-ID MARKSUBJECT".
pub(super) fn identity(bytes: &[u8]) -> Result<Entry, Failure> {
    let read = || {
        let mut parts = bytes.splitn(3, |it| *it == b' ');
        let created = std::str::from_utf8(parts.next()?).ok()?.parse().ok()?;
        let session_id = SessionId::from_bytes(parts.next()?)?;
        let (mark, subject) = parts.next()?.split_first_chunk()?;
        let subject = std::str::from_utf8(subject).ok()?.to_owned();
        Some(Entry {
            created,
            session_id,
            mark: *mark,
            subject,
        })
    };
    read().ok_or(DAMAGED)
}

/// What is known of the end of a session: what to tell, and what stands for it in the indexes.
pub(super) struct Account {
    pub(super) ended: Ended,
    pub(super) entry: Entry,
    pub(super) name: Option<MarkedName>,
}

impl Account {
    /// Reads what `ending.lua` writes: parts of a letter, a length, a colon and as many bytes.
    pub(super) fn read(event: Vec<u8>, mut told: &[u8]) -> Result<Self, Failure> {
        let event = event.try_into().map_err(|_| DAMAGED)?;
        let (mut at, mut reason, mut entry) = (None, None, None);
        let (mut name, mut clients) = (None, Vec::new());
        while let Some((letter, part)) = next_part(&mut told)? {
            match letter {
                b'x' => at = Some(whole(utf8(part)?)?),
                b'w' => reason = utf8(part)?.parse::<EndReason>().ok(),
                b'i' => entry = Some(identity(part)?),
                b'n' => name = MarkedName::from_bytes(part),
                b'c' => clients.extend(client(part)),
                _ => {}
            }
        }
        let entry = entry.ok_or(DAMAGED)?;
        let mut ended = Ended::new(
            EventId::new(event),
            entry.subject.clone(),
            entry.session_id,
            reason.ok_or(DAMAGED)?,
            time(at.ok_or(DAMAGED)?),
        );
        ended.display_name = name.as_ref().map(|name| name.name.clone());
        ended.clients = clients;
        Ok(Self { ended, entry, name })
    }
}

fn next_part<'a>(told: &mut &'a [u8]) -> Result<Option<(u8, &'a [u8])>, Failure> {
    let Some((letter, rest)) = told.split_first() else {
        return Ok(None);
    };
    let colon = rest.iter().position(|it| *it == b':').ok_or(DAMAGED)?;
    let len: usize = utf8(&rest[..colon])?.parse().map_err(|_| DAMAGED)?;
    let (part, rest) = rest[colon + 1..].split_at_checked(len).ok_or(DAMAGED)?;
    *told = rest;
    Ok(Some((*letter, part)))
}

pub(super) fn client(id: &[u8]) -> Result<ClientId, Failure> {
    ClientId::parse(utf8(id)?).map_err(|_| DAMAGED)
}

pub(super) fn marked_name(bytes: &[u8]) -> Result<MarkedName, Failure> {
    MarkedName::from_bytes(bytes).ok_or(DAMAGED)
}

fn utf8(bytes: &[u8]) -> Result<&str, Failure> {
    std::str::from_utf8(bytes).map_err(|_| DAMAGED)
}

fn whole(text: &str) -> Result<i64, Failure> {
    text.parse().map_err(|_| DAMAGED)
}

const DAMAGED: Failure = Failure::Nonsense("a record that is none");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s2_times_round_trip() {
        let day = Duration::from_secs(86_400);
        for (name, at, expected) in [
            ("the epoch", UNIX_EPOCH, 0),
            ("after it", UNIX_EPOCH + day, 86_400_000),
            ("before it", UNIX_EPOCH - day, -86_400_000),
        ] {
            assert_eq!(millis(at), expected, "{name}");
            assert_eq!(time(expected), at, "{name}");
        }
        let far = UNIX_EPOCH + Duration::from_secs(1 << 60);
        assert_eq!(millis(far), FARTHEST);
    }

    #[test]
    fn s14_accounts_table() {
        let good = "x2:10w7:revokedi24:5 sid mark0001alice and".to_owned();
        for (name, told, accepted) in [
            (
                "whole",
                format!(
                    "x2:10w7:revokedi{}n11:mark0002a:bc2:c1",
                    "19:5 s mark0001alice b"
                ),
                true,
            ),
            ("cut off", good, false),
            (
                "no reason",
                "x2:10i19:5 s mark0001alice b".to_owned(),
                false,
            ),
            ("no length", "x:1".to_owned(), false),
            ("nothing", String::new(), false),
        ] {
            let account = Account::read(vec![1; 16], told.as_bytes());
            assert_eq!(account.is_ok(), accepted, "{name}");
            if let Ok(account) = account {
                assert_eq!(account.entry.subject, "alice b");
                assert_eq!(account.ended.display_name.as_deref(), Some("a:b"));
                assert_eq!(account.ended.clients, [ClientId::parse("c1").unwrap()]);
            }
        }
    }
}
