//! What other session layers got wrong with cookies and keys: one test for each.

mod support;

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use axum_user_session::{
    AuthenticationProperties, Principal, UserSession, error::ErrorKind, id::SessionId,
    testing::Page,
};
use support::*;

async fn look_with(lab: &mut Lab, cookies: &[u8]) -> Page {
    lab.script.set(|session| async move { report(&session) });
    let request = Request::get("/").header("cookie", cookies);
    lab.browser.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn saving_is_not_skipped_on_a_5xx() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    lab.visit(|session| async move {
        session.sign_in(user("bob")).await.unwrap();
        StatusCode::BAD_GATEWAY
    })
    .await;
    assert_eq!(lab.seen().await, "bob []");
    lab.visit(|session| async move {
        session.sign_out().await.unwrap();
        StatusCode::INTERNAL_SERVER_ERROR
    })
    .await;
    assert_eq!(lab.seen().await, "nobody");
}

#[tokio::test]
async fn a_session_id_that_the_client_supplies_is_not_adopted() {
    let mut lab = Lab::new();
    let planted = "0123456789ABCDEF0123456789ABCDEF";
    lab.browser.plant(SID, planted);
    lab.sign_in("alice").await;
    assert_ne!(lab.browser.cookie(SID), Some(planted));
    lab.sign_out().await;
    lab.visit(move |session| async move {
        let carried = AuthenticationProperties::from_items([("session_id", planted)]);
        session.sign_in_with(user("alice"), carried).await.unwrap();
    })
    .await;
    assert_ne!(lab.browser.cookie(SID), Some(planted));
}

#[tokio::test]
async fn a_user_switch_without_a_logout_renews_the_id() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    let alices = lab.browser.cookie(SID).unwrap().to_owned();
    lab.sign_in("bob").await;
    assert_ne!(lab.browser.cookie(SID), Some(&*alices));
}

#[tokio::test]
async fn a_sign_in_that_fails_does_not_show_a_user() {
    let mut lab = Lab::new();
    let page = lab.visit(|session| async move {
        let large = Principal::builder("alice")
            .claim("x", "x".repeat(10_000))
            .build();
        let error = session.sign_in(large).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        report(&session)
    });
    let page = page.await;
    assert_eq!(page.body, "nobody");
    assert!(page.set_cookies().is_empty());
}

#[tokio::test]
async fn names_are_not_decoded_and_unicode_space_is_not_trimmed() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    let value = lab.browser.cookie(AUTH).unwrap().to_owned();
    for name in [
        "%5F%5FHost-idsrv",
        "%5f%5fHost-idsrv",
        "\u{a0}__Host-idsrv",
        "\u{2003}__Host-idsrv",
        "__HOST-idsrv",
    ] {
        let page = look_with(&mut lab, format!("{name}={value}").as_bytes()).await;
        assert_eq!(page.body, "nobody", "{name}");
        assert!(page.set_cookies().is_empty(), "{name}");
    }
}

#[tokio::test]
async fn a_non_ascii_byte_in_another_cookie_hides_nothing() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    let ours = lab.browser.cookie_header("/");
    for other in [&b"\xFF"[..], b"\xC3\xA4", b"\x80\x80"] {
        let cookies = [b"a=", other, b"; ", ours.as_bytes(), b"; b=", other].concat();
        assert_eq!(look_with(&mut lab, &cookies).await.body, "alice []");
    }
}

#[tokio::test]
async fn a_removal_has_the_attributes_that_make_a_browser_obey() {
    let mut lab = Lab::with(|config| {
        config
            .session_id_cookie_domain("example.com")
            .base_path("/idp")
    });
    let set = lab.sign_in("alice").await;
    let attributes = |page: &Page, name: &str| {
        let cookie = page
            .set_cookies()
            .into_iter()
            .find(|cookie| cookie.starts_with(&format!("{name}=")));
        let skip = ["Max-Age", "Expires"];
        let parts = cookie.unwrap().split("; ").skip(1).map(str::to_owned);
        parts
            .filter(|part| !skip.iter().any(|skip| part.starts_with(skip)))
            .collect::<Vec<_>>()
    };
    lab.browser.plant(SID, "x");
    let removed = lab.sign_out().await;
    for name in [AUTH, SID] {
        assert!(is_expired(&removed, name));
        assert_eq!(attributes(&removed, name), attributes(&set, name));
    }
}

#[tokio::test]
async fn never_two_set_cookie_lines_for_one_name() {
    let mut lab = Lab::new();
    let page = lab.visit(|session| async move {
        for subject in ["alice", "bob", "alice"] {
            session.sign_in(user(subject)).await.unwrap();
            session.add_client_id("client1").await.unwrap();
            session.set_item("a", subject).await.unwrap();
            session.ensure_session_id_cookie().await.unwrap();
        }
    });
    assert_eq!(names(&page.await), [AUTH, SID]);
}

#[tokio::test]
async fn the_applications_own_cookies_are_not_overwritten_and_ours_win_under_our_names() {
    let mut lab = Lab::new();
    let page = lab.visit(|session| async move {
        session.sign_in(user("alice")).await.unwrap();
        axum::response::AppendHeaders([
            ("set-cookie", "theme=dark; Path=/"),
            ("set-cookie", "__Host-idsrv=mine; Path=/; Secure"),
            ("set-cookie", "idsrv.session=mine; Path=/elsewhere"),
            ("set-cookie", "idsrv.session=mine; Path=/"),
            ("set-cookie", "lang=en"),
        ])
    });
    let page = page.await;
    assert_eq!(names(&page), [AUTH, SID, SID, "lang", "theme"]);
    assert_eq!(page.set_cookies()[1], "idsrv.session=mine; Path=/elsewhere");
    assert_eq!(lab.seen().await, "alice []");
}

#[tokio::test]
async fn no_set_cookie_on_every_response() {
    let mut lab = Lab::with(|config| config.sliding(true));
    assert!(lab.look().await.1.set_cookies().is_empty());
    lab.sign_in("alice").await;
    for _ in 0..3 {
        lab.clock.advance(HOUR);
        assert!(lab.look().await.1.set_cookies().is_empty());
    }
}

#[tokio::test]
async fn debug_prints_no_secret() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    let cookie = lab.browser.cookie(AUTH).unwrap().to_owned();
    let id = lab.browser.cookie(SID).unwrap().to_owned();
    let page = lab.visit(|session| async move {
        let ticket = session.authenticate().await.unwrap();
        let properties = session.properties();
        let signed_in = session.sign_in(user("bob")).await.unwrap();
        let ended = session.sign_out().await.unwrap();
        let error = session.refresh(user("bob")).await.unwrap_err();
        format!("{session:?} {ticket:?} {properties:?} {signed_in:?} {ended:?} {error:?} {error}")
    });
    let shown = page.await.body + &format!("{:?}", lab.config);
    for secret in [&cookie[..], &cookie[20..60], &id] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(!format!("{:?}", SessionId::parse(&id).unwrap()).contains(&id));
}

#[tokio::test]
async fn a_change_after_the_response_head_is_not_lost_without_a_word() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    let kept = std::sync::Arc::new(std::sync::Mutex::new(None::<UserSession>));
    let keep = kept.clone();
    lab.visit(|session| async move { *keep.lock().unwrap() = Some(session) })
        .await;
    let late = kept.lock().unwrap().take().unwrap();
    let error = late.set_item("a", "b").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ResponseSent);
    assert_eq!(late.properties().unwrap().item("a"), None);
}

#[tokio::test]
async fn key_rotation_signs_nobody_out() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    for _ in 0..5 {
        lab.ring.promote(lab.ring.add().unwrap()).unwrap();
        assert_eq!(lab.seen().await, "alice []");
    }
}

/// Every call gives the same decrypted bytes, not another copy of them.
#[tokio::test]
async fn the_ticket_is_opened_once_per_request_not_per_call() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    lab.visit(|session| async move {
        let (one, two) = (session.user().unwrap(), session.clone().user().unwrap());
        assert!(std::ptr::eq(one.subject(), two.subject()));
        let ticket = session.authenticate().await.unwrap().unwrap();
        assert!(std::ptr::eq(one.subject(), ticket.principal().subject()));
    })
    .await;
}
