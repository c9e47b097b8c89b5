use std::{fmt, time::Duration};

use crate::{
    clock::{Clock, SystemClock},
    cookie::{LegacyScope, SameSite, Scope},
    hook::{
        BoxedClaimsTransformation, BoxedEndedHook, BoxedValidator, ClaimsTransformation, EndedHook,
        Validator,
    },
    id::{IdGenerator, SystemRandom},
    key_ring::KeyRing,
    store::{BoxedStore, SessionStore, WhenReached},
};

pub(super) const HOUR: Duration = Duration::from_secs(3600);
/// Common servers and proxies refuse requests with more than 8 KiB of headers.
const DEFAULT_BUDGET: usize = 7 * 1024;

/// Collects settings for [`SessionConfig`](super::SessionConfig).
#[must_use]
pub struct SessionConfigBuilder {
    pub(super) key_ring: KeyRing,
    pub(super) application_id: String,
    pub(super) issuer: Option<String>,
    pub(super) plain_http: bool,
    pub(super) name: Option<String>,
    pub(super) scope: Scope,
    pub(super) same_site: SameSite,
    pub(super) http_only: bool,
    pub(super) check_session: bool,
    pub(super) session_id_name: String,
    pub(super) session_id_same_site: Option<SameSite>,
    pub(super) session_id_scope: Scope,
    pub(super) legacy_scopes: Vec<LegacyScope>,
    pub(super) cookie_budget: usize,
    pub(super) lifetime: Duration,
    pub(super) sliding: bool,
    pub(super) absolute_lifetime: Option<Duration>,
    pub(super) claims_transformation: Option<Box<dyn BoxedClaimsTransformation>>,
    pub(super) validator: Option<(Box<dyn BoxedValidator>, Duration)>,
    pub(super) ended_hook: Option<Box<dyn BoxedEndedHook>>,
    pub(super) store: Option<Box<dyn BoxedStore>>,
    pub(super) load_limit: Duration,
    pub(super) write_limit: Duration,
    pub(super) activity_interval: Duration,
    pub(super) session_limit: Option<(u32, WhenReached)>,
    pub(super) clock: Box<dyn Clock>,
    pub(super) ids: Box<dyn IdGenerator>,
}

impl SessionConfigBuilder {
    pub(super) fn new(key_ring: KeyRing) -> Self {
        let scope = Scope {
            domain: None,
            path: "/".to_owned(),
        };
        Self {
            key_ring,
            application_id: "axum-user-session".to_owned(),
            issuer: None,
            plain_http: false,
            name: None,
            scope: scope.clone(),
            same_site: SameSite::Lax,
            http_only: true,
            check_session: true,
            session_id_name: "idsrv.session".to_owned(),
            session_id_same_site: None,
            session_id_scope: scope,
            legacy_scopes: Vec::new(),
            cookie_budget: DEFAULT_BUDGET,
            lifetime: 10 * HOUR,
            sliding: false,
            absolute_lifetime: None,
            claims_transformation: None,
            validator: None,
            ended_hook: None,
            store: None,
            load_limit: Duration::from_secs(1),
            write_limit: Duration::from_secs(5),
            activity_interval: Duration::from_secs(60),
            session_limit: None,
            clock: Box::new(SystemClock),
            ids: Box::new(SystemRandom),
        }
    }

    /// Names the application, in 1 to 64 bytes: what one application seals, another with the same keys can't open.
    ///
    /// Default: `axum-user-session`. Changing it signs everybody out.
    pub fn application_id(mut self, id: impl Into<String>) -> Self {
        self.application_id = id.into();
        self
    }

    /// The issuer identifier (`iss`) to put into [`Ended`](crate::ended::Ended). Default: none.
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// How long a sign-in lasts, or with [`sliding`](Self::sliding) how long the user may be idle. Default: 10 hours.
    ///
    /// From a second to 400 days. NIST SP 800-63B-4 recommends at most one hour of inactivity at AAL2.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Whether a request in the second half of the lifetime renews the session. Default: no.
    pub fn sliding(mut self, sliding: bool) -> Self {
        self.sliding = sliding;
        self
    }

    /// How long a session lasts from its authentication, whatever the user does. Default: 24 hours, or the lifetime if that is
    /// longer and does not slide.
    ///
    /// From a second to 400 days. Signing in anew begins it again.
    pub fn absolute_lifetime(mut self, lifetime: Duration) -> Self {
        self.absolute_lifetime = Some(lifetime);
        self
    }

    /// The name of the authentication cookie. Default: `__Host-idsrv`, or `idsrv` on plain http.
    ///
    /// Keep the prefix `__Host-` if you can: no other host can plant such a cookie (RFC 6265bis section 4.1.3.2).
    pub fn cookie_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The domain of the authentication cookie. Default: none, so that only this host gets it.
    pub fn cookie_domain(mut self, domain: impl Into<String>) -> Self {
        self.scope.domain = Some(domain.into());
        self
    }

    /// The path of the authentication cookie. Default: `/`.
    pub fn cookie_path(mut self, path: impl Into<String>) -> Self {
        self.scope.path = path.into();
        self
    }

    /// SameSite of the authentication cookie. Default: Lax.
    pub fn cookie_same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = same_site;
        self
    }

    /// Lets scripts read the authentication cookie, so that any script injected into any page can steal the session.
    pub fn dangerously_let_scripts_read_the_cookie(mut self) -> Self {
        self.http_only = false;
        self
    }

    /// Whether OpenID Connect check-session is served, and so the script-readable session id cookie issued. Default: yes.
    pub fn check_session(mut self, on: bool) -> Self {
        self.check_session = on;
        self
    }

    /// The name of the session id cookie. Default: `idsrv.session`.
    pub fn session_id_cookie_name(mut self, name: impl Into<String>) -> Self {
        self.session_id_name = name.into();
        self
    }

    /// The domain of the session id cookie. Default: none.
    pub fn session_id_cookie_domain(mut self, domain: impl Into<String>) -> Self {
        self.session_id_scope.domain = Some(domain.into());
        self
    }

    /// SameSite of the session id cookie. Default: None, because the check-session iframe is a third party in its client's page; Lax
    /// on plain http.
    pub fn session_id_cookie_same_site(mut self, same_site: SameSite) -> Self {
        self.session_id_same_site = Some(same_site);
        self
    }

    /// The path under which the application is mounted, and the session id cookie valid. Default: `/`.
    pub fn base_path(mut self, path: impl Into<String>) -> Self {
        self.session_id_scope.path = path.into();
        self
    }

    /// Where earlier configurations have set the cookies; sign-in and sign-out expire them there too. Default: nowhere.
    pub fn legacy_scopes(mut self, scopes: impl IntoIterator<Item = LegacyScope>) -> Self {
        self.legacy_scopes = scopes.into_iter().collect();
        self
    }

    /// The most bytes that names and values of all our cookies may have together. Default: 7 KiB, from 512 bytes to 32 KiB.
    ///
    /// The browser sends them with every request, and common servers and proxies refuse more than 8 KiB of headers.
    pub fn cookie_budget(mut self, bytes: usize) -> Self {
        self.cookie_budget = bytes;
        self
    }

    /// Sets cookies without Secure, so that they work on plain http: for development on a machine of your own only, because whoever
    /// sees the traffic has the session.
    ///
    /// The default name of the authentication cookie loses its prefix, and the session id cookie becomes SameSite=Lax.
    pub fn insecure_http_for_development(mut self) -> Self {
        self.plain_http = true;
        self
    }

    /// What [`authenticate`](crate::UserSession::authenticate) does to the incoming principal. Default: nothing.
    pub fn claims_transformation(mut self, transformation: impl ClaimsTransformation) -> Self {
        self.claims_transformation = Some(Box::new(transformation));
        self
    }

    /// Looks at a session again when the last look is older than `interval`: a second to 24 hours. Default: never.
    ///
    /// A refused session ends; see [`Validator`]. ASP.NET Core's comparable default is half an hour; the shorter, the sooner a disabled account is out.
    ///
    /// ```
    /// # use axum_user_session::{error::BoxError, hook::{Validation, Validator}, ticket::Ticket};
    /// # struct Accounts;
    /// # impl Validator for Accounts {
    /// #     async fn validate(&self, _: &Ticket) -> Result<Validation, BoxError> { Ok(Validation::Valid) }
    /// # }
    /// use std::time::Duration;
    /// use axum_user_session::{KeyRing, SessionConfig};
    ///
    /// let config = SessionConfig::builder(KeyRing::ephemeral())
    ///     .validation(Accounts, Duration::from_secs(5 * 60))
    ///     .build()?;
    /// # Ok::<_, axum_user_session::error::ConfigError>(())
    /// ```
    pub fn validation(mut self, validator: impl Validator, interval: Duration) -> Self {
        self.validator = Some((Box::new(validator), interval));
        self
    }

    /// What hears of every session that ends, to notify its clients. Default: nothing.
    ///
    /// With a [store](Self::store) an [`EndedTask`](crate::cleanup::EndedTask) must run on at least one node.
    pub fn ended_hook(mut self, hook: impl EndedHook) -> Self {
        self.ended_hook = Some(Box::new(hook));
        self
    }

    /// Keeps sessions in a store, where they can be found and ended; the cookie holds a reference of constant size only. Default: no store, the session is in the
    /// cookie.
    ///
    /// Changing from one to the other signs everybody out. Run a [`CleanupTask`](crate::cleanup::CleanupTask), so that sessions that nobody comes back
    /// to end too.
    pub fn store(mut self, store: impl SessionStore) -> Self {
        self.store = Some(Box::new(store));
        self
    }

    /// How long a request waits for its session to be loaded from the store and [validated](Self::validation), all in all, before it goes on without one. Default: a
    /// second; from a millisecond to a minute.
    ///
    /// Handlers that ask for the session are answered with 503 then; others don't notice. [`validate`](crate::admin::SessionAdmin::validate) waits as long.
    pub fn load_limit(mut self, limit: Duration) -> Self {
        self.load_limit = limit;
        self
    }

    /// How long a sign-in, a sign-out or another change waits for the store, before it fails. Default: 5 seconds; from a millisecond to a minute.
    ///
    /// It counts from the turn of the change: those of one request wait for each other, and its response waits for them as long, and then as long as
    /// [`load_limit`](Self::load_limit) to learn whether what they made is still there. Everything that [`SessionAdmin`](crate::admin::SessionAdmin) does but for
    /// `validate` waits so long for each operation of the store, its lists and counts too; so do the tasks beside the requests. Without a store it is how long the
    /// [`ended_hook`](Self::ended_hook) may take.
    pub fn write_limit(mut self, limit: Duration) -> Self {
        self.write_limit = limit;
        self
    }

    /// How often a store notes that a session is in use, at most; with [`sliding`](Self::sliding), that is how exact its expiry is. Default: a minute; up to an hour.
    ///
    /// In between, reading requests write nothing.
    pub fn activity_interval(mut self, interval: Duration) -> Self {
        self.activity_interval = interval;
        self
    }

    /// How many sessions a user may have at once, and what happens to one more. Default: any number. Needs a store, which counts and adds in one step.
    ///
    /// ```
    /// use axum_user_session::{KeyRing, SessionConfig, config::WhenReached, store::MemoryStore};
    ///
    /// let config = SessionConfig::builder(KeyRing::ephemeral())
    ///     .store(MemoryStore::new(10_000))
    ///     .session_limit(5, WhenReached::EndOldest)
    ///     .build()?;
    /// # Ok::<_, axum_user_session::error::ConfigError>(())
    /// ```
    pub fn session_limit(mut self, max: u32, when_reached: WhenReached) -> Self {
        self.session_limit = Some((max, when_reached));
        self
    }

    /// The clock that expiries are decided by. Default: the system's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Where the bytes of session ids come from. Default: a cryptographically secure generator, and anything else must be one too.
    pub fn id_generator(mut self, ids: impl IdGenerator) -> Self {
        self.ids = Box::new(ids);
        self
    }
}

impl fmt::Debug for SessionConfigBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionConfigBuilder")
            .field("key_ring", &self.key_ring)
            .finish_non_exhaustive()
    }
}
