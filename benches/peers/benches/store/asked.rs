//! What a request asks for, and the people and clients that it names by a number.

use axum::extract::FromRequestParts;
use axum_user_session_peers::principal::CLAIMS;
use http::{HeaderName, StatusCode, request::Parts};

/// The header that stands for the form that a browser would post.
pub(crate) const NUMBER: HeaderName = HeaderName::from_static("x-number");

/// The number of a user who signs in, or of a client.
pub(crate) struct Asked(pub(crate) u64);

impl<S: Sync> FromRequestParts<S> for Asked {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, StatusCode> {
        let number = parts.headers.get(NUMBER).and_then(|it| it.to_str().ok());
        let number = number.and_then(|it| it.parse().ok());
        number.map(Self).ok_or(StatusCode::BAD_REQUEST)
    }
}

/// As long as the one of the benchmark `request`.
pub(crate) fn subject(user: u64) -> String {
    format!("8f14e45f-ceea-467f-a0e6-{user:012}")
}

pub(crate) fn display_name(user: u64) -> String {
    format!("User {user:07} of many")
}

/// The claims of the benchmark `request`, with the user's own name.
pub(crate) fn claims(user: u64) -> impl Iterator<Item = (&'static str, String)> {
    CLAIMS.into_iter().map(move |(name, value)| match name {
        "name" => (name, display_name(user)),
        _ => (name, value.to_owned()),
    })
}

pub(crate) fn client(number: u64) -> String {
    format!("warehouse-scanner-{number:012}")
}
