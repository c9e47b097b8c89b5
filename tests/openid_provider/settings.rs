//! What the provider makes of its settings.

use std::fs;

use crate::{
    curl::Curl,
    request::Request,
    server::{Disk, Server, refusing},
};

#[test]
fn k1_behind_a_proxy_of_the_same_machine_cookies_are_secure() {
    let disk = Disk::new();
    for (issuer, secure) in [
        ("https://id.example", true),
        ("http://localhost:3000", false),
    ] {
        let settings = [("ISSUER", issuer)];
        let server = Server::with_clients(&disk, "none", "", &settings);
        let fields = [("username", "alice"), ("password", "alice")];
        let answer = Curl::new(disk.path(), "jar").post(&server.url("/login"), &fields);
        assert_eq!(answer.status, 303, "{issuer}");
        assert!(answer.headers("set-cookie").count() > 0, "{issuer}");
        for cookie in answer.headers("set-cookie") {
            assert_eq!(cookie.contains("Secure"), secure, "{issuer}: {cookie}");
        }
    }
}

#[test]
fn a_file_of_clients_that_is_wrong_is_explained_without_its_secrets() {
    for (name, clients, line) in [
        (
            "a secret that is not hashed",
            "[[client]]\nid = \"a\"\nsecret = \"hunter2hunter2\"\n",
            "line 3",
        ),
        (
            "a forgotten quotation mark",
            "[[client]]\nid = \"a\"\n\nsecret_sha256 = \"hunter2hunter2\n",
            "line 4",
        ),
        (
            "signs among the digits",
            &*format!(
                "[[client]]\nid = \"hunter\"\nsecret_sha256 = \"{}\"\n",
                "+2".repeat(32)
            ),
            "64 hexadecimal digits",
        ),
    ] {
        let disk = Disk::new();
        assert!(!refusing(&disk, clients, &[]).success(), "{name}");
        let log = disk.log();
        assert!(log.contains(line), "{name}: {log}");
        assert!(!log.contains("hunter2"), "{name}: {log}");
    }
}

#[test]
fn an_issuer_is_an_origin() {
    let disk = Disk::new();
    for issuer in [
        "id.example",
        "https://id.example/",
        "https://id.example/path",
        "https://id.example:443",
        "https://ID.example",
        "https://id.example?query",
        "ftp://id.example",
    ] {
        let settings = [("ISSUER", issuer)];
        assert!(!refusing(&disk, "", &settings).success(), "{issuer}");
        let log = disk.log();
        assert!(log.contains("not an origin"), "{issuer}: {log}");
    }
}

#[test]
fn a_form_may_lead_to_an_app() {
    let disk = Disk::new();
    let clients = "[[client]]\nid = \"app\"\nredirect_uris = [\"com.example.app:/callback\"]\n";
    let server = Server::with_clients(&disk, &disk.database(), clients, &[]);
    let alice = Curl::signed_in(&disk, &server, "alice", "alice");
    let request = Request::new("app")
        .with("redirect_uri", "com.example.app:/callback")
        .with("response_mode", "form_post");
    let answer = alice.get(&server.url(&request.path()));
    assert_eq!(answer.status, 200, "{}", answer.body);
    let policy = answer.header("content-security-policy").unwrap_or_default();
    // It would be asked for the application's own redirects too.
    assert!(!policy.contains("form-action"), "{policy}");
    let action = "action=\"com.example.app:/callback\"";
    assert!(answer.body.contains(action), "{}", answer.body);
    // Nothing in an app has an origin to watch the session from.
    assert!(!answer.body.contains("session_state"), "{}", answer.body);
}

#[cfg(unix)]
#[test]
fn a_folder_that_takes_no_key_is_named_with_the_reason() {
    let disk = Disk::new();
    // Where the folder should be.
    fs::write(disk.path().join("keys"), "").expect("the folder can be written to");
    assert!(!refusing(&disk, "", &[]).success());
    let log = disk.log();
    assert!(log.contains("signing_key.pem"), "{log}");
    assert!(!log.contains("No such file"), "{log}");
}
