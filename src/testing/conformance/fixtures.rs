//! Records, times and keys that the cases are made of.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};

use crate::{
    ended::{EndReason, Ended},
    id::{ClientId, SessionId},
    store::{
        Created, Device, Filter, Limit, Part, Query, Record, RecordKey, Replaced, Selection, Touch,
        WhenReached, bucket_of,
    },
};

pub(super) const MS: Duration = Duration::from_millis(1);
pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const HOUR: Duration = Duration::from_secs(3600);

/// A while after the time that cases begin at. That lies in September 2001, where no server's clock is: a store that asks its own clock
/// is soon found out.
pub(super) fn at(after: Duration) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(1_000_000_000_123) + after
}

/// When cases begin.
pub(super) fn start() -> SystemTime {
    at(Duration::ZERO)
}

/// A record that was created when cases begin and ends an hour later.
pub(super) fn record(subject: &str, number: usize) -> Record {
    Record {
        key: key(subject, number),
        subject: subject.to_owned(),
        session_id: session_id(subject, number),
        display_name: Some(format!("{subject} the {number}th")),
        created: start(),
        renewed: start(),
        expires: at(HOUR),
        clients: Vec::new(),
        ticket: format!("ticket {number} of {subject}").into_bytes(),
        version: 1,
        device: Device::new(),
    }
}

/// As [`record`], but it began earlier or later.
pub(super) fn record_created(subject: &str, number: usize, created: SystemTime) -> Record {
    Record {
        created,
        ..record(subject, number)
    }
}

/// A record that is to take the place of another, in a sign-in a second after cases begin.
pub(super) fn next_of(old: &Record, number: usize) -> Record {
    Record {
        session_id: old.session_id,
        created: at(SECOND),
        renewed: at(SECOND),
        expires: at(HOUR + SECOND),
        ..record(&old.subject, number)
    }
}

/// Another subject of the same bucket, where a store may keep them together.
pub(super) fn neighbour_of(subject: &str) -> String {
    let bucket = bucket_of(subject);
    let mut names = (0..).map(|number| format!("bob {number}"));
    let neighbour = names.find(|name| bucket_of(name) == bucket);
    neighbour.expect("there are more names than buckets")
}

pub(super) fn key(subject: &str, number: usize) -> RecordKey {
    RecordKey::of_subject(hash("key", subject, number), subject)
}

pub(super) fn session_id(subject: &str, number: usize) -> SessionId {
    let hash = hash("session", subject, number);
    let digits = hash[..16].iter().map(|byte| format!("{byte:02X}"));
    sid(&String::from_iter(digits))
}

pub(super) fn sid(text: &str) -> SessionId {
    SessionId::parse(text).expect("cases name legal session ids")
}

pub(super) fn client(text: &str) -> ClientId {
    ClientId::parse(text).expect("cases name legal clients")
}

pub(super) fn clients<const N: usize>(texts: [&str; N]) -> Vec<ClientId> {
    texts.map(client).to_vec()
}

/// So many clients, each named after a number.
pub(super) fn numbered_clients(name: &str, count: usize) -> Vec<ClientId> {
    let numbers = 0..count;
    numbers
        .map(|number| client(&format!("{name} {number}")))
        .collect()
}

/// A sign of life that counts once a minute, and lets a session live an hour from then on.
pub(super) fn touch(now: SystemTime) -> Touch {
    Touch {
        every: MINUTE,
        expires: now + HOUR,
    }
}

pub(super) fn of_subject(subject: &str) -> Filter {
    Filter::subject(subject).expect("cases name a subject")
}

pub(super) fn named(beginning: &str) -> Filter {
    Filter::name_begins_with(beginning).expect("cases name a beginning")
}

pub(super) fn newest(selection: impl Into<Selection>, limit: usize) -> Query {
    Query {
        selection: selection.into(),
        part: Part::Newest,
        limit,
    }
}

pub(super) fn deny(max: u32) -> Option<Limit> {
    limit(max, WhenReached::Deny)
}

pub(super) fn end_oldest(max: u32) -> Option<Limit> {
    limit(max, WhenReached::EndOldest)
}

fn limit(max: u32, when_reached: WhenReached) -> Option<Limit> {
    let max = max.try_into().expect("limits are at least 1");
    Some(Limit { max, when_reached })
}

/// The answer of a `create` that ended nothing else.
pub(super) fn created() -> Created {
    Created::Created { evicted: vec![] }
}

/// The answer of a `replace` that ended nothing.
pub(super) fn replaced(created: SystemTime, clients: &[ClientId]) -> Replaced {
    Replaced::Replaced {
        created,
        clients: clients.to_vec(),
        ended: vec![],
    }
}

/// Ends of these records for one reason at one time.
pub(super) fn ends<'a>(
    records: impl IntoIterator<Item = &'a Record>,
    reason: EndReason,
    at: SystemTime,
) -> Vec<Ended> {
    let records = records.into_iter();
    records.map(|record| record.ended(reason, at)).collect()
}

/// A small generator, so that what a seed gives is the same on every machine and with every version (SplitMix64).
pub(super) struct Random(u64);

impl Random {
    pub(super) fn of_seed(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `bound`.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }

    pub(super) fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }
}

fn hash(what: &str, subject: &str, number: usize) -> [u8; RecordKey::LEN] {
    let text = format!("{what}/{subject}/{number}");
    let digest = digest(&SHA256, text.as_bytes());
    digest.as_ref().try_into().expect("SHA-256 has 32 bytes")
}
