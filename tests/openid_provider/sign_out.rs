//! Signing out on a client's behalf (OpenID Connect RP-Initiated Logout 1.0).

use url::Url;

use crate::{
    curl::Answer,
    journey::Page,
    place::{Place, text},
};

const BACK: &str = "https://client.example/signed-out";

#[test]
fn o3_a_hint_for_this_session_signs_out_at_once() {
    let place = Place::new();
    let alice = place.signed_in("alice");
    let tokens = place.tokens(&alice);
    let url = end_session(&place, text(&tokens, "id_token"), BACK);
    let page = alice.get(url.as_str());
    assert_eq!(page.status, 200);
    let next = "https://client.example/signed-out?state=%3Cthe%20state%3E";
    assert!(page.body.contains(next), "{}", page.body);
    assert_eq!(alice.session_id(&place.server), None);
    assert_eq!(place.userinfo(&tokens).status, 401);
}

#[test]
fn o3_a_hint_for_another_session_asks_first() {
    let place = Place::new();
    let tokens = place.tokens(&place.signed_in("alice"));
    // An application's mistake, or a trap.
    let alice = place.signed_in_elsewhere("alice");
    let session = alice.session_id(&place.server);
    let url = end_session(&place, text(&tokens, "id_token"), BACK);
    let asked = || {
        let page = alice.get(url.as_str());
        assert_eq!(page.status, 200);
        assert!(
            page.body.contains("Do you want to sign out?"),
            "{}",
            page.body
        );
        hidden(&page)
    };

    let (name, token) = asked();
    assert_eq!(alice.session_id(&place.server), session);
    // Not with a form on another site, even if that knew the token.
    let fields = [(&*name, &*token)];
    let origin = ["--header", "Origin: https://client.example"];
    alice.post_with(url.as_str(), &fields, &origin);
    assert_eq!(alice.session_id(&place.server), session);

    let answer = alice.post(url.as_str(), &[fields[0], ("decline", "1")]);
    assert_eq!(answer.header("location"), Some("/"));
    assert_eq!(alice.session_id(&place.server), session);

    let (name, token) = asked();
    let answer = alice.post(url.as_str(), &[(&*name, &*token)]);
    assert!(
        answer.body.contains("You are signed out"),
        "{}",
        answer.body
    );
    assert_eq!(alice.session_id(&place.server), None);
}

#[test]
fn o3_a_post_of_another_site_becomes_a_link() {
    let place = Place::new();
    let alice = place.signed_in("alice");
    let tokens = place.tokens(&alice);
    let url = end_session_endpoint(&place);
    let fields = [
        ("id_token_hint", text(&tokens, "id_token")),
        ("post_logout_redirect_uri", BACK),
    ];
    // Without the cookie, as a browser sends it.
    let origin = ["--header", "Origin: https://client.example"];
    let answer = place.nobody().post_with(url.as_str(), &fields, &origin);
    assert_eq!(answer.status, 303, "{}", answer.body);
    let link = Page { url, answer }.leads_to().expect("a redirect");
    let page = alice.visit(link.as_str());
    assert!(page.answer.body.contains(BACK), "{}", page.answer.body);
    assert_eq!(alice.session_id(&place.server), None);
}

#[test]
fn o3_nobody_is_sent_where_no_client_is_registered() {
    let place = Place::new();
    for back in [
        "https://evil.example/",
        "https://client.example/callback",
        "https://client.example/signed-out/",
        "https://client.example/signed-out?x",
        "javascript:alert(1)",
        "//client.example/signed-out",
    ] {
        let alice = place.signed_in("alice");
        let tokens = place.tokens(&alice);
        let url = end_session(&place, text(&tokens, "id_token"), back);
        let page: Page = alice.visit(url.as_str());
        assert_eq!(page.url.origin(), url.origin(), "{back}");
        assert!(
            !page.answer.body.contains(back),
            "{back}: {}",
            page.answer.body
        );
    }
}

fn end_session(place: &Place, hint: &str, back: &str) -> Url {
    let parameters = [
        ("id_token_hint", hint),
        ("post_logout_redirect_uri", back),
        ("state", "<the state>"),
    ];
    let url = end_session_endpoint(place);
    Url::parse_with_params(url.as_str(), parameters).expect("a URL")
}

fn end_session_endpoint(place: &Place) -> Url {
    let url = place.server.url("/connect/endsession");
    Url::parse(&url).expect("a URL")
}

/// Name and value of a form's hidden field.
fn hidden(page: &Answer) -> (String, String) {
    let (_, rest) = page
        .body
        .split_once("<input type=\"hidden\" name=\"")
        .expect("a field");
    let (name, rest) = rest.split_once("\" value=\"").expect("it has a value");
    let (value, _) = rest.split_once('"').expect("the value ends");
    (name.to_owned(), value.to_owned())
}
