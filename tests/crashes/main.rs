//! The process is killed, again and again, while sessions end and their clients are told (o6, s14). Started again, it tells every client of every session that had ended.
//!
//! What had ended is not taken from what the process has said, but from the store: a session that was there before and is not any more has ended.
#![cfg(unix)]
#![allow(unreachable_pub, reason = "no crate uses a test")]

mod place;
mod process;
#[path = "../support/receivers/mod.rs"]
mod receivers;
mod run;
#[path = "../support/servers/mod.rs"]
mod servers;
mod site;
mod together;

use crate::{run::Runs, servers::Postgres};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn o6_a_crash_loses_no_notification_on_sqlite() {
    on_sqlite(10).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn o6_a_crash_loses_no_notification_on_postgres() {
    on_postgres(10).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn o6_several_processes_tell_nobody_twice() {
    let server = Postgres::start_durable();
    let url = server.create_database().url;
    Runs::new("PostgreSQL", &url).await.tell_together().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes some minutes: see the README"]
async fn two_hundred_crashes_on_sqlite() {
    on_sqlite(200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes some minutes: see the README"]
async fn two_hundred_crashes_on_postgres() {
    on_postgres(200).await;
}

async fn on_sqlite(runs: usize) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("sessions.db").display());
    Runs::new("SQLite", &url).await.make(runs).await;
}

async fn on_postgres(runs: usize) {
    let server = Postgres::start_durable();
    let url = server.create_database().url;
    Runs::new("PostgreSQL", &url).await.make(runs).await;
}
