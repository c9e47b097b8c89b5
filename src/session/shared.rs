use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use tracing::Instrument;

use super::{
    authenticator,
    in_request::InRequest,
    phase::Phase,
    plan::{Keeping, Plan, SessionIdCookie},
    state::State,
    transform::Transformed,
};
use crate::{
    clock::Timestamp,
    config::Settings,
    error::{Error, ErrorKind},
    ticket::Principal,
};

/// What all handles of one request share.
pub(super) struct Shared {
    pub(super) phase: Phase,
    /// The user of a session that is as it arrived, so that asking who that is takes no lock.
    pub(super) arrived: Option<Principal>,
    session: Mutex<InRequest>,
    /// What `authenticate` gives, once it was asked; none without a claims transformation.
    pub(super) transformed: Option<Box<AsyncMutex<Transformed>>>,
    /// Where changes of a session in a store queue; none without a store, where no change waits for anything.
    turns: Option<Arc<AsyncMutex<()>>>,
    pub(super) settings: Arc<Settings>,
}

/// The right to change the session, or to send its response.
pub(super) type Turn = OwnedMutexGuard<()>;

impl Shared {
    /// The session of a request that carries none of our cookies.
    pub(super) fn new(settings: &Arc<Settings>) -> Self {
        let cookie = match settings.session_id {
            Some(_) => SessionIdCookie::Absent,
            None => SessionIdCookie::Off,
        };
        let keeping = match settings.store {
            Some(_) => Keeping::Store,
            None => Keeping::Cookie,
        };
        let transforms = settings.claims_transformation.is_some();
        Self {
            phase: Phase::new(),
            arrived: None,
            session: Mutex::new(InRequest::new(keeping, cookie)),
            transformed: transforms.then(Default::default),
            turns: settings.store.is_some().then(Default::default),
            settings: Arc::clone(settings),
        }
    }

    /// Begins with what the request carried. Nobody else has the session yet.
    pub(super) fn arrive(&mut self, arrive: impl FnOnce(&mut InRequest, &Settings)) {
        // In its place from the start: a session is too large to be moved around for every request.
        let session = self.session.get_mut();
        let session = session.unwrap_or_else(PoisonError::into_inner);
        arrive(session, &self.settings);
        let state = &session.state;
        self.arrived = state.session().map(|ticket| ticket.principal.clone());
        if !session.is_clean() {
            self.phase.touch();
        }
    }

    /// A panic of a hook can't leave the state half changed: it is changed in one assignment after everything that can fail.
    pub(super) fn lock(&self) -> MutexGuard<'_, InRequest> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the session is in a store.
    pub(super) fn is_in_store(&self) -> bool {
        self.turns.is_some()
    }

    /// Waits for the changes that have begun. None if there is nothing to wait for, because no change ever waits.
    pub(super) async fn turn(&self) -> Option<Turn> {
        match &self.turns {
            None => None,
            Some(turns) => Some(Arc::clone(turns).lock_owned().await),
        }
    }

    /// The turn, if nobody has it.
    pub(super) fn turn_at_once(&self) -> Option<Turn> {
        let turns = self.turns.as_ref()?;
        Arc::clone(turns).try_lock_owned().ok()
    }

    /// Runs a change of a session in a store when its turn has come, to its end: whoever asked may go away meanwhile, and leaves nothing half done.
    pub(super) async fn in_turn<T, F>(
        self: &Arc<Self>,
        change: impl FnOnce(Arc<Self>) -> F,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let turn = self.turn().await;
        let change = change(Arc::clone(self));
        let change = async move {
            let _turn = turn;
            change.await
        };
        match tokio::spawn(change.in_current_span()).await {
            Ok(outcome) => outcome,
            Err(stopped) => match stopped.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime shuts down.
                Err(stopped) => Err(Error::with_source(ErrorKind::Unavailable, stopped)),
            },
        }
    }

    /// Plans, seals and commits what needs no store, all or nothing. None if the plan was to change nothing, which is no error after the response either.
    pub(super) fn change<T>(
        &self,
        now: Timestamp,
        plan: impl FnOnce(&State) -> Result<Option<Plan<T>>, ErrorKind>,
    ) -> Result<Option<T>, Error> {
        let mut session = self.lock();
        let Some(plan) = plan(&session.state)? else {
            return Ok(None);
        };
        if self.phase.is_closed() {
            return Err(ErrorKind::ResponseSent.into());
        }
        let settings = &self.settings;
        let sealed = plan.ticket_to_seal().map(|ticket| {
            let beside = session.beside(settings, &ticket);
            authenticator::seal(settings, &ticket, beside, now)
        });
        let sealed = sealed.transpose()?;
        let addition = plan.client_to_add();
        let addition = addition.map(|(ticket, client)| session.add(settings, ticket, client, now));
        let addition = addition.transpose()?;
        // From here on the response waits for the lock; before, it may have been quicker.
        if !self.phase.touch() {
            return Err(ErrorKind::ResponseSent.into());
        }
        if let Some(sealed) = sealed {
            session.sealed = Some(Box::new(sealed));
        }
        if let Some(addition) = addition {
            session.issue(addition);
        }
        Ok(Some(session.state.commit(plan)))
    }
}
