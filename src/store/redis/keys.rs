use super::call::slot_of;
#[cfg(feature = "back-channel")]
use crate::ended::EventId;
use crate::{id::SessionId, store::key::RecordKey};

/// The names of all keys in Redis, which begin with the prefix, in a hash tag that puts keys into one slot of a cluster where they have to be.
///
/// ```text
/// {PREFIX:BUCKET}rKEY       a record: hash; KEY is its 32 bytes
///                             i   "CREATED SESSION-ID MARKSUBJECT"; MARK is that of the entries in the indexes, 8 bytes
///                             m   "RENEWED EXPIRES VERSION ORDINAL", the last the greatest ever given to a client
///                             t   ticket
///                             n   "MARKNAME", u  user agent, a  address; where there is one
///                             cID a client; its value is the ordinal
///                           or the memory of one: hash that expires by itself
///                             z   until when it is good
///                             y   the successor's 32 bytes, if the record was replaced
/// {PREFIX:BUCKET}sSUBJECT   the records of a subject: sorted set, SESSION-ID KEY by CREATED
/// {PREFIX:BUCKET}x          all records of the bucket: sorted set, KEY by EXPIRES
/// {PREFIX:BUCKET}l          the log of ends: hash, EVENT to an account of the end, EVENTn to the number of attempts; EVENT is 16 bytes
/// {PREFIX:BUCKET}d          sorted set, EVENT by when it can be taken
/// {PREFIX:new}              all sessions: sorted set without scores; see `entry.rs`
/// {PREFIX:name}             those with a name: sorted set without scores
/// {PREFIX:id:PART}          session ids to subjects: hash
/// {PREFIX:ends}             buckets that may have ends to tell of: sorted set, BUCKET by when somebody last said so
/// {PREFIX:meta}             the version of all this, and the number of buckets
/// {PREFIX:out:PART}vEVENT   the deliveries of an end, for the feature `back-channel`: hash; EVENT is 16 bytes
///                             s   "SESSION-ID SUBJECT"
///                             cID of a client: "STATE ATTEMPTS TURN CREATED DUE FREE SETTLED FAILURE"; see `outbox.lua`
/// {PREFIX:out:PART}w        those that wait: sorted set, EVENT and client's id by FREE
/// {PREFIX:out:PART}g        those that are settled: sorted set, by SETTLED
/// {PREFIX:out:PART}a        all: sorted set, by CREATED below zero, so that the newest come first
/// {PREFIX:out:PART}n        how many there are in each state: hash
/// {PREFIX:out}              the version of these, and the number of parts; it is there once somebody has used them
/// ```
///
/// Times are milliseconds since the Unix epoch.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    prefix: String,
}

/// The keys of a bucket that any end of a session changes: expiry set, log of ends, due set.
pub(super) type EndingKeys = [Vec<u8>; 3];

impl Keys {
    /// None if the prefix can't be part of a hash tag: 1 to 64 visible ASCII characters other than braces.
    pub(super) fn new(prefix: &str) -> Option<Self> {
        let visible = |byte: u8| byte.is_ascii_graphic() && !b"{}".contains(&byte);
        let legal = (1..=64).contains(&prefix.len()) && prefix.bytes().all(visible);
        legal.then(|| Self {
            prefix: prefix.to_owned(),
        })
    }

    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(super) fn record(&self, key: &RecordKey) -> Vec<u8> {
        self.in_bucket(key.bucket(), b'r', key.as_bytes())
    }

    pub(super) fn subject(&self, bucket: u16, subject: &str) -> Vec<u8> {
        self.in_bucket(bucket, b's', subject.as_bytes())
    }

    pub(super) fn expiry(&self, bucket: u16) -> Vec<u8> {
        self.in_bucket(bucket, b'x', b"")
    }

    pub(super) fn log(&self, bucket: u16) -> Vec<u8> {
        self.in_bucket(bucket, b'l', b"")
    }

    pub(super) fn due(&self, bucket: u16) -> Vec<u8> {
        self.in_bucket(bucket, b'd', b"")
    }

    pub(super) fn ending(&self, bucket: u16) -> EndingKeys {
        [self.expiry(bucket), self.log(bucket), self.due(bucket)]
    }

    pub(super) fn newest(&self) -> Vec<u8> {
        self.global("new")
    }

    pub(super) fn names(&self) -> Vec<u8> {
        self.global("name")
    }

    /// The part of the index of session ids that an id is in, by the hash that Redis Cluster has for keys. There are 16384, so that each is small
    /// enough for Redis to pack it tightly, up to two million sessions.
    pub(super) fn ids(&self, id: &SessionId) -> Vec<u8> {
        let part = slot_of(id.as_bytes());
        self.global(&format!("id:{part}"))
    }

    pub(super) fn hints(&self) -> Vec<u8> {
        self.global("ends")
    }

    pub(super) fn meta(&self) -> Vec<u8> {
        self.global("meta")
    }

    #[cfg(feature = "back-channel")]
    pub(super) fn deliveries_of(&self, event: &EventId) -> Vec<u8> {
        self.in_part(part_of(event), b'v', event.as_bytes())
    }

    #[cfg(feature = "back-channel")]
    pub(super) fn waiting(&self, part: u16) -> Vec<u8> {
        self.in_part(part, b'w', b"")
    }

    #[cfg(feature = "back-channel")]
    pub(super) fn settled(&self, part: u16) -> Vec<u8> {
        self.in_part(part, b'g', b"")
    }

    #[cfg(feature = "back-channel")]
    pub(super) fn all(&self, part: u16) -> Vec<u8> {
        self.in_part(part, b'a', b"")
    }

    #[cfg(feature = "back-channel")]
    pub(super) fn counts(&self, part: u16) -> Vec<u8> {
        self.in_part(part, b'n', b"")
    }

    #[cfg(feature = "back-channel")]
    pub(super) fn outbox_meta(&self) -> Vec<u8> {
        self.global("out")
    }

    #[cfg(feature = "back-channel")]
    fn in_part(&self, part: u16, kind: u8, rest: &[u8]) -> Vec<u8> {
        let mut key = self.global(&format!("out:{part}"));
        key.push(kind);
        key.extend_from_slice(rest);
        key
    }

    fn in_bucket(&self, bucket: u16, kind: u8, rest: &[u8]) -> Vec<u8> {
        let mut key = format!("{{{}:{bucket}}}", self.prefix).into_bytes();
        key.push(kind);
        key.extend_from_slice(rest);
        key
    }

    fn global(&self, name: &str) -> Vec<u8> {
        format!("{{{}:{name}}}", self.prefix).into_bytes()
    }
}

/// How many parts the outbox has: enough for any cluster, and few enough to ask all of them for what is due.
#[cfg(feature = "back-channel")]
pub(super) const PARTS: u16 = 64;

/// The part that the deliveries of an end are in, by the hash that Redis Cluster has for keys. It must never change.
#[cfg(feature = "back-channel")]
pub(super) fn part_of(event: &EventId) -> u16 {
    slot_of(event.to_string().as_bytes()) % PARTS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::redis::call::slot_of;

    #[test]
    fn s16_a_bucket_is_one_slot() {
        let keys = Keys::new("aus").unwrap();
        let key = RecordKey::new([b'}'; 32], 17);
        let slot = slot_of(b"{aus:17}");
        for (name, key) in [
            ("record", keys.record(&key)),
            ("subject", keys.subject(17, "{a}{b}")),
            ("expiry", keys.expiry(17)),
            ("log", keys.log(17)),
            ("due", keys.due(17)),
        ] {
            assert_eq!(slot_of(&key), slot, "{name}");
        }
    }

    #[cfg(feature = "back-channel")]
    #[test]
    fn o6_a_part_of_the_outbox_is_one_slot() {
        let keys = Keys::new("aus").unwrap();
        let event = EventId::new([b'}'; EventId::LEN]);
        let part = part_of(&event);
        assert_eq!(
            part,
            slot_of(&b"7d".repeat(16)) % 64,
            "it must never change"
        );
        let slot = slot_of(format!("{{aus:out:{part}}}").as_bytes());
        for (name, key) in [
            ("an end", keys.deliveries_of(&event)),
            ("waiting", keys.waiting(part)),
            ("settled", keys.settled(part)),
            ("all", keys.all(part)),
            ("counts", keys.counts(part)),
        ] {
            assert_eq!(slot_of(&key), slot, "{name}");
        }
    }

    #[test]
    fn s16_prefixes() {
        for (name, prefix, legal) in [
            ("default", "aus", true),
            ("with colons", "app:prod", true),
            ("empty", "", false),
            ("a brace", "a}b", false),
            ("a space", "a b", false),
            ("too long", &*"a".repeat(65), false),
        ] {
            assert_eq!(Keys::new(prefix).is_some(), legal, "{name}");
        }
    }
}
