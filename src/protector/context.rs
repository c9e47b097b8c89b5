use super::cipher::VERSION;
use crate::key_ring::KeyId;

/// What something was sealed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The authentication cookie without a store: the session itself.
    Ticket,
    /// The authentication cookie with a store: what finds the session there.
    Reference,
    /// A cookie that adds clients to a session.
    Client,
    /// A cookie that remembers that a session has ended.
    Ended,
    /// A session in a store.
    Record,
    /// A place in a list of sessions.
    Page,
    /// A request to sign out, while it waits for the browser or the user.
    #[cfg(feature = "oidc")]
    Logout,
}

impl Purpose {
    pub(super) fn name(self) -> &'static [u8] {
        match self {
            Self::Ticket => b"ticket",
            Self::Reference => b"reference",
            Self::Client => b"client",
            Self::Ended => b"ended",
            Self::Record => b"record",
            Self::Page => b"page",
            #[cfg(feature = "oidc")]
            Self::Logout => b"logout",
        }
    }
}

/// The associated data of an owner that stays, with room for the key id at its end. On the stack, because it is completed for every ticket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context {
    bytes: [u8; Self::CAPACITY],
    len: usize,
}

impl Context {
    const CAPACITY: usize = 192;

    /// Application id and owner have at most 64 bytes each.
    pub(super) fn new(application_id: &str, purpose: Purpose, belongs_to: &[u8]) -> Self {
        let fields = associated_data(application_id, purpose, &[belongs_to]);
        let mut context = Self {
            bytes: [0; Self::CAPACITY],
            len: fields.len(),
        };
        context.bytes[..fields.len()].copy_from_slice(&fields);
        context
    }

    pub(super) fn with(mut self, KeyId(id): KeyId) -> Self {
        self.bytes[self.len - KeyId::LEN..self.len].copy_from_slice(&id);
        self
    }
}

impl AsRef<[u8]> for Context {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// The fields of the associated data, each with its length in front; the key id, to be filled in, is the last.
pub(super) fn associated_data(
    application_id: &str,
    purpose: Purpose,
    belongs_to: &[&[u8]],
) -> Vec<u8> {
    let mut data = Vec::with_capacity(192);
    let mut push = |field: &[u8]| {
        data.extend_from_slice(&(field.len() as u32).to_be_bytes());
        data.extend_from_slice(field);
    };
    push(application_id.as_bytes());
    push(purpose.name());
    belongs_to.iter().for_each(|field| push(field));
    push(&[VERSION]);
    push(&[0; KeyId::LEN]);
    data
}

/// Fills the key id in.
pub(super) fn complete(data: &mut [u8], KeyId(id): KeyId) {
    if let Some(end) = data.last_chunk_mut() {
        *end = id;
    }
}
