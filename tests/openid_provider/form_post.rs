//! Answers as a form that sends itself (OAuth 2.0 Form Post Response Mode 1.0).

use crate::{
    curl::Answer,
    place::{Place, WEB},
    request::{CALLBACK, Request, STATE},
};

#[test]
fn a_form_takes_the_answer_to_the_client() {
    let place = Place::new();
    let alice = place.signed_in("alice");
    let request = Request::new("web").and("response_mode", "form_post");
    let page = place.ask(&alice, &request);
    assert_eq!(page.status, 200);
    assert_eq!(page.header("location"), None);
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert!(
        page.body
            .contains(&format!("method=\"post\" action=\"{CALLBACK}\""))
    );
    assert_eq!(field(&page, "state").as_deref(), Some(STATE));
    assert_eq!(field(&page, "iss").as_deref(), Some(place.server.origin()));
    let code = field(&page, "code").expect("a code");
    assert_eq!(place.redeem(WEB, &code).status, 200);

    let policy = page.header("content-security-policy").expect("a policy");
    for part in ["default-src 'none'", "script-src 'sha256-"] {
        assert!(policy.contains(part), "{part}: {policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");

    // An error takes the same way.
    let page = place.ask(&place.nobody(), &request.and("prompt", "none"));
    assert_eq!(field(&page, "error").as_deref(), Some("login_required"));
    assert_eq!(field(&page, "code"), None);
}

#[test]
fn no_state_breaks_out_of_the_form() {
    let place = Place::new();
    let alice = place.signed_in("alice");
    for state in [
        "\"><script>alert(1)</script>",
        "' onfocus='alert(1)' autofocus='",
        "</form><form action=https://evil.example>",
        "<!--",
        "&quot;&#34;&amp;",
        "{{ 7 * 7 }}",
        "\u{202e}\u{0}",
    ] {
        let request = Request::new("web")
            .with("response_mode", "form_post")
            .with("state", state);
        let page = place.ask(&alice, &request);
        assert_eq!(page.status, 200);
        assert_eq!(field(&page, "state").as_deref(), Some(state));
        for once in ["<script", "<form", "<!--"] {
            assert!(
                page.body.matches(once).count() <= 1,
                "{state}: {}",
                page.body
            );
        }
        assert!(!page.body.contains("onfocus='"), "{state}");
        assert!(!page.body.contains("evil.example>"), "{state}");
    }
}

/// The value of a hidden field, as a browser reads it.
fn field(page: &Answer, name: &str) -> Option<String> {
    let begin = format!("<input type=\"hidden\" name=\"{name}\" value=\"");
    let (_, rest) = page.body.split_once(&begin)?;
    let (value, _) = rest.split_once('"')?;
    let mut plain = value.to_owned();
    // The ampersand last: what it begins is plain by then.
    for (escaped, character) in [
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#38;", "&"),
    ] {
        plain = plain.replace(escaped, character);
    }
    Some(plain)
}
