//! What the clients of a session cost whoever signs out of it: the response's time with a thousand of them beside that with none, by turns in one run, on each store.
//!
//! `cargo bench --all-features --bench sign_out` (`QUICK=1`: fewer rounds; `STORES=sqlite,redis`: these alone)

use std::time::{Duration, Instant};

use axum::{Router, extract::Path, routing::post};
use axum_user_session::{
    AuthenticationProperties, KeyRing, Principal, SessionConfig, UserSession, UserSessionLayer,
    id::SessionId,
    store::{MemoryStore, PostgresOptions, RedisOptions, SessionStore, SqliteStore},
    testing::Browser,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

#[path = "../tests/support/servers/mod.rs"]
mod servers;

use servers::{Persistence, Postgres, Redis};

const CLIENTS: usize = 1000;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(compare());
}

/// Servers as they are in production: PostgreSQL waits for its disk, Redis has an append-only file that reaches the disk once a second.
async fn compare() {
    let stores = std::env::var("STORES").unwrap_or("memory,sqlite,postgres,redis".to_owned());
    println!("| store    | no client, us | {CLIENTS} clients, us | ratio |");
    println!("|----------|--------------:|-----------------:|------:|");
    for name in stores.split(',') {
        match name {
            "memory" => measure(name, MemoryStore::new(100_000)).await,
            "sqlite" => {
                let folder = tempfile::tempdir().expect("a folder for temporary files");
                let store = SqliteStore::open(folder.path().join("sessions.db"));
                measure(name, store.expect("a new file")).await;
            }
            "postgres" => {
                let server = Postgres::start_durable();
                let database = server.create_database();
                let store = PostgresOptions::new().connect(&database.url).await;
                let store = store.expect("PostgreSQL runs");
                store.migrate().await.expect("an empty database");
                measure(name, store).await;
            }
            "redis" => {
                let server = Redis::start_with(Persistence::EverySecond);
                let store = RedisOptions::new().connect(&server.url()).await;
                measure(name, store.expect("Redis runs")).await;
            }
            _ => panic!("STORES names {name}, which is none of memory, sqlite, postgres, redis"),
        }
    }
}

async fn measure(name: &str, store: impl SessionStore) {
    let router = application(store);
    let quick = std::env::var_os("QUICK").is_some_and(|value| value != "0");
    let rounds = if quick { 25 } else { 200 };
    let (mut without, mut with) = (Vec::new(), Vec::new());
    // The first ones warm up pools and caches.
    for round in 0..rounds + 5 {
        for (clients, times) in [(0, &mut without), (CLIENTS, &mut with)] {
            let time = sign_out(&router, clients).await;
            if round >= 5 {
                times.push(time);
            }
        }
    }
    let [without, with] = [without, with].map(median_micros);
    let ratio = with / without;
    println!("| {name:8} | {without:13.0} | {with:16.0} | {ratio:5.2} |");
}

async fn sign_out(router: &Router, clients: usize) -> Duration {
    let mut browser = Browser::new(router.clone());
    let page = browser.post(&format!("/in/{clients}"), "").await;
    assert!(page.status.is_success());
    let began = Instant::now();
    let page = browser.post("/out", "").await;
    let time = began.elapsed();
    assert_eq!(page.body, clients.to_string());
    time
}

fn application(store: impl SessionStore) -> Router {
    let config = SessionConfig::builder(KeyRing::ephemeral()).store(store);
    let config = config.build().expect("a configuration");
    Router::new()
        .route("/in/{clients}", post(sign_in))
        .route("/out", post(sign_out_of))
        .layer(UserSessionLayer::new(config))
}

/// The session has its clients from the start, as adding them is not the question here.
async fn sign_in(session: UserSession, Path(clients): Path<usize>) {
    let clients: Vec<_> = (0..clients)
        .map(|number| format!("client-number-{number:04}"))
        .collect();
    let list = serde_json::to_vec(&clients).expect("strings");
    let item = (
        AuthenticationProperties::CLIENT_LIST_ITEM,
        BASE64_URL_SAFE_NO_PAD.encode(list),
    );
    // Only a session that the host names can bring clients along.
    let id = SessionId::parse(&format!("{:032X}", rand::random::<u128>())).expect("hexadecimal");
    let mut properties = AuthenticationProperties::from_items([item]);
    properties.set_session_id(id);
    let principal = Principal::builder("alice").build();
    let signed_in = session.sign_in_with(principal, properties).await;
    signed_in.expect("a sign-in");
}

/// Says how many clients took part.
async fn sign_out_of(session: UserSession) -> String {
    let ended = session.sign_out().await.expect("a sign-out");
    ended.expect("a session").clients.len().to_string()
}

fn median_micros(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e6
}
