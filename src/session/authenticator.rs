//! From the request's cookies to the incoming ticket, and from a ticket to the cookies that carry it.

use super::{
    marks::Marks,
    plan::{Arrival, Offer, SessionIdCookie},
    state::State,
};
use crate::{
    clock::Timestamp,
    config::Settings,
    cookie::{Candidates, Pieces},
    error::{Error, ErrorKind},
    protector::OpenError,
    ticket::{self, ClientList, Ticket},
};

/// Opens each candidate once and lets the state decide between them. Gives the number of cookies that its ticket was in, as chunks from there on are
/// left-overs, and the length of their names and values.
pub(super) fn authenticate(
    settings: &Settings,
    candidates: &Candidates<'_>,
    now: Timestamp,
    state: &mut State,
    marks: &mut Option<Box<Marks>>,
) -> (usize, usize) {
    if !candidates.marks.is_empty() {
        let marks = marks.insert(Box::new(Marks::open(settings, candidates, now)));
        state.remember_ended(marks.ended());
    }
    let (mut pieces, mut len) = (1, 0);
    let mut arrival = Arrival::Nothing;
    for first in candidates.authentication.as_slice() {
        let Some((text, count)) = candidates.chunks.join(first) else {
            arrival = arrival.max(Arrival::Dead);
            continue;
        };
        let opened = match settings.protector.open(now, &text) {
            Ok(opened) => ticket::decode(opened),
            Err(OpenError::Forged) => None,
            Err(OpenError::Unknown) => {
                arrival = arrival.max(Arrival::Foreign);
                continue;
            }
        };
        let opened = opened.filter(|ticket| !state.has_ended(ticket));
        let found = match opened.map(|ticket| state.offer(ticket, now)) {
            None => Arrival::Dead,
            Some(Offer::Conflict) => Arrival::Conflict,
            Some(Offer::Passed) => Arrival::Ticket,
            Some(Offer::Taken) => {
                pieces = count;
                len = text.len() + count * (settings.authentication.name.len() + MARK_LEN);
                Arrival::Ticket
            }
        };
        arrival = arrival.max(found);
    }
    let arrival = unless_more(arrival, candidates);
    report(arrival);
    let session_ids = &candidates.session_id;
    let more = session_ids.has_more();
    let session_id_cookie =
        session_id_cookie(settings, session_ids.as_slice(), more, state.incoming());
    let properties = state.incoming().map(|ticket| &ticket.properties);
    let beside = marks.as_mut().map(|marks| match properties {
        Some(properties) => marks.of_session(properties.session_id, &properties.clients, now),
        None => marks.of_session(None, &ClientList::default(), now),
    });
    let beside = beside.unwrap_or_default();
    let lifetimes = &settings.lifetimes;
    state.arrive(arrival, session_id_cookie, &beside, now, lifetimes);
    (pieces, len)
}

/// One of the cookies that were not looked at may be alive: somebody may have put others in front of it.
pub(super) fn unless_more(arrival: Arrival, candidates: &Candidates<'_>) -> Arrival {
    match arrival {
        Arrival::Dead if candidates.authentication.has_more() => Arrival::Foreign,
        arrival => arrival,
    }
}

/// Tells the log what somebody may have to look into.
pub(super) fn report(arrival: Arrival) {
    match arrival {
        Arrival::Nothing | Arrival::Ticket | Arrival::Gone => {}
        Arrival::Dead => {
            tracing::debug!("an authentication cookie could not be opened and is cleared")
        }
        Arrival::Foreign => tracing::warn!(
            "no authentication cookie could be opened; one was sealed under a key or in a format that this process does not know, or there are too many, so they are left alone"
        ),
        Arrival::Conflict => tracing::warn!(
            "the request carries valid authentication cookies of different sessions and is treated as anonymous"
        ),
    }
}

/// The most that a chunk's number adds to name and value.
const MARK_LEN: usize = 2;

/// Seals a ticket for its cookies, within the budget for all of ours. `beside` is the length of those that go with it.
pub(super) fn seal(
    settings: &Settings,
    ticket: &Ticket,
    beside: usize,
    now: Timestamp,
) -> Result<Pieces, Error> {
    let text = settings
        .protector
        .seal(now, ticket::most_bytes(ticket), |out| {
            ticket::encode(ticket, out)
        })
        .ok_or(ErrorKind::Seal)?;
    split(settings, ticket, text, beside)
}

/// Splits sealed text over the cookies of a session.
pub(super) fn split(
    settings: &Settings,
    ticket: &Ticket,
    text: String,
    beside: usize,
) -> Result<Pieces, Error> {
    let name = &settings.authentication.name;
    let pieces = Pieces::new(name, text).ok_or(ErrorKind::TooLarge)?;
    let session_id = session_id_len(settings, ticket);
    if pieces.total_len(name) + session_id + beside > settings.cookie_budget {
        return Err(ErrorKind::TooLarge.into());
    }
    Ok(pieces)
}

/// The length of the session id cookie.
pub(super) fn session_id_len(settings: &Settings, ticket: &Ticket) -> usize {
    let id = ticket.properties.session_id;
    let policy = settings.session_id.as_ref();
    policy.map_or(0, |policy| {
        policy.name.len() + id.map_or(0, |id| id.as_str().len())
    })
}

/// How the session id cookies of a request relate to a session; `more` if there were some that were not looked at.
pub(super) fn session_id_cookie<V: AsRef<[u8]>>(
    settings: &Settings,
    values: &[V],
    more: bool,
    ticket: Option<&Ticket>,
) -> SessionIdCookie {
    if settings.session_id.is_none() {
        return SessionIdCookie::Off;
    }
    let id = ticket.and_then(|ticket| ticket.properties.session_id.as_ref());
    let is_the_id = |value: &V| id.is_some_and(|id| id.as_bytes() == value.as_ref());
    match values {
        [] => SessionIdCookie::Absent,
        values if values.iter().any(is_the_id) => SessionIdCookie::Equal,
        // The right one may be among those not looked at; issuing it again would not drive the others out.
        _ if id.is_some() && more => SessionIdCookie::Equal,
        _ => SessionIdCookie::Different,
    }
}
