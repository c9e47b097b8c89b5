//! What somebody with curl sees of the site's promises.

use std::{
    process::Command,
    time::{Duration, SystemTime},
};

use axum_user_session::{KeyRing, key_ring::KeyId};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    curl::{Answer, Curl},
    elsewhere::{self, COOKIE},
    server::{self, Disk, Server},
};

const ALICE: [(&str, &str); 2] = [("username", "alice"), ("password", "alice")];
const BOB: [(&str, &str); 2] = [("username", "bob"), ("password", "bob")];

#[test]
fn a_sign_in_shows_in_its_own_response_and_in_the_next() {
    let disk = Disk::new();
    let server = Server::start(&disk);
    let curl = Curl::new(disk.path(), "jar");

    let answer = curl.post(&server.url("/login"), &ALICE);
    assert_eq!((answer.status, answer.header("location")), (303, Some("/")));
    assert!(answer.body.contains("Alice Smith"), "{}", answer.body);
    let session_id = curl
        .cookie("idsrv.session")
        .expect("the id is readable")
        .value;
    assert!(answer.body.contains(&session_id), "{}", answer.body);

    let session = session(&curl, &server);
    assert_eq!(session["user"]["sub"], "alice");
    assert_eq!(session["user"]["name"], "Alice Smith");
    assert_eq!(session["user"]["email"], "alice@example.com");
    assert_eq!(session["user"]["amr"], json!(["pwd"]));
    assert_eq!(session["user"]["idp"], "local");
    assert_eq!(session["session_id"], json!(session_id));
    assert_eq!(session["clients"], json!([]));
    let expires = session["expires"].as_str().expect("signed in");
    let expires = OffsetDateTime::parse(expires, &Rfc3339).expect("RFC 3339");
    assert!(expires.offset().is_utc() && expires > OffsetDateTime::from(SystemTime::now()));

    let home = curl.get(&server.url("/"));
    assert!(home.body.contains("Alice Smith") && home.body.contains(&session_id));
    assert_eq!(home.header("cache-control"), Some("no-store"));
    assert!(
        !disk.log().contains(&session_id),
        "a session id is in the log:\n{}",
        disk.log()
    );
}

#[test]
fn nobody_is_signed_in_at_first() {
    let disk = Disk::new();
    let server = Server::start(&disk);
    let curl = Curl::new(disk.path(), "jar");

    let answer = curl.get(&server.url("/session"));
    assert_eq!(
        answer.json(),
        json!({ "user": null, "session_id": null, "clients": [], "expires": null })
    );
    assert_eq!(answer.headers("set-cookie").count(), 0);
    assert!(
        curl.get(&server.url("/"))
            .body
            .contains("Nobody is signed in")
    );
    // Signing out is no error then.
    assert_eq!(curl.post(&server.url("/logout"), &[]).status, 303);
}

#[test]
fn remembering_makes_the_cookie_outlive_the_browser() {
    let disk = Disk::new();
    let server = Server::start(&disk);
    for (name, remember, persistent) in [
        ("not asked for", None, false),
        ("asked for", Some(("remember", "on")), true),
    ] {
        let curl = Curl::new(disk.path(), name);
        let fields: Vec<_> = ALICE.into_iter().chain(remember).collect();
        curl.post(&server.url("/login"), &fields);
        let kept = curl.cookie(COOKIE).expect("she is signed in");
        assert_eq!(kept.persistent, persistent, "{name}");
    }
}

#[test]
fn a_wrong_password_signs_nobody_in() {
    let disk = Disk::new();
    let server = Server::start(&disk);
    let curl = Curl::new(disk.path(), "jar");
    for (name, username, password) in [
        ("another's password", "alice", "bob"),
        ("no password", "alice", ""),
        ("nobody's name", "dave", "dave"),
        ("nobody at all", "", ""),
    ] {
        let fields = [("username", username), ("password", password)];
        let answer = curl.post(&server.url("/login"), &fields);
        assert_eq!(answer.status, 401, "{name}");
        assert!(answer.body.contains("role=\"alert\""), "{name}");
        assert!(
            answer.body.contains(&format!("value=\"{username}\"")),
            "{name}: what was entered is kept"
        );
        assert_eq!(session(&curl, &server)["user"], Value::Null, "{name}");
    }
    // Nor does it sign anybody out.
    curl.post(&server.url("/login"), &ALICE);
    curl.post(
        &server.url("/login"),
        &[("username", "bob"), ("password", "")],
    );
    assert_eq!(session(&curl, &server)["user"]["sub"], "alice");
}

#[test]
fn clients_are_kept_in_order_each_once() {
    let disk = Disk::new();
    let server = Server::start(&disk);
    let curl = Curl::new(disk.path(), "jar");

    assert_eq!(add_client(&curl, &server, "client1").status, 401);
    curl.post(&server.url("/login"), &ALICE);
    for client in ["zulu", "alpha", "zulu"] {
        assert_eq!(add_client(&curl, &server, client).status, 204, "{client}");
    }
    for (name, client) in [("empty", String::new()), ("too long", "a".repeat(201))] {
        assert_eq!(add_client(&curl, &server, &client).status, 400, "{name}");
    }
    assert_eq!(session(&curl, &server)["clients"], json!(["zulu", "alpha"]));

    // A browser gets a page to look at.
    let fields = [("client_id", "mike"), ("return_url", "/")];
    let answer = curl.post(&server.url("/clients"), &fields);
    assert_eq!((answer.status, answer.header("location")), (303, Some("/")));
    assert!(curl.get(&server.url("/")).body.contains("<li>mike</li>"));
}

#[test]
fn a_session_holds_clients_up_to_its_cookies_budget() {
    let disk = Disk::new();
    let server = Server::with_database(&disk, "none");
    let curl = Curl::new(disk.path(), "jar");
    curl.post(&server.url("/login"), &ALICE);

    let mut added = Vec::new();
    let refused = loop {
        let client = format!("{:0200}", added.len());
        let answer = add_client(&curl, &server, &client);
        if answer.status != 204 {
            break answer;
        }
        added.push(client);
        assert!(added.len() < 100, "the budget is a few kilobytes");
    };
    assert_eq!(refused.status, 409);
    assert!(refused.body.contains("role=\"alert\""));
    // In several cookies by now, and none is lost.
    assert_eq!(session(&curl, &server)["clients"], json!(added));
}

#[test]
fn a_sign_out_ends_the_session_here() {
    let disk = Disk::new();
    let server = Server::start(&disk);
    let curl = Curl::new(disk.path(), "jar");
    curl.post(&server.url("/login"), &ALICE);
    add_client(&curl, &server, "client1");

    let answer = curl.post(&server.url("/logout"), &[]);
    assert_eq!((answer.status, answer.header("location")), (303, Some("/")));
    assert_eq!(session(&curl, &server)["user"], Value::Null);
    for name in [COOKIE, "idsrv.session"] {
        assert!(curl.cookie(name).is_none(), "{name}");
    }
    // Its clients are to be told.
    disk.wait_for_log("client1");
}

/// The limit of sessions that are in a cookie and nowhere else. The README says so; this proves it.
#[test]
fn a_cookie_copied_before_the_sign_out_still_works_after_it() {
    let disk = Disk::new();
    let server = Server::with_database(&disk, "none");
    let curl = Curl::new(disk.path(), "jar");
    curl.post(&server.url("/login"), &ALICE);
    let thief = curl.copied("copy");

    curl.post(&server.url("/logout"), &[]);
    assert_eq!(session(&curl, &server)["user"], Value::Null);
    assert_eq!(session(&thief, &server)["user"]["sub"], "alice");
}

#[test]
fn another_user_gets_another_session() {
    let disk = Disk::new();
    let server = Server::start(&disk);
    let curl = Curl::new(disk.path(), "jar");
    curl.post(&server.url("/login"), &ALICE);
    add_client(&curl, &server, "client1");
    let alices = session(&curl, &server);

    let form = curl.get(&server.url("/login"));
    assert!(
        form.body
            .contains("You are signed in as <strong>Alice Smith</strong>")
    );
    let answer = curl.post(&server.url("/login"), &BOB);
    assert!(answer.body.contains("Bob Jones"), "{}", answer.body);
    let bobs = session(&curl, &server);
    assert_eq!(bobs["user"]["sub"], "bob");
    assert_eq!(bobs["clients"], json!([]));
    assert_ne!(bobs["session_id"], alices["session_id"]);
}

#[test]
fn a_restart_signs_nobody_out() {
    let disk = Disk::new();
    let server = Server::start(&disk);
    let curl = Curl::new(disk.path(), "jar");
    curl.post(&server.url("/login"), &ALICE);
    for client in ["client1", "client2"] {
        add_client(&curl, &server, client);
    }
    let before = session(&curl, &server);
    assert!(server.stop().success(), "{}", disk.log());

    let server = Server::start(&disk);
    assert_eq!(session(&curl, &server), before);
    assert_eq!(before["clients"], json!(["client1", "client2"]));
}

#[tokio::test]
async fn a_key_rotation_signs_nobody_out() {
    let disk = Disk::new();
    let server = Server::start(&disk);
    let curl = Curl::new(disk.path(), "jar");
    curl.post(&server.url("/login"), &ALICE);
    let before = session(&curl, &server);
    let old = sealed_with(&curl);

    let rotation = Command::new(server::example("key_rotation"))
        .arg(disk.key_file())
        .arg("60")
        .output()
        .expect("the example can be run");
    let said = String::from_utf8(rotation.stdout).expect("text");
    assert!(rotation.status.success(), "{said}");
    let ring = KeyRing::open_file(disk.key_file()).expect("the key file");
    let [sealing, scheduled] = ring.keys()[..] else {
        panic!("{said}");
    };
    assert_eq!(sealing.id(), old);
    let new = scheduled.id();
    assert!(said.contains(&format!("{old}  seals")), "{said}");
    assert!(
        said.contains(&format!("{new}  opens, and seals in 3")),
        "{said}"
    );

    // Its clock is ahead, so it seals with the new key already. The server does not, and opens at once what it meets under it.
    let ahead = SystemTime::now() + Duration::from_secs(2 * 60 * 60);
    let roaming = Curl::new(disk.path(), "roaming");
    let cookie = elsewhere::sign_in(&disk, ahead).await;
    roaming.plant(COOKIE, &cookie);
    assert_eq!(sealed_with(&roaming), new);
    assert_eq!(session(&roaming, &server)["user"]["sub"], "alice");
    let bob = Curl::new(disk.path(), "bob");
    bob.post(&server.url("/login"), &BOB);
    assert_eq!(sealed_with(&bob), old);

    ring.promote(new).expect("the key file can be written");
    assert!(server.stop().success(), "{}", disk.log());
    let server = Server::start(&disk);
    bob.post(&server.url("/login"), &BOB);
    assert_eq!(sealed_with(&bob), new);
    assert_eq!(session(&curl, &server), before, "nobody was signed out");
}

#[tokio::test]
async fn the_account_asks_for_a_recent_sign_in() {
    let disk = Disk::new();
    let server = Server::start(&disk);
    let curl = Curl::new(disk.path(), "jar");
    let account = server.url("/account");
    let as_a_browser = [&account, "--header", "Accept: text/html"];

    assert_eq!(curl.get(&account).status, 401);
    let answer = curl.run(&as_a_browser);
    let login = answer.header("location").expect("a redirect");
    assert_eq!((answer.status, login), (303, "/login?return_url=/account"));
    let form = curl.get(&server.url(login));
    assert!(form.body.contains(r#"name="return_url" value="/account""#));
    let fields: Vec<_> = ALICE
        .into_iter()
        .chain([("return_url", "/account")])
        .collect();
    let answer = curl.post(&server.url("/login"), &fields);
    assert_eq!(answer.header("location"), Some("/account"));
    assert!(curl.get(&account).body.contains("alice@example.com"));

    // She signed in an hour ago: to see the account she must do it again, and the session goes on.
    let curl = Curl::new(disk.path(), "an hour old");
    let an_hour_ago = SystemTime::now() - Duration::from_secs(3600);
    curl.plant(COOKIE, &elsewhere::sign_in(&disk, an_hour_ago).await);
    let before = session(&curl, &server);
    assert_eq!(before["clients"], json!(["client1"]));
    assert_eq!(curl.get(&account).status, 401);
    let answer = curl.run(&as_a_browser);
    let login = answer.header("location").expect("a redirect");
    assert_eq!(login, "/login?return_url=/account&prompt=login");
    let form = curl.get(&server.url(login));
    assert!(form.body.contains("Confirm that it is you"));
    assert!(form.body.contains(r#"name="username" value="alice""#));
    curl.post(&server.url("/login"), &fields);
    assert_eq!(curl.get(&account).status, 200);
    let after = session(&curl, &server);
    assert_eq!(
        (&after["session_id"], &after["clients"]),
        (&before["session_id"], &before["clients"])
    );
}

#[test]
fn off_the_loopback_cookies_need_tls() {
    let disk = Disk::new();
    let server = Server::listening_on("0.0.0.0:0", &disk);
    assert!(disk.log().contains("TLS"), "{}", disk.log());
    let here = server.url("/login").replace("0.0.0.0", "127.0.0.1");
    let answer = Curl::new(disk.path(), "jar").post(&here, &ALICE);
    let cookies: Vec<_> = answer.headers("set-cookie").collect();
    assert_eq!(cookies.len(), 2);
    assert!(
        cookies
            .iter()
            .any(|cookie| cookie.starts_with("__Host-idsrv="))
    );
    for cookie in cookies {
        assert!(cookie.contains("; Secure"), "{cookie}");
    }
}

#[test]
fn a_server_that_can_not_start_says_why() {
    let disk = Disk::new();
    let first = Server::start(&disk);
    let taken = first.origin().trim_start_matches("http://");
    let own = disk.database();
    for (name, listen, database, reason) in [
        ("no address", "nowhere", &*own, "nowhere"),
        ("taken", taken, &*own, "can't listen on"),
        (
            "no database",
            "127.0.0.1:0",
            "mysql://root:secret@db/",
            "DATABASE_URL begins with",
        ),
        ("no file", "127.0.0.1:0", "sqlite:", "names no file"),
        (
            "in memory",
            "127.0.0.1:0",
            "sqlite::memory:",
            "no database in memory",
        ),
        (
            "not there",
            "127.0.0.1:0",
            "redis://:secret@127.0.0.1:1/",
            "stops",
        ),
    ] {
        assert!(
            !server::failing(listen, &disk, database).success(),
            "{name}"
        );
        assert!(disk.log().contains(reason), "{name}: {}", disk.log());
    }
    assert!(!disk.log().contains("secret"), "{}", disk.log());
}

#[cfg(unix)]
#[test]
fn nobody_else_can_read_the_keys() {
    use std::os::unix::fs::PermissionsExt;
    let disk = Disk::new();
    let _server = Server::start(&disk);
    let keys = std::fs::metadata(disk.key_file()).expect("the server has made it");
    assert_eq!(keys.permissions().mode() & 0o777, 0o600);
}

fn session(curl: &Curl, server: &Server) -> Value {
    let answer = curl.get(&server.url("/session"));
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    answer.json()
}

fn add_client(curl: &Curl, server: &Server, client: &str) -> Answer {
    curl.post(&server.url("/clients"), &[("client_id", client)])
}

/// The key that the jar's cookie was sealed with: its id follows a byte for the version.
fn sealed_with(curl: &Curl) -> KeyId {
    let cookie = curl.cookie(COOKIE).expect("somebody is signed in");
    let sealed = BASE64_URL_SAFE_NO_PAD
        .decode(cookie.value)
        .expect("base64url");
    let id: String = sealed[1..9]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    id.parse().expect("a key id")
}
