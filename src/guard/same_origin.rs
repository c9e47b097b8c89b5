use std::{fmt, sync::Arc};

use http::{
    HeaderMap, Method, Request, Response, StatusCode, Uri,
    header::{HOST, ORIGIN},
    uri::Authority,
};
use tower::Layer;

use super::gate::{Decide, Gate, Sealed};

/// Refuses posts that other sites make a browser send (cross-site request forgery), with 403.
///
/// Put it around everything that has unsafe methods, the login form included: a forged sign-in is an attack too. SameSite cookies alone don't
/// protect, because other hosts of the same site can send them.
///
/// # Rules
///
/// 1. Safe methods pass (`GET`, `HEAD`, `OPTIONS`, `TRACE`; RFC 9110 section 9.2.1). They must not change anything.
/// 2. A request with an `Origin` passes if that is one [allowed](Self::allow_origin), or this host and `Sec-Fetch-Site` does not say otherwise.
///    `null` never does.
/// 3. Without one, `Sec-Fetch-Site` must be `same-origin` or `none`.
/// 4. With neither it passes: it is no browser's, so it carries no one else's cookies.
///
/// # Caveats
///
/// This host is the `Host` header (or HTTP/2's authority). Behind a proxy that rewrites it, allow the public origin. The scheme of `Origin`
/// is not compared, because a proxy that ends TLS hides it; `Sec-Fetch-Site` knows it. Pages with `Referrer-Policy: no-referrer` make browsers send `Origin: null`, so their forms are refused;
/// use `same-origin`.
///
/// ```
/// use axum::{Router, routing::post};
/// use axum_user_session::guard::SameOriginLayer;
///
/// let app: Router = Router::new()
///     .route("/login", post(|| async {}))
///     .layer(SameOriginLayer::new().allow_origin("https://id.example.com")?);
/// # Ok::<_, axum_user_session::guard::InvalidOrigin>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct SameOriginLayer {
    allowed: Vec<String>,
}

impl SameOriginLayer {
    /// Allows only posts from this host's own pages.
    pub fn new() -> Self {
        Self::default()
    }

    /// Allows posts from an origin as well, written as browsers send it: scheme, host, and port if it is not the scheme's own.
    ///
    /// # Errors
    ///
    /// [`InvalidOrigin`] if it is not of that form, so that it would never match.
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Result<Self, InvalidOrigin> {
        let origin = origin.into();
        match parse_origin(origin.as_bytes()) {
            Some((scheme, authority))
                if origin == format!("{scheme}://{authority}")
                    && !has_default_port(scheme, &authority) =>
            {
                self.allowed.push(origin);
                Ok(self)
            }
            _ => Err(InvalidOrigin { origin }),
        }
    }

    /// The decision alone, for what must look into a request before it knows whether other sites may send it.
    pub(crate) fn check(&self) -> SameOriginCheck {
        let allowed = self.allowed.as_slice().into();
        SameOriginCheck { allowed }
    }
}

impl<S> Layer<S> for SameOriginLayer {
    type Service = Gate<S, SameOriginCheck>;

    fn layer(&self, inner: S) -> Self::Service {
        Gate::new(inner, self.check())
    }
}

/// What [`SameOriginLayer::allow_origin`] refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidOrigin {
    origin: String,
}

impl fmt::Display for InvalidOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is no origin as browsers send it: lower case, http or https, no path, no port if it is the scheme's own",
            self.origin
        )
    }
}

impl std::error::Error for InvalidOrigin {}

/// The decision of [`SameOriginLayer`].
#[derive(Clone, Debug)]
pub struct SameOriginCheck {
    allowed: Arc<[String]>,
}

impl Sealed for SameOriginCheck {}

impl Decide for SameOriginCheck {
    fn decide<B>(&self, request: &Request<B>) -> Option<Response<()>> {
        if self.allows(request.method(), request.uri(), request.headers()) {
            return None;
        }
        tracing::debug!("a cross-site request with an unsafe method was refused");
        let mut refused = Response::new(());
        *refused.status_mut() = StatusCode::FORBIDDEN;
        Some(refused)
    }
}

impl SameOriginCheck {
    pub(crate) fn allows(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
        if method.is_safe() {
            return true;
        }
        let mut origins = headers.get_all(ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (Some(origin), None) => {
                let origin = origin.as_bytes();
                self.is_allowed(origin)
                    || (is_this_host(origin, uri, headers) && says_same_origin(headers))
            }
            (Some(_), Some(_)) => false,
            (None, _) => says_same_origin(headers),
        }
    }

    fn is_allowed(&self, origin: &[u8]) -> bool {
        self.allowed
            .iter()
            .any(|allowed| allowed.as_bytes() == origin)
    }
}

/// What the browser says, which knows the scheme; true if it says nothing.
fn says_same_origin(headers: &HeaderMap) -> bool {
    headers
        .get("sec-fetch-site")
        .is_none_or(|site| site == "same-origin" || site == "none")
}

fn is_this_host(origin: &[u8], uri: &Uri, headers: &HeaderMap) -> bool {
    let Some((scheme, origin)) = parse_origin(origin) else {
        return false;
    };
    let from_header = || {
        let mut hosts = headers.get_all(HOST).iter();
        match (hosts.next(), hosts.next()) {
            (Some(host), None) => Authority::try_from(host.as_bytes()).ok(),
            _ => None,
        }
    };
    let port = |authority: &Authority| authority.port_u16().unwrap_or(default_port(scheme));
    uri.authority()
        .cloned()
        .or_else(from_header)
        .is_some_and(|host| {
            host.host().eq_ignore_ascii_case(origin.host()) && port(&host) == port(&origin)
        })
}

/// Scheme and authority of an origin with a host (RFC 6454 section 6.2).
fn parse_origin(origin: &[u8]) -> Option<(&'static str, Authority)> {
    let (scheme, rest) = match origin {
        [b'h', b't', b't', b'p', b's', b':', b'/', b'/', rest @ ..] => ("https", rest),
        [b'h', b't', b't', b'p', b':', b'/', b'/', rest @ ..] => ("http", rest),
        _ => return None,
    };
    let plain = |byte: &u8| !byte.is_ascii_uppercase() && *byte != b'@';
    let authority = Authority::try_from(rest)
        .ok()
        .filter(|_| rest.iter().all(plain))?;
    Some((scheme, authority))
}

fn has_default_port(scheme: &str, authority: &Authority) -> bool {
    authority.port_u16() == Some(default_port(scheme))
}

fn default_port(scheme: &str) -> u16 {
    match scheme {
        "https" => 443,
        _ => 80,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(method: &str, uri: &str, headers: &[(&'static str, &str)]) -> bool {
        let layer = SameOriginLayer::new()
            .allow_origin("https://id.example.com")
            .unwrap();
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let decision = SameOriginCheck {
            allowed: layer.allowed.into(),
        };
        decision.decide(&request.body(()).unwrap()).is_none()
    }

    #[test]
    fn r2_cross_site_table() {
        let host = ("host", "a.example");
        for (name, method, uri, headers, expected) in [
            (
                "safe method from anywhere",
                "GET",
                "/",
                &[host, ("origin", "https://evil.example")][..],
                true,
            ),
            (
                "own origin",
                "POST",
                "/",
                &[host, ("origin", "https://a.example")],
                true,
            ),
            (
                "own origin on plain http",
                "POST",
                "/",
                &[host, ("origin", "http://a.example")],
                true,
            ),
            (
                "own origin, host in capitals",
                "POST",
                "/",
                &[("host", "A.Example"), ("origin", "https://a.example")],
                true,
            ),
            (
                "own origin, default port in Host",
                "POST",
                "/",
                &[("host", "a.example:443"), ("origin", "https://a.example")],
                true,
            ),
            (
                "own host on plain http, which the browser tells from https",
                "POST",
                "/",
                &[
                    host,
                    ("origin", "http://a.example"),
                    ("sec-fetch-site", "cross-site"),
                ],
                false,
            ),
            (
                "own port",
                "POST",
                "/",
                &[
                    ("host", "127.0.0.1:3000"),
                    ("origin", "http://127.0.0.1:3000"),
                ],
                true,
            ),
            (
                "IPv6",
                "POST",
                "/",
                &[("host", "[::1]:3000"), ("origin", "http://[::1]:3000")],
                true,
            ),
            (
                "HTTP/2 authority",
                "POST",
                "https://a.example/",
                &[("origin", "https://a.example")],
                true,
            ),
            (
                "allowed origin",
                "POST",
                "/",
                &[host, ("origin", "https://id.example.com")],
                true,
            ),
            (
                "allowed origin, other scheme",
                "POST",
                "/",
                &[host, ("origin", "http://id.example.com")],
                false,
            ),
            (
                "other port",
                "POST",
                "/",
                &[host, ("origin", "https://a.example:8443")],
                false,
            ),
            (
                "other host",
                "POST",
                "/",
                &[host, ("origin", "https://evil.example")],
                false,
            ),
            (
                "subdomain",
                "POST",
                "/",
                &[host, ("origin", "https://b.a.example")],
                false,
            ),
            (
                "suffix",
                "POST",
                "/",
                &[host, ("origin", "https://a.example.evil.example")],
                false,
            ),
            (
                "user info",
                "POST",
                "/",
                &[host, ("origin", "https://a.example@evil.example")],
                false,
            ),
            ("null", "POST", "/", &[host, ("origin", "null")], false),
            ("empty origin", "POST", "/", &[host, ("origin", "")], false),
            (
                "two origins",
                "POST",
                "/",
                &[
                    host,
                    ("origin", "https://a.example"),
                    ("origin", "https://a.example"),
                ],
                false,
            ),
            (
                "an origin outweighs fetch metadata",
                "POST",
                "/",
                &[
                    host,
                    ("origin", "https://evil.example"),
                    ("sec-fetch-site", "same-origin"),
                ],
                false,
            ),
            (
                "no host to compare with",
                "POST",
                "/",
                &[("origin", "https://a.example")],
                false,
            ),
            (
                "two hosts",
                "POST",
                "/",
                &[
                    host,
                    ("host", "evil.example"),
                    ("origin", "https://a.example"),
                ],
                false,
            ),
            (
                "same-origin",
                "POST",
                "/",
                &[host, ("sec-fetch-site", "same-origin")],
                true,
            ),
            (
                "none: the user's own doing",
                "POST",
                "/",
                &[host, ("sec-fetch-site", "none")],
                true,
            ),
            (
                "same-site",
                "POST",
                "/",
                &[host, ("sec-fetch-site", "same-site")],
                false,
            ),
            (
                "cross-site",
                "POST",
                "/",
                &[host, ("sec-fetch-site", "cross-site")],
                false,
            ),
            ("a command line", "POST", "/", &[host], true),
            (
                "delete",
                "DELETE",
                "/",
                &[host, ("origin", "https://evil.example")],
                false,
            ),
            (
                "unknown method",
                "FROB",
                "/",
                &[host, ("origin", "https://evil.example")],
                false,
            ),
        ] {
            assert_eq!(allows(method, uri, headers), expected, "{name}");
        }
    }

    #[test]
    fn r2_an_origin_that_would_never_match_is_refused() {
        for origin in [
            "id.example.com",
            "https://id.example.com/",
            "https://ID.example.com",
            "https://id.example.com:443",
            "ftp://id.example.com",
            "null",
            "",
        ] {
            assert!(
                SameOriginLayer::new().allow_origin(origin).is_err(),
                "{origin}"
            );
        }
        assert!(
            SameOriginLayer::new()
                .allow_origin("https://id.example.com:8443")
                .is_ok()
        );
    }
}
