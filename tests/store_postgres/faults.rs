//! What happens when the server, the network or the caller goes away, on servers that are broken for it.

use std::{
    error::Error,
    process::Command,
    time::{Duration, Instant},
};

use axum_user_session::{
    ended::EndReason,
    error::StoreError,
    store::{
        ClientAdded, Created, End, Loaded, PostgresOptions, PostgresStore, RecordKey, SessionStore,
        Touch,
    },
};
use sqlx::{Connection, PgConnection};
use tokio::time::{sleep, timeout};

use crate::{
    servers::{Postgres, Proxy},
    support::{HOUR, client, hosts_pool, key, migrated, now, session},
};

/// What a caller gives an operation, as the session layer does.
const LIMIT: Duration = Duration::from_secs(1);

/// With connections of its own, and with a pool of the host's.
async fn both(url: &str, connections: u32) -> [PostgresStore; 2] {
    let options = PostgresOptions::new().max_connections(connections);
    let own = migrated(options.clone().connect(url).await.unwrap()).await;
    [own, options.pool(hosts_pool(url, connections).await)]
}

/// Opens as many connections as a store may have, in place of any that do not work, and leaves them idle.
async fn fill(store: &PostgresStore, connections: usize) {
    let loads = (0..connections * 20).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { load(&store).await })
    });
    for load in loads.collect::<Vec<_>>() {
        let _ = load.await.unwrap();
    }
    load(store).await.unwrap();
}

async fn load(store: &PostgresStore) -> Result<Loaded, StoreError> {
    let key = key("alice", 1);
    match timeout(LIMIT, store.load(&key, None, now())).await {
        Ok(loaded) => loaded,
        Err(_) => Err(StoreError::new("the limit is over")),
    }
}

/// How many of some loads fail, one after the other.
async fn failures(store: &PostgresStore, loads: usize) -> usize {
    let mut failures = 0;
    for _ in 0..loads {
        failures += usize::from(load(store).await.is_err());
    }
    failures
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn a_restart_that_nobody_noticed_costs_one_error() {
    let mut server = Postgres::start();
    for store in both(&server.url("postgres"), 4).await {
        fill(&store, 4).await;
        server.stop();
        server.start_again();
        assert!(failures(&store, 20).await <= 1, "{store:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn a_server_that_is_away_is_an_error_at_once_and_comes_back() {
    let mut server = Postgres::start();
    let [own, hosts] = both(&server.url("postgres"), 4).await;
    fill(&own, 4).await;
    fill(&hosts, 4).await;
    server.stop();
    let begin = Instant::now();
    assert_eq!(failures(&own, 20).await, 20);
    assert!(begin.elapsed() < LIMIT, "{:?}", begin.elapsed());
    // The driver's pool waits for the server, so this takes the caller's limit.
    assert_eq!(failures(&hosts, 2).await, 2);
    server.start_again();
    assert_eq!(failures(&own, 20).await, 0);
    assert!(failures(&hosts, 20).await <= 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn connections_that_the_server_ends_cost_one_error() {
    let server = Postgres::start();
    for store in both(&server.url("postgres"), 4).await {
        let open = "select count(*) from pg_stat_activity \
             where backend_type = 'client backend' and pid <> pg_backend_pid()";
        // Where loads are quick, few connections are enough for all of them.
        for _ in 0..50 {
            fill(&store, 4).await;
            if server.sql("postgres", open).parse::<u32>().unwrap() >= 4 {
                break;
            }
        }
        let ended = server.sql(
            "postgres",
            "select count(pg_terminate_backend(pid)) from pg_stat_activity \
             where backend_type = 'client backend' and pid <> pg_backend_pid()",
        );
        assert!(ended.parse::<u32>().unwrap() >= 4, "{ended}");
        assert!(failures(&store, 20).await <= 1, "{store:?}");
    }
}

/// As when a machine vanishes: nobody says that the old connections are of no use, they just never answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn connections_that_never_answer_again_are_left() {
    let server = Postgres::start();
    for store in both(&server.url("postgres"), 3).await {
        fill(&store, 3).await;
        let pids = server.sql(
            "postgres",
            "select pid from pg_stat_activity \
             where backend_type = 'client backend' and pid <> pg_backend_pid()",
        );
        signal("STOP", &pids);
        // With the host's pool every old connection that is met costs a third of a second, which is more than one operation has.
        let failures = failures(&store, 20).await;
        signal("CONT", &pids);
        assert!(failures <= 2, "{failures}: {store:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn a_crash_takes_back_nothing_that_was_answered() {
    let mut server = Postgres::start_durable();
    let store = PostgresStore::connect(&server.url("postgres"))
        .await
        .unwrap();
    store.migrate().await.unwrap();
    let (stays, goes) = (session("alice", 1), session("alice", 2));
    store.create(&stays, None, now()).await.unwrap();
    store.create(&goes, None, now()).await.unwrap();
    let late = client("late");
    let added = store.add_client(&stays.key, &late, now()).await.unwrap();
    assert_eq!(added, ClientAdded::Added);
    let end = End::because(EndReason::SignOut);
    assert!(store.delete(&goes.key, end, now()).await.unwrap().is_some());
    server.kill();
    server.start_again();

    assert!(failures(&store, 2).await <= 1);
    let Loaded::Found(record) = store.load(&stays.key, None, now()).await.unwrap() else {
        panic!("it was there");
    };
    assert_eq!(record.clients.last(), Some(&late));
    let gone = store.load(&goes.key, None, now()).await.unwrap();
    assert_eq!(gone, Loaded::Gone);
    let taken = store.take_ended(HOUR, 10, now()).await.unwrap();
    assert_eq!(taken.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn a_lost_reply_is_an_error_and_a_repetition_does_no_harm() {
    let server = Postgres::start();
    let proxy = Proxy::to(server.address());
    let url = Postgres::url_through(proxy.address(), "postgres");
    for (number, store) in both(&url, 2).await.into_iter().enumerate() {
        let record = session("alice", number as u64);
        // By its text, which stands in the row and in nothing else.
        store.load(&record.key, None, now()).await.unwrap();
        proxy.lose_reply_to(record.session_id.as_str());
        let lost = store.create(&record, None, now()).await;
        assert!(lost.is_err(), "{lost:?}");
        let created = store.create(&record, None, now()).await.unwrap();
        assert_eq!(created, Created::Exists);
    }
    assert_eq!(proxy.lost_replies(), 2);
}

/// The operation may go on in the server, but its connection is neither lost nor used by another before it is over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn an_operation_that_is_given_up_leaves_its_connection_usable() {
    let server = Postgres::start();
    let url = server.url("postgres");
    for (number, store) in both(&url, 1).await.iter().enumerate() {
        let record = session("alice", number as u64);
        store.create(&record, None, now()).await.unwrap();
        let mut other = PgConnection::connect(&url).await.unwrap();
        let mut lock = other.begin().await.unwrap();
        let locked = sqlx::query("select from axum_user_session.sessions for update");
        locked.execute(&mut *lock).await.unwrap();

        let added = client("late");
        let add = store.add_client(&record.key, &added, now());
        assert!(timeout(Duration::from_millis(100), add).await.is_err());
        lock.rollback().await.unwrap();

        for _ in 0..20 {
            assert!(load(store).await.is_ok());
        }
        let backends = server.sql(
            "postgres",
            "select count(*), count(*) filter (where state <> 'idle') from pg_stat_activity \
             where backend_type = 'client backend' and pid <> pg_backend_pid()",
        );
        assert_eq!(backends, "3|0", "one of each store, and the other");
        let Loaded::Found(there) = store.load(&record.key, None, now()).await.unwrap() else {
            panic!("it is there");
        };
        assert_eq!(there.clients.last(), Some(&added), "it went on");
        other.close().await.unwrap();
    }
}

/// Given up at any point of its way, an operation has happened as a whole or not at all, and its connection is as good as before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn operations_may_be_given_up_at_any_point() {
    let server = Postgres::start();
    let proxy = Proxy::to(server.address());
    proxy.delay(Duration::from_millis(2));
    let url = Postgres::url_through(proxy.address(), "postgres");
    let stores = both(&url, 2).await;
    for (half, store) in stores.iter().enumerate() {
        fill(store, 2).await;
        let accepted = proxy.accepted();
        for number in 0..60 {
            let record = session("alice", 1000 * half as u64 + number);
            let create = store.create(&record, None, now());
            let limit = Duration::from_micros(200 * number);
            let _ = timeout(limit, create).await;
            let touch = Touch {
                every: HOUR,
                expires: now(),
            };
            let loaded = store.load(&record.key, Some(touch), now()).await.unwrap();
            match loaded {
                Loaded::Found(there) => assert_eq!(*there, record),
                Loaded::Missing => {}
                Loaded::Gone => panic!("it has not ended"),
            }
        }
        assert_eq!(proxy.accepted(), accepted, "none is replaced");
    }
    let open = "select count(*) from pg_stat_activity where state like 'idle in transaction%'";
    assert_eq!(server.sql("postgres", open), "0");
}

#[tokio::test]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn the_server_gives_up_what_takes_too_long() {
    let server = Postgres::start();
    let url = server.url("postgres");
    let options = PostgresOptions::new().max_connections(1);
    let options = options.statement_timeout(Duration::from_millis(50));
    let store = migrated(options.connect(&url).await.unwrap()).await;
    let record = session("alice", 1);
    store.create(&record, None, now()).await.unwrap();
    let mut other = PgConnection::connect(&url).await.unwrap();
    let mut lock = other.begin().await.unwrap();
    let locked = sqlx::query("select from axum_user_session.sessions for update");
    locked.execute(&mut *lock).await.unwrap();
    let late = client("late");
    let error = store
        .add_client(&record.key, &late, now())
        .await
        .unwrap_err();
    let cause = error.source().unwrap().to_string();
    assert!(cause.contains("statement timeout (57014)"), "{cause}");
    lock.rollback().await.unwrap();
    assert_eq!(failures(&store, 5).await, 0);
}

/// Operations queue for connections, and each gets its turn.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn no_more_connections_are_opened_than_allowed() {
    let server = Postgres::start();
    let proxy = Proxy::to(server.address());
    let url = Postgres::url_through(proxy.address(), "postgres");
    let before = proxy.accepted();
    for (stores, store) in both(&url, 1).await.into_iter().enumerate() {
        let tasks = (0..64).map(|task| {
            let store = store.clone();
            tokio::spawn(async move {
                for number in 0..10 {
                    let record = session("alice", 10_000 * stores as u64 + 100 * task + number);
                    store.create(&record, None, now()).await.unwrap();
                    // Some callers are impatient.
                    if task % 8 == 0 {
                        let load = store.load(&record.key, None, now());
                        let _ = timeout(Duration::from_micros(50), load).await;
                    }
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
    }
    assert_eq!(proxy.accepted() - before, 2);
}

/// An identity provider whose store hangs must not wait for it longer than it wants to.
#[tokio::test]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn waiting_for_a_connection_can_be_given_up() {
    let server = Postgres::start();
    let url = server.url("postgres");
    let [own, _] = both(&url, 1).await;
    let record = session("alice", 1);
    own.create(&record, None, now()).await.unwrap();
    let mut other = PgConnection::connect(&url).await.unwrap();
    let mut lock = other.begin().await.unwrap();
    let locked = sqlx::query("select from axum_user_session.sessions for update");
    locked.execute(&mut *lock).await.unwrap();
    let hanging = tokio::spawn({
        let (store, key): (_, RecordKey) = (own.clone(), record.key);
        async move { store.add_client(&key, &client("late"), now()).await }
    });
    sleep(Duration::from_millis(50)).await;
    for _ in 0..3 {
        let load = own.load(&record.key, None, now());
        assert!(timeout(Duration::from_millis(20), load).await.is_err());
    }
    lock.rollback().await.unwrap();
    assert_eq!(hanging.await.unwrap().unwrap(), ClientAdded::Added);
    assert_eq!(failures(&own, 5).await, 0);
}

fn signal(signal: &str, pids: &str) {
    let status = Command::new("kill")
        .args(["-s", signal])
        .args(pids.lines())
        .status();
    assert!(status.unwrap().success());
}
