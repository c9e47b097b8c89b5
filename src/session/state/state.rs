use crate::{
    clock::Timestamp,
    ended::{EndReason, Ended},
    id::SessionId,
    session::plan::{Closing, Keeping, Next, Plan, Rules, SessionIdCookie, Write, ended_value},
    ticket::{ClientList, Principal, Ticket},
};

/// The session of one request.
#[derive(Debug)]
pub(crate) struct State {
    pub(super) keeping: Keeping,
    /// As it arrived, and stays for the whole request.
    pub(super) incoming: Option<Ticket>,
    pub(super) current: Current,
    pub(super) pending: Option<Box<Ticket>>,
    /// Ids of sessions that have ended, in this request or not long before; a sign-in never takes one up again.
    pub(super) ended: Vec<SessionId>,
    /// Clients that the cookie must not hold yet: they are beside it, and a response of before would lose them.
    pub(super) apart: ClientList,
    /// The session began in this request, so no other request knows of it.
    pub(super) anew: bool,
    pub(super) session_id_cookie: SessionIdCookie,
    /// Neither clears nor issues anything on its own accord.
    pub(super) hands_off: bool,
    /// The host's validation has refused the session that arrived.
    pub(super) refused: bool,
    pub(super) conflict: bool,
    pub(super) signed_in_or_out: bool,
    pub(super) authentication: Option<Write<()>>,
    pub(super) session_id: Option<Write<()>>,
}

/// Who is signed in. A ticket of its own is boxed: few requests have one, and the state is moved about.
#[derive(Debug)]
pub(super) enum Current {
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

    /// Nobody is to see what has arrived.
    pub(crate) fn conceal(&mut self) {
        self.refused = true;
    }

    /// The host's validation has refused the session before anybody could see it.
    pub(crate) fn refuse(&mut self, now: Timestamp, rules: Rules<'_>) -> Option<Ended> {
        let current = self.current();
        let reason = EndReason::ValidationRefused;
        let ended = current.and_then(|current| ended_value(current, reason, now, rules));
        self.conceal();
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

    /// The session that arrived, if this request ended it.
    pub(crate) fn ended_arrival(&self) -> Option<&Ticket> {
        let arrived = self.incoming.as_ref();
        arrived.filter(|arrived| self.has_ended(arrived))
    }

    /// Whether the cookies are left as they are, unless an operation says otherwise.
    pub(crate) fn is_hands_off(&self) -> bool {
        self.hands_off && !self.signed_in_or_out
    }

    /// Whether the request carries valid cookies of different sessions, so that nobody is signed in for it.
    #[cfg(feature = "oidc")]
    pub(crate) fn is_in_conflict(&self) -> bool {
        self.conflict
    }

    pub(crate) fn request_has_session_id_cookie(&self) -> bool {
        matches!(
            self.session_id_cookie,
            SessionIdCookie::Equal | SessionIdCookie::Different
        )
    }
}
