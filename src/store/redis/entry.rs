use super::{call::Call, keys::Keys};
use crate::{
    id::SessionId,
    store::{
        key::{RecordKey, bucket_of},
        query::{Part, end_of_prefix, fold},
        record::Record,
    },
};

/// What stands for a session in the indexes outside of its bucket.
///
/// It leads to the session, not to a record: signing in again changes nothing of it. No two entries are alike, whatever sessions have in common, since each
/// has a mark. So one that is to be dropped can be dropped at any time, and never takes another with it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Entry {
    pub(super) created: i64,
    pub(super) session_id: SessionId,
    pub(super) mark: Mark,
    pub(super) subject: String,
}

/// Eight bytes that tell an entry from all others: the first ones of the key of the record that it was made for, or random ones.
pub(super) type Mark = [u8; 8];

/// A name, and the mark of its entry in the index of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MarkedName {
    pub(super) mark: Mark,
    pub(super) name: String,
}

impl MarkedName {
    pub(super) fn of(record: &Record) -> Option<Self> {
        let name = record.display_name.clone()?;
        let mark = mark_of(&record.key);
        Some(Self { mark, name })
    }

    /// As it is written in a record.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        [&self.mark, self.name.as_bytes()].concat()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (mark, name) = bytes.split_first_chunk()?;
        let name = std::str::from_utf8(name).ok()?.to_owned();
        Some(Self { mark: *mark, name })
    }
}

impl Entry {
    /// Of the session that begins with a record.
    pub(super) fn of_first(record: &Record, created: i64) -> Self {
        Self {
            created,
            session_id: record.session_id,
            mark: mark_of(&record.key),
            subject: record.subject.clone(),
        }
    }

    pub(super) fn bucket(&self) -> u16 {
        bucket_of(&self.subject)
    }

    /// What puts a session into all indexes. Doing it twice does no harm.
    pub(super) fn calls_to_add(&self, keys: &Keys, name: Option<&MarkedName>) -> Vec<Call> {
        let newest = Call::command("ZADD", keys.newest()).number(0);
        let ids = Call::command("HSET", keys.ids(&self.session_id));
        let mut calls = vec![
            newest.arg(self.as_newest()),
            ids.arg(self.as_id()).arg(self.subject.as_str()),
        ];
        calls.extend(name.map(|name| self.call_to_name(keys, name)));
        calls
    }

    pub(super) fn calls_to_remove(&self, keys: &Keys, name: Option<&MarkedName>) -> Vec<Call> {
        let newest = Call::command("ZREM", keys.newest());
        let ids = Call::command("HDEL", keys.ids(&self.session_id));
        let mut calls = vec![newest.arg(self.as_newest()), ids.arg(self.as_id())];
        calls.extend(name.map(|name| self.call_to_unname(keys, name)));
        calls
    }

    pub(super) fn call_to_name(&self, keys: &Keys, name: &MarkedName) -> Call {
        let call = Call::command("ZADD", keys.names()).number(0);
        call.arg(self.as_name(name))
    }

    pub(super) fn call_to_unname(&self, keys: &Keys, name: &MarkedName) -> Call {
        Call::command("ZREM", keys.names()).arg(self.as_name(name))
    }

    /// In the index of all sessions: their members are in the order of the list of sessions.
    pub(super) fn as_newest(&self) -> Vec<u8> {
        let mut member = place(self.created, &self.session_id);
        member.push(b' ');
        member.extend_from_slice(&self.mark);
        member.extend_from_slice(self.subject.as_bytes());
        member
    }

    pub(super) fn from_newest(member: &[u8]) -> Option<Self> {
        let (created, rest) = member.split_first_chunk()?;
        let space = rest.iter().position(|it| *it == b' ')?;
        let (mark, subject) = rest[space + 1..].split_first_chunk()?;
        Some(Self {
            created: ordered(i64::from_be_bytes(*created)),
            session_id: SessionId::from_bytes(&rest[..space])?,
            mark: *mark,
            subject: std::str::from_utf8(subject).ok()?.to_owned(),
        })
    }

    /// In the index of names: the folded name, a NUL, which no name has, and the same as above with the mark of the name.
    fn as_name(&self, name: &MarkedName) -> Vec<u8> {
        let mut member = fold(&name.name).into_bytes();
        let entry = Self {
            mark: name.mark,
            ..self.clone()
        };
        member.push(0);
        member.extend_from_slice(&entry.as_newest());
        member
    }

    /// It has the mark of the name.
    pub(super) fn from_name(member: &[u8]) -> Option<Self> {
        let end = member.iter().position(|it| *it == 0)?;
        Self::from_newest(&member[end + 1..])
    }

    /// In the index of session ids: the field, whose value is the subject.
    fn as_id(&self) -> Vec<u8> {
        let mut field = self.session_id.as_bytes().to_vec();
        field.push(b' ');
        field.extend_from_slice(&self.created.to_be_bytes());
        field.extend_from_slice(&self.mark);
        field
    }

    pub(super) fn from_id(field: &[u8], subject: &[u8]) -> Option<Self> {
        let space = field.iter().position(|it| *it == b' ')?;
        let (created, rest) = field[space + 1..].split_first_chunk()?;
        Some(Self {
            created: i64::from_be_bytes(*created),
            session_id: SessionId::from_bytes(&field[..space])?,
            mark: rest.try_into().ok()?,
            subject: std::str::from_utf8(subject).ok()?.to_owned(),
        })
    }
}

/// A pattern for the fields of one session id. None of its characters means anything in a pattern.
pub(super) fn pattern_of_id(id: &SessionId) -> String {
    format!("{} *", id.as_str())
}

/// Bounds in the index of all sessions, lowest and highest, for a part of the list.
pub(super) fn bounds_of_part(
    part: &Part,
    millis: fn(std::time::SystemTime) -> i64,
) -> [Vec<u8>; 2] {
    let bound = |end: &[u8], created, session_id| {
        let mut bound = b"(".to_vec();
        bound.extend_from_slice(&place(millis(created), session_id));
        bound.extend_from_slice(end);
        bound
    };
    match part {
        Part::Newest => [b"-".to_vec(), b"+".to_vec()],
        Part::OlderThan(it) => [b"-".to_vec(), bound(b"", it.created, &it.session_id)],
        // After the space that ends the id, and before any character that could go on with it.
        Part::NewerThan(it) => [bound(b"!", it.created, &it.session_id), b"+".to_vec()],
    }
}

/// Whether Redis takes a member to be between two bounds, which leave themselves out.
pub(super) fn is_between(member: &[u8], [low, high]: &[Vec<u8>; 2]) -> bool {
    let above = low.strip_prefix(b"(").is_none_or(|low| member > low);
    above && high.strip_prefix(b"(").is_none_or(|high| member < high)
}

/// Bounds in the index of names for those that begin with a text.
pub(super) fn bounds_of_prefix(folded: &str) -> [Vec<u8>; 2] {
    let high = match end_of_prefix(folded) {
        Some(end) => [b"(", end.as_bytes()].concat(),
        None => b"+".to_vec(),
    };
    [[b"[", folded.as_bytes()].concat(), high]
}

fn place(created: i64, session_id: &SessionId) -> Vec<u8> {
    let mut place = ordered(created).to_be_bytes().to_vec();
    place.extend_from_slice(session_id.as_bytes());
    place
}

/// So that bytes are in the order of numbers; the same undoes it.
fn ordered(number: i64) -> i64 {
    number ^ i64::MIN
}

pub(super) fn mark_of(key: &RecordKey) -> Mark {
    *key.as_bytes().first_chunk().expect("32 bytes have eight")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    use proptest::prelude::*;

    use super::*;
    use crate::store::query::Position;

    fn millis(time: SystemTime) -> i64 {
        i64::try_from(time.duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
    }

    fn entry(created: i64, id: &str, mark: Mark, subject: &str) -> Entry {
        Entry {
            created,
            session_id: SessionId::parse(id).unwrap(),
            mark,
            subject: subject.to_owned(),
        }
    }

    proptest! {
        #[test]
        fn s10_entries_round_trip(created: i64, id in "[A-Za-z0-9._~-]{1,64}", mark: Mark, subject in "\\PC{1,20}", name in "\\PC{0,20}") {
            let entry = entry(created, &id, mark, &subject);
            prop_assert_eq!(Entry::from_newest(&entry.as_newest()), Some(entry.clone()));
            let name = MarkedName { mark, name };
            prop_assert_eq!(Entry::from_name(&entry.as_name(&name)), Some(entry.clone()));
            prop_assert_eq!(MarkedName::from_bytes(&name.to_bytes()), Some(name));
            prop_assert_eq!(Entry::from_id(&entry.as_id(), subject.as_bytes()), Some(entry));
        }

        #[test]
        fn s10_a_part_is_between_its_bounds(created in 0..3_i64, id in "[A~.-]{1,3}", at in 0..3_u64, place in "[A~.-]{1,3}") {
            let entry = entry(created, &id, *b"\xFF \0!~Aab", "s");
            let position = |created: u64, id: &str| Position {
                created: UNIX_EPOCH + Duration::from_millis(created),
                session_id: SessionId::parse(id).unwrap(),
            };
            let own = position(created.unsigned_abs(), &id);
            for part in [Part::Newest, Part::OlderThan(position(at, &place)), Part::NewerThan(position(at, &place))] {
                let bounds = bounds_of_part(&part, millis);
                prop_assert_eq!(is_between(&entry.as_newest(), &bounds), part.contains(&own), "{:?}", part);
            }
        }

        #[test]
        fn s10_names_are_between_the_bounds_of_their_beginnings(prefix in "\\PC{1,3}", other in "\\PC{0,5}", extended: bool) {
            let name = if extended { format!("{prefix}{other}") } else { other };
            let (prefix, name) = (fold(&prefix), MarkedName { mark: [0; 8], name });
            let member = entry(1, "s", [0; 8], "a").as_name(&name);
            let begins = fold(&name.name).starts_with(&prefix);
            let [low, high] = bounds_of_prefix(&prefix);
            let above = member[..] >= low[1..];
            let inside = above && is_between(&member, &[b"-".to_vec(), high]);
            prop_assert_eq!(inside, begins);
        }
    }

    #[test]
    fn s10_the_list_is_ordered_by_time_and_id() {
        let members = [
            entry(-5, "z", [9; 8], "s"),
            entry(3, "ab", [9; 8], "s"),
            entry(3, "ab-", [0; 8], "s"),
            entry(3, "abc", [0; 8], "s"),
            entry(1000, "a", [0; 8], "s"),
        ]
        .map(|entry| entry.as_newest());
        assert!(members.is_sorted());
    }
}
