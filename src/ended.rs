//! What is known of a session that has ended: a value, which logout notifications start from.

use std::fmt;

use crate::id::{ClientId, SessionId};

/// A session that has ended: who, which one, which clients took part, and why.
///
/// [`sign_out`](crate::UserSession::sign_out) and a sign-in that replaces another session yield it. Notify the clients with it:
/// it is all that front-channel and back-channel logout need.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ended {
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
}

impl fmt::Debug for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ended")
            .field("clients", &self.clients.len())
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EndReason {
    /// The user, or the host for the user, signed out.
    SignOut,
    /// Another user signed in from the same browser without a sign-out before.
    UserSwitch,
    /// The same user signed in to a session with another id.
    Replaced,
}
