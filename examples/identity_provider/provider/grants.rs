//! What clients have been given, in this process's memory. A real provider keeps it in its database, in the same hashed form.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use axum_user_session::{
    Principal,
    id::{ClientId, SessionId},
};

use super::secret::{self, Hash};

/// All grants. A cheap handle.
#[derive(Clone, Default)]
pub(crate) struct Grants(Arc<Mutex<Inner>>);

/// What a user's sign-in has given to a client.
#[derive(Debug)]
pub(crate) struct Grant {
    pub(crate) client: ClientId,
    pub(crate) session_id: SessionId,
    pub(crate) user: Principal,
    pub(crate) scope: Vec<&'static str>,
    /// When the session is over at the latest, for a client whose tokens live no longer.
    pub(crate) until: Option<SystemTime>,
}

/// What an authorization code stands for.
pub(crate) struct Code {
    pub(crate) grant: Arc<Grant>,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: String,
    pub(crate) nonce: Option<String>,
}

/// All that came from one code. When something of it is used twice, somebody has stolen it, and all of it is void (RFC 9700 section 4.14.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Family(u128);

/// What the token endpoint hands out.
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: Option<String>,
}

#[derive(Default)]
struct Inner {
    codes: HashMap<Hash, Entry<Code>>,
    access: HashMap<Hash, Entry<Arc<Grant>>>,
    refresh: HashMap<Hash, Entry<Arc<Grant>>>,
    /// What is void, and until when to remember it: a request that is under way must not add to it.
    void: HashMap<Family, Instant>,
    swept: Option<Instant>,
}

struct Entry<T> {
    family: Family,
    expires: Instant,
    /// Whether it was used, where it may be used once. It is kept to notice a second time.
    spent: bool,
    value: T,
}

/// A code travels through the browser (RFC 6749 section 4.1.2: at most ten minutes).
const CODE: Duration = Duration::from_secs(60);
/// How long an access token opens the userinfo endpoint.
pub(crate) const ACCESS: Duration = Duration::from_secs(600);
/// How long a refresh token waits to be used. The session may end before.
const REFRESH: Duration = Duration::from_secs(14 * 24 * 3600);
/// How often what is over is thrown away.
const SWEEP: Duration = Duration::from_secs(60);

impl Grants {
    /// A code for the client to change into tokens.
    pub(crate) fn issue_code(&self, code: Code) -> String {
        let (text, family) = (secret::fresh(), Family(rand::random()));
        self.lock()
            .sweep()
            .codes
            .insert(secret::hash(&text), Entry::new(family, CODE, code));
        text
    }

    /// Whose grant a code would give. One that was used is found too: to use it again must not go unnoticed.
    pub(crate) fn peek_code(&self, code: &str, client: &ClientId) -> Option<Arc<Grant>> {
        let inner = self.lock();
        let entry = inner.codes.get(&secret::hash(code))?;
        let theirs = !entry.is_over() && entry.value.grant.client == *client;
        theirs.then(|| Arc::clone(&entry.value.grant))
    }

    /// What a code stands for, once, and only for the client that it was made for.
    pub(crate) fn redeem_code<T>(
        &self,
        code: &str,
        client: &ClientId,
        read: impl FnOnce(&Code) -> T,
    ) -> Option<(Family, T)> {
        let mut inner = self.lock();
        let entry = inner.codes.get_mut(&secret::hash(code));
        let entry =
            entry.filter(|entry| !entry.is_over() && entry.value.grant.client == *client)?;
        let family = entry.family;
        match entry.spend() {
            true => Some((family, read(&entry.value))),
            false => {
                inner.void(family);
                None
            }
        }
    }

    /// Tokens for what a client was given, with another refresh token if it gets any. None if it is void by now.
    pub(crate) fn issue_tokens(
        &self,
        family: Family,
        grant: &Arc<Grant>,
        with_refresh: bool,
    ) -> Option<Tokens> {
        let mut inner = self.lock();
        let inner = inner.sweep();
        if inner.void.contains_key(&family) {
            return None;
        }
        let access = secret::fresh();
        let entry = Entry::new(family, ACCESS, Arc::clone(grant));
        inner.access.insert(secret::hash(&access), entry);
        let refresh = with_refresh.then(|| {
            let refresh = secret::fresh();
            let entry = Entry::new(family, REFRESH, Arc::clone(grant));
            inner.refresh.insert(secret::hash(&refresh), entry);
            refresh
        });
        Some(Tokens { access, refresh })
    }

    /// What a refresh token would stand for. One that was used is found too: to use it again must not go unnoticed.
    pub(crate) fn peek_refresh(&self, token: &str, client: &ClientId) -> Option<Arc<Grant>> {
        let inner = self.lock();
        let entry = inner.refresh.get(&secret::hash(token))?;
        let theirs = !entry.is_over() && entry.value.client == *client;
        theirs.then(|| Arc::clone(&entry.value))
    }

    /// What a refresh token stands for, once, and only for its client.
    pub(crate) fn redeem_refresh(
        &self,
        token: &str,
        client: &ClientId,
    ) -> Option<(Family, Arc<Grant>)> {
        let mut inner = self.lock();
        let entry = inner.refresh.get_mut(&secret::hash(token));
        let entry = entry.filter(|entry| !entry.is_over() && entry.value.client == *client)?;
        let family = entry.family;
        match entry.spend() {
            true => Some((family, Arc::clone(&entry.value))),
            false => {
                inner.void(family);
                None
            }
        }
    }

    /// What an access token stands for.
    pub(crate) fn access(&self, token: &str) -> Option<Arc<Grant>> {
        let inner = self.lock();
        let entry = inner.access.get(&secret::hash(token))?;
        (!entry.is_over()).then(|| Arc::clone(&entry.value))
    }

    /// Takes away what a client was given in a session.
    pub(crate) fn take_back(&self, client: &ClientId, subject: &str, session_id: SessionId) {
        let is_it = |grant: &Grant| {
            grant.client == *client
                && grant.session_id == session_id
                && grant.user.subject() == subject
        };
        let mut inner = self.lock();
        let codes = inner.codes.values().filter(|code| is_it(&code.value.grant));
        let codes = codes.map(|code| code.family);
        let refresh = inner.refresh.values().filter(|token| is_it(&token.value));
        let refresh = refresh.map(|token| token.family);
        let families: Vec<_> = codes.chain(refresh).collect();
        for family in families {
            inner.forget(family);
        }
        inner.codes.retain(|_, code| !is_it(&code.value.grant));
        // A family without a code or a refresh token has nothing else.
        inner.access.retain(|_, token| !is_it(&token.value));
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every change is one insertion or removal, so there is nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn sweep(&mut self) -> &mut Self {
        if self.swept.is_none_or(|at| at.elapsed() >= SWEEP) {
            self.codes.retain(|_, entry| !entry.is_over());
            self.access.retain(|_, entry| !entry.is_over());
            self.refresh.retain(|_, entry| !entry.is_over());
            self.void.retain(|_, until| *until > Instant::now());
            self.swept = Some(Instant::now());
        }
        self
    }

    fn void(&mut self, family: Family) {
        tracing::warn!("a code or a refresh token was used twice; all that came from it is void");
        self.forget(family);
    }

    fn forget(&mut self, family: Family) {
        self.void.insert(family, Instant::now() + CODE);
        self.access.retain(|_, entry| entry.family != family);
        self.refresh.retain(|_, entry| entry.family != family);
    }
}

impl<T> Entry<T> {
    fn new(family: Family, life: Duration, value: T) -> Self {
        Self {
            family,
            expires: Instant::now() + life,
            spent: false,
            value,
        }
    }

    fn is_over(&self) -> bool {
        self.expires <= Instant::now()
    }

    /// Whether this was the first time.
    fn spend(&mut self) -> bool {
        !std::mem::replace(&mut self.spent, true)
    }
}
