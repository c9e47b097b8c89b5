//! From the request's cookies to the incoming ticket, and from a ticket to the cookies that carry it.

use super::state::{Incoming, SessionIdCookie};
use crate::{
    clock::Timestamp,
    config::Settings,
    cookie::{Candidates, Pieces},
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
    let mut best: Option<Ticket> = None;
    let mut best_count = 1;
    let mut foreign = false;
    for first in &candidates.authentication {
        let Some((text, count)) = candidates.chunks.join(first) else {
            continue;
        };
        let ticket = match open(settings, &text, now) {
            Ok(ticket) => ticket,
            Err(failure) => {
                foreign |= failure == OpenError::Unknown;
                continue;
            }
        };
        let better = match &best {
            None => true,
            // An expired one beside a live one is an old copy, not a second session.
            Some(best) if !ticket.expires_after(now) || !best.expires_after(now) => {
                !best.expires_after(now)
            }
            Some(best) if !ticket.is_same_session(best) => return conflict(settings, candidates),
            Some(best) => ticket.sealed_after(best),
        };
        if better {
            best = Some(ticket);
            best_count = count;
        }
    }
    let session_id_cookie = session_id_cookie(settings, candidates, best.as_ref());
    Authenticated {
        incoming: match best {
            Some(ticket) => Incoming::Ticket(ticket),
            None => without_ticket(foreign, candidates),
        },
        session_id_cookie,
        count: best_count,
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

fn open(settings: &Settings, text: &[u8], now: Timestamp) -> Result<Ticket, OpenError> {
    let opened = settings.protector.open(now, text)?;
    ticket::decode(&opened).ok_or(OpenError::Forged)
}

fn conflict(settings: &Settings, candidates: &Candidates<'_>) -> Authenticated {
    tracing::warn!(
        "the request carries valid authentication cookies of different sessions and is treated as anonymous"
    );
    Authenticated {
        session_id_cookie: session_id_cookie(settings, candidates, None),
        incoming: Incoming::Conflict,
        count: 1,
    }
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
    ticket: Option<&Ticket>,
) -> SessionIdCookie {
    if settings.session_id.is_none() {
        return SessionIdCookie::Off;
    }
    let id = ticket.and_then(|ticket| ticket.properties.session_id.as_ref());
    let is_the_id = |value: &&[u8]| id.is_some_and(|id| id.as_bytes() == *value);
    match &candidates.session_id[..] {
        [] => SessionIdCookie::Absent,
        values if values.iter().any(is_the_id) => SessionIdCookie::Equal,
        _ => SessionIdCookie::Different,
    }
}
