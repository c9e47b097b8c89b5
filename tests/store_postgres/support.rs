//! Stores on the server that all tests of this binary share, or on one of a test's own.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum_user_session::{
    id::{ClientId, SessionId},
    store::{Device, PostgresOptions, PostgresStore, Record, RecordKey},
};
use sqlx::{PgPool, postgres::PgPoolOptions};

use crate::servers::Postgres;

/// An empty store with tables of its own, in a database that others use too.
pub(crate) async fn fresh_store() -> PostgresStore {
    migrated(fresh_options().connect(&shared_url()).await.unwrap()).await
}

pub(crate) async fn migrated(store: PostgresStore) -> PostgresStore {
    store.migrate().await.unwrap();
    store
}

/// A schema that nobody else has, with a name that needs quotes, and a few connections.
pub(crate) fn fresh_options() -> PostgresOptions {
    let options = PostgresOptions::new().max_connections(4);
    options.schema(&fresh_schema()).unwrap()
}

pub(crate) fn fresh_schema() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("Test \"{number}\"'s")
}

/// A schema's name as SQL has it.
pub(crate) fn quoted(schema: &str) -> String {
    format!("\"{}\"", schema.replace('"', "\"\""))
}

/// A pool as a host has it, with what the documentation of the store advises.
pub(crate) async fn hosts_pool(url: &str, max_connections: u32) -> PgPool {
    let options = PgPoolOptions::new().max_connections(max_connections);
    let options = options.test_before_acquire(false);
    options.connect(url).await.unwrap()
}

pub(crate) fn shared_url() -> String {
    Postgres::shared().url("postgres")
}

/// Runs SQL on the shared server.
pub(crate) fn sql(statements: &str) -> String {
    Postgres::shared().sql("postgres", statements)
}

/// When all happens, unless a test says otherwise.
pub(crate) fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

pub(crate) const HOUR: Duration = Duration::from_secs(3600);

/// A session of a subject, told from others by a number, that lasts for an hour.
pub(crate) fn session(subject: &str, number: u64) -> Record {
    Record {
        key: key(subject, number),
        subject: subject.to_owned(),
        session_id: session_id(number),
        display_name: Some(format!("Name of {subject}")),
        created: now(),
        renewed: now(),
        expires: now() + HOUR,
        clients: vec![client("first")],
        ticket: vec![0xA5; 400],
        version: 1,
        device: Device::new(),
    }
}

/// The next record of a session, under a key told from others by a number.
pub(crate) fn next_of(record: &Record, number: u64) -> Record {
    let mut next = record.clone();
    next.key = key(&record.subject, number);
    next
}

pub(crate) fn key(subject: &str, number: u64) -> RecordKey {
    let mut digest = [0; RecordKey::LEN];
    // In front, so that keys are spread as those of a hash are.
    digest[..8].copy_from_slice(&number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
    RecordKey::of_subject(digest, subject)
}

pub(crate) fn session_id(number: u64) -> SessionId {
    SessionId::parse(&format!("S{number}")).unwrap()
}

pub(crate) fn client(id: &str) -> ClientId {
    ClientId::parse(id).unwrap()
}
