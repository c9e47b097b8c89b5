//! Has the host look at a session again, before any handler sees it.

use std::sync::Arc;

use tokio::time::{Instant, timeout_at};

use super::{
    hearing::tell,
    in_request::{InRequest, Kept},
    plan::Rules,
    records::{self, Changed},
    shared::Shared,
};
use crate::{
    config::{Settings, StoreSettings},
    ended::EndReason,
    error::{Error, ErrorKind},
    hook::Validation,
    lifetimes::CLOCK_SKEW,
    store::End,
    ticket::Principal,
};

/// How often a change is tried again that others were quicker than.
const ATTEMPTS: usize = 3;

/// Whether the last look at the session is too long ago.
pub(super) fn is_due(shared: &Shared) -> bool {
    let Some(validation) = &shared.settings.validation else {
        return false;
    };
    let now = shared.settings.now();
    let session = shared.lock();
    let current = session.state.current();
    let times = current.and_then(|ticket| ticket.properties.times);
    times.is_some_and(|times| {
        // A look of the future was noted before the clock stepped back, unless it was on another node just now.
        times.validated > now.plus(CLOCK_SKEW) || times.validated.plus(validation.interval) <= now
    })
}

/// Looks, and does what follows: the session goes on, with other claims perhaps, or it ends.
pub(super) async fn validate(shared: &mut Arc<Shared>, deadline: Instant) -> Result<(), Error> {
    let settings = Arc::clone(&shared.settings);
    let ticket = shared.lock().state.current().cloned();
    let (Some(validation), Some(ticket)) = (&settings.validation, ticket) else {
        return Ok(());
    };
    let verdict = timeout_at(deadline, validation.validator.validate(&ticket)).await;
    let verdict = verdict.unwrap_or_else(|late| Err(late.into()));
    let verdict = verdict.map_err(|source| Error::with_source(ErrorKind::Validation, source))?;
    let passed = match verdict {
        Validation::Valid => Some(None),
        Validation::Replaced(principal) => {
            let same = principal.subject() == ticket.principal.subject();
            same.then_some(Some(principal))
        }
        Validation::Refused => None,
    };
    match (passed, &settings.store) {
        (None, _) => refuse(shared, &settings, deadline).await,
        (Some(principal), None) => pass(shared, principal),
        (Some(principal), Some(store)) => {
            pass_and_keep(shared, &settings, store, principal, deadline).await;
        }
    }
    Ok(())
}

fn pass(shared: &mut Arc<Shared>, principal: Option<Principal>) {
    arrive(shared, |session, settings| {
        let now = settings.now();
        session.state.pass(principal, now);
        session.seal_validated(settings, now);
    });
}

/// Writes what was looked at into the store. Should that fail, the next request looks again.
async fn pass_and_keep(
    shared: &mut Arc<Shared>,
    settings: &Settings,
    store: &StoreSettings,
    principal: Option<Principal>,
    deadline: Instant,
) {
    for _ in 0..ATTEMPTS {
        let mut passed = None;
        arrive(shared, |session, settings| {
            session.state.pass(principal.clone(), settings.now());
            passed = session.kept.zip(session.state.current().cloned());
        });
        let Some((kept, ticket)) = passed else {
            return;
        };
        match records::change(settings, store, kept, &ticket, deadline).await {
            Ok(Changed::Written(version)) => {
                return arrive(shared, |session, _| {
                    session.kept = Some(Kept { version, ..kept });
                });
            }
            Ok(Changed::Conflict(ticket, kept)) => arrive(shared, |session, _| {
                session.state.adopt(*ticket);
                session.kept = Some(kept);
            }),
            Ok(Changed::Gone) => return arrive(shared, |session, _| session.lose()),
            Err(error) => {
                return tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "that a session was validated could not be written down"
                );
            }
        }
    }
}

async fn refuse(shared: &mut Arc<Shared>, settings: &Settings, deadline: Instant) {
    let kept = shared.lock().kept;
    if let (Some(store), Some(kept)) = (&settings.store, kept) {
        let end = End::because(EndReason::ValidationRefused);
        let finished = records::finish(settings, store, &kept.key, end, deadline).await;
        if let Err(error) = finished {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a session was refused, and could not be ended in the store; the next request tries again"
            );
            // So the browser must keep the cookie: without it no request would.
            return arrive(shared, |session, _| {
                session.lose();
                session.state.conceal();
            });
        }
    }
    let mut ended = None;
    arrive(shared, |session, settings| {
        ended = session.state.refuse(settings.now(), Rules::of(settings));
        session.kept = None;
    });
    tell(settings, ended.as_ref()).await;
}

/// Nobody else has the session yet.
fn arrive(shared: &mut Arc<Shared>, change: impl FnOnce(&mut InRequest, &Settings)) {
    let shared = Arc::get_mut(shared).expect("the request has not gone on");
    shared.arrive(change);
}
