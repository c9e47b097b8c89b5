//! Real faults under load (s9): the server stops, crashes, loses its connections or its answers, or is slow, while users read, register clients, sign in
//! and sign out. Requests are answered in time, with success or 503; nothing that was answered is lost or brought back; and all goes on by itself.
//!
//! The full disk is a test of the store in SQLite.
#![cfg(all(unix, feature = "postgres", feature = "redis"))]

mod crowd;
mod journey;
#[path = "../support/servers/mod.rs"]
mod servers;
mod site;

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use axum_user_session::store::{PostgresStore, RedisStore, SessionStore};

use crate::{
    crowd::{Crowd, Outcome},
    servers::{Cluster, Persistence, Postgres, Proxy, Redis},
};

const MOMENT: Duration = Duration::from_millis(100);

/// Servers that can be made to fail, which keep what they have answered.
trait Fallible {
    fn stop(&mut self);
    fn kill(&mut self);
    fn start_again(&mut self);
}

macro_rules! fallible {
    ($($server:ty $(, $node:literal)?;)*) => {
        $(impl Fallible for $server {
            fn stop(&mut self) {
                Self::stop(self $(, $node)?);
            }
            fn kill(&mut self) {
                Self::kill(self $(, $node)?);
            }
            fn start_again(&mut self) {
                Self::start_again(self $(, $node)?);
            }
        })*
    };
}

fallible! {
    Postgres;
    Redis;
    // One of its masters fails.
    Cluster, 0;
}

async fn postgres(url: &str) -> PostgresStore {
    let store = PostgresStore::connect(url).await.unwrap();
    store.migrate().await.unwrap();
    store
}

async fn server_fails(server: &mut impl Fallible, store: impl SessionStore + Clone) {
    let crowd = Crowd::gather(store).await;
    for end in [Fallible::stop, Fallible::kill] {
        end(server);
        sleep(10 * MOMENT);
        server.start_again();
        crowd.goes_on().await;
    }
    let outcome = crowd.goes_home().await;
    assert!(outcome.unavailable > 0, "{outcome:?}");
}

async fn network_fails(proxies: &[Proxy], store: impl SessionStore + Clone) {
    let crowd = Crowd::gather(store.clone()).await;
    for _ in 0..10 {
        proxies.iter().for_each(Proxy::cut);
        sleep(MOMENT);
    }
    crowd.goes_on().await;
    crowd.goes_home().await;

    let crowd = Crowd::gather(store.clone()).await;
    let lost = || proxies.iter().map(Proxy::lost_replies).sum::<usize>();
    for _ in 0..10 {
        let before = lost();
        proxies.iter().for_each(Proxy::lose_next_reply);
        eventually(|| lost() > before);
    }
    crowd.goes_on().await;
    crowd.goes_home().await;

    let crowd = Crowd::gather(store).await;
    let delay = |delay| proxies.iter().for_each(|proxy| proxy.delay(delay));
    delay(site::WRITE_LIMIT + 10 * MOMENT);
    sleep(30 * MOMENT);
    delay(Duration::ZERO);
    crowd.goes_on().await;
    let Outcome { unavailable, .. } = crowd.goes_home().await;
    assert!(unavailable > 0, "nobody noticed");
}

fn eventually(happened: impl Fn() -> bool) {
    let began = Instant::now();
    while !happened() {
        assert!(began.elapsed() < 100 * MOMENT);
        sleep(MOMENT / 10);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn s9_postgres_fails_under_load() {
    let mut server = Postgres::start_durable();
    let store = postgres(&server.url("postgres")).await;
    server_fails(&mut server, store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn s9_the_network_to_postgres_fails_under_load() {
    let server = Postgres::start_durable();
    let proxy = Proxy::to(server.address());
    let store = postgres(&Postgres::url_through(proxy.address(), "postgres")).await;
    network_fails(&[proxy], store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn s9_redis_fails_under_load() {
    let mut server = Redis::start_with(Persistence::Always);
    let store = RedisStore::connect(server.url()).await.unwrap();
    server_fails(&mut server, store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn s9_the_network_to_redis_fails_under_load() {
    let server = Redis::start_with(Persistence::Always);
    let proxy = Proxy::to(server.address());
    let store = RedisStore::connect(Redis::url_through(proxy.address()));
    network_fails(&[proxy], store.await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn s9_a_master_of_a_redis_cluster_fails_under_load() {
    let mut cluster = Cluster::start_with(Persistence::Always);
    let store = RedisStore::connect_cluster(cluster.urls()).await.unwrap();
    server_fails(&mut cluster, store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn s9_the_network_to_a_redis_cluster_fails_under_load() {
    let cluster = Cluster::start_with(Persistence::Always);
    let mut proxies = Vec::new();
    for (number, node) in cluster.nodes().iter().enumerate() {
        let proxy = Proxy::to(node.address());
        cluster.announce(number, proxy.address());
        proxies.push(proxy);
    }
    let nodes = proxies
        .iter()
        .map(|proxy| Redis::url_through(proxy.address()));
    let store = RedisStore::connect_cluster(nodes.collect::<Vec<_>>());
    network_fails(&proxies, store.await.unwrap()).await;
}
