//! Changes of a session that is in a store: planned on the request's state, carried out in the store, and only then committed.
//!
//! Each runs in its turn and to its end. The response head waits for it; should it be too late for that, what needs a cookie is undone.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use super::{
    authenticator,
    in_request::Kept,
    plan::{Established, Plan, Rules, ended_value},
    records::{self, Changed, Finished},
    reference::Reference,
    sealed_record,
    shared::Shared,
    state::State,
};
use crate::{
    clock::Timestamp,
    config::StoreSettings,
    cookie::Pieces,
    ended::{EndReason, Ended},
    error::{Error, ErrorKind},
    events::Event,
    id::{ClientId, SessionId},
    store::{ClientAdded, Continuity, Created, End, Record, RecordKey, Replaced, ask},
    ticket::{AuthenticationProperties, ClientList, Principal, Ticket},
};

#[cfg(feature = "oidc")]
use crate::store::Filter;

/// How often a change is tried again that others were quicker than.
const ATTEMPTS: usize = 5;

/// How a sign-in goes about the session that there is.
enum Course {
    /// There is none.
    Begin,
    /// It is the same user's.
    Replace(RecordKey, Continuity),
    /// It is another user's, and ends when the new one is there.
    Switch(RecordKey),
}

/// A sign-in that the store has carried out.
struct Stored {
    clients: ClientList,
    ended: Option<Ended>,
}

impl Shared {
    pub(super) async fn sign_in_to_store(
        self: Arc<Self>,
        principal: Principal,
        properties: AuthenticationProperties,
    ) -> Result<Established, Error> {
        let deadline = self.settings.write_deadline();
        // The session may be gone when the store is asked, and then the user begins another one; that can't be gone too.
        for _ in 0..2 {
            let now = self.settings.now();
            let fresh = || SessionId::generate(&*self.settings.ids);
            let rules = Rules::of(&self.settings);
            let (plan, course) = {
                let session = self.lock();
                if self.phase.is_closed() {
                    return Err(ErrorKind::ResponseSent.into());
                }
                let (principal, properties) = (principal.clone(), properties.clone());
                let plan = session
                    .state
                    .sign_in(principal, properties, now, rules, fresh)?;
                let course = course(session.kept, session.state.current(), &plan);
                (plan, course)
            };
            let sealed = self.seal(&plan, now)?;
            match self.carry_out(&course, &sealed.record, now, deadline).await {
                Ok(Some(stored)) => return self.finish_sign_in(plan, sealed, stored).await,
                Ok(None) => drop(self.lose()),
                Err(error) => {
                    // Whether it took effect or not, nobody will ever know this key.
                    if error.kind() == ErrorKind::Unavailable {
                        self.forget_later(sealed.record.key);
                    }
                    return Err(error);
                }
            }
        }
        Err(ErrorKind::SessionEnded.into())
    }

    /// Writes another form of the session.
    pub(super) async fn change_in_store(
        self: Arc<Self>,
        plan: impl Fn(&State, Timestamp) -> Result<Option<Plan<()>>, ErrorKind>,
    ) -> Result<(), Error> {
        let store = self.store();
        let deadline = self.settings.write_deadline();
        for _ in 0..ATTEMPTS {
            let (plan, kept) = {
                let session = self.lock();
                let plan = plan(&session.state, self.settings.now())?;
                (plan, session.kept)
            };
            let Some(plan) = plan else {
                return Ok(());
            };
            let (Some(kept), Some(ticket)) = (kept, plan.ticket_to_seal()) else {
                return Err(self.lose());
            };
            match records::change(&self.settings, store, kept, &ticket, deadline).await? {
                Changed::Written(version) => {
                    drop(ticket);
                    let mut session = self.lock();
                    self.phase.mark();
                    session.kept = Some(Kept { version, ..kept });
                    session.state.commit(plan);
                    return Ok(());
                }
                Changed::Conflict(ticket, kept) => {
                    let mut session = self.lock();
                    session.state.adopt(*ticket);
                    session.kept = Some(kept);
                }
                Changed::Gone => return Err(self.lose()),
            }
        }
        Err(ErrorKind::Unavailable.into())
    }

    /// Records a client, and says whether it is new.
    pub(super) async fn add_client_in_store(
        self: Arc<Self>,
        client_id: ClientId,
    ) -> Result<bool, Error> {
        let (store, now) = (self.store(), self.settings.now());
        let (plan, kept) = {
            let session = self.lock();
            let plan = session.state.add_client(&client_id, now)?;
            (plan, session.kept)
        };
        let Some(plan) = plan else {
            return Ok(false);
        };
        let Some(kept) = kept else {
            return Err(self.lose());
        };
        let add = || store.store.add_client(&kept.key, &client_id, now.into());
        let answer = ask(self.settings.write_deadline(), add).await?;
        let new = match answer.value {
            ClientAdded::Missing => return Err(self.lose()),
            ClientAdded::Added => true,
            // It may be the first attempt that has added it.
            ClientAdded::Known => answer.repeated,
        };
        let mut session = self.lock();
        self.phase.mark();
        session.state.commit(plan);
        Ok(new)
    }

    pub(super) async fn sign_out_of_store(self: Arc<Self>) -> Result<Option<Ended>, Error> {
        let store = self.store();
        let now = self.settings.now();
        let (plan, key) = {
            let session = self.lock();
            let plan = session.state.sign_out_kept();
            // If the session was replaced just before this request came, it is its successor that ends.
            let kept = session.kept.map(|kept| kept.key);
            (plan, kept.or(session.gone))
        };
        let mut ended = None;
        if let Some(key) = &key {
            let end = End::because(EndReason::SignOut);
            let deadline = self.settings.write_deadline();
            ended = match records::finish(&self.settings, store, key, end, deadline).await? {
                Finished::Ended(ended) => Some(ended),
                Finished::Before => None,
                Finished::Either => plan.outcome.as_ref().and_then(|ticket| {
                    let rules = Rules::of(&self.settings);
                    ended_value(ticket, EndReason::SignOut, now, rules)
                }),
            };
        }
        let mut session = self.lock();
        if !self.phase.touch() {
            self.phase.mark();
            session.lose();
            session.gone = None;
            return Err(match key {
                Some(_) => ErrorKind::CookieNotSent.into(),
                None => ErrorKind::ResponseSent.into(),
            });
        }
        session.kept = None;
        session.gone = None;
        session.sealed = None;
        session.state.commit(plan);
        Ok(ended)
    }

    /// Says whether there is a session of this id, which is what a sign-out ends from now on.
    #[cfg(feature = "oidc")]
    pub(super) async fn turn_to(&self, id: SessionId) -> Result<bool, Error> {
        let store = self.store();
        let (filter, now) = (Filter::session_id(id), self.settings.now().into());
        let find = || store.store.find(&filter, 2, now);
        let found = ask(self.settings.load_deadline(), find).await?.value;
        // Hosts may have given one id to several sessions, also of other users: whose the cookie was, its bucket says.
        let mut session = self.lock();
        match (&found[..], session.gone) {
            ([record], Some(gone)) if record.key.bucket() == gone.bucket() => {
                session.gone = Some(record.key);
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Ends a session that nobody can use, as nobody has its cookie. It is done beside the request, as well as it can be.
    pub(super) fn forget_later(self: &Arc<Self>, key: RecordKey) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let shared = Arc::clone(self);
        runtime.spawn(async move {
            // What made it may still be on its way to the store, and come there after this.
            for pause in [0, 5, 30].map(Duration::from_secs) {
                sleep(pause).await;
                if shared.forget(&key).await {
                    return;
                }
            }
        });
    }

    /// Says whether it was there, and is not any more.
    async fn forget(&self, key: &RecordKey) -> bool {
        let store = self.store();
        let end = End::because(EndReason::ResponseLost);
        let deadline = self.settings.write_deadline();
        match records::finish(&self.settings, store, key, end, deadline).await {
            Ok(Finished::Ended(_)) => true,
            Ok(Finished::Before | Finished::Either) => false,
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a session that nobody has the cookie of could not be ended; if it is tried in vain again, it will expire"
                );
                false
            }
        }
    }

    fn seal(&self, plan: &Plan<Established>, now: Timestamp) -> Result<Sealed, Error> {
        let ticket = plan.ticket_to_seal().ok_or(ErrorKind::Seal)?;
        let settings = &self.settings;
        let reference = Reference::generate(&ticket, &*settings.ids).ok_or(ErrorKind::Seal)?;
        let text = reference.seal(settings, now).ok_or(ErrorKind::Seal)?;
        Ok(Sealed {
            record: sealed_record::record(settings, reference.key(), &ticket, now)?,
            pieces: authenticator::split(settings, &ticket, text, 0)?,
        })
    }

    /// None if the session that was to go on is not there any more.
    async fn carry_out(
        &self,
        course: &Course,
        record: &Record,
        now: Timestamp,
        deadline: Instant,
    ) -> Result<Option<Stored>, Error> {
        let store = self.store();
        let (limit, time) = (store.session_limit, now.into());
        let replaced = match course {
            Course::Replace(old, continuity) => {
                let replace = || store.store.replace(old, record, *continuity, limit, time);
                ask(deadline, replace).await?.value
            }
            Course::Begin | Course::Switch(_) => {
                let create = || store.store.create(record, limit, time);
                let answer = ask(deadline, create).await?;
                match answer.value {
                    Created::Created { evicted } => begun(record, evicted),
                    // A key is 32 random bytes, so it is this one's first attempt that has taken it.
                    Created::Exists if answer.repeated => begun(record, Vec::new()),
                    Created::Exists => return Err(ErrorKind::Seal.into()),
                    Created::Denied => Replaced::Denied,
                    Created::Full => Replaced::Full,
                }
            }
        };
        let (clients, ended) = match replaced {
            Replaced::Replaced { clients, ended, .. } => {
                if !ended.is_empty() {
                    store.ended.notify_one();
                }
                let tell = |ended: &Ended| Event::SessionEnded(ended).emit();
                ended.iter().for_each(tell);
                (clients, ended)
            }
            Replaced::Missing => return Ok(None),
            Replaced::Denied => return Err(ErrorKind::LimitReached.into()),
            Replaced::Full => return Err(ErrorKind::StoreFull.into()),
        };
        let mut ended = ended
            .into_iter()
            .find(|ended| ended.reason == EndReason::Replaced);
        if let Course::Switch(old) = course {
            let end = End::because(EndReason::UserSwitch);
            match records::finish(&self.settings, store, old, end, deadline).await {
                Ok(Finished::Ended(switched)) => ended = Some(switched),
                Ok(Finished::Before | Finished::Either) => {}
                // The other user must not stay signed in, so the new one is not.
                Err(error) => return Err(error),
            }
        }
        if let Some(ended) = &mut ended {
            ended.issuer.clone_from(&self.settings.issuer);
        }
        let clients = ClientList::of_record(&clients);
        Ok(Some(Stored { clients, ended }))
    }

    async fn finish_sign_in(
        &self,
        plan: Plan<Established>,
        sealed: Sealed,
        stored: Stored,
    ) -> Result<Established, Error> {
        let key = sealed.record.key;
        {
            let mut session = self.lock();
            if self.phase.touch() {
                self.store().recent.note(&key, sealed.record.renewed.into());
                session.kept = Some(Kept {
                    key,
                    version: sealed.record.version,
                });
                session.sealed = Some(Box::new(sealed.pieces));
                let plan = plan.into_stored(stored.clients, stored.ended);
                let established = session.state.commit(plan);
                drop(session);
                established.tell();
                return Ok(established);
            }
            self.phase.mark();
            session.lose();
        }
        self.forget(&key).await;
        Err(ErrorKind::ResponseSent.into())
    }

    /// The session has ended elsewhere, and the caller is told.
    fn lose(&self) -> Error {
        let mut session = self.lock();
        self.phase.mark();
        session.lose();
        ErrorKind::SessionEnded.into()
    }

    fn store(&self) -> &StoreSettings {
        let store = self.settings.store.as_ref();
        store.expect("only a session in a store is changed here")
    }
}

/// What a sign-in puts into the store, and into the cookie.
struct Sealed {
    record: Record,
    pieces: Pieces,
}

fn course(kept: Option<Kept>, current: Option<&Ticket>, plan: &Plan<Established>) -> Course {
    let (Some(kept), Some(current), Some(ticket)) = (kept, current, plan.ticket_to_seal()) else {
        return Course::Begin;
    };
    let same_user = current.principal.subject() == ticket.principal.subject();
    match (same_user, current.is_same_session(&ticket)) {
        (true, true) => Course::Replace(kept.key, Continuity::SameSession),
        (true, false) => Course::Replace(kept.key, Continuity::NewSession),
        (false, _) => Course::Switch(kept.key),
    }
}

fn begun(record: &Record, ended: Vec<Ended>) -> Replaced {
    Replaced::Replaced {
        created: record.created,
        clients: record.clients.clone(),
        ended,
    }
}
