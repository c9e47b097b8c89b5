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
    /// Ids of sessions that have ended.
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
        check_subject(principal.subject())?;
        let asked = [properties.asked_expires, properties.asked_absolute];
        if asked.into_iter().flatten().any(|asked| asked <= now) {
            return Err(ErrorKind::InvalidExpiry);
        }
        let mut next = properties;
        let session_id = match self.continued(&principal, next.session_id) {
            Some((session, id)) => {
                // A list without the session's own id says nothing of this session.
                let asked = std::mem::take(&mut next.clients);
                next.clients = match next.session_id {
                    Some(_) => session.properties.clients.merged(asked.iter()),
                    None => session.properties.clients.clone(),
                };
                id
            }
            None => self.given(&next).unwrap_or_else(|| {
                next.clients = Default::default();
                fresh()
            }),
        };
        next.session_id = Some(session_id);
        next.session_id_is_the_hosts = false;
        let limit = self.absolute_limit(&principal, now, lifetimes);
        let absolute = next
            .asked_absolute
            .take()
            .map_or(limit, |asked| asked.min(limit));
        next.times = Some(lifetimes.sign_in(now, next.asked_expires.take(), absolute));
        Ok((Ticket::new(principal, next), session_id))
    }

    /// The session that a sign-in goes on with: the same user's, and the one that the properties name if they name one.
    fn continued(
        &self,
        principal: &Principal,
        named: Option<SessionId>,
    ) -> Option<(&Ticket, SessionId)> {
        let sessions = [self.session, self.current].into_iter().flatten();
        let of_user = |session: &&Ticket| session.principal.subject() == principal.subject();
        sessions.filter(of_user).find_map(|session| {
            let id = session.properties.session_id?;
            let is_it = named.is_none_or(|named| named == id);
            (is_it && !self.ended.contains(&id)).then_some((session, id))
        })
    }

    /// The id that the host has given to a session of its own, while nobody is signed in.
    fn given(&self, properties: &AuthenticationProperties) -> Option<SessionId> {
        let id = properties.session_id?;
        let taken = properties.session_id_is_the_hosts
            && self.current.is_none()
            && !self.ended.contains(&id);
        taken.then_some(id)
    }

    /// The limit carries over while the same user goes on with the same authentication, whatever becomes of the session's id.
    fn absolute_limit(
        &self,
        principal: &Principal,
        now: Timestamp,
        lifetimes: Lifetimes,
    ) -> Timestamp {
        let limit = now.plus(lifetimes.absolute);
        let current = self
            .current
            .filter(|current| current.principal.subject() == principal.subject())
            .filter(|current| principal.auth_seconds() <= current.principal.auth_seconds());
        current
            .and_then(|current| current.properties.times)
            .map_or(limit, |times| times.absolute)
    }
}

/// At most 255 characters (`sub`, OpenID Connect Core 1.0 section 2), and none that a store or a log can't hold.
fn check_subject(subject: &str) -> Result<(), ErrorKind> {
    match subject {
        "" => Err(ErrorKind::MissingSubject),
        // The byte length bounds the count, so a hostile megabyte is not counted through.
        _ if subject.len() > MAX_SUBJECT_CHARS * 4 => Err(ErrorKind::InvalidSubject),
        _ if subject.chars().count() > MAX_SUBJECT_CHARS => Err(ErrorKind::InvalidSubject),
        _ if subject.chars().any(char::is_control) => Err(ErrorKind::InvalidSubject),
        _ => Ok(()),
    }
}

const MAX_SUBJECT_CHARS: usize = 255;
