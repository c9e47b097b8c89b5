//! The lists of sessions: a user's own, and the operator's.

use serde_json::{Value, json};

use crate::{
    curl::{Answer, Curl, JSON},
    server::{Disk, Server},
};

const OWN: &str = "/sessions/revoke";
const ANYBODYS: &str = "/admin/sessions/revoke";

#[test]
fn s11_a_user_sees_and_ends_only_the_own_sessions() {
    let disk = Disk::new();
    let server = Server::start(&disk);
    let [laptop, phone, tablet] =
        ["laptop", "phone", "tablet"].map(|jar| Curl::signed_in(&disk, &server, jar, "alice"));
    let bob = Curl::signed_in(&disk, &server, "bob", "bob");

    let list = sessions(&laptop, &server, "/sessions");
    assert_eq!(list.len(), 3);
    for session in &list {
        assert_eq!(session["subject"], "alice");
        let own = session["session_id"] == json!(laptop.session_id(&server));
        assert_eq!(session["this_device"], json!(own));
        assert_eq!(session["address"], "127.0.0.1");
        let agent = session["user_agent"].as_str();
        assert!(
            agent.is_some_and(|agent| agent.starts_with("curl/")),
            "{session}"
        );
    }
    let page = laptop.get(&server.url("/sessions"));
    assert_eq!(page.status, 200);
    assert_eq!(page.body.matches("This device").count(), 1);

    // Another's is not there to be ended.
    let bobs = bob.session_id(&server).expect("he is signed in");
    assert_eq!(end(&laptop, &server, OWN, &[("session_id", &bobs)]), 0);
    assert_eq!(bob.session_id(&server), Some(bobs));

    let phones = phone.session_id(&server).expect("she is signed in");
    assert_eq!(end(&laptop, &server, OWN, &[("session_id", &phones)]), 1);
    assert_eq!(phone.session_id(&server), None);
    assert_eq!(end(&laptop, &server, OWN, &[("session_id", &phones)]), 0);

    assert_eq!(end(&laptop, &server, "/sessions/revoke-others", &[]), 1);
    assert_eq!(tablet.session_id(&server), None);
    let own = laptop.session_id(&server).expect("this one is left");
    let answer = laptop.post(&server.url(OWN), &[("session_id", &own)]);
    assert_eq!((answer.status, answer.header("location")), (303, Some("/")));
    assert_eq!(laptop.session_id(&server), None);
}

#[test]
fn s10_only_an_operator_sees_everybodys_sessions() {
    let disk = Disk::new();
    let server = Server::start(&disk);
    let nobody = Curl::new(disk.path(), "nobody");
    let alice = Curl::signed_in(&disk, &server, "alice", "alice");
    let carol = Curl::signed_in(&disk, &server, "carol", "carol");
    for (name, who, status) in [
        ("nobody", &nobody, 401),
        ("a user", &alice, 403),
        ("the operator", &carol, 200),
    ] {
        for accept in ["Accept: */*", JSON[1]] {
            let answer = who.run(&[&server.url("/admin/sessions"), "--header", accept]);
            assert_eq!(answer.status, status, "{name}, {accept}");
            let json = answer.header("content-type") == Some("application/json");
            assert_eq!(json, accept == JSON[1], "{name}, {accept}");
        }
    }
    for (name, who, status) in [("nobody", &nobody, 401), ("a user", &alice, 403)] {
        let answer = who.post(&server.url(ANYBODYS), &[("subject", "carol")]);
        assert_eq!(answer.status, status, "{name}");
    }
    assert!(carol.session_id(&server).is_some());
    let login = nobody.run(&[&server.url("/sessions"), "--header", "Accept: text/html"]);
    assert_eq!(
        login.header("location"),
        Some("/login?return_url=/sessions")
    );
}

#[test]
fn s10_the_operator_searches_pages_and_revokes() {
    let disk = Disk::new();
    let server = Server::start(&disk);
    let alices: Vec<_> = (0..3)
        .map(|number| Curl::signed_in(&disk, &server, &format!("alice {number}"), "alice"))
        .collect();
    let bob = Curl::signed_in(&disk, &server, "bob", "bob");
    let carol = Curl::signed_in(&disk, &server, "carol", "carol");
    let bobs = bob.session_id(&server).expect("he is signed in");

    for (name, query, expected) in [
        ("everyone", String::new(), 5),
        (
            "empty fields",
            "subject=&session_id=&name=&page=".to_owned(),
            5,
        ),
        ("a subject", "subject=alice".to_owned(), 3),
        ("a part of a subject", "subject=alic".to_owned(), 0),
        ("a session id", format!("session_id={bobs}"), 1),
        (
            "both, of two users",
            format!("subject=alice&session_id={bobs}"),
            0,
        ),
        ("the beginning of a name", "name=ALICE%20s".to_owned(), 3),
        ("a wildcard", "name=%25".to_owned(), 0),
    ] {
        let found = sessions(&carol, &server, &format!("/admin/sessions?{query}"));
        assert_eq!(found.len(), expected, "{name}");
    }

    let first = json(&carol, &server, "/admin/sessions?size=2");
    let token = first["next"].as_str().expect("there are more");
    assert_eq!(first["previous"], Value::Null);
    let second = json(
        &carol,
        &server,
        &format!("/admin/sessions?size=2&page={token}"),
    );
    let token = second["next"].as_str().expect("there is one more");
    let third = json(
        &carol,
        &server,
        &format!("/admin/sessions?size=2&page={token}"),
    );
    assert_eq!(third["next"], Value::Null);
    let pages =
        [&first, &second, &third].map(|page| page["sessions"].as_array().expect("a list").clone());
    let mut ids: Vec<_> = pages
        .concat()
        .iter()
        .map(|session| session["session_id"].to_string())
        .collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 5, "each once");

    for (name, path) in [
        (
            "a token of another list",
            format!("/admin/sessions?subject=alice&page={token}"),
        ),
        ("no token", "/admin/sessions?page=x".to_owned()),
        (
            "no session id",
            "/admin/sessions?session_id=%20%01".to_owned(),
        ),
        ("no size", "/admin/sessions?size=many".to_owned()),
        (
            "a subject that nobody can have",
            "/admin/sessions?subject=a%00b".to_owned(),
        ),
    ] {
        assert_eq!(carol.get(&server.url(&path)).status, 400, "{name}");
        let answer = carol.run(&[&server.url(&path), JSON[0], JSON[1]]);
        assert_eq!(answer.status, 400, "{name}");
        assert_eq!(answer.json()["error"], "Not understood", "{name}");
    }
    // That would be everybody.
    let answer = revoke(&carol, &server, &[("subject", ""), ("name", "")]);
    assert_eq!(answer.status, 400);

    assert_eq!(end(&carol, &server, ANYBODYS, &[("session_id", &bobs)]), 1);
    assert_eq!(bob.session_id(&server), None);
    for (return_url, expected) in [
        ("/admin/sessions?name=bob", "/admin/sessions?name=bob"),
        ("//evil.example", "/admin/sessions"),
    ] {
        let fields = [("session_id", &*bobs), ("return_url", return_url)];
        let answer = carol.post(&server.url(ANYBODYS), &fields);
        let back = (answer.status, answer.header("location"));
        assert_eq!(back, (303, Some(expected)), "none is left to end");
    }
    assert_eq!(end(&carol, &server, ANYBODYS, &[("subject", "alice")]), 3);
    for alice in &alices {
        assert_eq!(alice.session_id(&server), None);
    }
}

#[test]
fn without_a_database_there_are_no_lists() {
    let disk = Disk::new();
    let server = Server::with_database(&disk, "none");
    let carol = Curl::signed_in(&disk, &server, "carol", "carol");
    for path in ["/sessions", "/admin/sessions"] {
        let page = carol.get(&server.url(path));
        assert_eq!(page.status, 404);
        assert!(page.body.contains("cookies alone"), "{path}");
        let answer = carol.run(&[&server.url(path), JSON[0], JSON[1]]);
        assert_eq!(
            (answer.status, &answer.json()["error"]),
            (404, &json!("Not known here"))
        );
    }
}

#[test]
fn json_is_for_those_who_ask_for_it() {
    let disk = Disk::new();
    let server = Server::start(&disk);
    let alice = Curl::signed_in(&disk, &server, "alice", "alice");
    for (accept, json) in [
        ("", false),
        ("*/*", false),
        ("application/json", true),
        ("Application/JSON; charset=utf-8", true),
        ("application/json, text/plain, */*", true),
        ("application/json;q=0", false),
        ("text/html,application/xhtml+xml,*/*;q=0.8", false),
        ("text/html, application/json;q=0.9", false),
        ("text/html;q=0.5, application/json;q=0.9", true),
    ] {
        let header = format!("Accept: {accept}");
        let answer = alice.run(&[&server.url("/sessions"), "--header", &header]);
        let got = answer.header("content-type") == Some("application/json");
        assert_eq!(got, json, "{accept}");
    }
}

fn json(curl: &Curl, server: &Server, path: &str) -> Value {
    let answer = curl.run(&[&server.url(path), JSON[0], JSON[1]]);
    assert_eq!(answer.status, 200, "{path}");
    answer.json()
}

fn sessions(curl: &Curl, server: &Server, path: &str) -> Vec<Value> {
    json(curl, server, path)["sessions"]
        .as_array()
        .expect("a list")
        .clone()
}

fn revoke(curl: &Curl, server: &Server, fields: &[(&str, &str)]) -> Answer {
    curl.post_with(&server.url(ANYBODYS), fields, &JSON)
}

fn end(curl: &Curl, server: &Server, path: &str, fields: &[(&str, &str)]) -> Value {
    let answer = curl.post_with(&server.url(path), fields, &JSON);
    assert_eq!(answer.status, 200, "{path}");
    answer.json()["ended"].clone()
}
