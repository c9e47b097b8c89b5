//! Tickets to bytes and to sealed text and back, for fuzzing and for benchmarks. The form is this crate's own and may change
//! with any version that still reads the old one.

use std::time::SystemTime;

use crate::{
    clock::Timestamp,
    key_ring::KeyRing,
    protector::{Protector, Purpose},
    ticket::{self, Slice, Ticket},
};

/// The bytes of a ticket.
///
/// ```
/// use axum_user_session::{AuthenticationProperties, Principal, testing::codec, ticket::Ticket};
///
/// let ticket = Ticket::new(Principal::builder("alice").build(), AuthenticationProperties::new());
/// assert_eq!(codec::decode(&codec::encode(&ticket)), Some(ticket));
/// ```
pub fn encode(ticket: &Ticket) -> Vec<u8> {
    let mut bytes = Vec::new();
    ticket::encode(ticket, &mut bytes);
    bytes
}

/// The ticket of these bytes, if they are exactly one.
pub fn decode(bytes: &[u8]) -> Option<Ticket> {
    ticket::decode(bytes.to_vec().into())
}

/// Seals and opens the text of an authentication cookie.
#[derive(Debug)]
pub struct Sealer {
    protector: Protector,
    now: Timestamp,
}

impl Sealer {
    /// A sealer for the cookie of this name in the application of this id.
    ///
    /// # Panics
    ///
    /// If either is longer than the 64 bytes that a configuration allows.
    pub fn new(key_ring: &KeyRing, application_id: &str, cookie_name: &str) -> Self {
        let belongs_to = cookie_name.as_bytes();
        Self {
            protector: Protector::new(
                key_ring.clone(),
                application_id,
                Purpose::Ticket,
                belongs_to,
            ),
            now: SystemTime::now().into(),
        }
    }

    /// Seals bytes.
    ///
    /// # Panics
    ///
    /// If the key ring is empty.
    pub fn seal(&self, bytes: &[u8]) -> String {
        let sealed = self
            .protector
            .seal(self.now, bytes.len(), |out| out.extend_from_slice(bytes));
        sealed.expect("the key ring has a key")
    }

    /// Opens sealed text, if it was sealed for this cookie.
    pub fn open(&self, text: &str) -> Option<Vec<u8>> {
        self.open_shared(text).map(|opened| opened.to_vec())
    }

    /// Opens and decodes a ticket, as loading a session does.
    pub fn open_ticket(&self, text: &str) -> Option<Ticket> {
        ticket::decode(self.open_shared(text)?)
    }

    fn open_shared(&self, text: &str) -> Option<Slice> {
        self.protector.open(self.now, text.as_bytes()).ok()
    }
}
