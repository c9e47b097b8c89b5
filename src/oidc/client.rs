use std::{fmt, sync::Arc};

use url::Url;

use super::origin::Origin;
use crate::id::ClientId;

/// A client application, as it is registered: where its users may be sent, and how it hears that a session has ended.
///
/// A cheap handle. Made by a [`ClientBuilder`], and given by a [`ClientRegistry`](super::ClientRegistry).
///
/// ```
/// use axum_user_session::oidc::Client;
///
/// let client = Client::builder("client1")
///     .redirect_uri("https://client1.example/callback")
///     .post_logout_redirect_uri("https://client1.example/goodbye")
///     .back_channel_logout_uri("https://client1.example/logout", true)
///     .build()?;
/// assert_eq!(client.origins()[0].as_str(), "https://client1.example");
/// # Ok::<_, axum_user_session::oidc::InvalidClient>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(PartialEq, Eq)]
struct Inner {
    id: ClientId,
    name: Option<String>,
    redirect_uris: Vec<String>,
    post_logout_redirect_uris: Vec<String>,
    front_channel: Option<LogoutUri>,
    back_channel: Option<LogoutUri>,
    wants_subject: bool,
    coordinates_lifetime: Option<bool>,
    origins: Vec<Origin>,
}

/// Where a client is told that a session has ended.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogoutUri {
    /// The address.
    pub uri: String,
    /// Whether the client must be told which session it was (`frontchannel_logout_session_required`,
    /// `backchannel_logout_session_required`).
    pub session_required: bool,
}

impl Client {
    /// Begins a client; everything but its id is empty.
    pub fn builder(id: impl Into<String>) -> ClientBuilder {
        ClientBuilder {
            id: id.into(),
            name: None,
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
            front_channel: None,
            back_channel: None,
            wants_subject: false,
            coordinates_lifetime: None,
        }
    }

    /// Its id (`client_id`).
    pub fn id(&self) -> &ClientId {
        &self.inner.id
    }

    /// Its name for people (`client_name`).
    pub fn name(&self) -> Option<&str> {
        self.inner.name.as_deref()
    }

    /// Where it may have users sent after they have signed in (`redirect_uris`).
    pub fn redirect_uris(&self) -> &[String] {
        &self.inner.redirect_uris
    }

    /// Where it may have users sent after they have signed out (`post_logout_redirect_uris`).
    pub fn post_logout_redirect_uris(&self) -> &[String] {
        &self.inner.post_logout_redirect_uris
    }

    /// Where the user's browser tells it of an end (`frontchannel_logout_uri`).
    pub fn front_channel_logout(&self) -> Option<&LogoutUri> {
        self.inner.front_channel.as_ref()
    }

    /// Where our server tells it of an end (`backchannel_logout_uri`).
    pub fn back_channel_logout(&self) -> Option<&LogoutUri> {
        self.inner.back_channel.as_ref()
    }

    /// Whether its logout tokens name the user too.
    pub fn wants_subject(&self) -> bool {
        self.inner.wants_subject
    }

    /// Whether its tokens live no longer than the user's session; none leaves that to the global setting.
    pub fn coordinates_lifetime(&self) -> Option<bool> {
        self.inner.coordinates_lifetime
    }

    /// The origins of its redirect URIs, each once: pages of these may watch the session.
    pub fn origins(&self) -> &[Origin] {
        &self.inner.origins
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("id", &self.inner.id)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for LogoutUri {
    /// Leaves the address out: a client may have put a secret into its query.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogoutUri")
            .field("session_required", &self.session_required)
            .finish_non_exhaustive()
    }
}

/// Collects what is registered for a [`Client`].
#[derive(Clone)]
#[must_use]
pub struct ClientBuilder {
    id: String,
    name: Option<String>,
    redirect_uris: Vec<String>,
    post_logout_redirect_uris: Vec<String>,
    front_channel: Option<LogoutUri>,
    back_channel: Option<LogoutUri>,
    wants_subject: bool,
    coordinates_lifetime: Option<bool>,
}

impl ClientBuilder {
    /// The name for people, which is shown where a user is asked whether to sign out.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// One more place where users may be sent after they have signed in (OpenID Connect Core 1.0 section 3.1.2.1).
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.redirect_uris.push(uri.into());
        self
    }

    /// One more place where users may be sent after they have signed out (OpenID Connect RP-Initiated Logout 1.0 section 3.1). What a request
    /// asks for must be equal to it, character by character.
    pub fn post_logout_redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.post_logout_redirect_uris.push(uri.into());
        self
    }

    /// Where the user's browser tells the client of an end, and whether issuer and session id must be sent along (OpenID Connect Front-Channel
    /// Logout 1.0 section 2).
    pub fn front_channel_logout_uri(
        mut self,
        uri: impl Into<String>,
        session_required: bool,
    ) -> Self {
        let uri = uri.into();
        self.front_channel = Some(LogoutUri {
            uri,
            session_required,
        });
        self
    }

    /// Where our server tells the client of an end, and whether the session id must be in the token (OpenID Connect Back-Channel Logout 1.0
    /// section 2.2). It always is, if there is one.
    pub fn back_channel_logout_uri(
        mut self,
        uri: impl Into<String>,
        session_required: bool,
    ) -> Self {
        let uri = uri.into();
        self.back_channel = Some(LogoutUri {
            uri,
            session_required,
        });
        self
    }

    /// Whether logout tokens name the user (`sub`) beside the session. Default: no.
    ///
    /// Some clients take a token with both for "all sessions of this user".
    pub fn wants_subject(mut self, wants: bool) -> Self {
        self.wants_subject = wants;
        self
    }

    /// Whether the client's tokens live no longer than the user's session. Default: what the global setting says.
    pub fn coordinates_lifetime(mut self, coordinates: bool) -> Self {
        self.coordinates_lifetime = Some(coordinates);
        self
    }

    /// Checks what was collected.
    ///
    /// # Errors
    ///
    /// [`InvalidClient`], which says what can't be registered.
    pub fn build(self) -> Result<Client, InvalidClient> {
        let id = ClientId::parse(&self.id).map_err(|_| InvalidClient::Id)?;
        let mut origins = Vec::new();
        for uri in &self.redirect_uris {
            let url = checked(uri, InvalidClient::RedirectUri)?;
            // An app's own scheme has no origin (RFC 8252 section 7.1).
            if let Ok(origin) = Origin::of_url(&url)
                && !origins.contains(&origin)
            {
                origins.push(origin);
            }
        }
        for uri in &self.post_logout_redirect_uris {
            checked(uri, InvalidClient::PostLogoutRedirectUri)?;
        }
        let called = |channel: &Option<LogoutUri>, invalid: fn(String) -> InvalidClient| {
            let Some(LogoutUri { uri, .. }) = channel else {
                return Ok(());
            };
            let url = checked(uri, invalid)?;
            let anybody = url.username().is_empty() && url.password().is_none();
            match Origin::of_url(&url).is_ok() && anybody {
                true => Ok(()),
                false => Err(invalid(uri.clone())),
            }
        };
        called(&self.front_channel, InvalidClient::FrontChannelLogoutUri)?;
        called(&self.back_channel, InvalidClient::BackChannelLogoutUri)?;
        Ok(Client {
            inner: Arc::new(Inner {
                id,
                name: self.name,
                redirect_uris: self.redirect_uris,
                post_logout_redirect_uris: self.post_logout_redirect_uris,
                front_channel: self.front_channel,
                back_channel: self.back_channel,
                wants_subject: self.wants_subject,
                coordinates_lifetime: self.coordinates_lifetime,
                origins,
            }),
        })
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// An absolute URI that a browser may be sent to: visible ASCII, no fragment (RFC 6749 section 3.1.2), no scheme that runs or shows something of its own. For http and https it has the
/// two slashes: without them a browser that is on a page of that scheme takes it for a path of that page's site (URL Standard, "special relative or authority state").
fn checked(uri: &str, invalid: fn(String) -> InvalidClient) -> Result<Url, InvalidClient> {
    let bad = || invalid(uri.to_owned());
    let url = Url::parse(uri).map_err(|_| bad())?;
    let visible = uri.bytes().all(|byte| byte.is_ascii_graphic());
    let refused = REFUSED_SCHEMES.contains(&url.scheme());
    // The parser takes a backslash for a slash there (RFC 3986 knows none), and does without either.
    let web = matches!(url.scheme(), "http" | "https");
    let plain = !web || (uri[url.scheme().len()..].starts_with("://") && !uri.contains('\\'));
    match visible && plain && url.fragment().is_none() && !refused {
        true => Ok(url),
        false => Err(bad()),
    }
}

const REFUSED_SCHEMES: [&str; 8] = [
    "about",
    "blob",
    "data",
    "file",
    "filesystem",
    "javascript",
    "vbscript",
    "view-source",
];

/// Why a client can't be registered. The texts hold what was given.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidClient {
    /// The id is empty, longer than 200 characters, or has a control character.
    Id,
    /// No absolute URI without a fragment, or one with a scheme that no client can have.
    RedirectUri(String),
    /// As [`RedirectUri`](Self::RedirectUri).
    PostLogoutRedirectUri(String),
    /// As [`RedirectUri`](Self::RedirectUri), or its scheme is neither http nor https, or it has a user name or a password.
    FrontChannelLogoutUri(String),
    /// As [`FrontChannelLogoutUri`](Self::FrontChannelLogoutUri).
    BackChannelLogoutUri(String),
}

impl fmt::Display for InvalidClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, uri) = match self {
            Self::Id => {
                return f
                    .write_str("a client's id has 1 to 200 characters, and no control character");
            }
            Self::RedirectUri(uri) => ("redirect URI", uri),
            Self::PostLogoutRedirectUri(uri) => ("post-logout redirect URI", uri),
            Self::FrontChannelLogoutUri(uri) => ("front-channel logout URI", uri),
            Self::BackChannelLogoutUri(uri) => ("back-channel logout URI", uri),
        };
        write!(f, "this can be no client's {what}: {uri:?}")
    }
}

impl std::error::Error for InvalidClient {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o3_only_places_that_a_browser_may_be_sent_to_are_registered() {
        for (name, uri, redirect, logout) in [
            ("https", "https://a.example/cb", true, true),
            ("http", "http://127.0.0.1:3000/cb", true, true),
            ("a query", "https://a.example/cb?x=y", true, true),
            ("an app's scheme", "com.example.app:/cb", true, false),
            ("a user name", "https://user@a.example/", true, false),
            ("a password alone", "https://:pw@a.example/", true, false),
            (
                "of this site's, to a browser",
                "https:a.example/cb",
                false,
                false,
            ),
            ("the same with a path", "HTTPS:/a.example/cb", false, false),
            ("backslashes", r"https:\\a.example\cb", false, false),
            ("a fragment", "https://a.example/#a", false, false),
            ("an empty fragment", "https://a.example/#", false, false),
            ("a path", "/cb", false, false),
            ("no scheme", "//a.example/cb", false, false),
            ("a script", "javascript:alert(1)", false, false),
            ("a script in capitals", "JavaScript:alert(1)", false, false),
            ("data", "data:text/html,hi", false, false),
            ("a file", "file:///etc/passwd", false, false),
            ("a space in front", " https://a.example/", false, false),
            ("a line feed", "https://a.example/\n", false, false),
            ("not ASCII", "https://bücher.example/", false, false),
            ("nothing", "", false, false),
        ] {
            let client = || Client::builder("c");
            let built = [
                client().redirect_uri(uri),
                client().post_logout_redirect_uri(uri),
                client().front_channel_logout_uri(uri, false),
                client().back_channel_logout_uri(uri, false),
            ]
            .map(|client| client.build().is_ok());
            assert_eq!(built, [redirect, redirect, logout, logout], "{name}");
        }
    }

    #[test]
    fn o2_a_client_has_each_origin_once() {
        let client = Client::builder("c")
            .redirect_uri("https://a.example/1")
            .redirect_uri("com.example.app:/cb")
            .redirect_uri("https://a.example:443/2")
            .redirect_uri("https://b.example/")
            .build()
            .unwrap();
        let origins: Vec<_> = client.origins().iter().map(Origin::as_str).collect();
        assert_eq!(origins, ["https://a.example", "https://b.example"]);
    }
}
