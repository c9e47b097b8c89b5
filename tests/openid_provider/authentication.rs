//! How clients show who they are (OpenID Connect Core 1.0 section 9).

use base64::{Engine, prelude::BASE64_STANDARD};

use crate::{
    place::{Place, Shown, WEB, code_fields, error},
    request::Request,
};

#[test]
fn a_client_shows_who_it_is_in_one_way() {
    let place = Place::new();
    let alice = place.signed_in("alice");
    let basic = |text: &str| format!("Basic {}", BASE64_STANDARD.encode(text));
    let right = basic("web:secret+of+web");
    let percent = basic("%77eb:secret%20of%20web");
    let wrong = basic("web:secret");
    let empty = basic("web:");
    let others = basic("other:secret+of+web");
    let no_colon = basic("web");
    let unencoded = basic("web:secret of web");
    let lower = right.replace("Basic", "basic");
    let bearer = right.replace("Basic", "Bearer");

    // Those that are refused use the code up for nobody.
    let code = place.code(&alice, &Request::new("web"));
    for (name, shown) in [
        ("a wrong secret", Shown::Post("web", Some("secret"))),
        ("an empty secret", Shown::Post("web", Some(""))),
        ("no secret", Shown::Post("web", None)),
        (
            "another client's",
            Shown::Post("web", Some("secret of other")),
        ),
        ("the hash", Shown::Post("web", Some(HASH))),
        (
            "an unknown client",
            Shown::Post("nobody", Some("secret of web")),
        ),
        (
            "a public client with a secret",
            Shown::Post("page", Some("x")),
        ),
        ("no client", Shown::Post("", None)),
        ("a wrong secret, basic", Shown::Basic(&wrong)),
        ("an empty one, basic", Shown::Basic(&empty)),
        ("another client, basic", Shown::Basic(&others)),
        ("no colon, basic", Shown::Basic(&no_colon)),
        ("no base64", Shown::Basic("Basic %%%")),
        ("nothing, basic", Shown::Basic("Basic ")),
        ("only a scheme", Shown::Basic("Basic")),
        ("another scheme", Shown::Basic(&bearer)),
    ] {
        let answer = place.redeem(shown, &code);
        assert_eq!(answer.status, 401, "{name}: {}", answer.body);
        assert_eq!(error(&answer), "invalid_client", "{name}");
        let challenge = answer.header("www-authenticate").unwrap_or_default();
        assert!(challenge.starts_with("Basic"), "{name}: {challenge}");
    }
    for (name, more) in [
        (
            "two ways",
            [("client_id", "web"), ("client_secret", "secret of web")],
        ),
        ("two clients", [("client_id", "other"), ("x", "")]),
    ] {
        let fields: Vec<_> = code_fields(&code).into_iter().chain(more).collect();
        let answer = place.token(Shown::Basic(&right), &fields);
        assert_eq!(error(&answer), "invalid_client", "{name}");
    }
    assert_eq!(place.redeem(WEB, &code).status, 200);

    for (name, shown) in [
        ("basic", &right),
        ("basic, percent-encoded", &percent),
        ("basic in small letters", &lower),
        // Many clients do not encode.
        ("basic, not encoded", &unencoded),
    ] {
        let code = place.code(&alice, &Request::new("web"));
        let answer = place.redeem(Shown::Basic(shown), &code);
        assert_eq!(answer.status, 200, "{name}: {}", answer.body);
    }
    let code = place.code(&alice, &Request::new("web"));
    let fields: Vec<_> = code_fields(&code)
        .into_iter()
        .chain([("client_id", "web")])
        .collect();
    let answer = place.token(Shown::Basic(&right), &fields);
    assert_eq!(answer.status, 200, "the id twice: {}", answer.body);

    let code = place.code(&alice, &Request::new("page"));
    let answer = place.redeem(Shown::Post("page", None), &code);
    assert_eq!(answer.status, 200, "a public client: {}", answer.body);
}

/// SHA-256 of the secret, as it is in the file of clients.
const HASH: &str = "17e027d09cdaf70e87754f3346469a70bfbc19a9268cb5f933953821bd546f0d";
