//! Whom a client means by `id_token_hint` (OpenID Connect Core 1.0 section 3.1.2.1).

use crate::{
    led::{Led, sign_in},
    place::{Place, text},
    request::Request,
};

#[test]
fn a_hint_means_one_user() {
    let place = Place::new();
    let [alice, bob] = ["alice", "bob"].map(|user| place.signed_in(user));
    let tokens = place.tokens(&alice);
    let hint = text(&tokens, "id_token");
    let (head, signature) = hint.rsplit_once('.').expect("a JWT has three parts");
    let (_, claims) = head.split_once('.').expect("a JWT has three parts");
    let code = || Led::Code;
    let refused = || Led::Error("login_required".to_owned());
    for (name, hint, for_alice) in [
        ("her own", hint, code()),
        ("no JWT", "x", refused()),
        ("no signature", &format!("{head}."), refused()),
        (
            "another signature",
            &format!("{head}.{}", "A".repeat(signature.len())),
            refused(),
        ),
        // {"alg":"none"}
        (
            "no algorithm",
            &format!("eyJhbGciOiJub25lIn0.{claims}."),
            refused(),
        ),
        ("an access token", text(&tokens, "access_token"), refused()),
    ] {
        let request = Request::new("web").and("id_token_hint", hint);
        let silent = request.clone().and("prompt", "none");
        assert_eq!(Led::to(&place.sent(&alice, &silent)), for_alice, "{name}");
        for user in [&bob, &place.nobody()] {
            assert_eq!(Led::to(&place.sent(user, &silent)), refused(), "{name}");
            let asked = Led::to(&place.sent(user, &request));
            assert!(matches!(asked, Led::Login(_)), "{name}: {asked:?}");
        }
    }
}

#[test]
fn whoever_signs_in_must_be_the_one_who_is_meant() {
    let place = Place::new();
    let alice = place.signed_in("alice");
    let tokens = place.tokens(&alice);
    let request = Request::new("web").and("id_token_hint", text(&tokens, "id_token"));
    for (user, led) in [
        ("bob", Led::Error("login_required".to_owned())),
        ("carol", Led::Error("login_required".to_owned())),
        ("alice", Led::Code),
    ] {
        let browser = place.signed_in("bob");
        let login = place.sent(&browser, &request);
        let back = sign_in(&place, &browser, &login, user);
        assert_eq!(Led::to(&place.follow(&browser, &back)), led, "{user}");
    }
}
