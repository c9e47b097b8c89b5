//! What can go wrong, for two audiences: [`ConfigError`] for whoever starts the service, [`Error`] for handlers.

use std::{error::Error as StdError, fmt, sync::Arc};

use axum_core::response::{IntoResponse, Response};
use http::StatusCode;

/// A boxed error, as hooks of the host return it.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// Why a method of the session did not do what it was asked.
///
/// The error is opaque: match on [`Error::kind`], show [`Display`](fmt::Display) in logs, follow
/// [`source`](StdError::source) for the cause. No text of it holds a token, a key or a session id.
///
/// As a response it is the status of its kind with a short plain text, so that a handler may return
/// `Result<_, Error>`; map it where your pages look different.
///
/// ```
/// use axum_user_session::{Error, UserSession};
///
/// async fn register(session: UserSession) -> Result<&'static str, Error> {
///     session.add_client_id("client1").await?;
///     Ok("registered")
/// }
/// ```
#[derive(Clone)]
pub struct Error {
    kind: ErrorKind,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// What kind of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    pub(crate) fn with_source(kind: ErrorKind, source: impl Into<BoxError>) -> Self {
        Self {
            kind,
            source: Some(Arc::from(source.into())),
        }
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self { kind, source: None }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.kind)
            .field("source", &self.source)
            .finish()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.text())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.source {
            Some(source) => Some(source.as_ref()),
            None => None,
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        (self.kind.status(), self.kind.text()).into_response()
    }
}

/// The kinds of [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The principal has no subject, or an empty one (`sub`, OpenID Connect Core 1.0 section 2).
    MissingSubject,
    /// Nobody is signed in, and the method needs a user.
    NotSignedIn,
    /// A session id was created, but the sign-in that makes it a session has not happened yet.
    SignInPending,
    /// [`refresh`](crate::UserSession::refresh) was given a principal with another subject.
    SubjectChanged,
    /// A client id is empty or longer than 200 characters.
    InvalidClientId,
    /// A session id holds characters that a cookie can't carry, is empty or is too long.
    InvalidSessionId,
    /// The properties ask for an expiry that is not in the future.
    InvalidExpiry,
    /// An item's name is reserved or empty.
    InvalidItem,
    /// The cookies would go past the budget; the session is as it was before.
    TooLarge,
    /// The response head has been sent, so the cookie that the change needs can't be.
    ResponseSent,
    /// The request carries valid cookies of two different sessions: somebody may be tossing cookies.
    ConflictingCookies,
    /// The host's claims transformation failed.
    ClaimsTransformation,
    /// The ticket could not be sealed.
    Seal,
}

impl ErrorKind {
    fn text(self) -> &'static str {
        match self {
            Self::MissingSubject => "the principal has no subject",
            Self::NotSignedIn => "nobody is signed in",
            Self::SignInPending => "a session id was created, but its sign-in has not followed yet",
            Self::SubjectChanged => "a refresh can't change the subject; sign in instead",
            Self::InvalidClientId => "a client id must have 1 to 200 characters",
            Self::InvalidSessionId => {
                "a session id must have 1 to 64 characters out of A-Z, a-z, 0-9, '-', '.', '_' and '~'"
            }
            Self::InvalidExpiry => "the expiry asked for is not in the future",
            Self::InvalidItem => "an item's name must not be empty or reserved",
            Self::TooLarge => {
                "the session's cookies would be larger than their budget; keep fewer or smaller claims"
            }
            Self::ResponseSent => {
                "the response head has been sent, so this change can't reach the browser"
            }
            Self::ConflictingCookies => {
                "the request carries the cookies of two different sessions; it is treated as anonymous"
            }
            Self::ClaimsTransformation => "the claims transformation failed",
            Self::Seal => "the ticket could not be sealed",
        }
    }

    /// The status that the error has as a response, for applications that show it on a page of their own.
    pub fn status(self) -> StatusCode {
        match self {
            Self::NotSignedIn => StatusCode::UNAUTHORIZED,
            Self::InvalidClientId | Self::InvalidSessionId => StatusCode::BAD_REQUEST,
            // What fills a session up is what requests have put into it.
            Self::ConflictingCookies | Self::TooLarge => StatusCode::CONFLICT,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// Why a configuration was refused, with the reason and the way out.
///
/// Returned by [`SessionConfigBuilder::build`](crate::config::SessionConfigBuilder::build). It is an enum, so that a test of
/// your own can match on it.
///
/// ```
/// use axum_user_session::{KeyRing, SessionConfig, error::ConfigError};
///
/// let refused = SessionConfig::builder(KeyRing::ephemeral())
///     .cookie_domain("example.com") // but the default name begins with __Host-
///     .build();
/// assert!(matches!(refused, Err(ConfigError::HostPrefix { .. })));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// The key ring holds no key, so nothing could be sealed.
    EmptyKeyRing,
    /// A cookie's name is empty.
    EmptyCookieName {
        /// Which cookie.
        cookie: &'static str,
    },
    /// A cookie's name is no token (RFC 9110 section 5.6.2) or longer than 64 bytes.
    IllegalCookieName {
        /// The name.
        name: String,
    },
    /// `__Host-` asks for Secure, Path=/ and no Domain (RFC 6265bis section 4.1.3.2).
    HostPrefix {
        /// The name.
        name: String,
        /// Which of the three is not met.
        violated: &'static str,
    },
    /// `__Secure-` asks for Secure (RFC 6265bis section 4.1.3.1).
    SecurePrefix {
        /// The name.
        name: String,
    },
    /// `__Http-` and `__Host-Http-` promise HttpOnly, which this cookie is not.
    HttpPrefix {
        /// The name.
        name: String,
    },
    /// Browsers drop a SameSite=None cookie that is not Secure.
    SameSiteNoneWithoutSecure {
        /// The name.
        name: String,
    },
    /// The authentication cookie and the session id cookie would overwrite each other.
    CookieNamesCollide {
        /// The name of the session id cookie.
        name: String,
    },
    /// A Domain or Path attribute holds characters that end the attribute, or a path does not begin with `/`.
    IllegalCookieScope {
        /// The value.
        value: String,
    },
    /// The application id is empty or longer than 64 bytes.
    IllegalApplicationId,
    /// A lifetime is shorter than a second or longer than 400 days, where browsers cap cookies.
    LifetimeOutOfRange {
        /// Which one.
        setting: &'static str,
    },
    /// The lifetime (with sliding: the idle window) is longer than the absolute lifetime, which would cut it off.
    LifetimeBeyondAbsolute,
    /// The cookie budget is outside 512 bytes to 32 KiB.
    CookieBudgetOutOfRange {
        /// The budget asked for, in bytes.
        bytes: usize,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmptyKeyRing => f.write_str(
                "the key ring is empty, so no cookie could be sealed; add a key, or open a key file, which makes one",
            ),
            Self::EmptyCookieName { cookie } => write!(f, "the {cookie} cookie has an empty name"),
            Self::IllegalCookieName { name } => write!(
                f,
                "the cookie name {name:?} is not a token of RFC 9110 with at most 64 bytes, so browsers or servers would not carry it"
            ),
            Self::HostPrefix { name, violated } => write!(
                f,
                "the cookie {name:?} would be refused by browsers: the prefix __Host- {violated}; give the cookie another name, such as one that begins with __Secure-"
            ),
            Self::SecurePrefix { name } => write!(
                f,
                "the cookie {name:?} would be refused by browsers: the prefix __Secure- needs the Secure attribute, which plain http has not"
            ),
            Self::HttpPrefix { name } => write!(
                f,
                "the cookie {name:?} would be refused by browsers: its prefix needs HttpOnly, and this cookie is readable by scripts"
            ),
            Self::SameSiteNoneWithoutSecure { name } => write!(
                f,
                "the cookie {name:?} would be refused by browsers: SameSite=None needs the Secure attribute"
            ),
            Self::CookieNamesCollide { name } => write!(
                f,
                "the session id cookie {name:?} has the name of the authentication cookie or of one of its chunks"
            ),
            Self::IllegalCookieScope { value } => write!(
                f,
                "{value:?} can't be a cookie's Domain or Path: a path begins with '/', and neither holds ';', white space or control characters"
            ),
            Self::IllegalApplicationId => f.write_str("the application id must have 1 to 64 bytes"),
            Self::LifetimeOutOfRange { setting } => write!(
                f,
                "{setting} must be at least one second and at most 400 days, where browsers cap cookies"
            ),
            Self::LifetimeBeyondAbsolute => f.write_str(
                "the lifetime is longer than the absolute lifetime, which would end sessions before they are idle; raise absolute_lifetime or lower lifetime",
            ),
            Self::CookieBudgetOutOfRange { bytes } => write!(
                f,
                "a cookie budget of {bytes} bytes is outside 512 bytes to 32 KiB"
            ),
        }
    }
}

impl StdError for ConfigError {}
