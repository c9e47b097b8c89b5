//! Extractors: the session itself, and the signed-in user.

use axum_core::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    response::{IntoResponse, Response},
};
use http::{StatusCode, request::Parts};

use crate::{middleware::Attached, session::UserSession, ticket::Principal};

/// Rejection of [`UserSession`]: the request did not come through the layer.
///
/// A mistake of the application, so it answers 500: the route was added after `.layer(UserSessionLayer::new(..))`, or the
/// layer's `skip` left the request alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MissingLayer;

impl std::fmt::Display for MissingLayer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(
            "no user session: is UserSessionLayer around this route, and does its skip predicate let the request through?",
        )
    }
}

impl std::error::Error for MissingLayer {}

impl IntoResponse for MissingLayer {
    fn into_response(self) -> Response {
        tracing::error!("{self}");
        (StatusCode::INTERNAL_SERVER_ERROR, self.to_string()).into_response()
    }
}

impl<S: Sync> FromRequestParts<S> for UserSession {
    type Rejection = MissingLayer;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, MissingLayer> {
        of_parts(parts).ok_or(MissingLayer)
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for UserSession {
    type Rejection = MissingLayer;

    /// None without the layer, and only then: a request of nobody has a session too, with no user in it.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, MissingLayer> {
        Ok(of_parts(parts))
    }
}

impl UserSession {
    /// The session of a request that has come through the layer, for tower services that are not axum's.
    ///
    /// ```
    /// use axum_user_session::UserSession;
    ///
    /// fn subject<B>(request: &http::Request<B>) -> Option<String> {
    ///     let session = UserSession::from_extensions(request.extensions())?;
    ///     session.user().map(|user| user.subject().to_owned())
    /// }
    /// ```
    pub fn from_extensions(extensions: &http::Extensions) -> Option<Self> {
        let Attached(session) = extensions.get()?;
        Some(session.clone())
    }
}

/// The signed-in user; a request of nobody is answered with 401.
///
/// For pages that browsers open, put a [guard](crate::guard) with a login path around the route: it redirects
/// them instead.
///
/// ```
/// use axum_user_session::extract::RequireUser;
///
/// async fn profile(RequireUser(user): RequireUser) -> String {
///     format!("Hello {}", user.subject())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct RequireUser(pub Principal);

impl<S: Sync> FromRequestParts<S> for RequireUser {
    type Rejection = RequireUserRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, RequireUserRejection> {
        let session = of_parts(parts).ok_or(RequireUserRejection::MissingLayer(MissingLayer))?;
        let user = session.user().ok_or(RequireUserRejection::NotSignedIn)?;
        Ok(Self(user))
    }
}

/// Rejection of [`RequireUser`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequireUserRejection {
    /// The request did not come through the layer (500).
    MissingLayer(MissingLayer),
    /// Nobody is signed in (401).
    NotSignedIn,
}

impl std::fmt::Display for RequireUserRejection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::MissingLayer(missing) => missing.fmt(f),
            Self::NotSignedIn => f.write_str("nobody is signed in"),
        }
    }
}

impl std::error::Error for RequireUserRejection {}

impl IntoResponse for RequireUserRejection {
    fn into_response(self) -> Response {
        match self {
            Self::MissingLayer(missing) => missing.into_response(),
            Self::NotSignedIn => (StatusCode::UNAUTHORIZED, self.to_string()).into_response(),
        }
    }
}

fn of_parts(parts: &Parts) -> Option<UserSession> {
    UserSession::from_extensions(&parts.extensions)
}
