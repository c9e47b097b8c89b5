use std::{fmt, time::SystemTime};

use super::key::RecordKey;
use crate::{
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
        let mut ended = Ended::new(
            event_of(&self.key),
            self.subject.clone(),
            self.session_id,
            reason,
            at,
        );
        ended.display_name.clone_from(&self.display_name);
        ended.clients.clone_from(&self.clients);
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

/// Where a user signed in from, to be told apart in a list of sessions.
///
/// Personal data, so a session has it only if the host gives it to
/// [`with_device`](crate::AuthenticationProperties::with_device). Stores keep it in the clear.
///
/// ```
/// use axum_user_session::store::Device;
///
/// let device = Device::new().with_user_agent("Example/1.0").with_address("192.0.2.7");
/// assert_eq!(device.user_agent(), Some("Example/1.0"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    user_agent: Option<String>,
    address: Option<String>,
}

impl Device {
    /// The longest text of either, in characters; more is cut off.
    pub const MAX_CHARS: usize = 256;

    /// Nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// With what the browser calls itself, the request's `User-Agent`.
    #[must_use]
    pub fn with_user_agent(mut self, user_agent: &str) -> Self {
        self.user_agent = Some(plain_text(user_agent, Self::MAX_CHARS));
        self
    }

    /// With a network address, or what the host makes of it, such as a town.
    #[must_use]
    pub fn with_address(mut self, address: &str) -> Self {
        self.address = Some(plain_text(address, Self::MAX_CHARS));
        self
    }

    /// What the browser calls itself.
    pub fn user_agent(&self) -> Option<&str> {
        self.user_agent.as_deref()
    }

    /// The network address.
    pub fn address(&self) -> Option<&str> {
        self.address.as_deref()
    }
}

/// The longest display name in a record, in characters.
const MAX_NAME_CHARS: usize = 200;

/// A claim as a record's display name.
pub(crate) fn display_name(name: &str) -> Option<String> {
    let name = plain_text(name, MAX_NAME_CHARS);
    (!name.is_empty()).then_some(name)
}

/// Text that every store can keep, and that is harmless in every log and list: cut to a length, control characters made spaces.
fn plain_text(text: &str, max_chars: usize) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().take(max_chars).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s2_a_device_is_plain_text_of_bounded_length() {
        let device = Device::new()
            .with_user_agent(&"ä".repeat(300))
            .with_address("a\0b\nc");
        assert_eq!(device.user_agent().unwrap().chars().count(), 256);
        assert_eq!(device.address(), Some("a b c"));
    }

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
