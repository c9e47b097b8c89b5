//! Pages of other origins, and what the provider says of itself.

use serde_json::{Value, json};

use crate::{
    place::{Place, text},
    request::Request,
};

#[test]
fn pages_of_any_origin_may_call_what_takes_no_cookie() {
    let place = Place::new();
    let alice = place.signed_in("alice");
    let origin = ["--header", "Origin: https://client.example"];
    for (path, preflight) in [
        ("/.well-known/openid-configuration", false),
        ("/.well-known/jwks.json", false),
        ("/connect/token", true),
        ("/connect/userinfo", true),
    ] {
        let url = place.server.url(path);
        let mut asked = vec![&*url, "--request", "OPTIONS"];
        asked.extend(origin);
        asked.extend(["--header", "Access-Control-Request-Method: POST"]);
        asked.extend(["--header", "Access-Control-Request-Headers: authorization"]);
        for arguments in [&[&url, origin[0], origin[1]][..], &asked] {
            let answer = alice.run(arguments);
            let allowed = answer.header("access-control-allow-origin");
            assert_eq!(allowed, Some("*"), "{path}");
            let credentials = answer.header("access-control-allow-credentials");
            assert_eq!(credentials, None, "{path}");
            assert_eq!(answer.headers("set-cookie").count(), 0, "{path}");
        }
        if preflight {
            let answer = alice.run(&asked);
            let headers = answer.header("access-control-allow-headers");
            let headers = headers.unwrap_or_default().to_lowercase();
            assert!(headers.contains("authorization"), "{path}: {headers}");
        }
    }
    let authorize = Request::new("web").path();
    for path in ["/", "/session", "/sessions", "/login", &*authorize] {
        let answer = alice.run(&[&place.server.url(path), origin[0], origin[1]]);
        let allowed = answer.header("access-control-allow-origin");
        assert_eq!(allowed, None, "{path}");
    }
}

#[test]
fn o8_the_provider_says_where_everything_is() {
    let place = Place::new();
    let nobody = place.nobody();
    let about = nobody.get(&place.server.url("/.well-known/openid-configuration"));
    assert_eq!(about.status, 200);
    let about = about.json();
    let issuer = place.server.origin();
    assert_eq!(about["issuer"], issuer);
    for (member, method) in [
        ("authorization_endpoint", "GET"),
        ("token_endpoint", "POST"),
        ("userinfo_endpoint", "GET"),
        ("jwks_uri", "GET"),
        ("end_session_endpoint", "GET"),
        ("check_session_iframe", "GET"),
    ] {
        let url = text(&about, member);
        assert!(url.starts_with(issuer), "{member}: {url}");
        let status = nobody.run(&[url, "--request", method]).status;
        assert!(![404, 405].contains(&status), "{member}: {status}");
    }
    for (member, value) in [
        ("response_types_supported", json!(["code"])),
        ("response_modes_supported", json!(["query", "form_post"])),
        ("code_challenge_methods_supported", json!(["S256"])),
        ("request_uri_parameter_supported", json!(false)),
        ("request_parameter_supported", json!(false)),
        (
            "authorization_response_iss_parameter_supported",
            json!(true),
        ),
        ("backchannel_logout_supported", json!(true)),
        ("backchannel_logout_session_supported", json!(true)),
        ("frontchannel_logout_supported", json!(true)),
        ("frontchannel_logout_session_supported", json!(true)),
    ] {
        assert_eq!(about[member], value, "{member}");
    }
}

#[test]
fn the_keys_are_public_ones() {
    let place = Place::new();
    let keys = place
        .nobody()
        .get(&place.server.url("/.well-known/jwks.json"));
    let keys = keys.json();
    let key = keys["keys"][0].as_object().expect("a key");
    let mut members: Vec<_> = key.keys().map(String::as_str).collect();
    members.sort_unstable();
    assert_eq!(members, ["alg", "e", "kid", "kty", "n", "use"]);
    assert_eq!(key["kty"], "RSA");
    assert_eq!(keys["keys"].as_array().map(Vec::len), Some(1));
    assert_ne!(key["kid"], Value::Null);
}
