//! What is known of a session that has ended: a value, which logout notifications start from.

use std::{fmt, str::FromStr, time::SystemTime};

use crate::{
    error::StoreError,
    id::{ClientId, IdGenerator, SessionId},
};

/// A session that has ended: who, which one, which clients took part, when and why.
///
/// [`sign_out`](crate::UserSession::sign_out) and a sign-in that replaces another session yield it, and an
/// [`EndedHook`](crate::hook::EndedHook) gets one for every session that ends. Notify the clients with it: it is all that front-channel and
/// back-channel logout need.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ended {
    /// Names this end, so that it can be told from another when it is heard of twice.
    pub event_id: EventId,
    /// The user, as in the claim `sub`.
    pub subject: String,
    /// The session, as in the claim `sid`.
    pub session_id: SessionId,
    /// The claim `name`, for a person to read.
    pub display_name: Option<String>,
    /// The clients that took part, in the order first added.
    pub clients: Vec<ClientId>,
    /// The issuer from the configuration, if it is set.
    pub issuer: Option<String>,
    /// Why the session ended.
    pub reason: EndReason,
    /// When it ended, in whole milliseconds.
    pub at: SystemTime,
}

impl Ended {
    /// An end without name, clients and issuer; for stores, which set them where they know them.
    pub fn new(
        event_id: EventId,
        subject: impl Into<String>,
        session_id: SessionId,
        reason: EndReason,
        at: SystemTime,
    ) -> Self {
        Self {
            event_id,
            subject: subject.into(),
            session_id,
            display_name: None,
            clients: Vec::new(),
            issuer: None,
            reason,
            at,
        }
    }
}

impl fmt::Debug for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ended")
            .field("event_id", &self.event_id)
            .field("clients", &self.clients.len())
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}

/// Names one end of one session. Not secret: it opens nothing.
///
/// ```
/// use axum_user_session::ended::EventId;
///
/// let id: EventId = "000102030405060708090a0b0c0d0e0f".parse()?;
/// assert_eq!(id.as_bytes()[15], 15);
/// assert_eq!(id.to_string(), "000102030405060708090a0b0c0d0e0f");
/// # Ok::<_, axum_user_session::error::StoreError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId([u8; Self::LEN]);

impl EventId {
    /// Its length in bytes.
    pub const LEN: usize = 16;

    /// An id of these bytes.
    pub fn new(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// For an end that no store knows of.
    pub(crate) fn generate(random: &dyn IdGenerator) -> Self {
        let mut bytes = [0; Self::LEN];
        random.fill(&mut bytes);
        Self(bytes)
    }
}

impl fmt::Display for EventId {
    /// Writes 32 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventId({self})")
    }
}

impl FromStr for EventId {
    type Err = StoreError;

    /// Reads what `Display` writes, as a store may have kept it.
    fn from_str(text: &str) -> Result<Self, StoreError> {
        let digits = text.bytes().all(|digit| digit.is_ascii_hexdigit());
        match u128::from_str_radix(text, 16) {
            Ok(id) if digits && text.len() == 2 * Self::LEN => Ok(Self(id.to_be_bytes())),
            _ => Err(StoreError::new("an event id that is none")),
        }
    }
}

/// Why a session ended.
///
/// A store may keep a reason by its [name](Self::as_str).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EndReason {
    /// The user, or the host for the user, signed out.
    SignOut,
    /// Another user signed in from the same browser without a sign-out before.
    UserSwitch,
    /// The same user signed in to a session with another id.
    Replaced,
    /// An administrator, or the user from another session, ended it.
    Revoked,
    /// It was idle for too long, or reached its absolute expiry.
    Expired,
    /// The user signed in once more than the limit of sessions allows, and this was the oldest.
    LimitReached,
    /// The host's validation refused it.
    ValidationRefused,
    /// The response that would have brought its cookie to the browser was never sent, so nobody can use it.
    ResponseLost,
    /// Its record in the store could not be authenticated: it was changed there, moved or damaged.
    RecordRejected,
}

impl EndReason {
    const ALL: [Self; 9] = [
        Self::SignOut,
        Self::UserSwitch,
        Self::Replaced,
        Self::Revoked,
        Self::Expired,
        Self::LimitReached,
        Self::ValidationRefused,
        Self::ResponseLost,
        Self::RecordRejected,
    ];

    /// A short name that does not change between versions, such as `sign_out`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignOut => "sign_out",
            Self::UserSwitch => "user_switch",
            Self::Replaced => "replaced",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::LimitReached => "limit_reached",
            Self::ValidationRefused => "validation_refused",
            Self::ResponseLost => "response_lost",
            Self::RecordRejected => "record_rejected",
        }
    }
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for EndReason {
    type Err = StoreError;

    /// Reads a [name](Self::as_str).
    fn from_str(text: &str) -> Result<Self, StoreError> {
        let named = Self::ALL.into_iter().find(|reason| reason.as_str() == text);
        named.ok_or_else(|| StoreError::new("an end of a session for no known reason"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s14_reasons_round_trip_by_name() {
        for reason in EndReason::ALL {
            assert_eq!(reason.as_str().parse::<EndReason>().unwrap(), reason);
        }
        assert!("".parse::<EndReason>().is_err());
    }

    #[test]
    fn s14_event_ids_have_one_text() {
        for (name, text, accepted) in [
            ("32 digits", "000102030405060708090a0b0c0d0e0f", true),
            ("31 digits", "00102030405060708090a0b0c0d0e0f", false),
            ("a sign in front", "+0102030405060708090a0b0c0d0e0f0", false),
            ("nothing", "", false),
        ] {
            assert_eq!(text.parse::<EventId>().is_ok(), accepted, "{name}");
        }
    }
}
