//! What operations on the state are made of: plans, what a response must do, and the words for what a request carried.

use std::borrow::Cow;

use crate::{
    clock::Timestamp,
    config::Settings,
    ended::{EndReason, Ended, EventId},
    events::{Event, Refusal},
    id::{ClientId, IdGenerator, SessionId},
    lifetimes::Lifetimes,
    ticket::{ClientList, Ticket},
};

/// What opening the request's authentication cookies came to; of several, the last in this order counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Arrival {
    /// There was none.
    Nothing,
    /// None that is a session or ever will be again.
    Dead(Refusal),
    /// A key or format that another node may know: hands off.
    Foreign(Refusal),
    /// A session that has ended a moment ago: hands off, for another response may be about to set the cookies of the next. Only the session id cookie goes, where a page is opened.
    Gone(Refusal),
    /// At least one ticket was offered to the state.
    Ticket,
    /// Valid tickets of different sessions: somebody may be tossing cookies, so hands off.
    Conflict,
}

/// What became of a ticket that was offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    /// It is the best so far.
    Taken,
    /// A newer one of the same session is there.
    Passed,
    /// Another session's is there.
    Conflict,
}

/// The session id cookie of the request, in relation to the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionIdCookie {
    /// Not issued by this configuration, so never looked at.
    Off,
    Absent,
    /// One of its values is the session's id.
    Equal,
    Different,
}

/// Where the session is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeping {
    /// In the authentication cookie, so every change must be in a cookie.
    Cookie,
    /// In a store, to which the authentication cookie refers: only a sign-in sets it.
    Store,
}

/// What becomes of a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Write<T> {
    Issue(T),
    Remove,
}

/// An operation, ready to be carried out and committed.
#[derive(Debug)]
#[must_use]
pub(crate) struct Plan<T> {
    pub(super) next: Next,
    /// What the caller gets once the plan is committed.
    pub(crate) outcome: T,
}

#[derive(Debug)]
pub(super) enum Next {
    /// A session that its cookie must carry from now on.
    Session {
        ticket: Ticket,
        /// The clients that the cookie holds, if it must not hold all of the ticket's.
        main: Option<ClientList>,
        /// A sign-in, in contrast to a change of the session that there is.
        signed_in: bool,
    },
    /// A further client, beside the cookie.
    Client {
        ticket: Ticket,
        added: ClientId,
    },
    /// A session id that waits for its sign-in.
    Pending(Ticket),
    SignedOut,
    SessionIdCookie(Write<()>),
}

impl<T> Plan<T> {
    /// The ticket that must be sealed before the plan can be committed.
    pub(crate) fn ticket_to_seal(&self) -> Option<Cow<'_, Ticket>> {
        match &self.next {
            Next::Session { ticket, main, .. } => Some(match main {
                None => Cow::Borrowed(ticket),
                Some(main) => Cow::Owned(ticket.with_clients(main.clone())),
            }),
            _ => None,
        }
    }

    /// The client that must be recorded before the plan can be committed, and the session that it is recorded for.
    pub(crate) fn client_to_add(&self) -> Option<(&Ticket, &ClientId)> {
        match &self.next {
            Next::Client { ticket, added } => Some((ticket, added)),
            _ => None,
        }
    }
}

impl Plan<Established> {
    /// The sign-in as a store has carried it out: with the clients that the session has there, and what has ended there.
    pub(crate) fn into_stored(mut self, clients: ClientList, ended: Option<Ended>) -> Self {
        if let Next::Session { ticket, .. } = &mut self.next {
            ticket.properties.clients = clients;
        }
        self.outcome.ended = ended;
        self
    }
}

/// What a sign-in made of the session.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Established {
    pub(crate) session_id: SessionId,
    /// It is the session that was there before.
    pub(crate) continued: bool,
    pub(crate) ended: Option<Ended>,
}

impl Established {
    /// Tells of it, when it is certain.
    pub(super) fn tell(&self) {
        match self.continued {
            true => Event::SessionContinued.emit(),
            false => Event::SessionStarted.emit(),
        }
    }
}

/// What the response must do, apart from what was sealed already.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Closing {
    /// Nothing to do for the authentication cookie if none.
    pub(crate) authentication: Option<Write<()>>,
    pub(crate) session_id: Option<Write<SessionId>>,
    /// The authentication cookie is left as it is, so chunks beyond its own can go.
    pub(crate) tidy: bool,
    /// A sign-in or sign-out was asked for: cookies that the browser may have from elsewhere go too.
    pub(crate) deliberate: bool,
    /// A session id was created, and its sign-in never came.
    pub(crate) abandoned: bool,
}

/// The values of the configuration that operations need.
#[derive(Clone, Copy)]
pub(crate) struct Rules<'a> {
    pub(crate) lifetimes: Lifetimes,
    pub(crate) issuer: Option<&'a str>,
    pub(crate) ids: &'a dyn IdGenerator,
}

pub(super) fn session_id_cookie(write: Write<()>) -> Plan<()> {
    Plan {
        next: Next::SessionIdCookie(write),
        outcome: (),
    }
}

impl<'a> Rules<'a> {
    pub(crate) fn of(settings: &'a Settings) -> Self {
        Self {
            lifetimes: settings.lifetimes,
            issuer: settings.issuer.as_deref(),
            ids: &*settings.ids,
        }
    }
}

/// What is to be told of a session that ends.
pub(super) fn ended_value(
    ticket: &Ticket,
    reason: EndReason,
    now: Timestamp,
    rules: Rules<'_>,
) -> Option<Ended> {
    let subject = ticket.principal.subject();
    let session_id = ticket.properties.session_id?;
    let event_id = EventId::generate(rules.ids);
    let mut ended = Ended::new(event_id, subject, session_id, reason, now.into());
    ended.display_name = ticket.principal.claim_str("name").map(str::to_owned);
    ended.clients = ticket.properties.clients.to_vec();
    ended.issuer = rules.issuer.map(str::to_owned);
    Some(ended)
}
