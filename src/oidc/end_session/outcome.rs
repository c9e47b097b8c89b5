use std::fmt;

use axum_core::response::{IntoResponse, Response};
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, LOCATION, REFERRER_POLICY},
};

use super::{kept::Kept, parameters::Parameters, redirect::LogoutRedirect};
use crate::{ended::Ended, error::Error, oidc::client::Client, session::UserSession};

/// What a client asks for, checked.
#[derive(Clone)]
pub struct LogoutRequest {
    pub(super) client: Option<Client>,
    pub(super) redirect: Option<LogoutRedirect>,
    pub(super) ui_locales: Vec<String>,
    pub(super) logout_hint: Option<String>,
}

impl LogoutRequest {
    /// The client that sent the user, if that is known. Without a verified hint it is merely said to be this one.
    pub fn client(&self) -> Option<&Client> {
        self.client.as_ref()
    }

    /// Where the user goes when signed out; none if the client asks for no place, or the user stays signed in.
    pub fn redirect(&self) -> Option<&LogoutRedirect> {
        self.redirect.as_ref()
    }

    /// The languages that the user is said to read, best first, as language tags (`ui_locales`); at most 16, and legal in form.
    pub fn ui_locales(&self) -> &[String] {
        &self.ui_locales
    }

    /// Who is said to want to sign out (`logout_hint`): whatever the client has written. Compare it, and show it escaped or not at all.
    pub fn logout_hint(&self) -> Option<&str> {
        self.logout_hint.as_deref()
    }
}

impl fmt::Debug for LogoutRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogoutRequest")
            .field("client", &self.client)
            .field("redirect", &self.redirect)
            .finish_non_exhaustive()
    }
}

/// A request that is to come again to the same path, because it could not have the session's cookie: return it as the response.
///
/// It is a `303 See Other`, so the browser comes with a `GET`. A `SameSite=Lax` cookie goes along with that, and not with a client's post from another site. And where the cookie was replaced a
/// moment ago, the browser may have the new one by then.
pub struct Resend {
    /// Relative to the request's own address, whatever path the endpoint has outside (RFC 3986 section 5.2.2).
    location: HeaderValue,
}

impl Resend {
    pub(super) fn sealed(sealed: &str) -> Self {
        let location = format!("?{}={sealed}", Parameters::SEALED_REQUEST);
        Self {
            location: HeaderValue::from_str(&location).expect("base64url is visible ASCII"),
        }
    }

    /// The same `GET` once more; none if it comes for the second time, or is longer than it should be in a header.
    pub(super) fn again(query: Option<&str>) -> Option<Self> {
        let query = query.unwrap_or_default();
        if query.len() > Kept::MAX_LEN || query.split('&').any(|pair| pair == AGAIN) {
            return None;
        }
        let sign = if query.is_empty() { "" } else { "&" };
        Some(Self {
            location: HeaderValue::from_str(&format!("?{query}{sign}{AGAIN}")).ok()?,
        })
    }
}

/// Tells that a request has been sent back once.
const AGAIN: &str = "again=1";

impl IntoResponse for Resend {
    fn into_response(self) -> Response {
        let headers = [
            (LOCATION, self.location),
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        ];
        (StatusCode::SEE_OTHER, headers).into_response()
    }
}

impl fmt::Debug for Resend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resend(..)")
    }
}

/// The user has to be asked: show a page with a form that posts to the same path.
///
/// The form has a hidden field [`FIELD`](Self::FIELD) with the [token](Self::token), one button, and another one with the name [`DECLINE`](Self::DECLINE) and any value for
/// staying signed in. The page names the [client](LogoutRequest::client), is not to be framed by other sites (`frame-ancestors 'none'`), and not to be stored (`Cache-Control: no-store`).
pub struct Confirmation {
    pub(super) request: LogoutRequest,
    pub(super) token: String,
}

impl Confirmation {
    /// The name of the hidden field.
    pub const FIELD: &str = Parameters::CONFIRMATION;
    /// The name of the button for staying signed in.
    pub const DECLINE: &str = Parameters::DECLINE;

    /// Who asks for what.
    pub fn request(&self) -> &LogoutRequest {
        &self.request
    }

    /// The value of the hidden field: letters, digits, `-` and `_`. Good for ten minutes, and for this session.
    pub fn token(&self) -> &str {
        &self.token
    }
}

impl fmt::Debug for Confirmation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Confirmation")
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}

/// The user is to be signed out: the hint is for this session, or the user has said yes.
#[derive(Debug)]
#[must_use = "the user is not signed out yet"]
pub struct GoAhead {
    pub(super) session: UserSession,
    pub(super) request: LogoutRequest,
}

impl GoAhead {
    /// Who asks for what.
    pub fn request(&self) -> &LogoutRequest {
        &self.request
    }

    /// Ends the session.
    ///
    /// # Errors
    ///
    /// As [`UserSession::sign_out`]. The user must not be sent to the [redirect](LogoutRequest::redirect) then: the client would take it for a sign-out.
    pub async fn sign_out(&self) -> Result<SignedOut, Error> {
        let ended = self.session.sign_out().await?;
        let request = self.request.clone();
        Ok(SignedOut { ended, request })
    }
}

/// The user is signed out. What is left is to tell the clients, and to send the user on.
#[derive(Clone, Debug)]
pub struct SignedOut {
    ended: Option<Ended>,
    request: LogoutRequest,
}

impl SignedOut {
    /// What has ended; none if something else was quicker.
    pub fn ended(&self) -> Option<&Ended> {
        self.ended.as_ref()
    }

    /// Who had asked for what.
    pub fn request(&self) -> &LogoutRequest {
        &self.request
    }
}
