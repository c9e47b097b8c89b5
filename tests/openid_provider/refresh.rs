//! Refresh tokens and access tokens: as long as the session, and no longer.

use serde_json::Value;

use crate::{
    curl::{Curl, JSON},
    place::{Place, Shown, WEB, error, text},
    request::Request,
};

#[test]
fn a_refresh_token_is_good_once_and_twice_voids_its_family() {
    let place = Place::new();
    let alice = place.signed_in("alice");
    let first = place.tokens(&alice);
    let second = place.refresh(WEB, &first).json();
    let third = place.refresh(WEB, &second).json();
    assert_ne!(
        text(&first, "refresh_token"),
        text(&second, "refresh_token")
    );
    assert_eq!(place.userinfo(&third).status, 200);

    // Whoever comes with an old one may be the thief, or the one whom it was stolen from.
    assert_eq!(error(&place.refresh(WEB, &first)), "invalid_grant");
    assert_eq!(error(&place.refresh(WEB, &third)), "invalid_grant");
    for tokens in [&first, &second, &third] {
        assert_eq!(place.userinfo(tokens).status, 401);
    }
}

#[test]
fn a_refresh_token_is_for_its_client_alone() {
    let place = Place::new();
    let alice = place.signed_in("alice");
    let tokens = place.tokens(&alice);
    for (name, thief, expected) in [
        (
            "another",
            Shown::Post("other", Some("secret of other")),
            "invalid_grant",
        ),
        ("a public one", Shown::Post("page", None), "invalid_grant"),
        (
            "a wrong secret",
            Shown::Post("web", Some("x")),
            "invalid_client",
        ),
        ("no secret", Shown::Post("web", None), "invalid_client"),
    ] {
        assert_eq!(error(&place.refresh(thief, &tokens)), expected, "{name}");
    }
    for token in ["", "x", text(&tokens, "access_token")] {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token)];
        assert_eq!(
            error(&place.token(WEB, &fields)),
            "invalid_grant",
            "{token}"
        );
    }
    assert_eq!(
        place.refresh(WEB, &tokens).status,
        200,
        "and nothing was lost"
    );
}

#[test]
fn s15_after_a_sign_out_nothing_opens_anything() {
    s15_ended(&Place::new(), signs_out);
}

#[test]
fn s15_after_a_sign_out_nothing_opens_anything_with_sessions_in_cookies_alone() {
    s15_ended(&Place::with_database("none"), signs_out);
}

#[test]
fn s15_after_somebody_else_has_signed_in_nothing_opens_anything_with_sessions_in_cookies_alone() {
    s15_ended(&Place::with_database("none"), somebody_else_signs_in);
}

#[test]
fn s15_after_a_revocation_nothing_opens_anything() {
    s15_ended(&Place::new(), |place, _| {
        let carol = place.signed_in("carol");
        let revoke = place.server.url("/admin/sessions/revoke");
        let answer = carol.post_with(&revoke, &[("subject", "alice")], &JSON);
        assert_eq!(answer.json()["ended"], 1);
    });
}

#[test]
fn s15_after_somebody_else_has_signed_in_nothing_opens_anything() {
    s15_ended(&Place::new(), somebody_else_signs_in);
}

/// A sign-in of the same user goes on with the session, and so with the tokens.
#[test]
fn c6_tokens_live_on_when_the_same_user_signs_in_again() {
    let place = Place::new();
    let alice = place.signed_in("alice");
    let tokens = place.tokens(&alice);
    let fields = [("username", "alice"), ("password", "alice")];
    alice.post(&place.server.url("/login"), &fields);
    assert_eq!(place.userinfo(&tokens).status, 200);
    assert_eq!(place.refresh(WEB, &tokens).status, 200);
}

#[test]
fn userinfo_wants_an_access_token() {
    let place = Place::new();
    let alice = place.signed_in("alice");
    let tokens = place.tokens(&alice);
    let token = text(&tokens, "access_token");
    let url = place.server.url("/connect/userinfo");
    for (name, header) in [
        ("none", "X: x".to_owned()),
        ("an unknown one", "Authorization: Bearer x".to_owned()),
        ("an empty one", "Authorization: Bearer ".to_owned()),
        ("another scheme", format!("Authorization: Basic {token}")),
        (
            "a refresh token",
            format!("Authorization: Bearer {}", text(&tokens, "refresh_token")),
        ),
        (
            "an ID token",
            format!("Authorization: Bearer {}", text(&tokens, "id_token")),
        ),
    ] {
        // The session's cookie counts for nothing here.
        let answer = alice.run(&[&url, "--header", &header]);
        assert_eq!(answer.status, 401, "{name}");
        let challenge = answer.header("www-authenticate").unwrap_or_default();
        assert!(challenge.starts_with("Bearer"), "{name}: {challenge}");
    }
    // In the query it would be in logs.
    let in_query = format!("{url}?access_token={token}");
    assert_eq!(place.nobody().get(&in_query).status, 401);
    let header = format!("Authorization: Bearer {token}");
    for method in ["GET", "POST"] {
        let answer = alice.run(&[&url, "--request", method, "--header", &header]);
        assert_eq!(answer.json()["sub"], "alice", "{method}");
    }
}

/// Tokens and a code, all good before alice's session ends in some way, and none after.
fn s15_ended(place: &Place, end: impl FnOnce(&Place, &Curl)) {
    let alice = place.signed_in("alice");
    let bob = place.signed_in("bob");
    let [tokens, others] = [&alice, &bob].map(|user| place.tokens(user));
    let refreshed: Value = place.refresh(WEB, &tokens).json();
    let code = place.code(&alice, &Request::new("other"));
    assert_eq!(place.userinfo(&refreshed).status, 200);

    end(place, &alice);
    for tokens in [&tokens, &refreshed] {
        assert_eq!(place.userinfo(tokens).status, 401);
    }
    assert_eq!(error(&place.refresh(WEB, &refreshed)), "invalid_grant");
    let other = Shown::Post("other", Some("secret of other"));
    assert_eq!(error(&place.redeem(other, &code)), "invalid_grant");

    assert_eq!(place.userinfo(&others).status, 200, "bob's are his");
    assert_eq!(place.refresh(WEB, &others).status, 200);
}

fn somebody_else_signs_in(place: &Place, browser: &Curl) {
    let fields = [("username", "bob"), ("password", "bob")];
    let answer = browser.post(&place.server.url("/login"), &fields);
    assert_eq!(answer.status, 303);
}

fn signs_out(place: &Place, browser: &Curl) {
    let answer = browser.post(&place.server.url("/logout"), &[]);
    assert_eq!(answer.status, 303);
}
