//! What goes back to a client with a code.

use crate::{journey::parameter, place::Place, request::Request};

#[test]
fn an_answer_has_the_state_and_keeps_the_addresss_own_query() {
    let place = Place::new();
    let alice = place.signed_in("alice");
    let own = "https://client.example/own?query=1";
    for state in [
        "plain",
        "&code=forged&state=forged",
        "\"><script>alert(1)</script>",
        "Grüße, 100 % & mehr + noch = #1",
        "a\r\nSet-Cookie: a=b",
        "\\",
        " ",
    ] {
        let request = Request::new("web")
            .with("redirect_uri", own)
            .with("state", state);
        let url = place.sent(&alice, &request);
        assert!(url.as_str().starts_with(&format!("{own}&code=")), "{url}");
        let names: Vec<_> = url
            .query_pairs()
            .map(|(name, _)| name.into_owned())
            .collect();
        assert_eq!(
            names,
            ["query", "code", "session_state", "state", "iss"],
            "{state:?}"
        );
        assert_eq!(parameter(&url, "state").as_deref(), Some(state));
    }
    // Whoever sent none gets none.
    let url = place.sent(&alice, &Request::new("web").without("state"));
    assert_eq!(parameter(&url, "state"), None);
    assert_eq!(place.clients(&alice), ["web"]);
}

#[test]
fn a_post_is_the_same_as_a_link() {
    let place = Place::new();
    let alice = place.signed_in("alice");
    let url = place.server.url("/connect/authorize");
    let post = |body: &str| {
        // As a form on the client's own site sends it.
        let arguments = [
            &*url,
            "--data",
            body,
            "--header",
            "Origin: https://client.example",
        ];
        alice.run(&arguments)
    };
    let request = Request::new("web");
    let answer = post(&request.query());
    assert_eq!(answer.status, 303);
    assert_eq!(answer.header("location"), Some(&*request.path()));
    let url = place.sent(&alice, &request);
    assert!(parameter(&url, "code").is_some());

    for (name, body) in [
        ("a parameter twice", request.and("state", "other").query()),
        ("no ASCII", "client_id=web&state=ü".to_owned()),
    ] {
        assert_eq!(post(&body).status, 400, "{name}");
    }
}
