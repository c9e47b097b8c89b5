//! What each operation is about to do; nothing changes yet.

use super::state::State;
use crate::{
    clock::Timestamp,
    ended::{EndReason, Ended},
    error::ErrorKind,
    id::{ClientId, SessionId},
    session::{
        establish::Ground,
        plan::{
            Established, Keeping, Next, Plan, Rules, SessionIdCookie, Write, ended_value,
            session_id_cookie,
        },
    },
    ticket::{AuthenticationProperties, Principal, Ticket},
};

impl State {
    /// Plans a sign-in; the claims are filled in already.
    pub(crate) fn sign_in(
        &self,
        principal: Principal,
        properties: AuthenticationProperties,
        now: Timestamp,
        rules: Rules<'_>,
        fresh: impl FnOnce() -> SessionId,
    ) -> Result<Plan<Established>, ErrorKind> {
        let (ticket, session_id) =
            self.ground()?
                .establish(principal, properties, now, rules.lifetimes, fresh)?;
        let current = self.current();
        let continued = current.is_some_and(|current| current.is_same_session(&ticket));
        let ended = current.filter(|_| !continued);
        let reason =
            |current: &Ticket| match current.principal.subject() == ticket.principal.subject() {
                true => EndReason::Replaced,
                false => EndReason::UserSwitch,
            };
        let ended = ended.and_then(|current| ended_value(current, reason(current), now, rules));
        Ok(Plan {
            next: Next::Session {
                ticket,
                main: None,
                signed_in: true,
            },
            outcome: Established {
                session_id,
                continued,
                ended,
            },
        })
    }

    /// Plans a session id whose sign-in is yet to come.
    pub(crate) fn create_session_id(
        &self,
        principal: Principal,
        properties: AuthenticationProperties,
        now: Timestamp,
        rules: Rules<'_>,
        fresh: impl FnOnce() -> SessionId,
    ) -> Result<Plan<AuthenticationProperties>, ErrorKind> {
        let (ticket, _) =
            self.ground()?
                .establish(principal, properties, now, rules.lifetimes, fresh)?;
        let outcome = ticket.properties.clone();
        Ok(Plan {
            next: Next::Pending(ticket),
            outcome,
        })
    }

    /// Plans other claims for the same session.
    pub(crate) fn refresh(
        &self,
        principal: Principal,
        now: Timestamp,
    ) -> Result<Plan<()>, ErrorKind> {
        let current = self.changeable()?;
        if current.principal.subject() != principal.subject() {
            return Err(ErrorKind::SubjectChanged);
        }
        let principal = principal.with_authentication_claims_of(&current.principal);
        let ticket = Ticket::new(principal, current.properties.clone());
        Ok(self.changed(ticket, now))
    }

    /// Plans a further client; none if it is known.
    pub(crate) fn add_client(
        &self,
        client_id: &ClientId,
        now: Timestamp,
    ) -> Result<Option<Plan<()>>, ErrorKind> {
        let current = self.changeable()?;
        if current.properties.clients.contains(client_id.as_str()) {
            return Ok(None);
        }
        let clients = current.properties.clients.with(client_id.as_str());
        let ticket = current.with_clients(clients);
        Ok(Some(match self.keeping {
            // Nobody else can have its cookie, so nobody can lose what is in it.
            Keeping::Cookie if self.anew => self.changed(ticket, now),
            _ => Plan {
                next: Next::Client {
                    ticket,
                    added: client_id.clone(),
                },
                outcome: (),
            },
        }))
    }

    /// Plans an item set, or removed if the value is none; none if there is nothing to change.
    pub(crate) fn set_item(
        &self,
        name: &str,
        value: Option<&str>,
        now: Timestamp,
    ) -> Result<Option<Plan<()>>, ErrorKind> {
        let current = self.changeable()?;
        if current.properties.item(name) == value {
            return Ok(None);
        }
        let mut ticket = current.clone();
        ticket.properties = match value {
            Some(value) => ticket.properties.with_item(name, value),
            None => ticket.properties.without_item(name),
        };
        Ok(Some(self.changed(ticket, now)))
    }

    /// Plans the end of the session, which clears the cookies even if there is none.
    pub(crate) fn sign_out(&self, now: Timestamp, rules: Rules<'_>) -> Plan<Option<Ended>> {
        let current = self.current();
        Plan {
            next: Next::SignedOut,
            outcome: current
                .and_then(|current| ended_value(current, EndReason::SignOut, now, rules)),
        }
    }

    /// As [`sign_out`](Self::sign_out), of a session that is in a store, which tells of its end itself: what ends as far as is known here.
    pub(crate) fn sign_out_kept(&self) -> Plan<Option<Ticket>> {
        Plan {
            next: Next::SignedOut,
            outcome: self.current().cloned(),
        }
    }

    /// Plans that the session id cookie shows the session's id; none if it does.
    pub(crate) fn ensure_session_id_cookie(&self) -> Option<Plan<()>> {
        if self.pending.is_some() {
            // Its sign-in issues the cookie, and without one there is nothing to show.
            return None;
        }
        // With nobody signed in, whether a stale cookie may go is decided at the response head, as for every request.
        self.current()?;
        let write = Write::Issue(());
        let shown = match self.session_id {
            Some(planned) => planned == write,
            None => matches!(
                self.session_id_cookie,
                SessionIdCookie::Equal | SessionIdCookie::Off
            ),
        };
        (!shown).then_some(session_id_cookie(write))
    }

    /// Plans that the session id cookie goes; none if neither the request nor this response had it.
    pub(crate) fn remove_session_id_cookie(&self) -> Option<Plan<()>> {
        let planned = self.session_id;
        let there = self.request_has_session_id_cookie() || planned == Some(Write::Issue(()));
        (there && planned != Some(Write::Remove)).then_some(session_id_cookie(Write::Remove))
    }

    /// Another form of the session that there is.
    fn changed(&self, mut ticket: Ticket, now: Timestamp) -> Plan<()> {
        if let Some(times) = &mut ticket.properties.times {
            times.sealed = now;
        }
        let main = match self.apart.is_empty() {
            true => None,
            false => Some(ticket.properties.clients.without(&self.apart)),
        };
        Plan {
            next: Next::Session {
                ticket,
                main,
                signed_in: false,
            },
            outcome: (),
        }
    }

    /// What a sign-in starts from.
    fn ground(&self) -> Result<Ground<'_>, ErrorKind> {
        match self.conflict {
            true => Err(ErrorKind::ConflictingCookies),
            false => Ok(Ground {
                session: self.session(),
                current: self.current(),
                ended: &self.ended,
            }),
        }
    }

    pub(crate) fn changeable(&self) -> Result<&Ticket, ErrorKind> {
        match (&self.pending, self.current()) {
            (Some(_), _) => Err(ErrorKind::SignInPending),
            (None, Some(current)) => Ok(current),
            (None, None) => Err(ErrorKind::NotSignedIn),
        }
    }
}
