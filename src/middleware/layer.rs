use std::{fmt, sync::Arc};

use http::{Method, Uri};
use tower::Layer;

use super::service::UserSessionService;
use crate::config::SessionConfig;

pub(super) type Skip = dyn Fn(&Method, &Uri) -> bool + Send + Sync;

/// Loads the session of every request, and sets its cookies when the response head is there.
///
/// # Where to put it
///
/// 1. Around the router: `Router::new().route(..).layer(UserSessionLayer::new(config))`. Every route and fallback added *before* `layer` has a session; one added
///    after has none, and its extractor answers 500. With `route_layer` fallbacks have none either.
/// 2. It works on nested and merged routers, and on any tower service over [`http::Request`] and [`http::Response`].
/// 3. Applied twice, the inner one passes through: its configuration is not used.
/// 4. With a [`CookieManagerLayer`](tower_cookies::CookieManagerLayer) outside of it, our cookies go into that jar; otherwise they are headers. It does not
///    need one.
///
/// ```
/// use axum::{Router, routing::get};
/// use axum_user_session::{KeyRing, SessionConfig, UserSession, UserSessionLayer};
///
/// async fn whoami(session: UserSession) -> String {
///     session.user().map_or("nobody".to_owned(), |user| user.subject().to_owned())
/// }
///
/// let config = SessionConfig::builder(KeyRing::ephemeral()).build()?;
/// let app: Router = Router::new()
///     .route("/", get(whoami))
///     .layer(UserSessionLayer::new(config));
/// # Ok::<_, axum_user_session::error::ConfigError>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct UserSessionLayer {
    config: SessionConfig,
    skip: Option<Arc<Skip>>,
}

impl UserSessionLayer {
    /// The layer of a configuration.
    pub fn new(config: SessionConfig) -> Self {
        Self { config, skip: None }
    }

    /// Leaves requests alone for which `predicate` is true, such as those for assets: no session is loaded and no cookie set. A handler that extracts
    /// the session there answers 500. On a nested router the predicate sees the path without the prefix, as handlers do.
    ///
    /// ```
    /// # use axum_user_session::{KeyRing, SessionConfig, UserSessionLayer};
    /// # let config = SessionConfig::builder(KeyRing::ephemeral()).build().unwrap();
    /// let layer = UserSessionLayer::new(config).skip(|_method, uri| uri.path().starts_with("/assets/"));
    /// ```
    pub fn skip(
        mut self,
        predicate: impl Fn(&Method, &Uri) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.skip = Some(Arc::new(predicate));
        self
    }
}

impl<S> Layer<S> for UserSessionLayer {
    type Service = UserSessionService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        UserSessionService::new(inner, Arc::clone(self.config.settings()), self.skip.clone())
    }
}

impl fmt::Debug for UserSessionLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserSessionLayer")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
