//! From the request's cookies to the incoming ticket, and from a ticket to the cookies that carry it.

use super::{
    plan::{Arrival, Offer, SessionIdCookie},
    state::State,
};
use crate::{
    clock::Timestamp,
    config::Settings,
    cookie::{Candidates, Pieces},
    error::{Error, ErrorKind},
    protector::OpenError,
    ticket::{self, Ticket},
};

/// Opens each candidate once and lets the state decide between them. Gives the number of cookies that its ticket was in: chunks from there on are
/// left-overs.
pub(super) fn authenticate(
    settings: &Settings,
    candidates: &Candidates<'_>,
    now: Timestamp,
    state: &mut State,
) -> usize {
    let mut pieces = 1;
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
        let found = match opened.map(|ticket| state.offer(ticket, now)) {
            None => Arrival::Dead,
            Some(Offer::Conflict) => Arrival::Conflict,
            Some(Offer::Passed) => Arrival::Ticket,
            Some(Offer::Taken) => {
                pieces = count;
                Arrival::Ticket
            }
        };
        arrival = arrival.max(found);
    }
    if arrival == Arrival::Dead && candidates.authentication.has_more() {
        // One of those that were not looked at may be alive: somebody may have put others in front of it.
        arrival = Arrival::Foreign;
    }
    match arrival {
        Arrival::Nothing | Arrival::Ticket => {}
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
    let session_id_cookie = session_id_cookie(settings, candidates, state.incoming());
    state.arrive(arrival, session_id_cookie, now, &settings.lifetimes);
    pieces
}

/// Seals a ticket for its cookies, within the budget for all of ours.
pub(super) fn seal(settings: &Settings, ticket: &Ticket, now: Timestamp) -> Result<Pieces, Error> {
    let text = settings
        .protector
        .seal(now, ticket::most_bytes(ticket), |out| {
            ticket::encode(ticket, out)
        })
        .ok_or(ErrorKind::Seal)?;
    let name = &settings.authentication.name;
    let pieces = Pieces::new(name, text).ok_or(ErrorKind::TooLarge)?;
    let id_len = ticket
        .properties
        .session_id
        .map_or(0, |id| id.as_str().len());
    let session_id = settings.session_id.as_ref();
    let session_id = session_id.map_or(0, |policy| policy.name.len() + id_len);
    if pieces.total_len(name) + session_id > settings.cookie_budget {
        return Err(ErrorKind::TooLarge.into());
    }
    Ok(pieces)
}

fn session_id_cookie(
    settings: &Settings,
    candidates: &Candidates<'_>,
    ticket: Option<&Ticket>,
) -> SessionIdCookie {
    if settings.session_id.is_none() {
        return SessionIdCookie::Off;
    }
    let id = ticket.and_then(|ticket| ticket.properties.session_id.as_ref());
    let is_the_id = |value: &&[u8]| id.is_some_and(|id| id.as_bytes() == *value);
    match candidates.session_id.as_slice() {
        [] => SessionIdCookie::Absent,
        values if values.iter().any(is_the_id) => SessionIdCookie::Equal,
        // The right one may be among those not looked at; issuing it again would not drive the others out.
        _ if id.is_some() && candidates.session_id.has_more() => SessionIdCookie::Equal,
        _ => SessionIdCookie::Different,
    }
}
