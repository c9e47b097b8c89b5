use std::{
    convert::Infallible,
    error::Error,
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum_core::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, HeaderValue, Method, Request, StatusCode,
    header::{
        ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
        IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS,
    },
};
use tower::Service;

use super::{
    page::Page,
    question::{Asked, Question},
};
use crate::{
    config::{SessionConfig, Settings, Throttle},
    hook::BoxFuture,
    middleware::SessionIdCookieStays,
    oidc::registry::{ClientRegistry, Clients},
};

/// The check-session iframe: a route by which clients watch the user's session (OpenID Connect Session Management 1.0 section 3.2).
///
/// A ready service for GET and HEAD, to be put at the path that the discovery document calls `check_session_iframe`. It reads the session id cookie of the same
/// configuration; where there is none (`check_session(false)`) it answers 404.
///
/// ```
/// use axum::{Router, routing::get};
/// use axum_user_session::{
///     KeyRing, SessionConfig, UserSessionLayer,
///     oidc::{CheckSession, Client, FixedClients},
/// };
///
/// let config = SessionConfig::builder(KeyRing::ephemeral()).build()?;
/// let client = Client::builder("client1").redirect_uri("https://client1.example/callback").build()?;
/// let clients: FixedClients = [client].into_iter().collect();
///
/// let app: Router = Router::new()
///     .route("/", get(|| async { "hello" }))
///     .layer(UserSessionLayer::new(config.clone()))
///     // After the layer: it needs no session. Before it would do too.
///     .route_service("/connect/checksession", CheckSession::new(&config, clients));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// # How it works
///
/// 1. A client's page loads this one in a hidden frame, and sends it `client_id session_state`.
/// 2. The page asks this route, `?client_id=..&origin=..`, whether the sender's origin is one of the client's [redirect URIs](crate::oidc::Client::origins); the answer is `true` or `false`.
/// 3. It reads the session id cookie, makes the [`SessionState`](crate::oidc::SessionState) anew, and answers `unchanged`, `changed` or `error` to the sender's origin.
///
/// `error` means that asking the provider again would not help: the message is malformed, the origin is not registered, the registry does not answer, or the browser keeps
/// the cookie from frames on other sites. Where nobody is signed in and the cookie could be read, that is `changed`, or `unchanged` for the state of nobody.
///
/// # Why it can be cached
///
/// The page is one text for every user and client, so browsers and caches keep it for an hour, and then ask with its ETag. What depends on the client is asked beside it, without cookies: one small
/// answer for each client and origin, the same for everybody, good for five minutes. So a client whose registration is taken back is answered for at most some ten minutes more.
///
/// Anybody can ask that. They learn no more than the authorization endpoint says by refusing a redirect URI: client ids and redirect URIs are public, they are in the address of every sign-in. An unknown client
/// and another client's origin get the same answer, and nothing in it is about a user. Other sites' scripts can't read it.
///
/// # Caveats
///
/// - The route never makes [the layer](crate::UserSessionLayer) issue or remove the session id cookie, wherever it stands.
/// - Clients on other sites need a session id cookie with SameSite=None, the default, and a browser that sends it there. Many no longer do: it is what `error` is for, and why
///   there are logout notifications. On [plain http](crate::config::SessionConfigBuilder::insecure_http_for_development) the cookie is SameSite=Lax, so clients must be on the same site: on
///   another port of `localhost`, say.
/// - Only the user's browser can change its cookies. When a session was ended elsewhere, by an administrator or on another device, the answer becomes `changed` with the next page of the provider that
///   the browser opens. Clients that must know sooner need a logout notification.
/// - The page sees the cookie only below the configuration's [base path](crate::config::SessionConfigBuilder::base_path); elsewhere its answer is `error`.
/// - A cache in front of it must tell queries apart, as RFC 9111 section 2 asks for.
/// - `frame-ancestors *` in its policy outdoes an `X-Frame-Options` header; a second `Content-Security-Policy` that the host adds does not give way.
#[derive(Clone)]
#[must_use]
pub struct CheckSession {
    inner: Option<Arc<Inner>>,
}

struct Inner {
    page: Page,
    clients: Clients,
    settings: Arc<Settings>,
    /// Which questions without an answer are logged.
    not_answered: Throttle,
}

impl CheckSession {
    /// The route of a configuration, for the clients of a registry.
    pub fn new(config: &SessionConfig, registry: impl ClientRegistry) -> Self {
        let settings = config.settings();
        let cookie = settings.session_id.as_ref();
        let inner = cookie.map(|cookie| {
            Arc::new(Inner {
                page: Page::new(cookie),
                clients: Clients::new(registry),
                settings: Arc::clone(settings),
                not_answered: Throttle::default(),
            })
        });
        Self { inner }
    }

    fn respond<B>(&self, request: &Request<B>) -> CheckSessionFuture {
        let Some(inner) = &self.inner else {
            return CheckSessionFuture::ready(StatusCode::NOT_FOUND.into_response());
        };
        let head = request.method() == Method::HEAD;
        if !head && request.method() != Method::GET {
            let refused = (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET, HEAD")]);
            return CheckSessionFuture::ready(refused.into_response());
        }
        match Asked::of(request.uri().query().unwrap_or_default()) {
            Asked::Page => CheckSessionFuture::ready(page(&inner.page, request.headers(), head)),
            Asked::Question(question) => {
                let inner = Arc::clone(inner);
                CheckSessionFuture {
                    stage: Stage::Asking(Box::pin(
                        async move { answer(&inner, &question, head).await },
                    )),
                }
            }
            Asked::Malformed => CheckSessionFuture::ready(StatusCode::BAD_REQUEST.into_response()),
        }
    }
}

impl<B> Service<Request<B>> for CheckSession {
    type Response = Response;
    type Error = Infallible;
    type Future = CheckSessionFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> CheckSessionFuture {
        self.respond(&request)
    }
}

impl fmt::Debug for CheckSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckSession")
            .field("on", &self.inner.is_some())
            .finish_non_exhaustive()
    }
}

/// The future of [`CheckSession`].
#[must_use]
pub struct CheckSessionFuture {
    stage: Stage,
}

enum Stage {
    // None once it is given.
    Ready(Option<Response>),
    Asking(BoxFuture<'static, Response>),
}

impl CheckSessionFuture {
    fn ready(response: Response) -> Self {
        Self {
            stage: Stage::Ready(Some(response)),
        }
    }
}

impl Future for CheckSessionFuture {
    type Output = Result<Response, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let response = match &mut self.stage {
            Stage::Ready(response) => {
                Poll::Ready(response.take().expect("not polled after completion"))
            }
            Stage::Asking(answer) => answer.as_mut().poll(cx),
        };
        response.map(|mut response| {
            let headers = response.headers_mut();
            headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            // What is no answer for everybody is for nobody else.
            headers
                .entry(CACHE_CONTROL)
                .or_insert(HeaderValue::from_static("no-store"));
            response.extensions_mut().insert(SessionIdCookieStays);
            Ok(response)
        })
    }
}

impl fmt::Debug for CheckSessionFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckSessionFuture").finish_non_exhaustive()
    }
}

fn page(page: &Page, asked: &HeaderMap, head: bool) -> Response {
    let headers = [
        (
            CACHE_CONTROL,
            HeaderValue::from_static("public, max-age=3600"),
        ),
        (CONTENT_SECURITY_POLICY, page.security_policy.clone()),
        (ETAG, page.etag.clone()),
    ];
    if matches(asked, &page.etag) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    let body = body(page.html.clone().into(), page.html.len(), head);
    (headers, [(CONTENT_TYPE, html)], body).into_response()
}

async fn answer(inner: &Inner, question: &Question, head: bool) -> Response {
    let text = match question.answer(&inner.clients).await {
        Ok(true) => "true",
        Ok(false) => "false",
        Err(error) => {
            if let Some(left_out) = inner.not_answered.pass(inner.settings.now()) {
                tracing::warn!(
                    error = &error as &dyn Error,
                    cause = error.source(),
                    left_out,
                    "whether an origin may watch the session is not known"
                );
            }
            return error.into_response();
        }
    };
    let headers = [
        (CACHE_CONTROL, "public, max-age=300"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'"),
        (CONTENT_TYPE, "application/json"),
        (
            http::HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ];
    (headers, body(text.into(), text.len(), head)).into_response()
}

/// A body, or for HEAD only its length (RFC 9110 section 9.3.2).
fn body(body: Body, len: usize, head: bool) -> ([(http::HeaderName, HeaderValue); 1], Body) {
    let body = if head { Body::empty() } else { body };
    ([(CONTENT_LENGTH, HeaderValue::from(len))], body)
}

/// Whether the client has the page already (RFC 9110 section 13.1.2). A cache on the way may have made the tag a weak one.
fn matches(asked: &HeaderMap, etag: &HeaderValue) -> bool {
    let lines = asked.get_all(IF_NONE_MATCH).iter();
    let tags = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    let mut tags = tags.map(<[u8]>::trim_ascii);
    tags.any(|tag| tag == b"*" || tag.strip_prefix(b"W/").unwrap_or(tag) == etag.as_bytes())
}
