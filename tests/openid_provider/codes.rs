//! Authorization codes: for one client, with one proof, once.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::{
    place::{Place, Shown, WEB, code_fields, error, text},
    request::{CHALLENGE, Request, VERIFIER},
};

#[test]
fn a_code_is_good_once_and_twice_voids_all_that_came_from_it() {
    let place = Place::new();
    let alice = place.signed_in("alice");
    let code = place.code(&alice, &Request::new("web"));
    let tokens = place.redeem(WEB, &code).json();
    let others = place.tokens(&alice);
    let refreshed = place.refresh(WEB, &tokens).json();
    for tokens in [&tokens, &refreshed, &others] {
        assert_eq!(place.userinfo(tokens).status, 200);
    }

    let answer = place.redeem(WEB, &code);
    assert_eq!((answer.status, &*error(&answer)), (400, "invalid_grant"));
    for tokens in [&tokens, &refreshed] {
        assert_eq!(place.userinfo(tokens).status, 401);
    }
    assert_eq!(error(&place.refresh(WEB, &refreshed)), "invalid_grant");
    // Another code's stay.
    assert_eq!(place.userinfo(&others).status, 200);
    assert_eq!(place.refresh(WEB, &others).status, 200);
}

#[test]
fn a_code_needs_its_proof_and_its_address() {
    let place = Place::new();
    let alice = place.signed_in("alice");
    for (name, field, value) in [
        (
            "another verifier",
            "code_verifier",
            "another-verifier-of-at-least-43-characters-in-it",
        ),
        ("the challenge itself", "code_verifier", CHALLENGE),
        ("an empty verifier", "code_verifier", ""),
        (
            "a longer verifier",
            "code_verifier",
            &format!("{VERIFIER}A"),
        ),
        (
            "another address",
            "redirect_uri",
            "https://client.example/own?query=1",
        ),
        ("no address", "redirect_uri", ""),
        ("no code", "code", ""),
        ("an unknown code", "code", "x"),
    ] {
        let code = place.code(&alice, &Request::new("web"));
        let mut fields = code_fields(&code);
        let changed = fields.iter_mut().find(|(found, _)| *found == field);
        changed.expect("a field of the request").1 = value;
        let answer = place.token(WEB, &fields);
        assert_eq!(
            (answer.status, &*error(&answer)),
            (400, "invalid_grant"),
            "{name}"
        );
        // Whoever has the code without its proof has one attempt.
        let spent = field != "code";
        let then = place.redeem(WEB, &code).status;
        assert_eq!(then, if spent { 400 } else { 200 }, "{name}");
    }
}

#[test]
fn a_code_is_for_its_client_alone() {
    let place = Place::new();
    let alice = place.signed_in("alice");
    let code = place.code(&alice, &Request::new("web"));
    for thief in [
        Shown::Post("other", Some("secret of other")),
        Shown::Post("page", None),
    ] {
        let answer = place.redeem(thief, &code);
        assert_eq!(error(&answer), "invalid_grant", "{thief:?}");
    }
    // They can't take it away from the client either.
    assert_eq!(place.redeem(WEB, &code).status, 200);
}

#[test]
fn a_request_that_is_not_understood_uses_nothing_up() {
    let place = Place::new();
    let alice = place.signed_in("alice");
    let code = place.code(&alice, &Request::new("web"));
    let fields = code_fields(&code);
    for (name, changed, expected) in [
        ("no grant type", ("grant_type", ""), "invalid_request"),
        (
            "a password",
            ("grant_type", "password"),
            "unsupported_grant_type",
        ),
        (
            "an unknown one",
            ("grant_type", "CODE"),
            "unsupported_grant_type",
        ),
        ("a code twice", ("code", &*code), "invalid_request"),
        (
            "a verifier twice",
            ("code_verifier", "x"),
            "invalid_request",
        ),
    ] {
        let mut fields = fields.to_vec();
        fields.retain(|(field, _)| *field != "grant_type" || changed.0 != "grant_type");
        fields.push(changed);
        let answer = place.token(WEB, &fields);
        assert_eq!((answer.status, &*error(&answer)), (400, expected), "{name}");
    }
    let url = place.server.url("/connect/token");
    let nobody = place.nobody();
    for kind in ["application/json", "text/plain", "multipart/form-data"] {
        let header = format!("Content-Type: {kind}");
        let answer = nobody.post_with(&url, &fields, &["--header", &header]);
        assert_eq!(error(&answer), "invalid_request", "{kind}");
    }
    assert_eq!(nobody.get(&url).status, 405);
    assert_eq!(place.redeem(WEB, &code).status, 200);
}

#[test]
fn tokens_are_kept_out_of_caches_and_say_what_they_are() {
    let place = Place::new();
    let alice = place.signed_in("alice");
    let answer = place.redeem(WEB, &place.code(&alice, &Request::new("web")));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("pragma"), Some("no-cache"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.headers("set-cookie").count(), 0);
    let tokens = answer.json();
    assert!(text(&tokens, "token_type").eq_ignore_ascii_case("bearer"));
    assert_eq!(tokens["expires_in"], 600);
    assert_eq!(tokens["scope"], "openid profile");

    let claims = claims(&tokens);
    assert_eq!(claims["nonce"], "the nonce");
    let hash = digest(&SHA256, text(&tokens, "access_token").as_bytes());
    let half = BASE64_URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16]);
    assert_eq!(claims["at_hash"], half);
    let lifetime = claims["exp"].as_u64().zip(claims["iat"].as_u64());
    assert_eq!(lifetime.map(|(exp, iat)| exp - iat), Some(300));

    // A scope gives what it names, and no more.
    let known = place.userinfo(&tokens);
    assert_eq!(known.header("cache-control"), Some("no-store"));
    assert_eq!(known.json()["name"], "Alice Smith");
    assert_eq!(known.json()["email"], Value::Null);
}

/// What an ID token says. Its signature is the clients' business.
fn claims(tokens: &Value) -> Value {
    let payload = text(tokens, "id_token").split('.').nth(1);
    let payload = BASE64_URL_SAFE_NO_PAD.decode(payload.expect("a JWT has three parts"));
    serde_json::from_slice(&payload.expect("in base64url")).expect("JSON")
}
