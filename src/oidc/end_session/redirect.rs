use std::fmt;

use axum_core::response::{IntoResponse, Response};
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, LOCATION, REFERRER_POLICY},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::oidc::client::Client;

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
            Some(state) => with_state(registered, state),
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

/// A registered address has no fragment, so what is appended belongs to the query.
fn with_state(uri: &str, state: &str) -> String {
    let joint = match uri.find('?') {
        None => "?",
        Some(_) if uri.ends_with(['?', '&']) => "",
        Some(_) => "&",
    };
    let state = utf8_percent_encode(state, VALUE);
    format!("{uri}{joint}state={state}")
}

/// All but the unreserved characters (RFC 3986 section 2.3).
const VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o3_state_is_one_more_parameter_and_no_more() {
        for (name, uri, state, expected) in [
            (
                "no query",
                "https://a.example/x",
                "s",
                "https://a.example/x?state=s",
            ),
            (
                "a query",
                "https://a.example/?b=c",
                "s",
                "https://a.example/?b=c&state=s",
            ),
            (
                "an empty query",
                "https://a.example/?",
                "s",
                "https://a.example/?state=s",
            ),
            (
                "an open query",
                "https://a.example/?b&",
                "s",
                "https://a.example/?b&state=s",
            ),
            (
                "no path",
                "https://a.example",
                "s",
                "https://a.example?state=s",
            ),
            (
                "an app's scheme",
                "com.example.app:/x",
                "s",
                "com.example.app:/x?state=s",
            ),
            (
                "what separates parameters",
                "https://a.example/",
                "a&b=c;d#e?f",
                "https://a.example/?state=a%26b%3Dc%3Bd%23e%3Ff",
            ),
            (
                "what is encoded already",
                "https://a.example/",
                "%26+ ",
                "https://a.example/?state=%2526%2B%20",
            ),
            (
                "a line break",
                "https://a.example/",
                "a\r\nSet-Cookie: b=c",
                "https://a.example/?state=a%0D%0ASet-Cookie%3A%20b%3Dc",
            ),
            (
                "not ASCII",
                "https://a.example/",
                "ü",
                "https://a.example/?state=%C3%BC",
            ),
        ] {
            assert_eq!(with_state(uri, state), expected, "{name}");
        }
    }
}
