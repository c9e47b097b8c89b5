//! Two nodes of the site with one database: they show one list, and what ends on one has ended on the other.

use crate::{
    curl::{Curl, JSON},
    server::{Disk, Server},
    servers::{Cluster, Persistence, Postgres, Redis},
};

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
    let curl = Curl::signed_in(&disk, &server, "jar", "alice");
    let before = curl.session_id(&server);
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
    assert_eq!(curl.session_id(&server), before);
}

fn two_nodes(disk: &Disk, database: &str) {
    let here = Server::with_database(disk, database);
    let there = Server::with_database(disk, database);
    let laptop = Curl::signed_in(disk, &here, "laptop", "alice");
    let phone = Curl::signed_in(disk, &there, "phone", "alice");

    let [lists, others] = [&here, &there].map(|node| ids(&laptop, node));
    assert_eq!(lists.len(), 2);
    assert_eq!(lists, others, "one list");

    // Ended here, and gone there with the next request.
    let phones = phone.session_id(&there).expect("she is signed in");
    let fields = [("session_id", &*phones)];
    let answer = laptop.post_with(&here.url("/sessions/revoke"), &fields, &JSON);
    assert_eq!(answer.json()["ended"], 1);
    assert_eq!(phone.session_id(&there), None);
    assert_eq!(ids(&laptop, &there).len(), 1);

    // By the operator on the other node.
    let operator = Curl::signed_in(disk, &there, "operator", "carol");
    let fields = [("subject", "alice")];
    let answer = operator.post_with(&there.url("/admin/sessions/revoke"), &fields, &JSON);
    assert_eq!(answer.json()["ended"], 1);
    assert_eq!(laptop.session_id(&here), None);
}

fn ids(curl: &Curl, node: &Server) -> Vec<String> {
    let answer = curl.run(&[&node.url("/sessions"), JSON[0], JSON[1]]).json();
    let sessions = answer["sessions"].as_array().expect("a list").iter();
    let ids = sessions.map(|session| session["session_id"].as_str().expect("an id"));
    ids.map(str::to_owned).collect()
}
