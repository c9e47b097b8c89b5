use std::fmt;

use axum_core::response::{IntoResponse, Response};
use http::{
    HeaderValue, StatusCode,
    header::{ALLOW, CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS},
};

use crate::{error::Error, extract::UserSessionRejection};

/// Rejection of an [`EndSessionRequest`](super::EndSessionRequest).
///
/// As a response it is a short plain text that holds nothing of the request, and never a redirect. Extract a `Result` to show a page of your own.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum EndSessionRejection {
    /// There is no session to ask: no layer (500), or the store is away (503).
    Session(UserSessionRejection),
    /// The request is not valid (400).
    Invalid(InvalidLogoutRequest),
    /// A confirmation that was posted by another site (403).
    CrossSite,
    /// The browser fetches a page in advance, and nobody has asked for it yet (403).
    Prefetched,
    /// Neither `GET` nor `POST` (405).
    Method,
    /// A post whose body is not `application/x-www-form-urlencoded` (415).
    MediaType,
    /// The registry of clients or the verifier of hints is away (503), the request carries valid cookies of different sessions (409), or it can't be sealed (500).
    Failed(Error),
}

impl fmt::Display for EndSessionRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session(rejection) => rejection.fmt(f),
            Self::Invalid(invalid) => invalid.fmt(f),
            Self::CrossSite => f.write_str("another site has sent this"),
            Self::Prefetched => f.write_str("signing out is not for fetching in advance"),
            Self::Method => f.write_str("only GET and POST sign out"),
            Self::MediaType => f.write_str("a form is expected: application/x-www-form-urlencoded"),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for EndSessionRejection {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Failed(error) => Some(error),
            _ => None,
        }
    }
}

impl IntoResponse for EndSessionRejection {
    fn into_response(self) -> Response {
        let text = self.to_string();
        let status = match self {
            Self::Session(rejection) => return rejection.into_response(),
            Self::Failed(error) => return error.into_response(),
            Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::CrossSite | Self::Prefetched => StatusCode::FORBIDDEN,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        };
        let mut response = (status, text).into_response();
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(ALLOW, HeaderValue::from_static("GET, POST"));
        }
        response
    }
}

impl From<UserSessionRejection> for EndSessionRejection {
    fn from(rejection: UserSessionRejection) -> Self {
        Self::Session(rejection)
    }
}

impl From<InvalidLogoutRequest> for EndSessionRejection {
    fn from(invalid: InvalidLogoutRequest) -> Self {
        Self::Invalid(invalid)
    }
}

impl From<Error> for EndSessionRejection {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// What is wrong with a request to sign out. The texts hold nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidLogoutRequest {
    /// A parameter is there more than once.
    Repeated(&'static str),
    /// A parameter is no UTF-8.
    NotText(&'static str),
    /// The query is longer than 32 KiB, or what has to be kept of it is longer than 4 KiB: all but `id_token_hint`.
    TooLong,
    /// The form is too long, or broke off.
    Body,
    /// `client_id` names no registered client.
    UnknownClient,
    /// `client_id` is not the client that the ID token was issued to.
    OtherClient,
    /// `post_logout_redirect_uri` is not registered for the client.
    RedirectNotRegistered,
    /// What is said to have been sealed here was not, or too long ago.
    NotSealedHere,
}

impl fmt::Display for InvalidLogoutRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Repeated(name) => write!(f, "{name} is there more than once"),
            Self::NotText(name) => write!(f, "{name} is no UTF-8"),
            Self::TooLong => f.write_str("the request is too long"),
            Self::Body => f.write_str("the form is too long, or broke off"),
            Self::UnknownClient => f.write_str("client_id names no client"),
            Self::OtherClient => f.write_str("id_token_hint was issued to another client"),
            Self::RedirectNotRegistered => {
                f.write_str("post_logout_redirect_uri is not registered for this client")
            }
            Self::NotSealedHere => f.write_str("the request is not valid any more; start again"),
        }
    }
}

impl std::error::Error for InvalidLogoutRequest {}
