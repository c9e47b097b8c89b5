//! What a user is asked, and when not (OpenID Connect Core 1.0 section 3.1.2.1).

use crate::{
    journey::parameter,
    led::{Led, sign_in},
    place::Place,
    request::Request,
};

#[test]
fn prompt_and_max_age_decide_what_a_user_is_asked() {
    let place = Place::new();
    let alice = place.signed_in("alice");
    let nobody = place.nobody();
    let code = || Led::Code;
    let login = |prompt: &str| Led::Login((!prompt.is_empty()).then(|| prompt.to_owned()));
    let refused = |error: &str| Led::Error(error.to_owned());
    for (query, signed_in, anonymous) in [
        ("", code(), login("")),
        ("prompt=", code(), login("")),
        ("prompt=none", code(), refused("login_required")),
        ("prompt=login", login("login"), login("")),
        ("prompt=select_account", login("select_account"), login("")),
        ("prompt=login+select_account", login("login"), login("")),
        ("max_age=3600", code(), login("")),
        (
            "max_age=3600&prompt=none",
            code(),
            refused("login_required"),
        ),
        ("max_age=0", login("login"), login("")),
        (
            "max_age=0&prompt=none",
            refused("login_required"),
            refused("login_required"),
        ),
        ("max_age=0&prompt=select_account", login("login"), login("")),
        (
            "prompt=none+select_account",
            refused("invalid_request"),
            refused("invalid_request"),
        ),
        ("prompt=none+none", code(), refused("login_required")),
    ] {
        let request = Request::new("web").and_query(query);
        assert_eq!(Led::to(&place.sent(&alice, &request)), signed_in, "{query}");
        assert_eq!(
            Led::to(&place.sent(&nobody, &request)),
            anonymous,
            "{query}, anonymous"
        );
    }
}

#[test]
fn signing_in_again_counts_once_and_for_one_request() {
    let place = Place::new();
    for query in ["prompt=login", "max_age=0"] {
        let alice = place.signed_in("alice");
        let request = Request::new("web").and_query(query);
        let other = request.clone().with("state", "another request");
        let login = place.sent(&alice, &request);
        assert_eq!(
            Led::to(&login),
            Led::Login(Some("login".to_owned())),
            "{query}"
        );

        // It was not for this one.
        let answered = sign_in(&place, &alice, &login, "alice");
        assert_eq!(
            Led::to(&place.sent(&alice, &other)),
            Led::to(&login),
            "{query}"
        );
        assert_eq!(
            Led::to(&place.follow(&alice, &answered)),
            Led::Code,
            "{query}"
        );
        // And once is enough for once.
        assert_eq!(
            Led::to(&place.sent(&alice, &request)),
            Led::to(&login),
            "{query}"
        );
    }
}

#[test]
fn a_sign_in_elsewhere_is_no_answer() {
    let place = Place::new();
    let alice = place.signed_in("alice");
    let request = Request::new("web").and("prompt", "login");
    let login = place.sent(&alice, &request);
    // Without the way back, or to another page.
    for return_url in [None, Some("/"), Some("/connect/authorize")] {
        let mut fields = vec![("username", "alice"), ("password", "alice")];
        fields.extend(return_url.map(|url| ("return_url", url)));
        let answer = alice.post(&place.server.url("/login"), &fields);
        assert_eq!(answer.status, 303);
        assert_eq!(
            Led::to(&place.sent(&alice, &request)),
            Led::to(&login),
            "{return_url:?}"
        );
    }
}

#[test]
fn an_account_is_chosen_once_and_for_one_request() {
    let place = Place::new();
    let alice = place.signed_in("alice");
    let request = Request::new("web").and("prompt", "select_account");
    let login = place.sent(&alice, &request);
    let choose = |fields: &[(&str, &str)]| {
        let answer = alice.post(&place.server.url("/login/continue"), fields);
        assert_eq!(answer.status, 200);
        place.location(&answer)
    };
    let return_url = parameter(&login, "return_url").expect("the way back");
    let chosen = choose(&[("return_url", &return_url)]);
    // To go on is no sign-in.
    let strict = Request::new("web").and("prompt", "login select_account");
    let strictly = place.sent(&alice, &strict);
    let strict_url = parameter(&strictly, "return_url").expect("the way back");
    assert_eq!(Led::to(&place.follow(&alice, &chosen)), Led::Code);
    assert_eq!(
        Led::to(&place.sent(&alice, &request)),
        Led::to(&login),
        "once"
    );
    let went_on = choose(&[("return_url", &strict_url)]);
    assert_eq!(Led::to(&place.follow(&alice, &went_on)), Led::to(&strictly));

    // Another account is a choice too.
    let login = place.sent(&alice, &request);
    let other = sign_in(&place, &alice, &login, "bob");
    assert_eq!(Led::to(&place.follow(&alice, &other)), Led::Code);
    let session = alice.get(&place.server.url("/session")).json();
    assert_eq!(session["user"]["sub"], "bob");
}
