//! PostgreSQL: databases, settings, and what is kept.

use std::{collections::HashSet, net::TcpStream, thread};

use crate::servers::{Postgres, is_alive};

#[test]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
fn each_test_has_a_database_of_its_own_on_the_shared_server() {
    let databases: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| Postgres::shared().create_database()))
            .collect();
        threads.into_iter().map(|it| it.join().unwrap()).collect()
    });
    let server = Postgres::shared();
    for database in &databases {
        assert_eq!(database.url, server.url(&database.name));
        // It would fail in a database that is not empty.
        server.sql(&database.name, "CREATE TABLE sessions (id int)");
    }
    let names: HashSet<_> = databases.iter().map(|it| &it.name).collect();
    assert_eq!(names.len(), databases.len());
}

#[test]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
fn postgres_keeps_what_it_has_committed() {
    let mut server = Postgres::start_durable();
    let url = server.url("postgres");
    assert_eq!(server.sql("postgres", "SHOW fsync"), "on");
    server.sql("postgres", "CREATE TABLE kept (what text)");
    for (name, end, recovers) in [
        ("stopped", Postgres::stop as fn(&mut Postgres), false),
        ("killed", Postgres::kill, true),
    ] {
        server.sql("postgres", &format!("INSERT INTO kept VALUES ('{name}')"));
        end(&mut server);
        assert!(!server.is_running(), "{name}");
        assert!(TcpStream::connect(server.address()).is_err(), "{name}");

        server.start_again();
        assert!(server.is_running(), "{name}");
        assert_eq!(server.url("postgres"), url, "{name}");
        let recovered = server.log().contains("automatic recovery in progress");
        assert_eq!(recovered, recovers, "{name}:\n{}", server.log());
    }
    let kept = server.sql("postgres", "SELECT what FROM kept ORDER BY what");
    assert_eq!(kept, "killed\nstopped");
}

#[test]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
fn postgres_is_set_up_for_tests() {
    let server = Postgres::shared();
    for (setting, expected) in [
        ("fsync", "off"),
        ("synchronous_commit", "off"),
        ("full_page_writes", "off"),
        ("max_connections", "200"),
        ("listen_addresses", "127.0.0.1"),
        ("server_encoding", "UTF8"),
    ] {
        assert_eq!(server.sql("postgres", &format!("SHOW {setting}")), expected);
    }
    assert_eq!(server.sql("postgres", "SELECT lower('ÄÖ')"), "äö");
    let complaint = server.try_sql("postgres", "SELECT nothing").unwrap_err();
    assert!(complaint.contains("does not exist"), "{complaint}");
}

/// Who waits notices by himself that there is no postmaster any more, but not who has much to do.
#[test]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
fn postgres_is_killed_with_all_its_children() {
    let mut server = Postgres::start();
    let url = server.url("postgres");
    // For a minute or so, and without a byte on the disk.
    let busy = "SELECT count(*) FROM (SELECT generate_series(1, 500000000)) AS numbers";
    let client = thread::spawn(move || Postgres::try_sql_at(&url, busy));
    let count = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%AS numbers%'";
    // One of them is who asks.
    while server.sql("postgres", count) != "2" {}
    let pids = server.sql("postgres", "SELECT pid FROM pg_stat_activity");
    let mut pids: Vec<u32> = pids.lines().map(|pid| pid.parse().unwrap()).collect();
    pids.push(server.pid());

    server.kill();
    for pid in pids {
        assert!(!is_alive(pid), "{pid}");
    }
    client.join().unwrap().unwrap_err();
}
