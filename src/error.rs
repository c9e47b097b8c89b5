//! What can go wrong, for three audiences: [`ConfigError`] for whoever starts the service, [`Error`] for handlers, [`StoreError`] for
//! whoever writes a store.

use std::{error::Error as StdError, fmt, sync::Arc};

use axum_core::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header::RETRY_AFTER};

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
        let mut response = (self.kind.status(), self.kind.text()).into_response();
        if response.status() == StatusCode::SERVICE_UNAVAILABLE {
            let headers = response.headers_mut();
            headers.insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
        }
        response
    }
}

/// When to come back to a service that is not available (RFC 9110 section 10.2.3).
pub(crate) const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("5");

/// Why a [store](crate::store) could not answer: its server is away, its disk is full, what it holds makes no sense.
///
/// For implementors of [`SessionStore`](crate::store::SessionStore). It says nothing about a session: what a store *knows*, such as that a
/// record is missing, is an outcome and no error. Handlers see it as the source of an [`Error`] of the kind
/// [`Unavailable`](ErrorKind::Unavailable). Its texts go into logs, so they must hold no session id, no key and no ticket.
///
/// ```
/// use axum_user_session::error::StoreError;
///
/// let error = StoreError::new(std::io::Error::other("connection reset"));
/// assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "connection reset");
/// ```
#[derive(Debug)]
pub struct StoreError {
    source: BoxError,
}

impl StoreError {
    /// An error with its cause, which may be just a text.
    pub fn new(source: impl Into<BoxError>) -> Self {
        Self {
            source: source.into(),
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the session store could not answer")
    }
}

impl StdError for StoreError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(self.source.as_ref())
    }
}

/// The kinds of [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The principal has no subject, or an empty one (`sub`, OpenID Connect Core 1.0 section 2).
    MissingSubject,
    /// The subject is longer than 255 characters or holds a control character (`sub`, OpenID Connect Core 1.0 section 2).
    InvalidSubject,
    /// Nobody is signed in, and the method needs a user.
    NotSignedIn,
    /// A session id was created, but the sign-in that makes it a session has not happened yet.
    SignInPending,
    /// [`refresh`](crate::UserSession::refresh) was given a principal with another subject.
    SubjectChanged,
    /// A client id is empty, longer than 200 characters or holds a control character (RFC 6749 appendix A.1).
    InvalidClientId,
    /// A session id holds characters that a cookie can't carry, is empty or is too long.
    InvalidSessionId,
    /// The properties ask for an expiry that is not in the future.
    InvalidExpiry,
    /// An item's name is reserved or empty.
    InvalidItem,
    /// The cookies would go past their budget, or the record past the 64 KiB that a store takes; the session is as it was before.
    TooLarge,
    /// The response head has been sent, so the cookie that the change needs can't be.
    ResponseSent,
    /// The session was ended in the store, but the response head had been sent, so the browser keeps a cookie that opens nothing any more.
    CookieNotSent,
    /// The session has ended or was replaced since this request arrived: a sign-out, a revocation or another sign-in was quicker.
    SessionEnded,
    /// The user has as many sessions as the [limit](crate::config::SessionConfigBuilder::session_limit) allows, and it refuses another one.
    LimitReached,
    /// The store holds as many sessions as it can, and makes no room for another by ending one.
    StoreFull,
    /// The store did not answer in time, or failed. Nothing is known of what was to be read, and of a change not whether it happened: the answer may have been lost on its
    /// way. To ask for it again does no harm.
    Unavailable,
    /// The configuration has no store, and without one nobody knows of other sessions.
    NoStore,
    /// The configuration has no hook that wants to hear of ends.
    NoEndedHook,
    /// A filter holds an empty text, which would match every session or none, or one with a control character, which no subject and no name has.
    InvalidFilter,
    /// A paging token was changed, belongs to another filter, or was made by another application.
    InvalidPageToken,
    /// This store can't search within names, only for their beginning.
    SearchNotOffered,
    /// The host's registry of clients did not answer in time, or failed, so nobody knows whether there is such a client.
    RegistryUnavailable,
    /// The host's verifier of `id_token_hint` did not answer in time, or failed, so nobody knows what the hint is.
    HintVerifierUnavailable,
    /// The host's validation of the session failed, so nobody knows whether it stands.
    Validation,
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
            Self::InvalidSubject => {
                "a subject must have at most 255 characters, and no control characters"
            }
            Self::NotSignedIn => "nobody is signed in",
            Self::SignInPending => "a session id was created, but its sign-in has not followed yet",
            Self::SubjectChanged => "a refresh can't change the subject; sign in instead",
            Self::InvalidClientId => {
                "a client id must have 1 to 200 characters, and no control characters"
            }
            Self::InvalidSessionId => {
                "a session id must have 1 to 64 characters out of A-Z, a-z, 0-9, '-', '.', '_' and '~'"
            }
            Self::InvalidExpiry => "the expiry asked for is not in the future",
            Self::InvalidItem => "an item's name must not be empty or reserved",
            Self::TooLarge => {
                "the session would be larger than its cookies or its record may be; keep fewer or smaller claims"
            }
            Self::ResponseSent => {
                "the response head has been sent, so this change can't reach the browser"
            }
            Self::CookieNotSent => {
                "the session has ended, but the response head had been sent, so the browser keeps a dead cookie"
            }
            Self::SessionEnded => "the session has ended meanwhile",
            Self::LimitReached => "the user has as many sessions as are allowed",
            Self::StoreFull => "the session store is full",
            Self::Unavailable => "the session store is not available; try again later",
            Self::NoStore => "the sessions are kept in cookies alone, so there is no store to ask",
            Self::NoEndedHook => "the configuration has no hook for the ends of sessions",
            Self::InvalidFilter => {
                "a filter must not hold an empty text, and no control characters"
            }
            Self::InvalidPageToken => "the paging token is not one for this list",
            Self::SearchNotOffered => "this store can search only for the beginning of a name",
            Self::RegistryUnavailable => {
                "the registry of clients is not available; try again later"
            }
            Self::HintVerifierUnavailable => {
                "the verifier of id_token_hint is not available; try again later"
            }
            Self::Validation => "the session could not be validated; try again later",
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
            Self::InvalidClientId
            | Self::InvalidSessionId
            | Self::InvalidFilter
            | Self::InvalidPageToken
            | Self::SearchNotOffered => StatusCode::BAD_REQUEST,
            Self::LimitReached => StatusCode::FORBIDDEN,
            // What fills a session up is what requests have put into it.
            Self::ConflictingCookies | Self::TooLarge | Self::SessionEnded => StatusCode::CONFLICT,
            Self::StoreFull
            | Self::Unavailable
            | Self::RegistryUnavailable
            | Self::HintVerifierUnavailable
            | Self::Validation => StatusCode::SERVICE_UNAVAILABLE,
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
    /// A time limit for the store is outside a millisecond to a minute.
    TimeLimitOutOfRange {
        /// Which one.
        setting: &'static str,
    },
    /// An interval is outside its range.
    IntervalOutOfRange {
        /// Which one.
        setting: &'static str,
    },
    /// A limit of sessions per user needs a store that counts them.
    LimitWithoutStore,
    /// A limit of no session at all would let nobody in.
    LimitOfNoSessions,
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
                "the session id cookie {name:?} has the name of the authentication cookie or of one that goes with it"
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
            Self::TimeLimitOutOfRange { setting } => write!(
                f,
                "{setting} must be at least one millisecond and at most one minute"
            ),
            Self::IntervalOutOfRange { setting } => write!(
                f,
                "the interval of {setting} is out of its range: see the setting's documentation"
            ),
            Self::LimitWithoutStore => f.write_str(
                "a limit of sessions per user needs a store, because cookies alone don't know of each other",
            ),
            Self::LimitOfNoSessions => {
                f.write_str("a limit of no session at all would let nobody in; allow at least one")
            }
            Self::CookieBudgetOutOfRange { bytes } => write!(
                f,
                "a cookie budget of {bytes} bytes is outside 512 bytes to 32 KiB"
            ),
        }
    }
}

impl StdError for ConfigError {}
