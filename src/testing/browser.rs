use std::{convert::Infallible, time::Duration};

use axum_core::{body::Body, response::Response};
use http::{
    HeaderMap, HeaderValue, Method, Request, StatusCode, Uri,
    header::{CONTENT_TYPE, COOKIE, SET_COOKIE},
};
use tower::Service;
use tower_cookies::{Cookie, cookie::Expiration};

use crate::clock::{Clock, SystemClock, Timestamp};

/// A browser for tests: sends requests to a tower service, such as an axum router, and keeps its cookies as browsers do (RFC 6265bis).
///
/// It is on `https://localhost`, keeps a cookie per name, domain and path, drops those that are too large or break their prefix, expires them by its clock, and sends those
/// whose path matches. Domains other than its own are refused. Redirects are not followed.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use axum::{Router, routing::post};
/// use axum_user_session::{KeyRing, Principal, SessionConfig, UserSession, UserSessionLayer, testing::Browser};
///
/// async fn login(session: UserSession) {
///     session.sign_in(Principal::builder("alice").build()).await.unwrap();
/// }
///
/// let config = SessionConfig::builder(KeyRing::ephemeral()).build().unwrap();
/// let app: Router = Router::new().route("/login", post(login)).layer(UserSessionLayer::new(config));
/// let mut browser = Browser::new(app);
/// browser.post("/login", "").await;
/// assert!(browser.cookie("__Host-idsrv").is_some());
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct Browser<S, C = SystemClock> {
    service: S,
    clock: C,
    cookies: Vec<Kept>,
    headers: HeaderMap,
}

#[derive(Clone, Debug)]
struct Kept {
    name: String,
    value: String,
    path: String,
    domain: bool,
    expires: Option<Timestamp>,
}

/// A response, read to its end.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Page {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: String,
}

impl Page {
    /// The `Set-Cookie` headers.
    pub fn set_cookies(&self) -> Vec<&str> {
        let values = self.headers.get_all(SET_COOKIE).iter();
        values.filter_map(|value| value.to_str().ok()).collect()
    }

    /// A header that is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl<S> Browser<S> {
    /// A browser without cookies.
    pub fn new(service: S) -> Self {
        Self::with_clock(service, SystemClock)
    }
}

impl<S, C: Clock> Browser<S, C> {
    /// A browser that expires its cookies by a clock of yours.
    pub fn with_clock(service: S, clock: C) -> Self {
        Self {
            service,
            clock,
            cookies: Vec::new(),
            headers: HeaderMap::new(),
        }
    }

    /// Sends a header with every request from now on.
    ///
    /// # Panics
    ///
    /// If the value can't stand in a header.
    pub fn set_header(&mut self, name: &'static str, value: &str) {
        let value = HeaderValue::from_str(value).expect("a header value");
        self.headers.insert(name, value);
    }

    /// The value of a cookie that is kept and has not expired.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let found = self.live().find(|kept| kept.name == name)?;
        Some(&found.value)
    }

    /// The names of all live cookies.
    pub fn cookie_names(&self) -> Vec<&str> {
        self.live().map(|kept| &*kept.name).collect()
    }

    /// Whether a live cookie outlives the browser.
    pub fn is_persistent(&self, name: &str) -> bool {
        self.live()
            .any(|kept| kept.name == name && kept.expires.is_some())
    }

    /// Plants a cookie, or changes one, at the path `/`.
    pub fn plant(&mut self, name: &str, value: &str) {
        self.keep(Kept {
            name: name.to_owned(),
            value: value.to_owned(),
            path: "/".to_owned(),
            domain: false,
            expires: None,
        });
    }

    /// Forgets a cookie.
    pub fn forget(&mut self, name: &str) {
        self.cookies.retain(|kept| kept.name != name);
    }

    /// Closes the browser: what is not persistent is gone.
    pub fn restart(&mut self) {
        self.cookies.retain(|kept| kept.expires.is_some());
    }

    /// Goes on with another service, as after a restart of the server.
    pub fn reconnect<T>(self, service: T) -> Browser<T, C> {
        Browser {
            service,
            clock: self.clock,
            cookies: self.cookies,
            headers: self.headers,
        }
    }

    /// The value of the `Cookie` header for a path.
    pub fn cookie_header(&self, path: &str) -> String {
        let sent = self.live().filter(|kept| path_matches(path, &kept.path));
        let pairs: Vec<_> = sent
            .map(|kept| format!("{}={}", kept.name, kept.value))
            .collect();
        pairs.join("; ")
    }

    /// Takes a response's cookies.
    pub fn receive(&mut self, path: &str, headers: &HeaderMap) {
        for header in headers.get_all(SET_COOKIE) {
            let parsed = header
                .to_str()
                .ok()
                .and_then(|text| Cookie::parse(text.to_owned()).ok());
            if let Some(cookie) = parsed.filter(is_accepted) {
                let kept = self.kept(path, &cookie);
                self.keep(kept);
            }
        }
    }

    fn kept(&self, path: &str, cookie: &Cookie<'_>) -> Kept {
        let now: Timestamp = self.clock.now().into();
        let max_age = cookie.max_age().map(|age| {
            let age = Duration::try_from(age).unwrap_or_default();
            if age.is_zero() {
                Timestamp(0)
            } else {
                now.plus(age)
            }
        });
        let expires = cookie.expires().and_then(|expiration| match expiration {
            Expiration::DateTime(at) => Some(std::time::SystemTime::from(at).into()),
            Expiration::Session => None,
        });
        Kept {
            name: cookie.name().to_owned(),
            value: cookie.value().to_owned(),
            path: cookie
                .path()
                .map_or_else(|| default_path(path), str::to_owned),
            domain: cookie.domain().is_some(),
            expires: max_age.or(expires),
        }
    }

    fn keep(&mut self, new: Kept) {
        let same = |kept: &Kept| {
            kept.name == new.name && kept.path == new.path && kept.domain == new.domain
        };
        self.cookies.retain(|kept| !same(kept));
        self.cookies.push(new);
    }

    fn live(&self) -> impl Iterator<Item = &Kept> {
        let now: Timestamp = self.clock.now().into();
        let live = move |kept: &&Kept| kept.expires.is_none_or(|expires| expires > now);
        self.cookies.iter().filter(live)
    }
}

impl<S, C> Browser<S, C>
where
    S: Service<Request<Body>, Response = Response, Error = Infallible>,
    C: Clock,
{
    /// Opens a page.
    pub async fn get(&mut self, path: &str) -> Page {
        self.request(Method::GET, path, "").await
    }

    /// Posts a form, given as its encoded text.
    pub async fn post(&mut self, path: &str, form: &str) -> Page {
        self.request(Method::POST, path, form).await
    }

    /// Sends a request with the browser's headers and cookies, and keeps what comes back.
    ///
    /// # Panics
    ///
    /// If the path is none, or the body can't be read.
    pub async fn request(&mut self, method: Method, path: &str, body: &str) -> Page {
        let mut request = Request::new(Body::from(body.to_owned()));
        *request.method_mut() = method;
        *request.uri_mut() = path.parse::<Uri>().expect("a path");
        *request.headers_mut() = self.headers.clone();
        if !body.is_empty() {
            let form = HeaderValue::from_static("application/x-www-form-urlencoded");
            request.headers_mut().insert(CONTENT_TYPE, form);
        }
        let cookies = self.cookie_header(request.uri().path());
        if !cookies.is_empty() {
            let cookies = HeaderValue::from_str(&cookies).expect("kept cookies are header values");
            request.headers_mut().insert(COOKIE, cookies);
        }
        let path = request.uri().path().to_owned();
        let page = self.send(request).await;
        self.receive(&path, &page.headers);
        page
    }

    /// Sends a request as it is, without the browser's cookies, and keeps none.
    ///
    /// # Panics
    ///
    /// If the body can't be read.
    pub async fn send(&mut self, request: Request<Body>) -> Page {
        let service = &mut self.service;
        std::future::poll_fn(|cx| service.poll_ready(cx))
            .await
            .unwrap_or_else(|never| match never {});
        let response = service
            .call(request)
            .await
            .unwrap_or_else(|never| match never {});
        let (parts, body) = response.into_parts();
        Page {
            status: parts.status,
            headers: parts.headers,
            body: read(body).await,
        }
    }
}

async fn read(body: Body) -> String {
    use http_body_util::BodyExt;
    let bytes = body
        .collect()
        .await
        .expect("a body that can be read")
        .to_bytes();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// RFC 6265bis sections 5.6 and 5.7: size, prefixes and SameSite=None.
fn is_accepted(cookie: &Cookie<'_>) -> bool {
    let name = cookie.name().to_ascii_lowercase();
    let secure = cookie.secure() == Some(true);
    let host = secure && cookie.path() == Some("/") && cookie.domain().is_none();
    let domain = cookie.domain().is_none_or(|domain| domain == "localhost");
    let same_site = secure || cookie.same_site() != Some(tower_cookies::cookie::SameSite::None);
    cookie.name().len() + cookie.value().len() <= 4096
        && domain
        && same_site
        && (!name.starts_with("__host-") || host)
        && (!name.starts_with("__secure-") || secure)
}

/// RFC 6265bis section 5.1.4.
fn default_path(path: &str) -> String {
    match path.rfind('/') {
        None | Some(0) => "/".to_owned(),
        Some(end) => path[..end].to_owned(),
    }
}

/// RFC 6265bis section 5.1.4.
fn path_matches(path: &str, cookie_path: &str) -> bool {
    path.strip_prefix(cookie_path)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || cookie_path.ends_with('/'))
}
