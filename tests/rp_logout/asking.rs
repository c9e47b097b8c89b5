//! Who is asked, and what an answer does.

use axum::http::{Method, StatusCode};
use axum_user_session::guard::SameOriginLayer;
use std::time::Duration;

use crate::{
    app::{GOODBYE, PATH, Provider, WITH_QUERY, clients, form, token},
    support::{AUTH, SID},
    tokens::hint,
};

#[tokio::test]
async fn o3_a_hint_for_this_session_signs_out_without_a_question() {
    let mut provider = Provider::new();
    let sid = provider.sign_in("alice").await;
    let page = provider
        .get(&[("id_token_hint", &hint("alice", &sid))])
        .await;
    assert_eq!(
        (page.status, &*page.body),
        (StatusCode::OK, "signed out alice")
    );
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(provider.who().await, "nobody");
}

#[tokio::test]
async fn o3_a_hint_that_has_expired_is_one() {
    let mut provider = Provider::new();
    let sid = provider.sign_in("alice").await;
    provider.clock.advance(Duration::from_secs(3 * 3600));
    let page = provider
        .get(&[("id_token_hint", &hint("alice", &sid))])
        .await;
    assert_eq!(page.body, "signed out alice");
}

#[tokio::test]
async fn o3_whoever_has_no_hint_for_this_session_is_asked() {
    let mut provider = Provider::new();
    let sid = provider.sign_in("alice").await;
    let mut no_sid = crate::tokens::claims("alice", &sid);
    no_sid.as_object_mut().unwrap().remove("sid");
    let no_sid = crate::tokens::P256.issue(&no_sid);
    let mut unknown = crate::tokens::claims("alice", &sid);
    unknown["aud"] = "gone".into();
    let unknown = crate::tokens::P256.issue(&unknown);
    for (name, parameters, client) in [
        ("nothing", &[][..], "-"),
        ("a client alone", &[("client_id", "client1")], "client1"),
        (
            "another session",
            &[("id_token_hint", &*hint("alice", "another"))],
            "client1",
        ),
        (
            "another user",
            &[("id_token_hint", &*hint("bob", &sid))],
            "client1",
        ),
        ("no session", &[("id_token_hint", &*no_sid)], "client1"),
        (
            "a client that is gone",
            &[("id_token_hint", &*unknown)],
            "-",
        ),
        ("no token", &[("id_token_hint", "x.y.z")], "-"),
        ("an empty hint", &[("id_token_hint", "")], "-"),
    ] {
        let page = provider.get(parameters).await;
        assert_eq!(page.status, StatusCode::OK, "{name}");
        token(&page);
        let asked = format!(" client={client} redirect=- ");
        assert!(page.body.contains(&asked), "{name}: {}", page.body);
        assert_eq!(provider.who().await, "alice []", "{name}");
    }
}

#[tokio::test]
async fn o3_yes_signs_out_and_no_does_not() {
    let mut provider = Provider::new();
    provider.sign_in("alice").await;
    let parameters = [
        ("client_id", "client1"),
        ("post_logout_redirect_uri", GOODBYE),
        ("state", "s&t"),
        ("ui_locales", "de-CH de"),
        ("logout_hint", "alice@example"),
    ];
    let page = provider.get(&parameters).await;
    let expected = "client=client1 redirect=https://client1.example/goodbye?state=s%26t locales=de-CH,de hint=alice@example";
    assert!(page.body.ends_with(expected), "{}", page.body);

    let declined = provider.answer(&page, &[("decline", "1")]).await;
    let expected = "declined client=client1 redirect=- locales=de-CH,de hint=alice@example";
    assert_eq!(
        (declined.status, &*declined.body),
        (StatusCode::OK, expected)
    );
    assert_eq!(provider.who().await, "alice []");

    let gone = provider.answer(&page, &[]).await;
    assert_eq!(gone.status, StatusCode::SEE_OTHER);
    let expected = "https://client1.example/goodbye?state=s%26t";
    assert_eq!(gone.header("location"), Some(expected));
    assert_eq!(gone.header("cache-control"), Some("no-store"));
    assert_eq!(provider.who().await, "nobody");
}

#[tokio::test]
async fn o3_a_second_click_on_yes_does_no_harm() {
    let mut provider = Provider::new();
    provider.sign_in("alice").await;
    let parameters = [
        ("client_id", "client1"),
        ("post_logout_redirect_uri", GOODBYE),
    ];
    let page = provider.get(&parameters).await;
    for _ in 0..2 {
        let gone = provider.answer(&page, &[]).await;
        assert_eq!(gone.header("location"), Some(GOODBYE));
    }
    // Nor does it to the next session of the same user.
    provider.sign_in("alice").await;
    let again = provider.answer(&page, &[]).await;
    assert_ne!(token(&again), token(&page));
    assert_eq!(provider.who().await, "alice []");
}

#[tokio::test]
async fn o3_a_confirmation_of_another_session_asks_again() {
    let mut provider = Provider::new();
    provider.sign_in("alice").await;
    let parameters = [
        ("client_id", "client1"),
        ("post_logout_redirect_uri", GOODBYE),
    ];
    let of_alice = provider.get(&parameters).await;
    provider.sign_in("bob").await;
    let again = provider.answer(&of_alice, &[]).await;
    assert!(
        again.body.contains(" client=client1 redirect=https://"),
        "{}",
        again.body
    );
    assert_eq!(provider.who().await, "bob []");
    let gone = provider.answer(&again, &[]).await;
    assert_eq!(gone.header("location"), Some(GOODBYE));
    assert_eq!(provider.who().await, "nobody");
}

#[tokio::test]
async fn o3_a_confirmation_that_comes_too_late_asks_again() {
    let mut provider = Provider::new();
    provider.sign_in("alice").await;
    let page = provider.get(&[]).await;
    provider.clock.advance(Duration::from_secs(600));
    let again = provider.answer(&page, &[]).await;
    token(&again);
    assert_eq!(provider.who().await, "alice []");
    provider.clock.advance(Duration::from_secs(599));
    let gone = provider.answer(&again, &[]).await;
    assert_eq!(gone.body, "signed out alice");
}

#[tokio::test]
async fn o3_a_confirmation_from_another_site_is_refused() {
    for (name, headers, confirmed) in [
        ("no browser", &[][..], true),
        ("this host", &[("origin", "https://id.example")], true),
        (
            "this host, and the browser says so",
            &[
                ("origin", "https://id.example"),
                ("sec-fetch-site", "same-origin"),
            ],
            true,
        ),
        ("another host", &[("origin", "https://evil.example")], false),
        ("a client", &[("origin", "https://client1.example")], false),
        ("no origin at all", &[("origin", "null")], false),
        (
            "a cross-site request",
            &[("sec-fetch-site", "cross-site")],
            false,
        ),
        (
            "a same-site request",
            &[("sec-fetch-site", "same-site")],
            false,
        ),
        (
            "this host by http",
            &[
                ("origin", "http://id.example"),
                ("sec-fetch-site", "same-site"),
            ],
            false,
        ),
    ] {
        let mut provider = Provider::new();
        provider.sign_in("alice").await;
        let page = provider.get(&[]).await;
        for (header, value) in headers {
            provider.browser.set_header(header, value);
        }
        let answer = provider.answer(&page, &[]).await;
        let expected = match confirmed {
            true => StatusCode::OK,
            false => StatusCode::FORBIDDEN,
        };
        assert_eq!(answer.status, expected, "{name}");
        let who = if confirmed { "nobody" } else { "alice []" };
        assert_eq!(provider.who().await, who, "{name}");
    }
}

#[tokio::test]
async fn o3_behind_a_proxy_the_public_origin_is_allowed() {
    let layer = SameOriginLayer::new()
        .allow_origin("https://public.example")
        .unwrap();
    let mut provider = Provider::with(
        clients(),
        |endpoint| endpoint.same_origin(layer),
        |builder| builder,
    );
    provider.sign_in("alice").await;
    let page = provider.get(&[]).await;
    provider
        .browser
        .set_header("origin", "https://public.example");
    assert_eq!(provider.answer(&page, &[]).await.body, "signed out alice");
}

#[tokio::test]
async fn o3_a_confirmation_that_was_tampered_with_is_refused() {
    let mut provider = Provider::new();
    provider.sign_in("alice").await;
    let page = provider.get(&[]).await;
    let good = token(&page).to_owned();
    let sealed = provider.post(&[("client_id", "client1")]).await;
    let sent_on = sealed.header("location").unwrap();
    let sent_on = sent_on.strip_prefix("?sealed_request=").unwrap().to_owned();
    let mut flipped = good.clone();
    flipped.replace_range(30..31, if &good[30..31] == "A" { "B" } else { "A" });
    for (name, token) in [
        ("flipped", &*flipped),
        ("cut off", &good[..good.len() - 4]),
        ("a word", "yes"),
        ("sealed for something else", &sent_on),
    ] {
        let answer = provider.post(&[("confirmation", token)]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name}");
        let answer = provider
            .post(&[("confirmation", token), ("decline", "1")])
            .await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name}");
        assert_eq!(provider.who().await, "alice []", "{name}");
    }
    let crossed = provider.get(&[("sealed_request", &good)]).await;
    assert_eq!(crossed.status, StatusCode::BAD_REQUEST);
    // A confirmation in a link counts for nothing.
    let linked = provider.get(&[("confirmation", &good)]).await;
    token(&linked);
    assert_eq!(provider.who().await, "alice []");
}

#[tokio::test]
async fn o3_where_nobody_is_signed_in_only_the_redirect_is_left() {
    let mut provider = Provider::new();
    let page = provider.get(&[]).await;
    assert_eq!(page.body, "nobody client=- redirect=- locales= hint=-");
    assert!(page.set_cookies().is_empty());
    let parameters = [
        ("client_id", "client1"),
        ("post_logout_redirect_uri", WITH_QUERY),
        ("state", "s"),
    ];
    let page = provider.get(&parameters).await;
    let expected = "https://client1.example/goodbye?tenant=blue&state=s";
    assert_eq!(page.header("location"), Some(expected));
}

/// Somebody tosses cookies: nobody is signed in for this request, and both sessions go on, so no client must take it for a sign-out.
#[tokio::test]
async fn o3_with_the_cookies_of_two_sessions_nobody_is_sent_on() {
    let mut provider = Provider::new();
    let sid = provider.sign_in("alice").await;
    let hint = hint("alice", &sid);
    let alices = provider.browser.cookie(AUTH).unwrap().to_owned();
    let page = provider.get(&[("client_id", "client1")]).await;
    let confirmation = token(&page).to_owned();
    provider.browser.forget(AUTH);
    provider.browser.forget(SID);
    provider.sign_in("bob").await;
    let bobs = provider.browser.cookie(AUTH).unwrap().to_owned();
    provider.browser.forget(AUTH);
    provider.browser.forget(SID);
    let both = format!("{AUTH}={alices}; {AUTH}={bobs}");
    provider.browser.set_header("cookie", &both);
    assert_eq!(provider.who().await, "nobody");
    let parameters = [
        ("id_token_hint", &*hint),
        ("client_id", "client1"),
        ("post_logout_redirect_uri", GOODBYE),
    ];
    for (name, page) in [
        ("a hint", provider.get(&parameters).await),
        ("no hint", provider.get(&parameters[1..]).await),
        (
            "a confirmation",
            provider.post(&[("confirmation", &confirmation)]).await,
        ),
    ] {
        assert_eq!(page.status, StatusCode::CONFLICT, "{name}");
        assert_eq!(page.header("location"), None, "{name}");
        assert!(page.set_cookies().is_empty(), "{name}");
    }
}

#[tokio::test]
async fn o3_a_page_that_is_fetched_in_advance_ends_nothing() {
    let mut provider = Provider::new();
    let sid = provider.sign_in("alice").await;
    let query = form(&[("id_token_hint", &hint("alice", &sid))]);
    let mut ahead = provider.browser.clone();
    ahead.set_header("sec-purpose", "prefetch;prerender");
    let page = ahead.get(&format!("{PATH}?{query}")).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert_eq!(provider.who().await, "alice []");
}

#[tokio::test]
async fn o3_a_head_request_ends_nothing() {
    let mut provider = Provider::new();
    let sid = provider.sign_in("alice").await;
    let query = form(&[("id_token_hint", &hint("alice", &sid))]);
    let path = format!("{PATH}?{query}");
    let page = provider.browser.request(Method::HEAD, &path, "").await;
    assert_eq!(page.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(page.header("allow"), Some("GET, POST"));
    assert_eq!(provider.who().await, "alice []");
}
