//! A client's post: validated, sealed, and sent on as a GET.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Request, StatusCode},
};

use crate::{
    app::{GOODBYE, PATH, Provider, form, token},
    tokens::{self, P256, hint},
};

#[tokio::test]
async fn o3_a_post_from_another_site_is_sent_on_and_then_has_its_cookie() {
    let mut provider = Provider::new();
    let sid = provider.sign_in("alice").await;
    let token = hint("alice", &sid);
    let parameters = [
        ("id_token_hint", &*token),
        ("client_id", "client1"),
        ("post_logout_redirect_uri", GOODBYE),
        ("state", "af0ifjsldkj"),
    ];
    let sent_on = provider.post_from_elsewhere(&parameters).await;
    assert_eq!(sent_on.status, StatusCode::SEE_OTHER);
    assert_eq!(sent_on.header("cache-control"), Some("no-store"));
    assert!(sent_on.set_cookies().is_empty());
    let location = sent_on.header("location").unwrap();
    assert!(
        !location.contains(&token),
        "the token is not in the address"
    );
    assert_eq!(provider.who().await, "alice []");

    let gone = provider.follow(&sent_on).await;
    let expected = "https://client1.example/goodbye?state=af0ifjsldkj";
    assert_eq!(gone.header("location"), Some(expected));
    assert_eq!(provider.who().await, "nobody");
}

#[tokio::test]
async fn o3_a_post_without_a_hint_asks() {
    let mut provider = Provider::new();
    provider.sign_in("alice").await;
    let parameters = [
        ("client_id", "client1"),
        ("ui_locales", "fr"),
        ("logout_hint", "a b"),
    ];
    let sent_on = provider.post_from_elsewhere(&parameters).await;
    let page = provider.follow(&sent_on).await;
    token(&page);
    assert!(
        page.body
            .ends_with("client=client1 redirect=- locales=fr hint=a b")
    );
    assert_eq!(provider.answer(&page, &[]).await.body, "signed out alice");
}

#[tokio::test]
async fn o3_a_request_that_was_sent_on_is_good_for_ten_minutes() {
    for (name, seconds, expected) in [
        ("in time", 599, StatusCode::OK),
        ("too late", 600, StatusCode::BAD_REQUEST),
    ] {
        let mut provider = Provider::new();
        provider.sign_in("alice").await;
        let sent_on = provider
            .post_from_elsewhere(&[("client_id", "client1")])
            .await;
        provider.clock.advance(Duration::from_secs(seconds));
        assert_eq!(provider.follow(&sent_on).await.status, expected, "{name}");
    }
}

#[tokio::test]
async fn o3_a_long_token_makes_no_long_address() {
    let mut provider = Provider::new();
    let sid = provider.sign_in("alice").await;
    let mut claims = tokens::claims("alice", &sid);
    claims["groups"] = "x".repeat(10_000).into();
    let token = P256.issue(&claims);
    let sent_on = provider
        .post_from_elsewhere(&[("id_token_hint", &token)])
        .await;
    assert!(sent_on.header("location").unwrap().len() < 300);
    assert_eq!(provider.follow(&sent_on).await.body, "signed out alice");
}

#[tokio::test]
async fn o3_what_is_kept_is_bounded() {
    let mut provider = Provider::new();
    provider.sign_in("alice").await;
    let parameters = |state: usize| {
        [
            ("client_id", "client1".to_owned()),
            ("post_logout_redirect_uri", GOODBYE.to_owned()),
            ("state", "s".repeat(state)),
        ]
    };
    for (name, state, expected) in [
        ("a long state", 3900, StatusCode::SEE_OTHER),
        ("too long a state", 5000, StatusCode::BAD_REQUEST),
        ("too long a form", 40_000, StatusCode::BAD_REQUEST),
    ] {
        let parameters = parameters(state);
        let parameters: Vec<_> = parameters
            .iter()
            .map(|(name, value)| (*name, &**value))
            .collect();
        let page = provider.post_from_elsewhere(&parameters).await;
        assert_eq!(page.status, expected, "{name}");
        let location = page.header("location").unwrap_or_default();
        assert!(location.len() < 6000, "{name}");
        if state > 3900 {
            assert_eq!(provider.get(&parameters).await.status, expected, "{name}");
        }
    }
}

#[tokio::test]
async fn o3_only_forms_are_taken() {
    for (name, content_type, expected) in [
        (
            "a form",
            Some("application/x-www-form-urlencoded"),
            StatusCode::SEE_OTHER,
        ),
        (
            "a form with a parameter",
            Some("Application/X-WWW-Form-Urlencoded; charset=UTF-8"),
            StatusCode::SEE_OTHER,
        ),
        (
            "JSON",
            Some("application/json"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        (
            "text",
            Some("text/plain"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        (
            "in parts",
            Some("multipart/form-data; boundary=x"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        (
            "longer than it",
            Some("application/x-www-form-urlencoded2"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        ("nothing", None, StatusCode::UNSUPPORTED_MEDIA_TYPE),
    ] {
        let mut provider = Provider::new();
        let mut request = Request::post(PATH)
            .body(Body::from("client_id=client1"))
            .unwrap();
        if let Some(content_type) = content_type {
            let headers = request.headers_mut();
            headers.insert("content-type", content_type.parse().unwrap());
        }
        assert_eq!(
            provider.browser.send(request).await.status,
            expected,
            "{name}"
        );
    }
}

#[tokio::test]
async fn o3_a_posts_query_counts_for_nothing() {
    let mut provider = Provider::new();
    provider.sign_in("alice").await;
    let path = format!("{PATH}?{}", form(&[("post_logout_redirect_uri", GOODBYE)]));
    let sent_on = provider.browser.post(&path, "client_id=client1").await;
    let page = provider.follow(&sent_on).await;
    assert!(
        page.body.contains(" client=client1 redirect=- "),
        "{}",
        page.body
    );
}

#[tokio::test]
async fn o3_what_is_wrong_is_refused_before_it_is_sent_on() {
    let mut provider = Provider::new();
    for (name, parameters) in [
        ("an unknown client", &[("client_id", "nobody")][..]),
        (
            "another place",
            &[
                ("client_id", "client1"),
                ("post_logout_redirect_uri", "https://evil.example/"),
            ],
        ),
        (
            "a client that contradicts itself",
            &[
                ("client_id", "client2"),
                ("id_token_hint", &hint("alice", "s")),
            ],
        ),
    ] {
        let page = provider.post_from_elsewhere(parameters).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{name}");
        assert_eq!(page.header("location"), None, "{name}");
    }
}
