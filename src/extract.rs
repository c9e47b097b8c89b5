//! Extractors: the session itself, and the signed-in user.

use axum_core::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    response::{IntoResponse, Response},
};
use http::{StatusCode, request::Parts};

use crate::{
    error::{Error, ErrorKind},
    middleware::Attached,
    session::UserSession,
    ticket::Principal,
};

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

/// Rejection of [`UserSession`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UserSessionRejection {
    /// The request did not come through the layer (500).
    MissingLayer(MissingLayer),
    /// The store did not answer in time, or failed, so nobody knows whether somebody is signed in (503, with `Retry-After`).
    ///
    /// That is not the same as nobody: a page for a visitor would be wrong, and no cookie is touched.
    Unavailable,
}

impl std::fmt::Display for UserSessionRejection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::MissingLayer(missing) => missing.fmt(f),
            Self::Unavailable => f.write_str(UNAVAILABLE),
        }
    }
}

impl std::error::Error for UserSessionRejection {}

impl IntoResponse for UserSessionRejection {
    fn into_response(self) -> Response {
        match self {
            Self::MissingLayer(missing) => missing.into_response(),
            Self::Unavailable => Error::from(ErrorKind::Unavailable).into_response(),
        }
    }
}

const UNAVAILABLE: &str = "the session could not be loaded";

impl<S: Sync> FromRequestParts<S> for UserSession {
    type Rejection = UserSessionRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, UserSessionRejection> {
        Self::from_extensions(&parts.extensions)
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for UserSession {
    type Rejection = UserSessionRejection;

    /// None without the layer, and only then: a request of nobody has a session too, with no user in it, and one whose session could not be loaded
    /// is rejected.
    async fn from_request_parts(
        parts: &mut Parts,
        _: &S,
    ) -> Result<Option<Self>, UserSessionRejection> {
        match Self::from_extensions(&parts.extensions) {
            Ok(session) => Ok(Some(session)),
            Err(UserSessionRejection::MissingLayer(_)) => Ok(None),
            Err(unavailable) => Err(unavailable),
        }
    }
}

impl UserSession {
    /// The session of a request that has come through the layer, for tower services that are not axum's.
    ///
    /// # Errors
    ///
    /// As the extractor.
    ///
    /// ```
    /// use axum_user_session::{UserSession, extract::UserSessionRejection};
    ///
    /// fn subject<B>(request: &http::Request<B>) -> Result<Option<String>, UserSessionRejection> {
    ///     let session = UserSession::from_extensions(request.extensions())?;
    ///     Ok(session.user().map(|user| user.subject().to_owned()))
    /// }
    /// ```
    pub fn from_extensions(extensions: &http::Extensions) -> Result<Self, UserSessionRejection> {
        match extensions.get() {
            Some(Attached::Session(session)) => Ok(session.clone()),
            Some(Attached::Unavailable) => Err(UserSessionRejection::Unavailable),
            None => Err(UserSessionRejection::MissingLayer(MissingLayer)),
        }
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
        let session = UserSession::from_extensions(&parts.extensions)
            .map_err(RequireUserRejection::NoSession)?;
        let user = session.user().ok_or(RequireUserRejection::NotSignedIn)?;
        Ok(Self(user))
    }
}

/// Rejection of [`RequireUser`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequireUserRejection {
    /// There is no session to ask.
    NoSession(UserSessionRejection),
    /// Nobody is signed in (401).
    NotSignedIn,
}

impl std::fmt::Display for RequireUserRejection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoSession(rejection) => rejection.fmt(f),
            Self::NotSignedIn => f.write_str("nobody is signed in"),
        }
    }
}

impl std::error::Error for RequireUserRejection {}

impl IntoResponse for RequireUserRejection {
    fn into_response(self) -> Response {
        match self {
            Self::NoSession(rejection) => rejection.into_response(),
            Self::NotSignedIn => (StatusCode::UNAUTHORIZED, self.to_string()).into_response(),
        }
    }
}
