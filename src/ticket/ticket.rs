use super::{client_list::ClientList, principal::Principal, properties::AuthenticationProperties};
use crate::clock::Timestamp;

/// A principal and the properties of its sign-in: what the authentication cookie holds, sealed.
///
/// [`authenticate`](crate::UserSession::authenticate) gives the one that came with the request. Cloning is cheap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    pub(crate) principal: Principal,
    pub(crate) properties: AuthenticationProperties,
}

impl Ticket {
    /// A ticket of these two.
    pub fn new(principal: Principal, properties: AuthenticationProperties) -> Self {
        Self {
            principal,
            properties,
        }
    }

    /// Who signed in.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// About the sign-in.
    pub fn properties(&self) -> &AuthenticationProperties {
        &self.properties
    }

    /// This ticket with other clients.
    pub(crate) fn with_clients(&self, clients: ClientList) -> Self {
        let mut ticket = self.clone();
        ticket.properties.clients = clients;
        ticket
    }

    /// Whether both are tickets of one session: the same user and the same session id.
    pub(crate) fn is_same_session(&self, other: &Self) -> bool {
        self.properties.session_id == other.properties.session_id
            && self.principal.subject() == other.principal.subject()
    }

    pub(crate) fn sealed_after(&self, other: &Self) -> bool {
        let sealed = |ticket: &Self| ticket.properties.times.map(|times| times.sealed);
        sealed(self) > sealed(other)
    }

    pub(crate) fn expires_after(&self, now: Timestamp) -> bool {
        self.properties.times.is_some_and(|times| times.end() > now)
    }
}
