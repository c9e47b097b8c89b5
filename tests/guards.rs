//! Section E of the contract: return URL, cross-site posts, guards.

mod support;

use std::time::Duration;

use axum::{
    Router,
    http::{Method, StatusCode},
    routing::{any, get, post},
};
use axum_user_session::{
    Principal, UserSession, UserSessionLayer,
    guard::{RequireUserLayer, SameOriginLayer},
    testing::{Browser, ManualClock, Page},
};
use serde_json::json;
use support::*;

async fn sign_in_admin(session: UserSession) {
    let alice = Principal::builder("alice")
        .claim("role", json!(["user", "admin"]))
        .claim("tenant", "blue")
        .build();
    session.sign_in(alice).await.unwrap();
}

fn app(guard: RequireUserLayer) -> (Browser<Router, ManualClock>, ManualClock) {
    let lab = Lab::new();
    let inner = Router::new()
        .route("/page", any(|| async { "inside" }))
        .route_layer(guard);
    let app = Router::new()
        .nest("/app", inner)
        .route("/sign-in", get(sign_in_admin))
        .layer(UserSessionLayer::new(lab.config));
    (Browser::with_clock(app, lab.clock.clone()), lab.clock)
}

const PAGE: &str = "/app/page?a=b&c=%2F";
const REDIRECT: &str = "/login?return_url=/app/page%3Fa%3Db%26c%3D%252F";

#[tokio::test]
async fn r3_who_gets_what_when_nobody_is_signed_in() {
    let api = [("accept", "application/json")];
    let old_browser = [("accept", "text/html,application/xhtml+xml")];
    let browser = [("sec-fetch-mode", "navigate"), ("accept", "*/*")];
    let script = [("sec-fetch-mode", "cors"), ("accept", "text/html")];
    let see = (StatusCode::SEE_OTHER, Some(REDIRECT));
    let no = (StatusCode::UNAUTHORIZED, None);
    for (name, method, headers, expected) in [
        ("a browser", Method::GET, &browser[..], see),
        (
            "a browser without fetch metadata",
            Method::GET,
            &old_browser,
            see,
        ),
        ("a script in a browser", Method::GET, &script, no),
        ("an API client", Method::GET, &api, no),
        ("no headers at all", Method::GET, &[], no),
        (
            "a browser's form: nothing to come back to",
            Method::POST,
            &browser,
            (StatusCode::SEE_OTHER, Some("/login")),
        ),
        ("a script's post", Method::POST, &script, no),
    ] {
        let (mut client, _) = app(RequireUserLayer::new().login_path("/login"));
        headers
            .iter()
            .for_each(|(header, value)| client.set_header(header, value));
        let page = client.request(method, PAGE, "").await;
        assert_eq!((page.status, page.header("location")), expected, "{name}");
        assert_eq!(page.header("cache-control"), Some("no-store"), "{name}");
    }
}

#[tokio::test]
async fn r3_without_a_login_path_everybody_gets_401() {
    let (mut browser, _) = app(RequireUserLayer::new());
    browser.set_header("sec-fetch-mode", "navigate");
    assert_eq!(browser.get(PAGE).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn r3_a_login_path_with_a_query_keeps_it() {
    let (mut browser, _) = app(RequireUserLayer::new().login_path("/login?tenant=blue"));
    browser.set_header("sec-fetch-mode", "navigate");
    let page = browser.get("/app/page").await;
    assert_eq!(
        page.header("location"),
        Some("/login?tenant=blue&return_url=/app/page")
    );
    let page = browser.post("/app/page", "").await;
    assert_eq!(page.header("location"), Some("/login?tenant=blue"));
}

#[tokio::test]
async fn r3_claims_table() {
    for (name, guard, status) in [
        ("signed in", RequireUserLayer::new(), StatusCode::OK),
        (
            "an element of the claim",
            RequireUserLayer::new().claim("role", "admin"),
            StatusCode::OK,
        ),
        (
            "the whole claim",
            RequireUserLayer::new().claim("role", json!(["user", "admin"])),
            StatusCode::OK,
        ),
        (
            "a text claim",
            RequireUserLayer::new().claim("tenant", "blue"),
            StatusCode::OK,
        ),
        (
            "any value",
            RequireUserLayer::new().has_claim("tenant"),
            StatusCode::OK,
        ),
        (
            "part of a text",
            RequireUserLayer::new().claim("tenant", "blu"),
            StatusCode::FORBIDDEN,
        ),
        (
            "another value",
            RequireUserLayer::new().claim("role", "root"),
            StatusCode::FORBIDDEN,
        ),
        (
            "a missing claim",
            RequireUserLayer::new().has_claim("email"),
            StatusCode::FORBIDDEN,
        ),
        (
            "one of two",
            RequireUserLayer::new()
                .claim("role", "admin")
                .claim("tenant", "red"),
            StatusCode::FORBIDDEN,
        ),
    ] {
        let (mut browser, _) = app(guard.login_path("/login"));
        browser.set_header("sec-fetch-mode", "navigate");
        browser.get("/sign-in").await;
        assert_eq!(browser.get(PAGE).await.status, status, "{name}");
    }
}

#[tokio::test]
async fn r3_an_old_authentication_goes_back_to_the_login() {
    let guard = RequireUserLayer::new().authenticated_within(Duration::from_secs(300));
    let (mut browser, clock) = app(guard.login_path("/login"));
    browser.set_header("sec-fetch-mode", "navigate");
    browser.get("/sign-in").await;
    clock.advance(Duration::from_secs(300));
    assert_eq!(browser.get(PAGE).await.body, "inside");
    clock.advance(Duration::from_secs(1));
    let page = browser.get(PAGE).await;
    assert_eq!(
        page.header("location"),
        Some(&*format!("{REDIRECT}&prompt=login"))
    );
    browser.get("/sign-in").await;
    assert_eq!(browser.get(PAGE).await.body, "inside");
}

#[tokio::test]
async fn r1_a_page_that_would_leave_the_site_is_not_come_back_to() {
    let lab = Lab::new();
    let app = Router::new()
        .fallback(get(|| async {}))
        .layer(RequireUserLayer::new().login_path("/login"))
        .layer(UserSessionLayer::new(lab.config));
    let mut browser = Browser::new(app);
    browser.set_header("sec-fetch-mode", "navigate");
    for (path, location) in [
        ("/fine", "/login?return_url=/fine"),
        ("//evil.example", "/login"),
        ("/%5Cevil.example", "/login"),
        ("/%2Fevil.example", "/login"),
    ] {
        assert_eq!(
            browser.get(path).await.header("location"),
            Some(location),
            "{path}"
        );
    }
}

#[tokio::test]
async fn r3_without_the_session_layer_a_guard_lets_nobody_in() {
    let app = Router::new()
        .route("/", get(|| async {}))
        .layer(RequireUserLayer::new());
    let page: Page = Browser::new(app).get("/").await;
    assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn r2_a_forged_post_never_reaches_the_login() {
    let lab = Lab::new();
    let app = Router::new()
        .route("/login", post(sign_in_admin))
        .layer(SameOriginLayer::new())
        .layer(UserSessionLayer::new(lab.config));
    let mut browser = Browser::new(app);
    browser.set_header("host", "id.example.com");
    browser.set_header("origin", "https://evil.example");
    let page = browser.post("/login", "").await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.set_cookies().is_empty());
    browser.set_header("origin", "https://id.example.com");
    assert_eq!(browser.post("/login", "").await.status, StatusCode::OK);
}
