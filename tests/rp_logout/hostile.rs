//! No open redirect: hostile places, and hostile requests as a whole.

use axum::http::StatusCode;
use proptest::prelude::*;

use crate::{
    app::{GOODBYE, PATH, Provider, WITH_QUERY, form},
    places::PLACES,
    tokens::hint,
};

#[tokio::test]
async fn o3_no_hostile_place_is_ever_redirected_to() {
    assert!(PLACES.len() >= 60, "{}", PLACES.len());
    for (name, place) in PLACES {
        let mut provider = Provider::new();
        // Where nobody is signed in, nothing but the place is in question.
        let by_id = [
            ("client_id", "client1"),
            ("post_logout_redirect_uri", place),
        ];
        let hint = hint("alice", "s");
        let by_hint = [
            ("id_token_hint", &*hint),
            ("post_logout_redirect_uri", place),
        ];
        for parameters in [by_id, by_hint] {
            for page in [
                provider.get(&parameters).await,
                provider.post_from_elsewhere(&parameters).await,
            ] {
                assert_eq!(page.status, StatusCode::BAD_REQUEST, "{name}");
                assert_eq!(page.header("location"), None, "{name}");
                assert_eq!(page.header("refresh"), None, "{name}");
                let text = "post_logout_redirect_uri is not registered for this client";
                assert_eq!(page.body, text, "{name}");
                let content_type = page.header("content-type").unwrap();
                assert!(content_type.starts_with("text/plain"), "{name}");
            }
        }
    }
}

#[tokio::test]
async fn o3_without_a_client_no_place_is_redirected_to() {
    for (name, place) in PLACES.iter().chain(&[("a registered place", GOODBYE)]) {
        let mut provider = Provider::new();
        let parameters = [
            ("post_logout_redirect_uri", *place),
            ("id_token_hint", "x.y.z"),
        ];
        let page = provider.get(&parameters).await;
        assert_eq!(page.status, StatusCode::OK, "{name}");
        assert_eq!(page.header("location"), None, "{name}");
        assert!(page.body.contains("redirect=-"), "{name}");

        let sent_on = provider.post_from_elsewhere(&parameters).await;
        let page = provider.follow(&sent_on).await;
        assert_eq!(page.header("location"), None, "{name}");

        provider.sign_in("alice").await;
        let page = provider.get(&parameters).await;
        let gone = provider.answer(&page, &[]).await;
        assert_eq!(
            (gone.status, &*gone.body),
            (StatusCode::OK, "signed out alice"),
            "{name}"
        );
    }
}

#[tokio::test]
async fn o3_a_place_cannot_be_put_in_later() {
    let mut provider = Provider::new();
    provider.sign_in("alice").await;
    let page = provider.get(&[("client_id", "client1")]).await;
    let more = [
        ("client_id", "client1"),
        ("post_logout_redirect_uri", GOODBYE),
        ("redirect", "https://evil.example/"),
    ];
    let gone = provider.answer(&page, &more).await;
    assert_eq!(gone.body, "signed out alice");

    let sent_on = provider
        .post_from_elsewhere(&[("client_id", "client1")])
        .await;
    let location = sent_on.header("location").unwrap();
    let more = form(&more);
    let page = provider
        .browser
        .get(&format!("{PATH}{location}&{more}"))
        .await;
    assert_eq!(
        page.body,
        "nobody client=client1 redirect=- locales= hint=-"
    );
}

#[tokio::test]
async fn o3_registered_places_are_redirected_to_as_they_are() {
    for (name, place, state, expected) in [
        ("plain", GOODBYE, None, GOODBYE),
        ("with a query", WITH_QUERY, None, WITH_QUERY),
        (
            "with a query and a state",
            WITH_QUERY,
            Some("a&b=c#d"),
            "https://client1.example/goodbye?tenant=blue&state=a%26b%3Dc%23d",
        ),
        (
            "an app's scheme",
            "com.example.app:/goodbye",
            Some("ü\r\n"),
            "com.example.app:/goodbye?state=%C3%BC%0D%0A",
        ),
        ("an empty state", GOODBYE, Some(""), GOODBYE),
    ] {
        let mut parameters = vec![
            ("client_id", "client1"),
            ("post_logout_redirect_uri", place),
        ];
        parameters.extend(state.map(|state| ("state", state)));
        let mut provider = Provider::new();
        let page = provider.get(&parameters).await;
        assert_eq!(page.header("location"), Some(expected), "{name}");
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{name}");

        let sent_on = provider.post_from_elsewhere(&parameters).await;
        let page = provider.follow(&sent_on).await;
        assert_eq!(page.header("location"), Some(expected), "{name}, posted");
    }
}

#[tokio::test]
async fn o3_requests_that_are_refused() {
    let hint = hint("alice", "s");
    let hint = format!("id_token_hint={hint}");
    for (name, query, text) in [
        (
            "an unknown client",
            "client_id=nobody".to_owned(),
            "client_id names no client",
        ),
        (
            "a client that can be none",
            "client_id=a%00b".to_owned(),
            "client_id names no client",
        ),
        (
            "another client than the hint's",
            format!("{hint}&client_id=client2"),
            "id_token_hint was issued to another client",
        ),
        (
            "an unknown client beside the hint's",
            format!("{hint}&client_id=nobody"),
            "id_token_hint was issued to another client",
        ),
        (
            "a place twice",
            format!("{hint}&post_logout_redirect_uri={GOODBYE}&post_logout_redirect_uri=x"),
            "post_logout_redirect_uri is there more than once",
        ),
        (
            "a hint twice",
            format!("{hint}&{hint}"),
            "id_token_hint is there more than once",
        ),
        (
            "a state that is no text",
            format!("{hint}&state=%FF"),
            "state is no UTF-8",
        ),
        (
            "nothing that was sealed",
            "sealed_request=abc".to_owned(),
            "the request is not valid any more; start again",
        ),
        (
            "too long",
            format!("x={}", "x".repeat(33_000)),
            "the request is too long",
        ),
    ] {
        let mut provider = Provider::new();
        let page = provider.browser.get(&format!("{PATH}?{query}")).await;
        assert_eq!(
            (page.status, &*page.body),
            (StatusCode::BAD_REQUEST, text),
            "{name}"
        );
        assert_eq!(page.header("cache-control"), Some("no-store"), "{name}");
        assert_eq!(
            page.header("x-content-type-options"),
            Some("nosniff"),
            "{name}"
        );
    }
}

#[tokio::test]
async fn o3_what_nobody_knows_is_ignored() {
    let mut provider = Provider::new();
    let query = "x=1&x=2&client_id=client1&%FF=%FF&&=&redirect_uri=https://evil.example/";
    let page = provider.browser.get(&format!("{PATH}?{query}")).await;
    assert_eq!(
        page.body,
        "nobody client=client1 redirect=- locales= hint=-"
    );
}

/// Values that mean something somewhere, and any text.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("client1".to_owned()),
        Just("client2".to_owned()),
        Just(GOODBYE.to_owned()),
        Just(WITH_QUERY.to_owned()),
        Just(hint("alice", "s")),
        proptest::sample::select(PLACES).prop_map(|(_, place)| place.to_owned()),
        ".{0,40}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn o3_whatever_is_asked_nobody_is_sent_where_no_client_is(
        parameters in prop::collection::vec((
            proptest::sample::select(&[
                "id_token_hint", "client_id", "post_logout_redirect_uri", "state", "sealed_request", "confirmation", "x",
            ][..]),
            value(),
        ), 0..6),
        signed_in: bool,
        posted: bool,
    ) {
        let parameters: Vec<_> = parameters.iter().map(|(name, value)| (*name, &**value)).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let location = runtime.block_on(async {
            let mut provider = Provider::new();
            if signed_in {
                provider.sign_in("alice").await;
            }
            let page = match posted {
                true => provider.post(&parameters).await,
                false => provider.get(&parameters).await,
            };
            assert!(!page.status.is_server_error(), "{page:?}");
            page.header("location").map(str::to_owned)
        });
        if let Some(location) = location {
            let registered = [GOODBYE, WITH_QUERY, "https://client2.example/", "com.example.app:/goodbye", "?sealed_request="];
            let rest = registered.iter().find_map(|place| location.strip_prefix(place));
            let rest = rest.unwrap_or_else(|| panic!("{location}"));
            let in_query = rest.is_empty() || rest.starts_with(['?', '&']) || posted;
            prop_assert!(in_query && !rest.contains(['#', '/', ' ', '\\']), "{}", location);
        }
    }
}
