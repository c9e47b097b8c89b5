use std::{sync::Arc, time::Duration};

use http::{
    HeaderMap, HeaderValue, Request, Response, StatusCode,
    header::{ACCEPT, CACHE_CONTROL, LOCATION, RETRY_AFTER},
};
use serde_json::Value;
use tower::Layer;

use super::gate::{Decide, Gate, Sealed};
use crate::{
    error::RETRY_AFTER_SECONDS, extract::UserSessionRejection, return_url::ReturnUrl,
    session::UserSession, ticket::Principal,
};

/// Lets only signed-in users through, perhaps only those with a claim, or those who authenticated not long ago.
///
/// # Rules
///
/// 1. Nobody is signed in, or the authentication is too old: with a [login path](Self::login_path) a browser that opens a page is redirected there
///    (303); everything else gets 401.
/// 2. The user lacks a claim: 403. The store does not answer, so nobody knows who it is: 503.
/// 3. The redirect carries the page asked for as `return_url`, if the method was `GET`, and `prompt=login` if the user is signed in but has to
///    authenticate again (OpenID Connect Core 1.0 section 3.1.2.1).
/// 4. A browser that opens a page says `Sec-Fetch-Mode: navigate`; where that header is missing, one that accepts `text/html` counts.
///
/// # Caveats
///
/// The layer goes inside of [`UserSessionLayer`](crate::UserSessionLayer), and not around the login page itself, or the browser goes in circles. Parse `return_url`
/// with [`ReturnUrl`] before you redirect to it. Answers have no body; axum's `map_response` around the guard can give them a page.
///
/// ```
/// use std::time::Duration;
/// use axum::{Router, routing::{get, post}};
/// use axum_user_session::{KeyRing, SessionConfig, UserSessionLayer, guard::RequireUserLayer};
///
/// let admin = RequireUserLayer::new().login_path("/login").claim("role", "admin");
/// let recent = RequireUserLayer::new().authenticated_within(Duration::from_secs(300));
/// # let config = SessionConfig::builder(KeyRing::ephemeral()).build().unwrap();
/// let app: Router = Router::new()
///     .route("/admin", get(|| async {}).route_layer(admin))
///     .route("/password", post(|| async {}).route_layer(recent))
///     .route("/login", get(|| async {}))
///     .layer(UserSessionLayer::new(config));
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct RequireUserLayer {
    requirements: Requirements,
}

#[derive(Clone, Debug, Default)]
struct Requirements {
    claims: Vec<(String, Option<Value>)>,
    max_age: Option<Duration>,
    login_path: Option<String>,
}

impl RequireUserLayer {
    /// Asks for a signed-in user.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for a claim of this value; where the user's claim is an array, one element of this value is enough. All claims asked for must be there.
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.requirements
            .claims
            .push((name.into(), Some(value.into())));
        self
    }

    /// Asks for a claim of any value but null.
    pub fn has_claim(mut self, name: impl Into<String>) -> Self {
        self.requirements.claims.push((name.into(), None));
        self
    }

    /// Asks for an authentication no longer ago than this (see [`UserSession::requires_reauthentication`]).
    pub fn authenticated_within(mut self, max_age: Duration) -> Self {
        self.requirements.max_age = Some(max_age);
        self
    }

    /// Redirects browsers to a login page of this site, given by its path.
    pub fn login_path(mut self, path: impl Into<String>) -> Self {
        self.requirements.login_path = Some(path.into());
        self
    }
}

impl<S> Layer<S> for RequireUserLayer {
    type Service = Gate<S, RequireUserCheck>;

    fn layer(&self, inner: S) -> Self::Service {
        let requirements = Arc::new(self.requirements.clone());
        Gate::new(inner, RequireUserCheck { requirements })
    }
}

/// The decision of [`RequireUserLayer`].
#[derive(Clone, Debug)]
pub struct RequireUserCheck {
    requirements: Arc<Requirements>,
}

impl Sealed for RequireUserCheck {}

impl Decide for RequireUserCheck {
    fn decide<B>(&self, request: &Request<B>) -> Option<Response<()>> {
        let session = match UserSession::from_extensions(request.extensions()) {
            Ok(session) => session,
            Err(UserSessionRejection::Unavailable) => {
                let mut unavailable = answer(StatusCode::SERVICE_UNAVAILABLE);
                let headers = unavailable.headers_mut();
                headers.insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
                return Some(unavailable);
            }
            Err(missing) => {
                tracing::error!("{missing}");
                return Some(answer(StatusCode::INTERNAL_SERVER_ERROR));
            }
        };
        let refusal = self.requirements.refusal(&session)?;
        Some(self.requirements.answer(refusal, request))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    NotSignedIn,
    TooLongAgo,
    ClaimMissing,
}

impl Requirements {
    fn refusal(&self, session: &UserSession) -> Option<Refusal> {
        let Some(user) = session.user() else {
            return Some(Refusal::NotSignedIn);
        };
        if !self
            .claims
            .iter()
            .all(|(name, value)| has_claim(&user, name, value.as_ref()))
        {
            return Some(Refusal::ClaimMissing);
        }
        let max_age = self.max_age?;
        session
            .requires_reauthentication(max_age)
            .then_some(Refusal::TooLongAgo)
    }

    fn answer<B>(&self, refusal: Refusal, request: &Request<B>) -> Response<()> {
        let prompt = match refusal {
            Refusal::ClaimMissing => return answer(StatusCode::FORBIDDEN),
            Refusal::NotSignedIn => None,
            Refusal::TooLongAgo => Some("prompt=login".to_owned()),
        };
        let Some(path) = self
            .login_path
            .as_ref()
            .filter(|_| opens_page(request.headers()))
        else {
            return answer(StatusCode::UNAUTHORIZED);
        };
        let back = ReturnUrl::of_request(request);
        let back = back.map(|back| format!("return_url={}", back.to_query_value()));
        let query: Vec<_> = back.into_iter().chain(prompt).collect();
        let separator = match (query.is_empty(), path.contains('?')) {
            (true, _) => "",
            (_, true) => "&",
            _ => "?",
        };
        let location = format!("{path}{separator}{}", query.join("&"));
        let Ok(location) = HeaderValue::try_from(location) else {
            tracing::error!("the login path can't stand in a Location header");
            return answer(StatusCode::INTERNAL_SERVER_ERROR);
        };
        let mut redirect = answer(StatusCode::SEE_OTHER);
        redirect.headers_mut().insert(LOCATION, location);
        redirect
    }
}

fn has_claim(user: &Principal, name: &str, wanted: Option<&Value>) -> bool {
    match (user.claim(name), wanted) {
        (None | Some(Value::Null), _) => false,
        (Some(_), None) => true,
        (Some(Value::Array(values)), Some(wanted)) => {
            values.contains(wanted) || wanted.as_array() == Some(values)
        }
        (Some(value), Some(wanted)) => value == wanted,
    }
}

/// Whether a browser asks for a page to show, and would follow a redirect with it.
fn opens_page(headers: &HeaderMap) -> bool {
    if let Some(mode) = headers.get("sec-fetch-mode") {
        return mode == "navigate";
    }
    let accepts = |accept: &HeaderValue| {
        let accept = accept.as_bytes().to_ascii_lowercase();
        accept
            .windows(9)
            .any(|media_type| media_type == b"text/html")
    };
    headers.get_all(ACCEPT).iter().any(accepts)
}

/// What depends on the user must not be stored by a cache, redirects included.
fn answer(status: StatusCode) -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() = status;
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    response
}
