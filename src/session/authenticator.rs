//! From the request's cookies to the incoming ticket, and from a ticket to the cookies that carry it.

use super::{
    marks::Marks,
    plan::{Arrival, Offer, SessionIdCookie},
    state::State,
};
use crate::{
    clock::Timestamp,
    config::{Settings, Throttle},
    cookie::{Candidates, Pieces},
    error::{Error, ErrorKind},
    events::{Event, Refusal, SealFailure},
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
            arrival = arrival.max(Arrival::Dead(Refusal::Incomplete));
            continue;
        };
        let opened = match settings.protector.open(now, &text) {
            Ok(opened) => ticket::decode(opened),
            Err(OpenError::Forged) => None,
            Err(OpenError::Unknown) => {
                arrival = arrival.max(Arrival::Foreign(Refusal::UnknownKey));
                continue;
            }
        };
        let Some(ticket) = opened else {
            arrival = arrival.max(Arrival::Dead(Refusal::Forged));
            continue;
        };
        if state.has_ended(&ticket) {
            arrival = arrival.max(Arrival::Dead(Refusal::Ended));
            continue;
        }
        let found = match state.offer(ticket, now) {
            Offer::Conflict => Arrival::Conflict,
            Offer::Passed => Arrival::Ticket,
            Offer::Taken => {
                pieces = count;
                len = text.len() + count * (settings.authentication.name.len() + MARK_LEN);
                Arrival::Ticket
            }
        };
        arrival = arrival.max(found);
    }
    let arrival = unless_more(arrival, candidates);
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
    report(settings, arrival, state, now);
    (pieces, len)
}

/// One of the cookies that were not looked at may be alive: somebody may have put others in front of it.
pub(super) fn unless_more(arrival: Arrival, candidates: &Candidates<'_>) -> Arrival {
    match arrival {
        Arrival::Dead(_) if candidates.authentication.has_more() => {
            Arrival::Foreign(Refusal::TooMany)
        }
        arrival => arrival,
    }
}

/// Tells why no session came of the cookies that the state has looked at.
pub(super) fn report(settings: &Settings, arrival: Arrival, state: &State, now: Timestamp) {
    let left_alone = |kind, throttle: &Throttle| Event::CookieLeftAlone {
        kind,
        left_out: throttle.pass(now),
    };
    let event = match arrival {
        Arrival::Nothing => return,
        Arrival::Ticket if state.current().is_some() => return,
        Arrival::Ticket => Event::CookieRefused(Refusal::Expired),
        Arrival::Dead(kind) | Arrival::Gone(kind) => Event::CookieRefused(kind),
        Arrival::Foreign(kind) => left_alone(kind, &settings.left_alone),
        Arrival::Conflict => left_alone(Refusal::Conflict, &settings.in_conflict),
    };
    event.emit();
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
    let session_id = session_id_len(settings, ticket);
    let fits =
        |pieces: &Pieces| pieces.total_len(name) + session_id + beside <= settings.cookie_budget;
    let Some(pieces) = Pieces::new(name, text).filter(fits) else {
        Event::SealFailed(SealFailure::TooLarge).emit();
        return Err(ErrorKind::TooLarge.into());
    };
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
