//! Requests that are refused, and where that is said.

use crate::{
    journey::parameter,
    place::Place,
    request::{CALLBACK, CHALLENGE, Request, STATE},
};

#[test]
fn whoever_is_not_known_is_sent_nowhere() {
    let place = Place::new();
    let alice = place.signed_in("alice");
    let web = || Request::new("web");
    let to = |uri: &str| web().with("redirect_uri", uri);
    for (name, request) in [
        ("an unknown client", Request::new("nobody")),
        ("no client", web().without("client_id")),
        ("an empty client", web().with("client_id", "")),
        ("the client in capitals", Request::new("WEB")),
        ("two clients", web().and("client_id", "other")),
        ("no address", web().without("redirect_uri")),
        (
            "two addresses",
            web().and("redirect_uri", "https://evil.example/"),
        ),
        (
            "another client's address",
            to("https://other.example/callback"),
        ),
        (
            "an address below",
            to("https://client.example/callback/below"),
        ),
        ("an address above", to("https://client.example/")),
        ("a slash at the end", to("https://client.example/callback/")),
        ("a query", to("https://client.example/callback?query")),
        ("another query", to("https://client.example/own?query=2")),
        ("a fragment", to("https://client.example/callback#fragment")),
        ("no TLS", to("http://client.example/callback")),
        ("capitals", to("https://CLIENT.example/callback")),
        ("another port", to("https://client.example:8443/callback")),
        ("the same port", to("https://client.example:443/callback")),
        ("a user", to("https://client.example@evil.example/callback")),
        ("a path up", to("https://client.example/x/../callback")),
        ("encoded", to("https://client.example/c%61llback")),
        (
            "a longer host",
            to("https://client.example.evil.example/callback"),
        ),
        ("a script", to("javascript:alert(1)")),
        ("a page as data", to("data:text/html,hello")),
        ("a path", to("/callback")),
        ("no scheme", to("//client.example/callback")),
        ("a space before", to(" https://client.example/callback")),
        ("a line feed", to("https://client.example/callback\n")),
        ("two states", web().and("state", "other")),
        ("two challenges", web().and("code_challenge", CHALLENGE)),
        (
            "an unknown parameter twice",
            web().and("x", "1").and("x", "2"),
        ),
    ] {
        let answer = place.ask(&alice, &request);
        assert_eq!(answer.status, 400, "{name}");
        assert_eq!(answer.header("location"), None, "{name}");
        assert!(answer.body.contains("<h1"), "{name}: {}", answer.body);
        assert!(!answer.body.contains("example/"), "{name}: no link either");
    }
    assert!(
        place.clients(&alice).is_empty(),
        "and no client is in the session"
    );
}

#[test]
fn other_errors_go_back_to_the_client() {
    let place = Place::new();
    let alice = place.signed_in("alice");
    let web = || Request::new("web");
    for (name, request, error) in [
        (
            "no response type",
            web().without("response_type"),
            "invalid_request",
        ),
        (
            "implicit",
            web().with("response_type", "id_token token"),
            "unsupported_response_type",
        ),
        (
            "hybrid",
            web().with("response_type", "code id_token"),
            "unsupported_response_type",
        ),
        (
            "an access token",
            web().with("response_type", "token"),
            "unsupported_response_type",
        ),
        (
            "fragment",
            web().with("response_mode", "fragment"),
            "invalid_request",
        ),
        (
            "web_message",
            web().with("response_mode", "web_message"),
            "invalid_request",
        ),
        ("no scope", web().without("scope"), "invalid_scope"),
        (
            "plain OAuth",
            web().with("scope", "profile"),
            "invalid_scope",
        ),
        (
            "a scope in capitals",
            web().with("scope", "OpenID"),
            "invalid_scope",
        ),
        (
            "no proof key",
            web().without("code_challenge"),
            "invalid_request",
        ),
        (
            "a plain one",
            web().with("code_challenge_method", "plain"),
            "invalid_request",
        ),
        (
            "one of no method",
            web().without("code_challenge_method"),
            "invalid_request",
        ),
        (
            "a short one",
            web().with("code_challenge", "short"),
            "invalid_request",
        ),
        (
            "a request object",
            web().and("request", "e30.e30."),
            "request_not_supported",
        ),
        (
            "a request object elsewhere",
            web().and("request_uri", "https://169.254.169.254/"),
            "request_uri_not_supported",
        ),
        (
            "a registration",
            web().and("registration", "{}"),
            "registration_not_supported",
        ),
        (
            "an unknown prompt",
            web().and("prompt", "please"),
            "invalid_request",
        ),
        (
            "none and login",
            web().and("prompt", "none login"),
            "invalid_request",
        ),
        (
            "consent",
            web().and("prompt", "consent"),
            "consent_required",
        ),
        ("no age", web().and("max_age", "old"), "invalid_request"),
        (
            "an age below zero",
            web().and("max_age", "-1"),
            "invalid_request",
        ),
        (
            "an age of many digits",
            web().and("max_age", "99999999999999999999"),
            "invalid_request",
        ),
    ] {
        let url = place.sent(&alice, &request);
        assert!(
            url.as_str().starts_with(&format!("{CALLBACK}?")),
            "{name}: {url}"
        );
        assert_eq!(parameter(&url, "error").as_deref(), Some(error), "{name}");
        assert_eq!(parameter(&url, "state").as_deref(), Some(STATE), "{name}");
        let issuer = parameter(&url, "iss");
        assert_eq!(issuer.as_deref(), Some(place.server.origin()), "{name}");
        assert_eq!(parameter(&url, "code"), None, "{name}");
    }
    assert!(place.clients(&alice).is_empty());
}
