//! From a request's cookies to its session, by way of the store where there is one.

use std::sync::Arc;

use http::HeaderMap;
use tokio::time::Instant;

use super::{
    in_request::{Carried, InRequest, Kept},
    plan::Arrival,
    records::{self, Changed},
    reference::Reference,
    sealed_record,
    shared::Shared,
    validation,
};
use crate::{
    config::{Settings, StoreSettings},
    cookie::{Candidates, scan},
    ended::EndReason,
    error::Error,
    events::Refusal,
    hook::BoxFuture,
    id::SessionId,
    protector::OpenError,
    store::{End, Filter, Loaded, Record, RecordKey, ask},
    ticket::Ticket,
};

/// A session, or what it takes to have one.
pub(super) enum Loading {
    Ready(Arc<Shared>),
    Waiting(BoxFuture<'static, Result<Arc<Shared>, Error>>),
}

/// Begins with a request's cookies. Without a store, and with nothing to validate, that is all.
pub(super) fn begin(settings: &Arc<Settings>, headers: &HeaderMap) -> Loading {
    let session_id_name = settings.session_id.as_ref().map(|policy| &*policy.name);
    let candidates = scan(headers, &settings.authentication.name, session_id_name);
    let mut shared = Arc::new(Shared::new(settings));
    if candidates.is_empty() {
        return Loading::Ready(shared);
    }
    match &settings.store {
        Some(_) => from_store(shared, &candidates, opens_a_page(headers)),
        None => {
            arrive(&mut shared, |session, settings| {
                session.arrive(settings, &candidates);
            });
            match validation::is_due(&shared) {
                false => Loading::Ready(shared),
                true => Loading::Waiting(Box::pin(async move {
                    let deadline = shared.settings.load_deadline();
                    validation::validate(&mut shared, deadline).await?;
                    Ok(shared)
                })),
            }
        }
    }
}

fn from_store(mut shared: Arc<Shared>, candidates: &Candidates<'_>, opens_a_page: bool) -> Loading {
    let settings = &shared.settings;
    let now = settings.now();
    let carried = Carried::of(settings, candidates, now);
    if !carried.references.is_empty() {
        return Loading::Waiting(Box::pin(load(shared, carried, opens_a_page)));
    }
    arrive(&mut shared, |session, settings| {
        session.arrive_from_store(settings, &carried, carried.arrival, Vec::new(), now);
    });
    Loading::Ready(shared)
}

/// Asks the store for what the references of a request lead to. All that a request waits for has one deadline.
async fn load(
    mut shared: Arc<Shared>,
    carried: Carried,
    opens_a_page: bool,
) -> Result<Arc<Shared>, Error> {
    let settings = Arc::clone(&shared.settings);
    let Some(store) = &settings.store else {
        return Ok(shared);
    };
    // There is one reference, unless somebody tosses cookies: more of them get no more time.
    let deadline = settings.load_deadline();
    let mut arrival = carried.arrival;
    let mut loaded = Vec::with_capacity(1);
    let (mut old_key, mut gone) = (false, None);
    for reference in &carried.references {
        match fetch(&settings, store, reference, deadline).await? {
            Fetched::Session(session) => {
                let (ticket, record) = *session;
                let kept = Kept {
                    key: record.key,
                    version: record.version,
                };
                old_key = sealed_record::is_under_an_old_key(&settings, &record, settings.now());
                loaded.push((ticket, kept));
            }
            Fetched::Nothing(found) => {
                let is_gone = matches!(found, Arrival::Gone(_));
                gone = gone.or(is_gone.then(|| reference.key()));
                arrival = arrival.max(found);
            }
        }
    }
    let shows_what_is_over = match (arrival, carried.only_session_id()) {
        _ if !opens_a_page || !loaded.is_empty() => false,
        (Arrival::Gone(_), Some(id)) => is_over(&settings, store, id, deadline).await,
        // Its own cookie goes with this response too, so nothing else would take the session id along later.
        (Arrival::Dead(_), _) => true,
        _ => false,
    };
    let only = loaded.len() == 1;
    let now = settings.now();
    arrive(&mut shared, |session, settings| {
        session.arrive_from_store(settings, &carried, arrival, loaded, now);
        session.gone = gone;
        if shows_what_is_over {
            session.state.let_session_id_go();
        }
    });
    if validation::is_due(&shared) {
        validation::validate(&mut shared, deadline).await?;
    } else if old_key && only {
        reseal(&mut shared, store, deadline).await;
    }
    Ok(shared)
}

/// Whether a browser opens a page with a request, in a tab of its own (Fetch Metadata, section 2.1). What does not say so does not.
///
/// A session that has ended a moment ago must not have its cookies cleared by a request that was on its way meanwhile: they may be the next session's already. But while the session id cookie
/// shows the old id, clients that watch it hear that nothing has changed. Pages are rarely opened in the very moment of a sign-in elsewhere, in contrast to what scripts and frames ask
/// for. Should one take the cookie of the next session all the same, the next request brings it back.
///
/// It does not matter here which site has sent the user: the reference has come along, so this is no request that the browser hides it from.
fn opens_a_page(headers: &HeaderMap) -> bool {
    let destination = headers.get("sec-fetch-dest");
    destination.is_some_and(|destination| destination == "document")
}

/// Whether no session has this id. It may go on under another reference, which the browser is about to get.
async fn is_over(
    settings: &Settings,
    store: &StoreSettings,
    id: SessionId,
    deadline: Instant,
) -> bool {
    let filter = Filter::session_id(id);
    let now = settings.now().into();
    let find = || store.store.find(&filter, 1, now);
    ask(deadline, find)
        .await
        .is_ok_and(|found| found.value.is_empty())
}

enum Fetched {
    Session(Box<(Ticket, Record)>),
    /// No session, and what to make of the cookie.
    Nothing(Arrival),
}

async fn fetch(
    settings: &Settings,
    store: &StoreSettings,
    reference: &Reference,
    deadline: Instant,
) -> Result<Fetched, Error> {
    let now = settings.now();
    let key = reference.key();
    let interval = store.activity_interval;
    let touch = match store.recent.knows(&key, interval, now) {
        true => None,
        false => Some(reference.touch(settings, interval, now)),
    };
    let load = || store.store.load(&key, touch, now.into());
    let record = match ask(deadline, load).await?.value {
        Loaded::Found(record) => record,
        Loaded::Gone => return Ok(Fetched::Nothing(Arrival::Gone(Refusal::Ended))),
        Loaded::Missing => return Ok(Fetched::Nothing(Arrival::Dead(Refusal::NoRecord))),
    };
    let opened = sealed_record::open_record(settings, &record, now);
    let (rejected, expired) = (
        Arrival::Dead(Refusal::RecordForged),
        Arrival::Gone(Refusal::Expired),
    );
    let end = match &opened {
        Err(OpenError::Unknown) => {
            return Ok(Fetched::Nothing(Arrival::Foreign(
                Refusal::RecordUnknownKey,
            )));
        }
        Err(OpenError::Forged) => {
            tracing::warn!(
                record = ?key,
                "a session's record in the store was changed, moved or damaged; it is removed"
            );
            Some((End::because(EndReason::RecordRejected), rejected))
        }
        Ok(ticket) if ticket.expires_after(now) => None,
        // The record itself has expired, or its own limit is over although the record says otherwise.
        Ok(_) if record.has_expired(now.into()) => Some((End::if_expired(), expired)),
        Ok(_) => Some((End::because(EndReason::Expired), expired)),
    };
    if let Some((end, arrival)) = end {
        finish(settings, store, &key, end, deadline).await;
        return Ok(Fetched::Nothing(arrival));
    }
    store.recent.note(&key, record.renewed.into());
    match opened {
        Ok(ticket) => Ok(Fetched::Session(Box::new((ticket, *record)))),
        Err(_) => Ok(Fetched::Nothing(rejected)),
    }
}

/// Ends a session that was met when it was over. Should that fail, somebody else will meet it, or the clean-up.
async fn finish(
    settings: &Settings,
    store: &StoreSettings,
    key: &RecordKey,
    end: End,
    deadline: Instant,
) {
    if let Err(error) = records::finish(settings, store, key, end, deadline).await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "a session that is over could not be ended in the store"
        );
    }
}

/// Seals a record anew whose key will be retired some day. Should that fail, or somebody else be quicker, there will be another request.
async fn reseal(shared: &mut Arc<Shared>, store: &StoreSettings, deadline: Instant) {
    let settings = Arc::clone(&shared.settings);
    let session = {
        let session = shared.lock();
        session.kept.zip(session.state.current().cloned())
    };
    let Some((kept, ticket)) = session else {
        return;
    };
    match records::change(&settings, store, kept, &ticket, deadline).await {
        Ok(Changed::Written(version)) => shared.lock().kept = Some(Kept { version, ..kept }),
        Ok(Changed::Conflict(..)) => {}
        Ok(Changed::Gone) => arrive(shared, |session, _| session.lose()),
        Err(error) => tracing::warn!(
            error = &error as &dyn std::error::Error,
            "a session could not be sealed under the current key"
        ),
    }
}

fn arrive(shared: &mut Arc<Shared>, arrive: impl FnOnce(&mut InRequest, &Settings)) {
    Arc::get_mut(shared)
        .expect("nobody else has it yet")
        .arrive(arrive);
}
