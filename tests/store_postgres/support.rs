//! Stores on the server that all tests of this binary share.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum_user_session::store::{PostgresOptions, PostgresStore};
use sqlx::{PgPool, postgres::PgPoolOptions};

use crate::servers::Postgres;

/// An empty store with tables of its own, in a database that others use too.
pub(crate) async fn fresh_store() -> PostgresStore {
    let store = fresh_options().connect(&shared_url()).await.unwrap();
    store.migrate().await.unwrap();
    store
}

/// A schema that nobody else has, with a name that needs quotes.
pub(crate) fn fresh_options() -> PostgresOptions {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let options = PostgresOptions::new().max_connections(4);
    options.schema(&format!("Test \"{number}\"'s")).unwrap()
}

/// A pool as a host has it, with what is set by default.
pub(crate) async fn hosts_pool(max_connections: u32) -> PgPool {
    let options = PgPoolOptions::new().max_connections(max_connections);
    options.connect(&shared_url()).await.unwrap()
}

pub(crate) fn shared_url() -> String {
    Postgres::shared().url("postgres")
}
