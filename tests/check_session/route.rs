//! The route, as a client of HTTP sees it.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use aws_lc_rs::digest::{SHA256, digest};
use axum::{Router, routing::any};
use axum_user_session::{
    KeyRing, SessionConfig, UserSessionLayer,
    config::{LegacyScope, SameSite, SessionConfigBuilder},
    error::BoxError,
    id::ClientId,
    oidc::{CheckSession, Client, ClientRegistry, FixedClients},
    testing::{Browser, ManualClock, Page},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use http::{Method, Request};

use crate::support::{AUTH, Lab, SID, app, names};

const PATH: &str = "/checksession";
const REGISTERED: &str = "/checksession?client_id=client1&origin=https%3A%2F%2Fclient1.example";

#[tokio::test]
async fn o2_the_page_is_cacheable_and_may_be_framed() {
    let page = get(PATH).await;
    assert_eq!(page.status, 200);
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert_eq!(page.header("cache-control"), Some("public, max-age=3600"));
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert!(page.header("x-frame-options").is_none());
    assert!(page.header("vary").is_none());
    assert!(page.set_cookies().is_empty());

    let policy = page.header("content-security-policy").unwrap();
    let rules: Vec<_> = policy.split("; ").collect();
    for rule in [
        "default-src 'none'",
        "connect-src 'self'",
        "base-uri 'none'",
        "frame-ancestors *",
    ] {
        assert!(rules.contains(&rule), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    let script = page.body.split_once("<script>").unwrap().1;
    let script = script.split_once("</script>").unwrap().0;
    let hash = BASE64_STANDARD.encode(digest(&SHA256, script.as_bytes()));
    assert!(
        policy.contains(&format!("script-src 'sha256-{hash}'")),
        "{policy}"
    );
    assert_eq!(get(PATH).await.body, page.body, "it is one text");
}

#[tokio::test]
async fn o2_who_has_the_page_is_not_sent_it_again() {
    let etag = get(PATH).await.header("etag").unwrap().to_owned();
    for (name, asked, expected) in [
        ("the same", etag.clone(), 304),
        ("made weak on the way", format!("W/{etag}"), 304),
        ("one of several", format!("\"a\" , {etag}"), 304),
        ("any", "*".to_owned(), 304),
        ("another", "\"a\"".to_owned(), 200),
        ("without quotation marks", etag.replace('"', ""), 200),
    ] {
        let mut browser = Browser::new(router(config(|it| it), clients()));
        browser.set_header("if-none-match", &asked);
        let page = browser.get(PATH).await;
        assert_eq!(page.status, expected, "{name}");
        assert_eq!(page.body.is_empty(), expected == 304, "{name}");
        assert_eq!(page.header("etag"), Some(&*etag), "{name}");
        assert_eq!(
            page.header("cache-control"),
            Some("public, max-age=3600"),
            "{name}"
        );
    }
}

#[tokio::test]
async fn o2_only_get_and_head() {
    let whole = get(PATH).await.body.len().to_string();
    for (path, len) in [(PATH, &*whole), (REGISTERED, "4")] {
        let head = send(Method::HEAD, path).await;
        assert_eq!((head.status.as_u16(), &*head.body), (200, ""), "{path}");
        assert_eq!(head.header("content-length"), Some(len), "{path}");
    }
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
        let page = send(method.clone(), PATH).await;
        assert_eq!(page.status, 405, "{method}");
        assert_eq!(page.header("allow"), Some("GET, HEAD"), "{method}");
        assert_eq!(page.header("cache-control"), Some("no-store"), "{method}");
    }
}

#[tokio::test]
async fn o2_says_whether_an_origin_is_a_clients() {
    let too_long = format!(
        "client_id=client1&origin=https%3A%2F%2F{}",
        "a".repeat(5000)
    );
    for (name, query, expected) in [
        (
            "the client's own",
            "client_id=client1&origin=https%3A%2F%2Fclient1.example",
            "true",
        ),
        (
            "its other",
            "client_id=client1&origin=https%3A%2F%2Fother.example%3A8443",
            "true",
        ),
        (
            "another port",
            "client_id=client1&origin=https%3A%2F%2Fclient1.example%3A8443",
            "false",
        ),
        (
            "another scheme",
            "client_id=client1&origin=http%3A%2F%2Fclient1.example",
            "false",
        ),
        (
            "a longer name",
            "client_id=client1&origin=https%3A%2F%2Fclient1.example.org",
            "false",
        ),
        (
            "another client's",
            "client_id=client%20%C3%A4&origin=https%3A%2F%2Fclient1.example",
            "false",
        ),
        (
            "a client with a space",
            "client_id=client+%C3%A4&origin=https%3A%2F%2Fspace.example",
            "true",
        ),
        (
            "nobody's",
            "client_id=nobody&origin=https%3A%2F%2Fclient1.example",
            "false",
        ),
        ("malformed", "client_id=client1&origin=null", ""),
        ("half of it", "client_id=client1", ""),
        ("too long", &*too_long, ""),
    ] {
        let page = get(&format!("{PATH}?{query}")).await;
        assert_eq!(page.body, expected, "{name}");
        let (status, cached) = match expected {
            "" => (400, "no-store"),
            _ => (200, "public, max-age=300"),
        };
        assert_eq!(page.status, status, "{name}");
        assert_eq!(page.header("cache-control"), Some(cached), "{name}");
        assert_eq!(
            page.header("x-content-type-options"),
            Some("nosniff"),
            "{name}"
        );
        assert!(
            page.header("access-control-allow-origin").is_none(),
            "{name}"
        );
        if status == 200 {
            assert_eq!(
                page.header("content-type"),
                Some("application/json"),
                "{name}"
            );
            assert_eq!(
                page.header("cross-origin-resource-policy"),
                Some("same-origin"),
                "{name}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn o2_a_registry_that_fails_or_hangs_is_no_answer() {
    for (name, page) in [
        (
            "fails",
            Browser::new(router(config(|it| it), Failing))
                .get(REGISTERED)
                .await,
        ),
        (
            "hangs",
            Browser::new(router(config(|it| it), Hanging))
                .get(REGISTERED)
                .await,
        ),
    ] {
        assert_eq!(page.status, 503, "{name}");
        assert_eq!(page.header("cache-control"), Some("no-store"), "{name}");
    }
}

#[tokio::test]
async fn o2_the_page_alone_asks_no_registry() {
    let counting = Arc::new(Counting::default());
    let mut browser = Browser::new(router(config(|it| it), Arc::clone(&counting)));
    for path in [PATH, "/checksession?v=2", "/checksession?client_id=client1"] {
        browser.get(path).await;
    }
    assert_eq!(counting.0.load(Ordering::Relaxed), 0);
    browser.get(REGISTERED).await;
    assert_eq!(counting.0.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn o2_the_page_knows_the_cookie_as_it_is_configured() {
    for (name, config, expected) in [
        (
            "by default",
            config(|it| it),
            r#"data-cookie="idsrv.session" data-attributes="; Path=/; Secure; SameSite=None""#,
        ),
        (
            "of its own",
            config(|it| {
                it.session_id_cookie_name("s&id")
                    .session_id_cookie_domain("example.com")
                    .session_id_cookie_same_site(SameSite::Lax)
                    .base_path("/a\"<b")
            }),
            r#"data-cookie="s&amp;id" data-attributes="; Path=/a&quot;&lt;b; Domain=example.com; Secure; SameSite=Lax""#,
        ),
        (
            "for development",
            config(SessionConfigBuilder::insecure_http_for_development),
            r#"data-cookie="idsrv.session" data-attributes="; Path=/; SameSite=Lax""#,
        ),
    ] {
        let page = Browser::new(router(config, clients())).get(PATH).await;
        assert!(
            page.body.contains(expected),
            "{name}: {}",
            &page.body[..300]
        );
    }
}

#[tokio::test]
async fn o2_without_a_session_id_cookie_there_is_no_page() {
    for path in [PATH, REGISTERED] {
        let config = config(|it| it.check_session(false));
        let page = Browser::new(router(config, clients())).get(path).await;
        assert_eq!(page.status, 404, "{path}");
    }
}

/// The layer issues or removes the session id cookie with every response that needs it, but not with this one.
#[tokio::test]
async fn c12_the_route_leaves_the_session_id_cookie_alone() {
    let mut in_cookies = Lab::new();
    let (mut in_store, _bench) = Lab::in_store();
    for lab in [&mut in_cookies, &mut in_store] {
        lab.sign_in("alice").await;
        for (name, session_id, signed_in) in [
            ("missing", None, true),
            ("another's", Some("another"), true),
            ("of nobody", Some("another"), false),
        ] {
            let browser = || {
                let mut browser = lab.browser.clone().reconnect(inside(lab));
                browser.forget(SID);
                if let Some(value) = session_id {
                    browser.plant(SID, value);
                }
                if !signed_in {
                    browser.forget(AUTH);
                }
                browser
            };
            // Elsewhere in the same application, it is set right.
            assert_eq!(names(&browser().get("/elsewhere").await), [SID], "{name}");
            for path in [PATH, REGISTERED] {
                let page = browser().get(path).await;
                assert_eq!(page.status, 200, "{name}");
                assert!(page.set_cookies().is_empty(), "{name}, {path}");
                let cached = page.header("cache-control").unwrap();
                assert!(cached.starts_with("public"), "{name}, {path}");
            }
        }
    }
}

/// Where the layer has something else to say it says it, but the session id cookie still stays.
#[tokio::test]
async fn c12_a_dead_cookie_goes_without_the_session_id_cookie() {
    let lab = Lab::with(|it| it.legacy_scopes([LegacyScope::new("/old")]));
    let mut browser = lab.browser.clone().reconnect(inside(&lab));
    browser.plant(AUTH, "forged");
    browser.plant(SID, "another");
    assert_eq!(names(&browser.get(PATH).await), [AUTH]);
    assert_eq!(browser.cookie(SID), Some("another"));
}

fn inside(lab: &Lab) -> Router {
    let router = Router::new()
        .route_service(PATH, CheckSession::new(&lab.config, clients()))
        .route("/elsewhere", any(async || ()));
    router
        .layer(UserSessionLayer::new(lab.config.clone()))
        .merge(app(&lab.config, &lab.script))
}

fn router(config: SessionConfig, registry: impl ClientRegistry) -> Router {
    Router::new().route_service(PATH, CheckSession::new(&config, registry))
}

fn config(configure: impl FnOnce(SessionConfigBuilder) -> SessionConfigBuilder) -> SessionConfig {
    let builder = SessionConfig::builder(KeyRing::ephemeral())
        .clock(ManualClock::at(crate::support::start()));
    configure(builder).build().unwrap()
}

fn clients() -> FixedClients {
    let client1 = Client::builder("client1")
        .redirect_uri("https://client1.example/cb")
        .redirect_uri("https://other.example:8443/cb");
    let space = Client::builder("client ä").redirect_uri("https://space.example/cb");
    [client1, space]
        .map(|client| client.build().unwrap())
        .into_iter()
        .collect()
}

async fn get(path: &str) -> Page {
    send(Method::GET, path).await
}

async fn send(method: Method, path: &str) -> Page {
    let mut browser = Browser::new(router(config(|it| it), clients()));
    let request = Request::builder().method(method).uri(path);
    browser
        .send(request.body(axum::body::Body::empty()).unwrap())
        .await
}

struct Failing;

impl ClientRegistry for Failing {
    async fn client(&self, _: &ClientId) -> Result<Option<Client>, BoxError> {
        Err("the database is away".into())
    }
}

struct Hanging;

impl ClientRegistry for Hanging {
    async fn client(&self, _: &ClientId) -> Result<Option<Client>, BoxError> {
        pending().await
    }
}

#[derive(Default)]
struct Counting(AtomicUsize);

impl ClientRegistry for Counting {
    async fn client(&self, _: &ClientId) -> Result<Option<Client>, BoxError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(None)
    }
}
