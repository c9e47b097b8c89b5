use std::{
    fmt, mem,
    sync::Arc,
    task::{Context, Poll},
};

use http::{HeaderMap, Request, Response};
use tower::Service;
use tower_cookies::Cookies;

use super::{future::ResponseFuture, layer::Skip};
use crate::{
    config::Settings,
    error::Error,
    events::Event,
    session::{Load, UserSession},
};

/// The session in a request's extensions. Private, so that nobody can plant one.
#[derive(Clone, Debug)]
pub(crate) enum Attached {
    Session(UserSession),
    /// The store did not say which session it is.
    Unavailable,
}

/// The service that [`UserSessionLayer`](crate::UserSessionLayer) makes.
#[derive(Clone)]
#[must_use]
pub struct UserSessionService<S> {
    inner: S,
    settings: Arc<Settings>,
    skip: Option<Arc<Skip>>,
}

impl<S> UserSessionService<S> {
    pub(super) fn new(inner: S, settings: Arc<Settings>, skip: Option<Arc<Skip>>) -> Self {
        Self {
            inner,
            settings,
            skip,
        }
    }

    /// Whether the request is none of ours: chosen by the host, or under our layer already.
    fn passes<B>(&self, request: &Request<B>) -> bool {
        let skipped = self
            .skip
            .as_ref()
            .is_some_and(|skip| skip(request.method(), request.uri()));
        skipped || request.extensions().get::<Attached>().is_some()
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for UserSessionService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S, ReqBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        if self.passes(&request) {
            return ResponseFuture::running(self.inner.call(request), None);
        }
        match UserSession::load(&self.settings, request.headers()) {
            Load::Ready(session) => {
                let exchange = Exchange::begin(session, &mut request);
                ResponseFuture::running(self.inner.call(request), Some(exchange))
            }
            Load::Waiting(loading) => {
                // The service that has said it is ready is the one that must be called.
                let next = self.inner.clone();
                let inner = mem::replace(&mut self.inner, next);
                let settings = Arc::clone(&self.settings);
                let call = Call {
                    inner,
                    request,
                    settings,
                };
                ResponseFuture::loading(loading, call)
            }
        }
    }
}

/// A request that waits for its session.
pub(super) struct Call<S, B> {
    inner: S,
    request: Request<B>,
    settings: Arc<Settings>,
}

impl<S, B> Call<S, B>
where
    S: Service<Request<B>>,
{
    pub(super) fn make(
        mut self,
        loaded: Result<UserSession, Error>,
    ) -> (S::Future, Option<Exchange>) {
        let exchange = match loaded {
            Ok(session) => Some(Exchange::begin(session, &mut self.request)),
            Err(error) => {
                let event = Event::SessionNotLoaded {
                    error: &error,
                    left_out: self.settings.not_loaded.pass(self.settings.now()),
                };
                event.emit();
                let extensions = self.request.extensions_mut();
                extensions.insert(Attached::Unavailable);
                None
            }
        };
        (self.inner.call(self.request), exchange)
    }
}

impl<S: fmt::Debug> fmt::Debug for UserSessionService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserSessionService")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

/// What is kept of a request for its response. Dropped before that, because the client went away or the inner service failed or panicked, it
/// closes the session: no cookie goes out any more.
pub(super) struct Exchange {
    pub(super) session: UserSession,
    pub(super) jar: Option<Cookies>,
    pub(super) may_remove: bool,
}

impl Exchange {
    /// Puts the session into its request.
    fn begin<B>(session: UserSession, request: &mut Request<B>) -> Self {
        let exchange = Self {
            session: session.clone(),
            // The outer jar: one from a layer inside of ours is written before our response head.
            jar: request.extensions().get::<Cookies>().cloned(),
            may_remove: session.is_stale() && may_remove_session_id_cookie(request.headers()),
        };
        let extensions = request.extensions_mut();
        extensions.insert(Attached::Session(session));
        exchange
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.session.abandon();
    }
}

/// Without the jar, whose own `Debug` shows the cookies.
impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}

/// In a cross-site frame SameSite hides the authentication cookie but not the session id cookie: the user looks signed out and is not. Removing
/// the session id cookie there would tell every client that the session has changed, in a loop. (Fetch Metadata, sections 2.1 and 2.4.)
fn may_remove_session_id_cookie(headers: &HeaderMap) -> bool {
    let header = |name| headers.get(name).map(http::HeaderValue::as_bytes);
    let own_site = header("sec-fetch-site")
        .is_none_or(|site| matches!(site, b"same-origin" | b"same-site" | b"none"));
    let document = header("sec-fetch-dest").is_none_or(|destination| destination == b"document");
    own_site && document
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c13_automatic_removal_table() {
        for (name, site, destination, expected) in [
            ("no fetch metadata", None, None, true),
            ("address typed in", Some("none"), Some("document"), true),
            (
                "a link of this origin",
                Some("same-origin"),
                Some("document"),
                true,
            ),
            (
                "a link of this site",
                Some("same-site"),
                Some("document"),
                true,
            ),
            (
                "a link of another site",
                Some("cross-site"),
                Some("document"),
                false,
            ),
            (
                "a frame in another site",
                Some("cross-site"),
                Some("iframe"),
                false,
            ),
            (
                "a frame of this site",
                Some("same-origin"),
                Some("iframe"),
                false,
            ),
            (
                "a script's request",
                Some("same-origin"),
                Some("empty"),
                false,
            ),
            ("only the site", Some("same-origin"), None, true),
            ("only the destination", None, Some("image"), false),
            ("unknown site", Some("elsewhere"), None, false),
        ] {
            let mut headers = HeaderMap::new();
            for (header, value) in [("sec-fetch-site", site), ("sec-fetch-dest", destination)] {
                if let Some(value) = value {
                    headers.insert(header, value.parse().unwrap());
                }
            }
            assert_eq!(may_remove_session_id_cookie(&headers), expected, "{name}");
        }
    }
}
