//! No client is lost (s4, s5): several processes register clients into the same sessions at once, while these slide and are signed in to again, so that
//! registrations meet references that have been replaced meanwhile. Afterwards every client whose registration was answered is there.
#![cfg(all(unix, feature = "postgres", feature = "redis"))]

mod place;
#[path = "../support/servers/mod.rs"]
mod servers;
mod site;
mod worker;

use axum_user_session::{
    admin::SessionAdmin,
    store::{Filter, PostgresStore, RedisStore, SessionStore},
};

use crate::{
    place::Place,
    servers::{Cluster, Postgres, Redis},
    site::{Site, subject},
    worker::{Running, Work},
};

/// How many processes there are.
const PROCESSES: usize = 4;
/// How many tasks each of them has.
const TASKS: usize = 8;
/// How many clients a session has in the end.
const CLIENTS: usize = 400;

#[tokio::test]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn s4_no_client_is_lost_on_postgres() {
    on_postgres(20_000).await;
}

#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn s4_no_client_is_lost_on_redis() {
    on_redis(20_000).await;
}

#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn s4_no_client_is_lost_on_a_redis_cluster() {
    let cluster = Cluster::start();
    let nodes = cluster.urls();
    let store = RedisStore::connect_cluster(nodes.clone()).await.unwrap();
    register(store, &nodes.join(","), 20_000).await;
}

#[tokio::test]
#[ignore = "takes many minutes: see the README"]
async fn a_million_clients_on_postgres() {
    on_postgres(1_000_000).await;
}

#[tokio::test]
#[ignore = "takes many minutes: see the README"]
async fn a_million_clients_on_redis() {
    on_redis(1_000_000).await;
}

async fn on_postgres(registrations: usize) {
    let server = Postgres::start();
    let url = server.url("postgres");
    let store = PostgresStore::connect(&url).await.unwrap();
    store.migrate().await.unwrap();
    register(store, &url, registrations).await;
}

async fn on_redis(registrations: usize) {
    let server = Redis::start();
    let store = RedisStore::connect(server.url()).await.unwrap();
    register(store, &server.url(), registrations).await;
}

async fn register<S: SessionStore + Clone>(store: S, url: &str, registrations: usize) {
    let sessions = registrations / CLIENTS;
    let place = Place::new();
    let site = Site::new(store, &place);
    for session in 0..sessions {
        place.sign_in(&site, session).await;
    }

    let work = |process| Work {
        process,
        sessions,
        registrations: registrations / PROCESSES,
    };
    let mut workers: Vec<_> = (0..PROCESSES)
        .map(|process| Running::start(url, &place, work(process)))
        .collect();
    let reports = workers.iter_mut().map(Running::report);
    let total = reports.reduce(|one, other| one + other).unwrap();
    println!("{registrations} registrations into {sessions} sessions: {total:?}");
    assert_eq!(total.registered, registrations);
    assert!(total.sign_ins >= registrations / 100, "{total:?}");
    // Otherwise the hardest case was none.
    assert!(total.met_another_reference >= 20, "{total:?}");

    let mut expected = vec![Vec::with_capacity(CLIENTS); sessions];
    for process in 0..PROCESSES {
        for (session, client) in work(process).all() {
            expected[session].push(client);
        }
    }
    let admin = SessionAdmin::new(&site.config).unwrap();
    for (session, mut expected) in expected.into_iter().enumerate() {
        let filter = Filter::subject(subject(session)).unwrap();
        let found = admin.find(&filter).await.unwrap();
        assert_eq!(found.len(), 1, "{session}: one session, and no ghost");
        let mut clients: Vec<_> = found[0].clients.iter().map(ToString::to_string).collect();
        clients.sort_unstable();
        expected.sort_unstable();
        assert_eq!(clients, expected, "{session}");
    }
}
