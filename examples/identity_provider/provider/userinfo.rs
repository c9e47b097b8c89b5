//! The userinfo endpoint (OpenID Connect Core 1.0 section 5.3).

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{
        HeaderMap, StatusCode,
        header::{AUTHORIZATION, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use axum_user_session::Error;
use serde_json::{Map, Value};

use super::{grants::Grant, state::Provider};

/// Which claims a scope gives (OpenID Connect Core 1.0 section 5.4).
const SCOPES: [(&str, &[&str]); 3] = [
    ("openid", &["sub"]),
    ("profile", &["name", "preferred_username"]),
    ("email", &["email"]),
];

/// The names of all scopes.
pub(super) fn scopes() -> impl Iterator<Item = &'static str> {
    SCOPES.iter().map(|(scope, _)| *scope)
}

/// The names of all claims.
pub(super) fn claims() -> impl Iterator<Item = &'static str> {
    SCOPES.iter().flat_map(|(_, claims)| claims.iter().copied())
}

/// `GET` and `POST /connect/userinfo`
pub(super) async fn userinfo(
    State(provider): State<Provider>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let Some(token) = bearer(&headers) else {
        return Ok(refused("Bearer"));
    };
    let Some(grant) = provider.grants.access(token) else {
        return Ok(refused(INVALID));
    };
    // Signed out, or ended in another way: what was given then is over.
    Ok(match provider.is_alive(&grant).await? {
        true => Json(known(&grant)).into_response(),
        false => refused(INVALID),
    })
}

fn known(grant: &Arc<Grant>) -> Map<String, Value> {
    let asked = |scope: &str| grant.scope.contains(&scope);
    let names = SCOPES.iter().filter(|(scope, _)| asked(scope));
    let names = names.flat_map(|(_, claims)| claims.iter());
    let claim = |name: &&str| {
        let value = grant.user.claim(name)?;
        Some(((*name).to_owned(), value.clone()))
    };
    names.filter_map(claim).collect()
}

/// The token of a header (RFC 6750 section 2.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn refused(challenge: &'static str) -> Response {
    (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, challenge)]).into_response()
}

/// For whoever shows a token; without one no error is named (RFC 6750 section 3.1).
const INVALID: &str = "Bearer error=\"invalid_token\"";
