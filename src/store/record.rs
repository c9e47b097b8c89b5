use std::{fmt, time::SystemTime};

use super::key::RecordKey;
use crate::{
    device::{Device, plain_text},
    ended::{EndReason, Ended, EventId},
    id::{ClientId, SessionId},
};

/// A session as a store keeps it.
///
/// Who is signed in is sealed in [`ticket`](Self::ticket), together with everything that a session is decided by. The clear fields are what
/// stores need to find, count and end sessions; subject and session id are authenticated along with the ticket, so a changed one makes
/// the record no session.
///
/// All times are in whole milliseconds. Two records are equal if all of them is.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// What it is found by.
    pub key: RecordKey,
    /// The user: 1 to 255 characters, none of them a control character.
    pub subject: String,
    /// The session, which keeps its id when a record takes the place of another.
    pub session_id: SessionId,
    /// A name to show and to search by, at most 200 characters without control characters.
    pub display_name: Option<String>,
    /// When the session began. A record that takes the place of another takes this over.
    pub created: SystemTime,
    /// When the session was last used, as far as its store was told.
    pub renewed: SystemTime,
    /// When it ends unless it is used before. The store takes a record that has expired for one that is not there, but for what is said otherwise.
    pub expires: SystemTime,
    /// The clients that take part, in the order first added, each once.
    pub clients: Vec<ClientId>,
    /// The sealed ticket: bytes that mean nothing to a store, at most 64 KiB.
    pub ticket: Vec<u8>,
    /// Counts the changes of ticket and display name, from 1 on. Clients and times change without it.
    pub version: u64,
    /// Where the user signed in from, if the host has said.
    pub device: Device,
}

impl Record {
    /// What is to be told when this record's session ends.
    ///
    /// A record ends only once, so the event is named after its key.
    pub fn ended(&self, reason: EndReason, at: SystemTime) -> Ended {
        let event_id = event_of(&self.key);
        let mut ended = Ended::new(event_id, &*self.subject, self.session_id, reason, at);
        ended.display_name.clone_from(&self.display_name);
        ended.clients.clone_from(&self.clients);
        ended
    }

    /// As [`ended`](Self::ended), of a record that is not needed any more.
    pub fn into_ended(self, reason: EndReason, at: SystemTime) -> Ended {
        let event_id = event_of(&self.key);
        let mut ended = Ended::new(event_id, self.subject, self.session_id, reason, at);
        ended.display_name = self.display_name;
        ended.clients = self.clients;
        ended
    }

    /// Whether it is over at a time.
    pub fn has_expired(&self, now: SystemTime) -> bool {
        self.expires <= now
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("key", &self.key)
            .field("version", &self.version)
            .field("clients", &self.clients.len())
            .finish_non_exhaustive()
    }
}

/// The event that the end of a record's session is: the first half of its key, so that it is the same however often the end is reported.
pub fn event_of(key: &RecordKey) -> EventId {
    let half = key.as_bytes().first_chunk().expect("32 bytes have a half");
    EventId::new(*half)
}

/// The longest display name in a record, in characters.
const MAX_NAME_CHARS: usize = 200;

/// A claim as a record's display name.
pub(crate) fn display_name(name: &str) -> Option<String> {
    let name = plain_text(name, MAX_NAME_CHARS);
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s2_display_name_table() {
        for (name, claim, expected) in [
            ("plain", "Alice Smith", Some("Alice Smith")),
            ("empty", "", None),
            ("with a NUL", "a\0b", Some("a b")),
        ] {
            assert_eq!(display_name(claim).as_deref(), expected, "{name}");
        }
        assert_eq!(display_name(&"x".repeat(300)).unwrap().len(), 200);
    }
}
