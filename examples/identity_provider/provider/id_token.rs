//! ID tokens (OpenID Connect Core 1.0 section 2).

use std::{
    error::Error,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum_user_session::id::SessionId;
use serde::Serialize;
use serde_json::Value;

use super::{grants::Grant, secret, state::Provider};

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: u64,
    exp: u64,
    /// The session, so that a logout can name it (Front-Channel Logout 1.0 section 3).
    sid: SessionId,
    at_hash: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amr: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
}

/// A client reads it at once.
const LIFETIME: Duration = Duration::from_secs(300);

/// Says to a client who has signed in. `nonce` is for the first one only.
pub(super) fn issue(
    provider: &Provider,
    grant: &Grant,
    access_token: &str,
    nonce: Option<&str>,
) -> Result<String, Box<dyn Error>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    provider.key.sign(&Claims {
        iss: &provider.issuer,
        sub: grant.user.subject(),
        aud: grant.client.as_str(),
        iat: now.as_secs(),
        exp: (now + LIFETIME).as_secs(),
        sid: grant.session_id,
        at_hash: secret::left_half(access_token),
        auth_time: grant.user.claim("auth_time"),
        amr: grant.user.claim("amr"),
        acr: grant.user.claim("acr"),
        nonce,
    })
}
