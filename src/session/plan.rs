//! What operations on the state are made of: plans, what a response must do, and the words for what a request carried.

use crate::{
    clock::Timestamp,
    ended::{EndReason, Ended, EventId},
    id::{IdGenerator, SessionId},
    lifetimes::Lifetimes,
    ticket::Ticket,
};

/// What opening the request's authentication cookies came to; of several, the last in this order counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Arrival {
    /// There was none.
    Nothing,
    /// None that is a session or ever will be again.
    Dead,
    /// A key or format that another node may know: hands off.
    Foreign,
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
        /// A sign-in, in contrast to a change of the session that there is.
        signed_in: bool,
    },
    /// A session id that waits for its sign-in.
    Pending(Ticket),
    SignedOut,
    SessionIdCookie(Write<()>),
}

impl<T> Plan<T> {
    /// The ticket that must be sealed before the plan can be committed.
    pub(crate) fn ticket_to_seal(&self) -> Option<&Ticket> {
        match &self.next {
            Next::Session { ticket, .. } => Some(ticket),
            _ => None,
        }
    }
}

/// What a sign-in made of the session.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Established {
    pub(crate) session_id: SessionId,
    pub(crate) ended: Option<Ended>,
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

/// Another form of the session that there is.
pub(super) fn changed(mut ticket: Ticket, now: Timestamp) -> Plan<()> {
    if let Some(times) = &mut ticket.properties.times {
        times.sealed = now;
    }
    Plan {
        next: Next::Session {
            ticket,
            signed_in: false,
        },
        outcome: (),
    }
}

pub(super) fn session_id_cookie(write: Write<()>) -> Plan<()> {
    Plan {
        next: Next::SessionIdCookie(write),
        outcome: (),
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
