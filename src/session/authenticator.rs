//! From the request's cookies to the incoming ticket, and from a ticket to the cookies that carry it.

use smallvec::SmallVec;

use super::state::{Incoming, SessionIdCookie};
use crate::{
    clock::Timestamp,
    config::Settings,
    cookie::{Candidates, MAX_CANDIDATES, Pieces},
    error::{Error, ErrorKind},
    protector::OpenError,
    ticket::{self, Ticket},
};

/// What the request's cookies came to.
#[derive(Debug)]
pub(super) struct Authenticated {
    pub(super) incoming: Incoming,
    pub(super) session_id_cookie: SessionIdCookie,
    /// How many cookies the incoming ticket was in; chunks from there on are left-overs.
    pub(super) count: usize,
}

/// Opens each candidate once and decides between them.
pub(super) fn authenticate(
    settings: &Settings,
    candidates: &Candidates<'_>,
    now: Timestamp,
) -> Authenticated {
    let mut valid: SmallVec<[(Ticket, usize); 1]> = SmallVec::new();
    let mut foreign = false;
    for text in &candidates.authentication {
        match open(settings, candidates, text, now) {
            Ok(opened) => valid.push(opened),
            Err(OpenError::Unknown) => foreign = true,
            Err(OpenError::Forged) => {}
        }
    }
    debug_assert!(valid.len() <= MAX_CANDIDATES);
    let (incoming, count) = choose(valid, foreign, candidates, now);
    Authenticated {
        session_id_cookie: session_id_cookie(settings, candidates, &incoming),
        incoming,
        count,
    }
}

/// Seals a ticket for its cookies, within the budget for all of ours.
pub(super) fn seal(settings: &Settings, ticket: &Ticket, now: Timestamp) -> Result<Pieces, Error> {
    let text = settings
        .protector
        .seal(now, |out| ticket::encode(ticket, out))
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

fn open(
    settings: &Settings,
    candidates: &Candidates<'_>,
    first: &[u8],
    now: Timestamp,
) -> Result<(Ticket, usize), OpenError> {
    let (text, count) = candidates.chunks.join(first).ok_or(OpenError::Forged)?;
    let opened = settings.protector.open(now, &text)?;
    let ticket = ticket::decode(&opened).ok_or(OpenError::Forged)?;
    Ok((ticket, count))
}

fn choose(
    mut valid: SmallVec<[(Ticket, usize); 1]>,
    foreign: bool,
    candidates: &Candidates<'_>,
    now: Timestamp,
) -> (Incoming, usize) {
    if valid.len() > 1 {
        // An expired one beside a live one is an old copy, not a second session.
        valid.retain(|(ticket, _)| ticket.expires_after(now));
    }
    let Some((mut newest, mut count)) = valid.pop() else {
        return (without_ticket(foreign, candidates), 1);
    };
    for (ticket, pieces) in valid {
        if !ticket.is_same_session(&newest) {
            tracing::warn!(
                "the request carries valid authentication cookies of different sessions and is treated as anonymous"
            );
            return (Incoming::Conflict, 1);
        }
        if ticket.sealed_after(&newest) {
            (newest, count) = (ticket, pieces);
        }
    }
    (Incoming::Ticket(newest), count)
}

fn without_ticket(foreign: bool, candidates: &Candidates<'_>) -> Incoming {
    if foreign {
        tracing::warn!(
            "an authentication cookie was sealed under a key or in a format that this process does not know; it is left alone"
        );
        Incoming::Foreign
    } else if candidates.authentication.is_empty() {
        Incoming::Nothing
    } else {
        tracing::debug!("an authentication cookie could not be opened and is cleared");
        Incoming::Dead
    }
}

fn session_id_cookie(
    settings: &Settings,
    candidates: &Candidates<'_>,
    incoming: &Incoming,
) -> SessionIdCookie {
    if settings.session_id.is_none() {
        return SessionIdCookie::Off;
    }
    let id = match incoming {
        Incoming::Ticket(ticket) => ticket.properties.session_id.as_ref(),
        _ => None,
    };
    let is_the_id = |value: &&[u8]| id.is_some_and(|id| id.as_str().as_bytes() == *value);
    match &candidates.session_id[..] {
        [] => SessionIdCookie::Absent,
        values if values.iter().any(is_the_id) => SessionIdCookie::Equal,
        _ => SessionIdCookie::Different,
    }
}
