//! Section B of the contract: the authentication cookie.

mod support;

use axum::{body::Body, http::Request};
use axum_user_session::{
    AuthenticationProperties, KeyRing, Principal, SessionConfig,
    config::{LegacyScope, SameSite},
    error::ErrorKind,
    testing::{Browser, Page},
};
use support::*;

/// A claim that fills a cookie of its own, without being compressible by anything in between.
fn large(bytes: usize) -> Principal {
    let filler: String = (0..bytes)
        .map(|index| char::from(b'a' + (index * 7 % 26) as u8))
        .collect();
    Principal::builder("alice").claim("filler", filler).build()
}

async fn sign_in_large(lab: &mut Lab, bytes: usize) -> Page {
    lab.visit(move |session| async move {
        session.sign_in(large(bytes)).await.unwrap();
    })
    .await
}

/// A request with exactly these cookies.
async fn look_with(lab: &mut Lab, cookies: &str) -> Page {
    lab.script.set(|session| async move { report(&session) });
    send_with(lab, cookies).await
}

async fn send_with(lab: &mut Lab, cookies: &str) -> Page {
    let request = Request::get("/").header("cookie", cookies);
    lab.browser.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn k1_the_defaults_are_the_safe_ones() {
    let mut lab = Lab::new();
    let page = lab.sign_in("alice").await;
    let value = value_set(&page, AUTH).unwrap();
    assert_eq!(
        header(&page, AUTH),
        format!("{AUTH}={value}; Path=/; HttpOnly; Secure; SameSite=Lax")
    );
    assert!(
        value
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    );
}

#[tokio::test]
async fn k1_each_attribute_is_an_option() {
    let mut lab = Lab::with(|config| {
        config
            .cookie_name("__Secure-auth")
            .cookie_domain("example.com")
            .cookie_path("/app")
            .cookie_same_site(SameSite::Strict)
            .dangerously_let_scripts_read_the_cookie()
    });
    let page = lab.sign_in("alice").await;
    let cookie = header(&page, "__Secure-auth");
    assert!(cookie.starts_with("__Secure-auth="));
    assert!(cookie.ends_with("; Path=/app; Domain=example.com; Secure; SameSite=Strict"));
}

/// Some versions of curl keep only the last of several removals in a response; that should be the one that counts.
#[tokio::test]
async fn the_authentication_cookie_itself_is_written_last() {
    let mut lab = Lab::new();
    let last = |page: &Page| {
        page.set_cookies()
            .last()
            .unwrap()
            .split('=')
            .next()
            .unwrap()
            .to_owned()
    };
    assert_eq!(last(&lab.sign_in("alice").await), AUTH);
    assert_eq!(last(&lab.sign_out().await), AUTH);
}

#[tokio::test]
async fn k2_plain_http_drops_prefix_and_secure() {
    let mut lab = Lab::with(|config| config.insecure_http_for_development());
    let page = lab.sign_in("alice").await;
    assert_eq!(names(&page), ["idsrv", SID]);
    assert!(header(&page, "idsrv").ends_with("; Path=/; HttpOnly; SameSite=Lax"));
    assert!(header(&page, SID).ends_with("; Path=/; SameSite=Lax"));
    assert_eq!(lab.seen().await, "alice []");
}

#[tokio::test]
async fn k3_the_ticket_of_a_browser_session_expires_inside() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    assert!(!lab.browser.is_persistent(AUTH));
    lab.clock
        .advance(10 * HOUR - std::time::Duration::from_millis(1));
    assert_eq!(lab.seen().await, "alice []");
    lab.clock.advance(std::time::Duration::from_millis(1));
    assert_eq!(lab.seen().await, "nobody");
}

#[tokio::test]
async fn k3_a_persistent_sign_in_outlives_the_browser() {
    let mut lab = Lab::new();
    let page = lab.visit(|session| async move {
        let properties = AuthenticationProperties::new().with_persistent(true);
        session
            .sign_in_with(user("alice"), properties)
            .await
            .unwrap();
    });
    let page = page.await;
    // 10 hours after Fri, 15 Jan 2027 08:00:00 GMT.
    assert!(
        header(&page, AUTH).contains("; Max-Age=36000; Expires=Fri, 15 Jan 2027 18:00:00 GMT;")
    );
    lab.browser.restart();
    assert_eq!(lab.seen().await, "alice []");
    lab.clock.advance(10 * HOUR);
    assert_eq!(lab.browser.cookie(AUTH), None, "the browser drops it too");
}

#[tokio::test]
async fn k3_an_expired_ticket_is_cleared_but_not_within_the_grace() {
    for (name, after, cleared) in [
        ("a request sent beside a renewal", MINUTE, false),
        (
            "long expired",
            MINUTE + std::time::Duration::from_millis(1),
            true,
        ),
    ] {
        let mut lab = Lab::new();
        lab.sign_in("alice").await;
        lab.clock.advance(10 * HOUR + after);
        let (seen, page) = lab.look().await;
        assert_eq!(seen, "nobody");
        assert_eq!(is_expired(&page, AUTH), cleared, "{name}");
        assert_eq!(is_expired(&page, SID), cleared, "{name}");
    }
}

#[tokio::test]
async fn k4_sliding_renews_in_the_second_half_up_to_the_absolute_limit() {
    let mut lab = Lab::with(|config| config.sliding(true));
    lab.sign_in("alice").await;
    for (hours, renewed) in [
        (4, false),
        (1, false),
        (1, true),
        (4, false),
        (5, true),
        (6, false),
        (2, false),
    ] {
        lab.clock.advance(hours * HOUR);
        let (seen, page) = lab.look().await;
        assert_eq!(seen, "alice []");
        assert_eq!(
            value_set(&page, AUTH).is_some(),
            renewed,
            "after {hours} more"
        );
    }
    // 23 hours have gone; the limit is at 24.
    lab.clock.advance(HOUR);
    assert_eq!(lab.seen().await, "nobody");
}

#[tokio::test]
async fn k4_what_the_handle_reports_is_what_the_renewed_cookie_holds() {
    let mut lab = Lab::with(|config| config.sliding(true));
    lab.sign_in("alice").await;
    lab.clock.advance(6 * HOUR);
    for _ in 0..2 {
        lab.visit(|session| async move {
            assert_eq!(
                session.properties().unwrap().expires(),
                Some(start() + 16 * HOUR)
            );
            let arrived = session.authenticate().await.unwrap().unwrap();
            assert!(arrived.properties().expires() >= Some(start() + 10 * HOUR));
        })
        .await;
    }
}

#[tokio::test]
async fn k4_no_renewal_where_it_is_forbidden_or_the_request_signed_in_or_out() {
    let sliding = || Lab::with(|config| config.sliding(true));
    let mut lab = sliding();
    lab.visit(|session| async move {
        let properties = AuthenticationProperties::new().with_allow_refresh(false);
        session
            .sign_in_with(user("alice"), properties)
            .await
            .unwrap();
    })
    .await;
    lab.clock.advance(6 * HOUR);
    assert!(lab.look().await.1.set_cookies().is_empty());

    let mut lab = sliding();
    lab.sign_in("alice").await;
    lab.clock.advance(6 * HOUR);
    let page = lab.sign_out().await;
    assert_eq!(value_set(&page, AUTH), None);

    let mut lab = sliding();
    lab.sign_in("alice").await;
    lab.clock.advance(6 * HOUR);
    let page = lab.sign_in("alice").await;
    assert_eq!(names(&page), [AUTH, SID], "once each");
}

#[tokio::test]
async fn k5_a_response_with_our_cookies_is_not_stored() {
    let mut lab = Lab::new();
    let page = lab.visit(|session| async move {
        session.sign_in(user("alice")).await.unwrap();
        [("cache-control", "public, max-age=3600"), ("pragma", "x")]
    });
    let page = page.await;
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.header("pragma"), Some("no-cache"));
    let page = lab
        .visit(|_| async { [("cache-control", "public, max-age=3600")] })
        .await;
    assert_eq!(
        page.header("cache-control"),
        Some("public, max-age=3600"),
        "nothing of ours in it"
    );
    let page = lab.sign_out().await;
    assert_eq!(page.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn k6_a_large_ticket_is_split_and_read_again() {
    let mut lab = Lab::with(|config| config.cookie_budget(32 * 1024));
    for (bytes, cookies) in [(100, 1), (4000, 2), (9000, 3), (21_000, 7)] {
        let page = sign_in_large(&mut lab, bytes).await;
        let ours: Vec<_> = names(&page)
            .into_iter()
            .filter(|name| name.starts_with(AUTH))
            .collect();
        assert_eq!(ours.len(), cookies, "{bytes}");
        for cookie in page.set_cookies() {
            let pair = cookie.split(';').next().unwrap();
            assert!(pair.len() - 1 <= 4096);
        }
        let page = lab.visit(move |session| async move {
            let filler = session.user().unwrap().claim_str("filler").map(str::len);
            assert_eq!(filler, Some(bytes));
        });
        assert!(page.await.set_cookies().is_empty());
    }
}

#[tokio::test]
async fn k6_left_overs_of_a_longer_ticket_are_expired() {
    let mut lab = Lab::with(|config| config.cookie_budget(32 * 1024));
    sign_in_large(&mut lab, 12_000).await;
    let page = sign_in_large(&mut lab, 4000).await;
    assert_eq!(
        names(&page),
        [
            AUTH,
            "__Host-idsrv.1",
            "__Host-idsrv.2",
            "__Host-idsrv.3",
            SID
        ]
    );
    assert!(is_expired(&page, "__Host-idsrv.2") && is_expired(&page, "__Host-idsrv.3"));
    assert_eq!(lab.browser.cookie_names().len(), 3);
    assert_eq!(lab.seen().await, "alice []");
}

#[tokio::test]
async fn k6_past_the_budget_is_an_error_and_the_old_session_stands() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    let page = lab.visit(|session| async move {
        let error = session.sign_in(large(6000)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        report(&session)
    });
    let page = page.await;
    assert_eq!(page.body, "alice []");
    assert!(page.set_cookies().is_empty());

    sign_in_large(&mut lab, 4900).await;
    let page = lab.visit(|session| async move {
        let mut added = 0;
        let error = loop {
            match session.add_client_id(format!("client{added:0>100}")).await {
                Ok(_) => added += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        assert_eq!(session.client_list().len(), added);
        added.to_string()
    });
    let added: usize = page.await.body.parse().unwrap();
    assert!(added > 0);
    let ours: usize = lab.browser.cookie_header("/").len() - "; ==".len();
    assert!(ours <= 7 * 1024, "{ours}");
    lab.visit(move |session| async move { assert_eq!(session.client_list().len(), added) })
        .await;
}

#[tokio::test]
async fn k7_chunks_table() {
    let mut lab = Lab::with(|config| config.cookie_budget(32 * 1024));
    sign_in_large(&mut lab, 6200).await;
    let value = |name: &str| lab.browser.cookie(name).unwrap().to_owned();
    let (head, one, two) = (
        value(AUTH),
        value("__Host-idsrv.1"),
        value("__Host-idsrv.2"),
    );
    let mut other = Lab::with_ring(lab.ring.clone(), |config| config.cookie_budget(32 * 1024));
    sign_in_large(&mut other, 6200).await;
    let foreign = other.browser.cookie("__Host-idsrv.1").unwrap().to_owned();
    let (head_of, one_of, two_of) = (
        format!("{AUTH}={head}"),
        format!("{AUTH}.1={one}"),
        format!("{AUTH}.2={two}"),
    );
    for (name, cookies, seen) in [
        ("in order", vec![&*head_of, &one_of, &two_of], "alice []"),
        ("backwards", vec![&two_of, &one_of, &head_of], "alice []"),
        (
            "identical duplicates",
            vec![&head_of, &one_of, &two_of, &one_of],
            "alice []",
        ),
        (
            "identical heads",
            vec![&head_of, &head_of, &one_of, &two_of],
            "alice []",
        ),
        ("one lost", vec![&head_of, &one_of], "nobody"),
        ("the other lost", vec![&head_of, &two_of], "nobody"),
        ("the head lost", vec![&one_of, &two_of], "nobody"),
        (
            "swapped",
            vec![
                &head_of,
                &format!("{AUTH}.1={two}"),
                &format!("{AUTH}.2={one}"),
            ],
            "nobody",
        ),
        (
            "of another session",
            vec![&head_of, &format!("{AUTH}.1={foreign}"), &two_of],
            "nobody",
        ),
        (
            "differing duplicates",
            vec![&head_of, &one_of, &two_of, &format!("{AUTH}.1={foreign}")],
            "nobody",
        ),
        (
            "count too small",
            vec![&format!("{AUTH}=2{}", &head[1..]), &one_of, &two_of],
            "nobody",
        ),
        (
            "count too large",
            vec![&format!("{AUTH}=9{}", &head[1..]), &one_of, &two_of],
            "nobody",
        ),
        (
            "count of none",
            vec![&format!("{AUTH}=0{}", &head[1..]), &one_of, &two_of],
            "nobody",
        ),
    ] {
        let page = look_with(&mut lab, &cookies.join("; ")).await;
        assert_eq!(page.body, seen, "{name}");
        assert_eq!(
            is_expired(&page, AUTH),
            seen == "nobody" && name != "the head lost",
            "{name}"
        );
    }
}

#[tokio::test]
async fn k7_indexes_beyond_the_count_are_ignored_and_expired() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    lab.browser.plant("__Host-idsrv.1", "junk");
    lab.browser.plant("__Host-idsrv.7", "junk");
    lab.browser.plant("__Host-idsrv.11", "not ours");
    let (seen, page) = lab.look().await;
    assert_eq!(seen, "alice []");
    assert_eq!(names(&page), ["__Host-idsrv.1", "__Host-idsrv.7"]);
    assert!(is_expired(&page, "__Host-idsrv.1") && is_expired(&page, "__Host-idsrv.7"));
}

#[tokio::test]
async fn k8_what_is_no_session_and_what_is_cleared_then() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    let good = lab.browser.cookie(AUTH).unwrap().to_owned();
    let mut flipped = good.clone().into_bytes();
    flipped[40] ^= 1;
    let flipped = String::from_utf8(flipped).unwrap();

    let mut other_name = Lab::with_ring(lab.ring.clone(), |config| {
        config.cookie_name("__Host-other")
    });
    other_name.sign_in("alice").await;
    let other_name = other_name
        .browser
        .cookie("__Host-other")
        .unwrap()
        .to_owned();
    let mut other_application =
        Lab::with_ring(lab.ring.clone(), |config| config.application_id("other"));
    other_application.sign_in("alice").await;
    let other_application = other_application.browser.cookie(AUTH).unwrap().to_owned();
    let mut other_ring = Lab::new();
    other_ring.sign_in("alice").await;
    let other_ring = other_ring.browser.cookie(AUTH).unwrap().to_owned();
    // The version is the first byte; B is one more than A, the first six bits of 1.
    let later_version = format!("C{}", &good[1..]);

    for (name, value, cleared) in [
        ("bit flipped", &*flipped, true),
        ("truncated", &good[..good.len() - 4], true),
        ("longer", &format!("{good}AAAA"), true),
        ("empty", "", true),
        ("not base64url", "%%%", true),
        ("a version and nothing else", "AQ", true),
        ("of another name", &other_name, true),
        ("of another application", &other_application, true),
        ("under an unknown key", &other_ring, false),
        ("of a later version", &later_version, false),
    ] {
        let page = look_with(&mut lab, &format!("{AUTH}={value}; {SID}=x")).await;
        assert_eq!(page.body, "nobody", "{name}");
        assert_eq!(is_expired(&page, AUTH), cleared, "{name}");
        assert_eq!(is_expired(&page, SID), cleared, "{name}: session id cookie");
    }
}

#[tokio::test]
async fn k8_a_sign_in_over_a_foreign_cookie_replaces_it() {
    let mut lab = Lab::new();
    let mut other_ring = Lab::new();
    other_ring.sign_in("alice").await;
    lab.browser
        .plant(AUTH, other_ring.browser.cookie(AUTH).unwrap());
    lab.sign_in("bob").await;
    assert_eq!(lab.seen().await, "bob []");
}

#[tokio::test]
async fn candidates_of_one_session_the_newest_wins() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    let older = lab.browser.cookie(AUTH).unwrap().to_owned();
    lab.clock.advance(MINUTE);
    lab.visit(|session| async move { session.set_item("item", "new").await.unwrap() })
        .await;
    let newer = lab.browser.cookie(AUTH).unwrap().to_owned();
    let id = lab.browser.cookie(SID).unwrap().to_owned();
    for cookies in [[&older, &newer], [&newer, &older]] {
        let [one, two] = cookies;
        lab.script.set(|session| async move {
            let properties = session.properties().unwrap();
            properties.item("item").unwrap_or("old").to_owned()
        });
        let cookies = format!("{AUTH}={one}; {AUTH}={two}; {SID}={id}");
        let page = send_with(&mut lab, &cookies).await;
        assert_eq!(page.body, "new");
        assert!(page.set_cookies().is_empty());
    }
}

#[tokio::test]
async fn candidates_of_different_sessions_are_anonymous_and_untouched() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    let alice = lab.browser.cookie(AUTH).unwrap().to_owned();
    lab.browser.forget(AUTH);
    lab.sign_in("mallory").await;
    let mallory = lab.browser.cookie(AUTH).unwrap().to_owned();
    let both = format!("{AUTH}={alice}; {AUTH}={mallory}; {SID}=x");
    let page = look_with(&mut lab, &both).await;
    assert_eq!(page.body, "nobody");
    assert!(page.set_cookies().is_empty());

    lab.script.set(|session| async move {
        let error = session.sign_in(user("alice")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConflictingCookies);
        session.sign_out().await.unwrap();
    });
    let request = Request::get("/")
        .header("cookie", both)
        .body(Body::empty())
        .unwrap();
    let page = lab.browser.send(request).await;
    assert!(
        is_expired(&page, AUTH) && is_expired(&page, SID),
        "a sign-out asked for is done"
    );
}

#[tokio::test]
async fn candidates_that_are_forged_do_not_hide_a_valid_one() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    let good = lab.browser.cookie(AUTH).unwrap().to_owned();
    for (name, cookies, seen) in [
        (
            "a forged one first",
            format!("{AUTH}=forged; {AUTH}={good}"),
            "alice []",
        ),
        (
            "three first",
            format!("{AUTH}=a; {AUTH}=b; {AUTH}=c; {AUTH}={good}"),
            "alice []",
        ),
        (
            "four first: no more are tried",
            format!("{AUTH}=a; {AUTH}=b; {AUTH}=c; {AUTH}=d; {AUTH}={good}"),
            "nobody",
        ),
    ] {
        let page = look_with(&mut lab, &cookies).await;
        assert_eq!(page.body, seen, "{name}");
        // Nor do they cost the valid one its life, whether it was tried or not.
        assert!(!is_expired(&page, AUTH), "{name}");
        assert!(!is_expired(&page, SID), "{name}");
    }
}

#[tokio::test]
async fn legacy_scopes_are_expired_at_sign_in_and_sign_out_only() {
    let mut lab = Lab::with(|config| {
        config
            .cookie_name("auth")
            .cookie_budget(4000)
            .legacy_scopes([
                LegacyScope::new("/").with_domain("example.com"),
                LegacyScope::new("/old"),
                LegacyScope::new("/"),
            ])
    });
    let old = |page: &Page| {
        let cookies = page.set_cookies().into_iter();
        let mut old: Vec<_> = cookies
            .filter(|cookie| cookie.contains("Domain=") || cookie.contains("Path=/old"))
            .map(str::to_owned)
            .collect();
        old.sort();
        old
    };
    let page = lab.sign_in("alice").await;
    let at_sign_in = old(&page);
    assert_eq!(
        at_sign_in.len(),
        4,
        "two cookies in two places, the present one is none of them"
    );
    assert!(
        at_sign_in
            .iter()
            .all(|cookie| cookie.contains("Max-Age=0") && cookie.contains("Secure"))
    );
    assert!(old(&lab.add_client("client1").await).is_empty());
    assert_eq!(old(&lab.sign_out().await), at_sign_in);
}

#[tokio::test]
async fn a_copied_cookie_works_until_it_expires_which_the_readme_admits() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    let copy = lab.browser.cookie_header("/");
    lab.sign_out().await;
    assert_eq!(look_with(&mut lab, &copy).await.body, "alice []");
    lab.clock.advance(10 * HOUR);
    assert_eq!(look_with(&mut lab, &copy).await.body, "nobody");
}

#[tokio::test]
async fn a_restart_with_the_same_keys_signs_nobody_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    let router = |script: &Script| {
        let config = SessionConfig::builder(KeyRing::open_file(&path).unwrap())
            .build()
            .unwrap();
        app(&config, script)
    };
    let script = Script::default();
    let mut browser = Browser::new(router(&script));
    script.set(|session| async move { drop(session.sign_in(user("alice")).await.unwrap()) });
    browser.get("/").await;
    let mut browser = browser.reconnect(router(&script));
    script.set(|session| async move { report(&session) });
    assert_eq!(browser.get("/").await.body, "alice []");
}
