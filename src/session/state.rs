//! The heart: what one request knows of its session, and what each operation does to it.
//!
//! Synchronous and without I/O: the time comes in, and what must happen outside goes out as a value. An operation is *planned* on
//! the state as it is, carried out by the caller (sealing, later a store), and only then *committed*; a plan that can't be carried
//! out leaves no trace.

use std::time::Duration;

use super::{
    establish::Ground,
    plan::{
        Arrival, Closing, Established, Keeping, Next, Offer, Plan, Rules, SessionIdCookie, Write,
        ended_value, session_id_cookie,
    },
};
use crate::{
    clock::Timestamp,
    ended::{EndReason, Ended},
    error::ErrorKind,
    id::{ClientId, SessionId},
    lifetimes::{IN_FLIGHT, Lifetimes, Times},
    ticket::{AuthenticationProperties, ClientList, Principal, Ticket},
};

/// A ticket that expired no longer ago than this is not cleared: a request sent at the same time may have renewed it, and clearing
/// it late would sign the user out.
const EXPIRED_GRACE: Duration = Duration::from_secs(60);

/// The session of one request.
#[derive(Debug)]
pub(crate) struct State {
    keeping: Keeping,
    /// As it arrived, and stays for the whole request.
    incoming: Option<Ticket>,
    current: Current,
    pending: Option<Box<Ticket>>,
    /// Ids of sessions that have ended, in this request or not long before; a sign-in never takes one up again.
    ended: Vec<SessionId>,
    /// Clients that the cookie must not hold yet: they are beside it, and a response of before would lose them.
    apart: ClientList,
    /// The session began in this request, so no other request knows of it.
    anew: bool,
    session_id_cookie: SessionIdCookie,
    /// Neither clears nor issues anything on its own accord.
    hands_off: bool,
    /// The host's validation has refused the session that arrived.
    refused: bool,
    conflict: bool,
    signed_in_or_out: bool,
    authentication: Option<Write<()>>,
    session_id: Option<Write<()>>,
}

/// Who is signed in. A ticket of its own is boxed: few requests have one, and the state is moved about.
#[derive(Debug)]
enum Current {
    Nobody,
    /// The incoming ticket, unchanged.
    Incoming,
    Changed(Box<Ticket>),
}

impl State {
    /// The state of a request without an authentication cookie.
    pub(crate) fn new(keeping: Keeping, session_id_cookie: SessionIdCookie) -> Self {
        Self {
            keeping,
            incoming: None,
            current: Current::Nobody,
            pending: None,
            ended: Vec::new(),
            apart: ClientList::default(),
            anew: false,
            session_id_cookie,
            hands_off: false,
            refused: false,
            conflict: false,
            signed_in_or_out: false,
            authentication: None,
            session_id: None,
        }
    }

    /// Sessions are known to have ended: tickets of theirs may still arrive.
    pub(crate) fn remember_ended(&mut self, ids: impl IntoIterator<Item = SessionId>) {
        self.ended.extend(ids);
    }

    /// Sessions that are known to have ended.
    pub(crate) fn ended(&self) -> &[SessionId] {
        &self.ended
    }

    /// Whether a ticket is one of a session that is known to have ended.
    pub(crate) fn has_ended(&self, ticket: &Ticket) -> bool {
        let id = ticket.properties.session_id;
        id.is_some_and(|id| self.ended.contains(&id))
    }

    /// Offers the ticket of a cookie that could be opened; of several of one session, the newest counts.
    pub(crate) fn offer(&mut self, ticket: Ticket, now: Timestamp) -> Offer {
        if let Some(best) = &self.incoming {
            // An expired one beside a live one is an old copy, not a second session.
            let better = match (ticket.expires_after(now), best.expires_after(now)) {
                (true, true) if !ticket.is_same_session(best) => return Offer::Conflict,
                (true, true) => ticket.sealed_after(best),
                (live, _) => live,
            };
            if !better {
                return Offer::Passed;
            }
        }
        self.incoming = Some(ticket);
        Offer::Taken
    }

    /// Everything that the request carried has been looked at: a ticket that has expired is no session, one that is due slides. `beside` are clients of the
    /// session that its cookie does not have to hold, and since when they are there.
    pub(crate) fn arrive(
        &mut self,
        arrival: Arrival,
        session_id_cookie: SessionIdCookie,
        beside: &[(&str, Timestamp)],
        now: Timestamp,
        lifetimes: &Lifetimes,
    ) {
        self.session_id_cookie = session_id_cookie;
        match arrival {
            Arrival::Nothing => {}
            Arrival::Ticket => self.take_up(beside, now, lifetimes),
            Arrival::Dead => self.authentication = Some(Write::Remove),
            Arrival::Foreign | Arrival::Gone => self.hands_off = true,
            Arrival::Conflict => {
                self.incoming = None;
                (self.hands_off, self.conflict) = (true, true);
            }
        }
    }

    /// The ticket as it arrived; none if it was refused before anybody could see it.
    pub(crate) fn incoming(&self) -> Option<&Ticket> {
        self.incoming.as_ref().filter(|_| !self.refused)
    }

    /// The session as the handle reports it.
    pub(crate) fn session(&self) -> Option<&Ticket> {
        self.pending.as_deref().or_else(|| self.current())
    }

    pub(crate) fn session_id(&self) -> Option<SessionId> {
        self.session()?.properties.session_id
    }

    /// Whether the response must do anything if no operation follows.
    pub(crate) fn is_clean(&self) -> bool {
        let quiet = match self.session_id_cookie {
            SessionIdCookie::Off => true,
            SessionIdCookie::Equal => self.current().is_some(),
            SessionIdCookie::Absent => self.current().is_none(),
            SessionIdCookie::Different => false,
        };
        self.authentication.is_none() && self.session_id.is_none() && (quiet || self.hands_off)
    }

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
        let ended = self
            .current()
            .filter(|current| !current.is_same_session(&ticket));
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
            outcome: Established { session_id, ended },
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

    /// Makes a plan that was carried out the state.
    pub(crate) fn commit<T>(&mut self, plan: Plan<T>) -> T {
        match plan.next {
            Next::Session {
                ticket, signed_in, ..
            } => {
                if signed_in {
                    self.leave(|left| !left.is_same_session(&ticket));
                    self.pending = None;
                    self.signed_in_or_out = true;
                    self.session_id = Some(Write::Issue(()));
                    self.apart = ClientList::default();
                    let arrived = self.incoming.as_ref();
                    self.anew = arrived.is_none_or(|arrived| !arrived.is_same_session(&ticket));
                }
                self.current = Current::Changed(Box::new(ticket));
                if signed_in || self.keeping == Keeping::Cookie {
                    self.authentication = Some(Write::Issue(()));
                }
            }
            Next::Client { ticket, added } => {
                self.current = Current::Changed(Box::new(ticket));
                self.apart = self.apart.with(added.as_str());
            }
            Next::Pending(ticket) => self.pending = Some(Box::new(ticket)),
            Next::SignedOut => {
                self.leave(|_| true);
                self.current = Current::Nobody;
                self.pending = None;
                let issued = self.session_id == Some(Write::Issue(()));
                if issued || self.request_has_session_id_cookie() {
                    self.session_id = Some(Write::Remove);
                }
                self.authentication = Some(Write::Remove);
                self.signed_in_or_out = true;
            }
            Next::SessionIdCookie(write) => self.session_id = Some(write),
        }
        plan.outcome
    }

    /// The response head is being sent. `may_remove`: whether this response may remove a stale session id cookie on its own accord.
    pub(crate) fn close(&mut self, may_remove: bool) -> Closing {
        let abandoned = self.pending.take().is_some();
        Closing {
            authentication: self.authentication,
            session_id: self.session_id_write(may_remove),
            tidy: self.authentication.is_none() && !self.hands_off,
            deliberate: self.signed_in_or_out,
            abandoned,
        }
    }

    /// Whether the response is about to tell the browser of a session.
    pub(crate) fn will_issue(&self) -> bool {
        let session_id = self.session_id_write(false);
        self.current().is_some()
            && (self.authentication == Some(Write::Issue(()))
                || matches!(session_id, Some(Write::Issue(_))))
    }

    /// The session has ended elsewhere while this request had it: nobody is signed in any more, and no cookie is touched, for another response may
    /// be about to set those of the next session.
    pub(crate) fn lose(&mut self) {
        self.leave(|_| true);
        self.current = Current::Nobody;
        self.pending = None;
        self.hands_off = true;
        self.signed_in_or_out = false;
        self.authentication = None;
        self.session_id = None;
    }

    /// The session was changed elsewhere: this is what it is now.
    pub(crate) fn adopt(&mut self, ticket: Ticket) {
        self.current = Current::Changed(Box::new(ticket));
    }

    /// The host's validation has found the session sound, perhaps with other claims. What was just renewed is renewed with it.
    pub(crate) fn pass(&mut self, principal: Option<Principal>, now: Timestamp) {
        let Some(current) = self.current() else {
            return;
        };
        let mut ticket = current.clone();
        if let Some(times) = &mut ticket.properties.times {
            times.validated = now;
            times.sealed = now;
        }
        if let Some(principal) = principal {
            ticket.principal = principal.with_authentication_claims_of(&ticket.principal);
        }
        self.current = Current::Changed(Box::new(ticket));
        if self.keeping == Keeping::Cookie {
            self.authentication = Some(Write::Issue(()));
        }
    }

    /// The host's validation has refused the session before anybody could see it.
    pub(crate) fn refuse(&mut self, now: Timestamp, rules: Rules<'_>) -> Option<Ended> {
        let current = self.current();
        let reason = EndReason::ValidationRefused;
        let ended = current.and_then(|current| ended_value(current, reason, now, rules));
        self.refused = true;
        self.commit(Plan {
            next: Next::SignedOut,
            outcome: ended,
        })
    }

    /// Whether the session has begun in this request.
    pub(crate) fn is_anew(&self) -> bool {
        self.anew
    }

    /// Whether a sign-in of this request has made or renewed the session.
    pub(crate) fn has_signed_in(&self) -> bool {
        self.signed_in_or_out && self.current().is_some()
    }

    /// A sign-in has failed: the session id that waited for it is dropped, so that nobody shows who is not signed in.
    pub(crate) fn drop_pending(&mut self) {
        self.pending = None;
    }

    /// A renewal that the state planned at its arrival, as it is to be sealed.
    pub(crate) fn renewal(&self) -> Option<Ticket> {
        match &self.current {
            Current::Changed(renewed) => {
                Some(renewed.with_clients(renewed.properties.clients.without(&self.apart)))
            }
            _ => None,
        }
    }

    /// The renewal can't be sealed: the session goes on as it arrived.
    pub(crate) fn forgo_renewal(&mut self) {
        self.current = Current::Incoming;
        self.authentication = None;
    }

    /// What has changed can't be sealed: it shows in this request, and in no other.
    pub(crate) fn keep_unsealed(&mut self) {
        self.authentication = None;
    }

    /// There will be no response, so no cookie reaches the browser: what a sign-in made never was. An ended session stays ended.
    pub(crate) fn abandon(&mut self) {
        self.pending = None;
        if let Current::Changed(current) = &self.current {
            let arrived = self.incoming.as_ref();
            self.current = match arrived.is_some_and(|arrived| arrived.is_same_session(current)) {
                true => Current::Incoming,
                false => Current::Nobody,
            };
        }
    }

    /// What becomes of the session id cookie.
    fn session_id_write(&self, may_remove: bool) -> Option<Write<SessionId>> {
        let current = self.current();
        let session_id = current.and_then(|current| current.properties.session_id);
        let automatic = match (session_id, self.session_id_cookie) {
            (_, SessionIdCookie::Off) => return None,
            _ if self.hands_off && self.authentication.is_none() => None,
            (Some(_), SessionIdCookie::Absent | SessionIdCookie::Different) => {
                Some(Write::Issue(()))
            }
            (None, SessionIdCookie::Equal | SessionIdCookie::Different) if may_remove => {
                Some(Write::Remove)
            }
            _ => None,
        };
        match self.session_id.or(automatic)? {
            Write::Issue(()) => session_id.map(Write::Issue),
            Write::Remove => Some(Write::Remove),
        }
    }

    pub(crate) fn current(&self) -> Option<&Ticket> {
        match &self.current {
            Current::Nobody => None,
            Current::Incoming => self.incoming.as_ref(),
            Current::Changed(ticket) => Some(ticket),
        }
    }

    /// Remembers the ids of sessions that end here.
    fn leave(&mut self, ends: impl Fn(&Ticket) -> bool) {
        let left = [self.current(), self.pending.as_deref()];
        let left = left.into_iter().flatten().filter(|left| ends(left));
        let ids: Vec<_> = left.filter_map(|left| left.properties.session_id).collect();
        self.ended.extend(ids);
    }

    /// Begins with the incoming ticket, if it is alive.
    fn take_up(&mut self, beside: &[(&str, Timestamp)], now: Timestamp, lifetimes: &Lifetimes) {
        let Some(ticket) = &mut self.incoming else {
            return;
        };
        let properties = &ticket.properties;
        let (Some(times), Some(_)) = (properties.times, properties.session_id) else {
            // Nothing that signs in seals such a ticket.
            self.authentication = Some(Write::Remove);
            self.incoming = None;
            return;
        };
        if times.end() <= now {
            // In a store it was alive a moment ago, so another response may be about to set the cookies of the next.
            match now.since(times.end()) > EXPIRED_GRACE && self.keeping == Keeping::Cookie {
                true => self.authentication = Some(Write::Remove),
                false => self.hands_off = true,
            }
            self.incoming = None;
            return;
        }
        self.current = Current::Incoming;
        if self.keeping == Keeping::Store {
            return;
        }
        let renewal = lifetimes.renewal(&times, now);
        let renewal = renewal.filter(|_| properties.allow_refresh != Some(false));
        let mut folds = false;
        if !beside.is_empty() {
            let main = std::mem::take(&mut ticket.properties.clients);
            let old = |since: &Timestamp| now.since(*since) > IN_FLIGHT;
            let young = beside.iter().filter(|(_, since)| !old(since));
            let young = young.map(|(client, _)| *client);
            self.apart = ClientList::default().merged(young).without(&main);
            let all = main.merged(beside.iter().map(|(client, _)| *client));
            folds = all.without(&self.apart) != main;
            ticket.properties.clients = all;
        }
        if folds || renewal.is_some() {
            let mut renewed = Box::new(ticket.clone());
            renewed.properties.times = Some(Times {
                expires: renewal.unwrap_or(times.expires),
                sealed: now,
                ..times
            });
            self.current = Current::Changed(renewed);
            self.authentication = Some(Write::Issue(()));
        }
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

    /// The session that arrived, if this request ended it.
    pub(crate) fn ended_arrival(&self) -> Option<&Ticket> {
        let arrived = self.incoming.as_ref();
        arrived.filter(|arrived| self.has_ended(arrived))
    }

    /// Whether the cookies are left as they are, unless an operation says otherwise.
    pub(crate) fn is_hands_off(&self) -> bool {
        self.hands_off && !self.signed_in_or_out
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

    fn changeable(&self) -> Result<&Ticket, ErrorKind> {
        match (&self.pending, self.current()) {
            (Some(_), _) => Err(ErrorKind::SignInPending),
            (None, Some(current)) => Ok(current),
            (None, None) => Err(ErrorKind::NotSignedIn),
        }
    }

    pub(crate) fn request_has_session_id_cookie(&self) -> bool {
        matches!(
            self.session_id_cookie,
            SessionIdCookie::Equal | SessionIdCookie::Different
        )
    }
}
