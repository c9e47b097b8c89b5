//! Which session a sign-in leads to: whether it goes on with the one that there is, with which clients, and until when.

use crate::{
    clock::Timestamp,
    error::ErrorKind,
    id::SessionId,
    lifetimes::Lifetimes,
    ticket::{AuthenticationProperties, Principal, Ticket},
};

/// What a sign-in starts from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ground<'a> {
    /// The session as it shows, with a session id that waits for its sign-in.
    pub(super) session: Option<&'a Ticket>,
    /// The session without that.
    pub(super) current: Option<&'a Ticket>,
    /// Ids that this request ended.
    pub(super) ended: &'a [SessionId],
}

impl Ground<'_> {
    /// The session that a sign-in leads to: which id it has, which clients, and until when.
    pub(super) fn establish(
        &self,
        principal: Principal,
        properties: AuthenticationProperties,
        now: Timestamp,
        lifetimes: Lifetimes,
        fresh: impl FnOnce() -> SessionId,
    ) -> Result<(Ticket, SessionId), ErrorKind> {
        if principal.subject().is_empty() {
            return Err(ErrorKind::MissingSubject);
        }
        let asked = [properties.asked_expires, properties.asked_absolute];
        if asked.into_iter().flatten().any(|asked| asked <= now) {
            return Err(ErrorKind::InvalidExpiry);
        }
        let mut next = properties;
        let session_id = match self.kept_session_id(&principal, &next) {
            Some(id) => {
                if let Some(session) = self.session {
                    let asked = std::mem::take(&mut next.clients);
                    next.clients = session.properties.clients.with(asked.iter());
                }
                id
            }
            None => {
                next.clients = Default::default();
                fresh()
            }
        };
        next.session_id = Some(session_id);
        next.session_id_is_the_hosts = false;
        let limit = self.absolute_limit(&principal, session_id, now, lifetimes);
        let absolute = next
            .asked_absolute
            .take()
            .map_or(limit, |asked| asked.min(limit));
        next.times = Some(lifetimes.sign_in(now, next.asked_expires.take(), absolute));
        Ok((Ticket::new(principal, next), session_id))
    }

    /// The id that a sign-in goes on with, if it goes on with one.
    fn kept_session_id(
        &self,
        principal: &Principal,
        properties: &AuthenticationProperties,
    ) -> Option<SessionId> {
        let session = self.session;
        let same_subject =
            session.filter(|session| session.principal.subject() == principal.subject());
        let live = same_subject.and_then(|session| session.properties.session_id);
        let kept = match properties.session_id {
            None => live,
            Some(id) if live == Some(id) => live,
            Some(id) if session.is_none() && properties.session_id_is_the_hosts => Some(id),
            Some(_) => None,
        };
        kept.filter(|id| !self.ended.contains(id))
    }

    /// The limit of a session that goes on carries over, unless the user has authenticated anew.
    fn absolute_limit(
        &self,
        principal: &Principal,
        session_id: SessionId,
        now: Timestamp,
        lifetimes: Lifetimes,
    ) -> Timestamp {
        let limit = now.plus(lifetimes.absolute);
        let current = self.current;
        let same = current.filter(|current| current.properties.session_id == Some(session_id));
        match same {
            Some(current) if principal.auth_seconds() <= current.principal.auth_seconds() => {
                current
                    .properties
                    .times
                    .map_or(limit, |times| times.absolute)
            }
            _ => limit,
        }
    }
}
