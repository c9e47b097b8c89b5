//! Requests that a browser has to carry through the login page, whatever is in them.

use crate::{
    journey::parameter,
    led::{Led, sign_in},
    place::{Place, error},
    request::{CALLBACK, CHALLENGE, Request},
};

#[test]
fn every_request_outlives_the_sign_in() {
    let place = Place::new();
    let long = "s".repeat(4000);
    for (name, parameter_name, value) in [
        (
            "a backslash, as in DOMAIN\\user",
            "login_hint",
            "CORP\\alice",
        ),
        ("a backslash", "state", "{\"a\":\"\\\"\"}"),
        ("a line break", "state", "a\r\nb"),
        ("a control character", "state", "\u{1}"),
        ("two slashes", "state", "//client.example"),
        ("an address", "state", "https://client.example/"),
        ("encoded", "state", "%5C"),
        ("delimiters", "state", "a&b=c#d"),
        ("a long state", "state", &long),
        ("other scripts", "state", "žluťoučký"),
    ] {
        let user = place.nobody();
        let request = Request::new("web").with(parameter_name, value);
        let login = place.sent(&user, &request);
        assert_eq!(Led::to(&login), Led::Login(None), "{name}");
        let back = sign_in(&place, &user, &login, "alice");
        let answer = place.follow(&user, &back);
        assert_eq!(Led::to(&answer), Led::Code, "{name}");
        if parameter_name == "state" {
            assert_eq!(
                parameter(&answer, "state").as_deref(),
                Some(value),
                "{name}"
            );
        }
        user.post(&place.server.url("/logout"), &[]);
    }
}

#[test]
fn r1_the_login_page_leads_nowhere_else() {
    let place = Place::new();
    for return_url in [
        "//evil.example",
        "https://evil.example/",
        "/connect/authorize/../..//evil.example",
        "/connect/authorize?a\r\nSet-Cookie: a=b",
        "/\\evil.example",
        "/connect/authorize@evil.example",
        "connect/authorize?a",
    ] {
        let fields = [
            ("username", "alice"),
            ("password", "alice"),
            ("return_url", return_url),
        ];
        let answer = place.nobody().post(&place.server.url("/login"), &fields);
        assert_eq!(answer.status, 303, "{return_url}");
        let origin = place.location(&answer).origin().ascii_serialization();
        assert_eq!(origin, place.server.origin(), "{return_url}");
        assert_ne!(
            answer
                .header("set-cookie")
                .unwrap_or_default()
                .split('=')
                .next(),
            Some("a")
        );
    }
}

#[test]
fn a_wrong_password_changes_nothing_but_that() {
    let place = Place::new();
    let alice = place.signed_in("alice");
    for (prompt, heading) in [
        ("login", "Confirm that it is you"),
        ("select_account", "Choose an account"),
        ("", "Sign in"),
    ] {
        let fields = [
            ("username", "alice"),
            ("password", "wrong"),
            ("prompt", prompt),
        ];
        let answer = alice.post(&place.server.url("/login"), &fields);
        assert_eq!(answer.status, 401, "{prompt}");
        let heading = format!("<h1 id=\"sign-in\">{heading}</h1>");
        assert!(answer.body.contains(&heading), "{prompt}: {}", answer.body);
        let field = format!("name=\"prompt\" value=\"{prompt}\"");
        assert_eq!(answer.body.contains(&field), !prompt.is_empty(), "{prompt}");
    }
}

#[test]
fn a_posted_request_is_the_same_as_a_link() {
    let place = Place::new();
    let alice = place.signed_in("alice");
    let url = place.server.url("/connect/authorize");
    for (name, state, expected) in [
        ("plain", "a", "a"),
        ("a number sign", "a#b", "a#b"),
        ("a line break", "a\r\nb", "a\r\nb"),
        ("a space", "a b", "a b"),
        ("encoded", "%C5%BE", "ž"),
    ] {
        // As few browsers encode it, but some programs do.
        let form = format!(
            "client_id=web&redirect_uri={CALLBACK}&response_type=code&scope=openid&code_challenge={CHALLENGE}&code_challenge_method=S256&state={state}"
        );
        let answer = alice.run(&[&url, "--data-binary", &form]);
        assert_eq!(answer.status, 303, "{name}: {}", answer.body);
        let code = place.follow(&alice, &place.location(&answer));
        assert_eq!(Led::to(&code), Led::Code, "{name}");
        assert_eq!(
            parameter(&code, "state").as_deref(),
            Some(expected),
            "{name}"
        );
    }
}

#[test]
fn only_scopes_that_there_are_are_granted() {
    use crate::place::WEB;

    let place = Place::new();
    let alice = place.signed_in("alice");
    let request = Request::new("web").with("scope", "openid admin email offline_access email");
    let tokens = place.redeem(WEB, &place.code(&alice, &request)).json();
    assert_eq!(tokens["scope"], "openid email");
    let token = tokens["refresh_token"].as_str().expect("a refresh token");
    let refresh = |scope: &str| {
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
            ("scope", scope),
        ];
        place.token(WEB, &fields)
    };
    // RFC 6749 section 6.
    assert_eq!(error(&refresh("openid profile")), "invalid_scope");
    let refreshed = refresh("openid email");
    assert_eq!(
        refreshed.status, 200,
        "and nothing was lost: {}",
        refreshed.body
    );
}
