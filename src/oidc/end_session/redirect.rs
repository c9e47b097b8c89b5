use std::fmt;

use axum_core::response::{IntoResponse, Response};
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, LOCATION, REFERRER_POLICY},
};

use crate::oidc::{client::Client, query::with_parameters};

/// Where the user goes after signing out: a place that is registered for the client, with the client's `state` (OpenID Connect RP-Initiated Logout 1.0 section 3).
///
/// Only a [request](super::EndSessionRequest) that was checked has one; nothing else makes it, so it is no open redirect. As a response it is a `303 See Other`.
#[derive(Clone, PartialEq, Eq)]
pub struct LogoutRedirect(String);

impl LogoutRedirect {
    /// Simple string comparison (RFC 3986 section 6.2.1): no two spellings of a place are one.
    pub(super) fn check(client: &Client, uri: &str, state: Option<&str>) -> Option<Self> {
        let registered = client.post_logout_redirect_uris();
        let registered = registered.iter().find(|registered| *registered == uri)?;
        Some(Self(match state {
            Some(state) => with_parameters(registered, &[("state", state)]),
            None => registered.clone(),
        }))
    }

    /// The whole address, in visible ASCII. Escape it where it stands in HTML.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl IntoResponse for LogoutRedirect {
    fn into_response(self) -> Response {
        let location = HeaderValue::from_str(&self.0)
            .expect("registered addresses are visible ASCII, and state is percent-encoded");
        let headers = [
            (LOCATION, location),
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        ];
        (StatusCode::SEE_OTHER, headers).into_response()
    }
}

impl AsRef<str> for LogoutRedirect {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// Without the address: the state is the client's secret.
impl fmt::Debug for LogoutRedirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogoutRedirect(..)")
    }
}
