//! The configuration: a builder that says no to contradictions, and the validated result.

use std::{fmt, sync::Arc, time::Duration};

use crate::{
    clock::{Clock, SystemClock, Timestamp},
    cookie::{Attributes, CookiePolicy, Pieces, Scope, is_mark_suffix},
    error::ConfigError,
    hook::{BoxedClaimsTransformation, ClaimsTransformation},
    id::{IdGenerator, SystemRandom},
    key_ring::KeyRing,
    lifetimes::Lifetimes,
    protector::{Protector, Purpose, Vault},
};

pub use crate::cookie::{LegacyScope, SameSite};

const HOUR: Duration = Duration::from_secs(3600);
/// Common servers and proxies refuse requests with more than 8 KiB of headers.
const DEFAULT_BUDGET: usize = 7 * 1024;

/// How sessions are kept: a validated configuration, cheap to clone.
///
/// Make it with [`SessionConfig::builder`], and give it to a [`UserSessionLayer`](crate::UserSessionLayer).
///
/// ```
/// use std::time::Duration;
/// use axum_user_session::{KeyRing, SessionConfig};
///
/// let config = SessionConfig::builder(KeyRing::ephemeral())
///     .application_id("example-idp")
///     .lifetime(Duration::from_secs(3600))
///     .sliding(true)
///     .build()?;
/// # Ok::<_, axum_user_session::error::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct SessionConfig {
    settings: Arc<Settings>,
}

impl SessionConfig {
    /// Begins a configuration with the keys that seal its tickets; everything else has a safe default.
    pub fn builder(key_ring: KeyRing) -> SessionConfigBuilder {
        SessionConfigBuilder::new(key_ring)
    }

    pub(crate) fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }
}

impl fmt::Debug for SessionConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = &*self.settings;
        f.debug_struct("SessionConfig")
            .field("cookie_name", &settings.authentication.name)
            .field("lifetimes", &settings.lifetimes)
            .field("cookie_budget", &settings.cookie_budget)
            .finish_non_exhaustive()
    }
}

/// What the rest of the crate reads of a configuration.
pub(crate) struct Settings {
    pub(crate) protector: Protector,
    /// Seals what does not belong to the authentication cookie itself.
    pub(crate) vault: Vault,
    pub(crate) authentication: CookiePolicy,
    /// None when check-session is switched off.
    pub(crate) session_id: Option<CookiePolicy>,
    pub(crate) cookie_budget: usize,
    /// In how many cookies a ticket can have been within the budget.
    pub(crate) most_pieces: usize,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) issuer: Option<String>,
    pub(crate) claims_transformation: Option<Box<dyn BoxedClaimsTransformation>>,
    clock: Box<dyn Clock>,
    pub(crate) ids: Box<dyn IdGenerator>,
}

impl Settings {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now().into()
    }
}

/// Collects settings for [`SessionConfig`].
#[must_use]
pub struct SessionConfigBuilder {
    key_ring: KeyRing,
    application_id: String,
    issuer: Option<String>,
    plain_http: bool,
    name: Option<String>,
    scope: Scope,
    same_site: SameSite,
    http_only: bool,
    check_session: bool,
    session_id_name: String,
    session_id_same_site: Option<SameSite>,
    session_id_scope: Scope,
    legacy_scopes: Vec<LegacyScope>,
    cookie_budget: usize,
    lifetime: Duration,
    sliding: bool,
    absolute_lifetime: Option<Duration>,
    claims_transformation: Option<Box<dyn BoxedClaimsTransformation>>,
    clock: Box<dyn Clock>,
    ids: Box<dyn IdGenerator>,
}

impl SessionConfigBuilder {
    fn new(key_ring: KeyRing) -> Self {
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

    /// Checks the settings against each other.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] says what contradicts what, and why it would not work.
    pub fn build(self) -> Result<SessionConfig, ConfigError> {
        if self.key_ring.is_empty() {
            return Err(ConfigError::EmptyKeyRing);
        }
        if self.application_id.is_empty() || self.application_id.len() > 64 {
            return Err(ConfigError::IllegalApplicationId);
        }
        if !(512..=32 * 1024).contains(&self.cookie_budget) {
            return Err(ConfigError::CookieBudgetOutOfRange {
                bytes: self.cookie_budget,
            });
        }
        let lifetimes = self.lifetimes()?;
        let (authentication, session_id) = self.cookies()?;
        self.key_ring.retain_for(lifetimes.absolute);
        let protector = Protector::new(
            self.key_ring.clone(),
            &self.application_id,
            Purpose::Ticket,
            authentication.name.as_bytes(),
        );
        Ok(SessionConfig {
            settings: Arc::new(Settings {
                protector,
                vault: Vault::new(self.key_ring, self.application_id),
                most_pieces: Pieces::most_for(&authentication.name, self.cookie_budget),
                authentication,
                session_id,
                cookie_budget: self.cookie_budget,
                lifetimes,
                issuer: self.issuer,
                claims_transformation: self.claims_transformation,
                clock: self.clock,
                ids: self.ids,
            }),
        })
    }

    fn lifetimes(&self) -> Result<Lifetimes, ConfigError> {
        let absolute = self.absolute_lifetime.unwrap_or(match self.sliding {
            true => 24 * HOUR,
            false => self.lifetime.max(24 * HOUR),
        });
        for (setting, value) in [("lifetime", self.lifetime), ("absolute_lifetime", absolute)] {
            if value < Duration::from_secs(1) || value > 400 * 24 * HOUR {
                return Err(ConfigError::LifetimeOutOfRange { setting });
            }
        }
        if self.lifetime > absolute {
            return Err(ConfigError::LifetimeBeyondAbsolute);
        }
        Ok(Lifetimes {
            window: self.lifetime,
            sliding: self.sliding,
            absolute,
        })
    }

    fn cookies(&self) -> Result<(CookiePolicy, Option<CookiePolicy>), ConfigError> {
        let name = match (&self.name, self.plain_http) {
            (Some(name), _) => name.clone(),
            (None, false) => "__Host-idsrv".to_owned(),
            (None, true) => "idsrv".to_owned(),
        };
        if name.is_empty() {
            return Err(ConfigError::EmptyCookieName {
                cookie: "authentication",
            });
        }
        let attributes = Attributes {
            secure: !self.plain_http,
            http_only: self.http_only,
            same_site: self.same_site,
        };
        let authentication =
            CookiePolicy::new(name, self.scope.clone(), attributes, &self.legacy_scopes)?;
        if !self.check_session {
            return Ok((authentication, None));
        }
        let name = self.session_id_name.clone();
        if name.is_empty() {
            return Err(ConfigError::EmptyCookieName {
                cookie: "session id",
            });
        }
        if collide(&authentication.name, &name) {
            return Err(ConfigError::CookieNamesCollide { name });
        }
        let default_same_site = match self.plain_http {
            true => SameSite::Lax,
            false => SameSite::None,
        };
        let attributes = Attributes {
            secure: !self.plain_http,
            http_only: false,
            same_site: self.session_id_same_site.unwrap_or(default_same_site),
        };
        let scope = self.session_id_scope.clone();
        let session_id = CookiePolicy::new(name, scope, attributes, &self.legacy_scopes)?;
        Ok((authentication, Some(session_id)))
    }
}

impl fmt::Debug for SessionConfigBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionConfigBuilder")
            .field("key_ring", &self.key_ring)
            .finish_non_exhaustive()
    }
}

/// Whether a name is the authentication cookie's, or may be that of a chunk or a mark.
fn collide(authentication: &str, name: &str) -> bool {
    match name.strip_prefix(authentication).map(str::as_bytes) {
        None => false,
        Some([]) => true,
        Some([b'.', b'1'..=b'9']) => true,
        Some([b'.', suffix @ ..]) => is_mark_suffix(suffix),
        Some(_) => false,
    }
}
