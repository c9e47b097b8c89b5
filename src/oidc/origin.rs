use std::{fmt, str::FromStr};

use url::Url;

/// A web origin: scheme, host and port, in the form that browsers write it (RFC 6454 section 6.2).
///
/// The port is there when it is not the scheme's own. Only http and https have one here.
///
/// ```
/// use axum_user_session::oidc::Origin;
///
/// assert_eq!(Origin::of("https://Client.example:443/callback?a=b")?.as_str(), "https://client.example");
/// assert_eq!(Origin::of("http://127.0.0.1:8080/")?.as_str(), "http://127.0.0.1:8080");
/// assert!(Origin::of("com.example.app:/callback").is_err());
/// # Ok::<_, axum_user_session::oidc::InvalidOrigin>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(String);

impl Origin {
    /// The origin of a URI, such as a redirect URI.
    ///
    /// # Errors
    ///
    /// [`InvalidOrigin`] for what is no absolute URI with the scheme http or https.
    pub fn of(uri: &str) -> Result<Self, InvalidOrigin> {
        let url = Url::parse(uri).map_err(|_| InvalidOrigin)?;
        Self::of_url(&url)
    }

    pub(super) fn of_url(url: &Url) -> Result<Self, InvalidOrigin> {
        match url.scheme() {
            "http" | "https" => Ok(Self(url.origin().ascii_serialization())),
            _ => Err(InvalidOrigin),
        }
    }

    /// Its text, such as `https://client.example`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    /// Reads an origin as a browser writes it, and nothing else: no path, no capital, no port that is the scheme's own.
    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        Self::of(text).and_then(|origin| match origin.as_str() == text {
            true => Ok(origin),
            false => Err(InvalidOrigin),
        })
    }
}

/// Something has no web origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidOrigin;

impl fmt::Display for InvalidOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no absolute URI with the scheme http or https")
    }
}

impl std::error::Error for InvalidOrigin {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o1_an_origin_has_the_port_that_is_not_the_schemes_own() {
        for (name, uri, expected) in [
            ("plain", "https://client1", Some("https://client1")),
            (
                "path and query",
                "https://a.example/cb?x=y",
                Some("https://a.example"),
            ),
            (
                "https with its own port",
                "https://a.example:443/",
                Some("https://a.example"),
            ),
            (
                "http with its own port",
                "http://a.example:80/",
                Some("http://a.example"),
            ),
            (
                "another port",
                "https://a.example:8443/",
                Some("https://a.example:8443"),
            ),
            (
                "the other scheme's port",
                "http://a.example:443/",
                Some("http://a.example:443"),
            ),
            ("capitals", "HTTPS://A.EXAMPLE/", Some("https://a.example")),
            (
                "user info",
                "https://user:pw@a.example/",
                Some("https://a.example"),
            ),
            ("IPv6", "http://[::1]:3000/cb", Some("http://[::1]:3000")),
            (
                "a name outside ASCII",
                "https://bücher.example/",
                Some("https://xn--bcher-kva.example"),
            ),
            ("an app's scheme", "com.example.app:/cb", None),
            ("a blob", "blob:https://a.example/1", None),
            ("a file", "file:///etc/passwd", None),
            ("a path", "/cb", None),
            ("nothing", "", None),
            ("no host", "https://", None),
        ] {
            let origin = Origin::of(uri).ok();
            assert_eq!(origin.as_ref().map(Origin::as_str), expected, "{name}");
        }
    }

    #[test]
    fn o2_only_what_a_browser_writes_is_read_as_an_origin() {
        for (name, text, accepted) in [
            ("an origin", "https://a.example", true),
            ("with another port", "https://a.example:8443", true),
            ("a slash", "https://a.example/", false),
            ("its own port", "https://a.example:443", false),
            ("a capital", "https://A.example", false),
            ("an opaque origin", "null", false),
            ("a space", " https://a.example", false),
            ("nothing", "", false),
        ] {
            assert_eq!(text.parse::<Origin>().is_ok(), accepted, "{name}");
        }
    }
}
