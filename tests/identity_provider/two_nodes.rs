//! Two nodes of the site with one database: they show one list, and what ends on one has ended on the other.

use serde_json::Value;

use crate::{
    curl::Curl,
    server::{Disk, Server},
    servers::{Cluster, Persistence, Postgres, Redis},
};

const ALICE: [(&str, &str); 2] = [("username", "alice"), ("password", "alice")];
const JSON: [&str; 2] = ["--header", "Accept: application/json"];

#[test]
fn s11_two_nodes_on_sqlite_are_one_site() {
    let disk = Disk::new();
    two_nodes(&disk, &disk.database());
}

#[test]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
fn s11_two_nodes_on_postgresql_are_one_site() {
    let database = Postgres::shared().create_database();
    two_nodes(&Disk::new(), &database.url);
}

#[test]
#[ignore = "needs Redis: bash tests/run.sh"]
fn s11_two_nodes_on_redis_are_one_site() {
    two_nodes(&Disk::new(), &Redis::shared().url());
}

#[test]
#[ignore = "needs Redis: bash tests/run.sh"]
fn s11_two_nodes_on_a_redis_cluster_are_one_site() {
    two_nodes(&Disk::new(), &Cluster::shared().urls().join(","));
}

#[test]
#[ignore = "needs Redis: bash tests/run.sh"]
fn s9_a_database_that_is_away_signs_nobody_out() {
    let mut redis = Redis::start_with(Persistence::Always);
    let disk = Disk::new();
    let server = Server::with_database(&disk, &redis.url());
    let curl = Curl::new(disk.path(), "jar");
    curl.post(&server.url("/login"), &ALICE);
    let before = id(&curl, &server);
    assert!(before.is_some());

    redis.stop();
    for path in ["/", "/session", "/sessions", "/admin/sessions"] {
        for (accept, said) in [("Accept: text/html", "<h1"), (JSON[1], "\"error\":")] {
            let answer = curl.run(&[&server.url(path), "--header", accept]);
            assert_eq!(answer.status, 503, "{path}, {accept}");
            assert!(answer.header("retry-after").is_some(), "{path}, {accept}");
            assert!(answer.body.contains(said), "{path}: {}", answer.body);
            assert_eq!(answer.headers("set-cookie").count(), 0, "{path}");
        }
    }
    redis.start_again();
    assert_eq!(id(&curl, &server), before);
}

fn two_nodes(disk: &Disk, database: &str) {
    let here = Server::with_database(disk, database);
    let there = Server::with_database(disk, database);
    let laptop = Curl::new(disk.path(), "laptop");
    let phone = Curl::new(disk.path(), "phone");
    laptop.post(&here.url("/login"), &ALICE);
    phone.post(&there.url("/login"), &ALICE);

    let [lists, others] = [&here, &there].map(|node| ids(&laptop, node));
    assert_eq!(lists.len(), 2);
    assert_eq!(lists, others, "one list");

    // Ended here, and gone there with the next request.
    let phones = id(&phone, &there).expect("she is signed in");
    let fields = [("session_id", &*phones)];
    let answer = laptop.post_with(&here.url("/sessions/revoke"), &fields, &JSON);
    assert_eq!(answer.json()["ended"], 1);
    assert_eq!(id(&phone, &there), None);
    assert_eq!(ids(&laptop, &there).len(), 1);

    // By the operator on the other node.
    let operator = Curl::new(disk.path(), "operator");
    operator.post(
        &there.url("/login"),
        &[("username", "carol"), ("password", "carol")],
    );
    let fields = [("subject", "alice")];
    let answer = operator.post_with(&there.url("/admin/sessions/revoke"), &fields, &JSON);
    assert_eq!(answer.json()["ended"], 1);
    assert_eq!(id(&laptop, &here), None);
}

fn ids(curl: &Curl, node: &Server) -> Vec<String> {
    let answer = curl.run(&[&node.url("/sessions"), JSON[0], JSON[1]]).json();
    let sessions = answer["sessions"].as_array().expect("a list").iter();
    let ids = sessions.map(|session| session["session_id"].as_str().expect("an id"));
    ids.map(str::to_owned).collect()
}

fn id(curl: &Curl, node: &Server) -> Option<String> {
    let session = curl.get(&node.url("/session")).json();
    match &session["session_id"] {
        Value::String(id) => Some(id.clone()),
        _ => None,
    }
}
