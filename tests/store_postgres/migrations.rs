//! Bringing the tables up.

use std::{error::Error, time::Duration};

use axum_user_session::{
    ended::EndReason,
    error::StoreError,
    store::{Created, End, Loaded, PostgresOptions, PostgresStore, SessionStore},
};
use sqlx::{Connection, PgConnection};
use tokio::time::timeout;

use crate::{
    servers::Postgres,
    support::{
        fresh_options, fresh_schema, fresh_store, hosts_pool, migrated, now, quoted, session,
        shared_url, sql,
    },
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn many_nodes_migrate_at_once() {
    let options = fresh_options();
    let mut nodes = Vec::new();
    for _ in 0..8 {
        nodes.push(options.clone().connect(&shared_url()).await.unwrap());
    }
    let migrations = nodes
        .iter()
        .cloned()
        .map(|node| tokio::spawn(async move { node.migrate().await }));
    let migrations: Vec<_> = migrations.collect();
    for migration in migrations {
        migration.await.unwrap().unwrap();
    }
    assert_works(&nodes[0]).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn migrating_again_changes_nothing() {
    let store = fresh_store().await;
    let record = session("alice", 1);
    store.create(&record, None, now()).await.unwrap();
    store.migrate().await.unwrap();
    let loaded = store.load(&record.key, None, now()).await.unwrap();
    assert_eq!(loaded, Loaded::Found(Box::new(record)));
}

#[tokio::test]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn tables_of_a_newer_release_are_refused() {
    let schema = fresh_schema();
    let options = PostgresOptions::new().schema(&schema).unwrap();
    let store = migrated(options.connect(&shared_url()).await.unwrap()).await;
    sql(&format!(
        "insert into {}.migrations values (7)",
        quoted(&schema)
    ));
    let error = cause(&store.migrate().await.unwrap_err());
    assert!(error.contains("version 7, from a newer release"), "{error}");
    // What the newer release has left for the nodes that are not replaced yet still works, its connection too.
    assert_works(&store).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn without_migration_the_missing_table_is_named() {
    let store = fresh_options().connect(&shared_url()).await.unwrap();
    let record = session("alice", 1);
    let error = store.load(&record.key, None, now()).await.unwrap_err();
    let error = cause(&error);
    assert!(
        error.contains("sessions\" does not exist (42P01)"),
        "{error}"
    );
}

#[tokio::test]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn stores_in_two_schemas_know_nothing_of_each_other() {
    let (one, two) = (fresh_store().await, fresh_store().await);
    let record = session("alice", 1);
    one.create(&record, None, now()).await.unwrap();
    assert_eq!(
        two.load(&record.key, None, now()).await.unwrap(),
        Loaded::Missing
    );
    two.create(&record, None, now()).await.unwrap();
    let end = End::because(EndReason::SignOut);
    assert!(two.delete(&record.key, end, now()).await.unwrap().is_some());
    let loaded = one.load(&record.key, None, now()).await.unwrap();
    assert_eq!(loaded, Loaded::Found(Box::new(record)));
}

#[tokio::test]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn any_name_of_a_schema_is_quoted() {
    let database = Postgres::shared().create_database();
    for name in [
        "Sessions of My-App",
        r#"a"; drop schema public cascade; --"#,
        "o'hara\\",
        "größe",
        "select",
        "100%",
    ] {
        let options = PostgresOptions::new().schema(name).unwrap();
        assert_works(&migrated(options.connect(&database.url).await.unwrap()).await).await;
    }
    let there = "select count(*) from pg_tables where tablename = 'sessions'";
    assert_eq!(Postgres::shared().sql(&database.name, there), "6");
}

#[tokio::test]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn the_server_needs_no_right_to_make_tables() {
    let database = Postgres::shared().create_database();
    let url = database.url.replace("postgres@", "session_server@");
    let database_sql = |text: &str| Postgres::shared().sql(&database.name, text);
    // As anybody might have it who makes PostgreSQL stricter than it is by default.
    database_sql(
        "create role session_server login;
         revoke all on schema public from public;
         alter default privileges revoke execute on functions from public",
    );
    let server = PostgresStore::connect(&url).await.unwrap();
    let error = cause(&server.migrate().await.unwrap_err());
    assert!(error.contains("permission denied for database"), "{error}");

    PostgresStore::connect(&database.url)
        .await
        .unwrap()
        .migrate()
        .await
        .unwrap();
    // These stand in the documentation of the store.
    database_sql(
        "grant usage on schema axum_user_session to session_server;
         grant select, insert, update, delete on axum_user_session.sessions, axum_user_session.ended,
             axum_user_session.deliveries to session_server;
         grant select on axum_user_session.migrations to session_server;
         grant execute on all functions in schema axum_user_session to session_server",
    );
    server.migrate().await.unwrap();
    assert_works(&server).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn a_database_that_can_not_hold_every_text_is_refused() {
    let latin = "create database latin encoding 'LATIN1' locale 'C' template template0";
    sql(latin);
    let url = Postgres::shared().url("latin");
    let store = PostgresStore::connect(&url).await.unwrap();
    let error = cause(&store.migrate().await.unwrap_err());
    assert!(error.contains("encoding is LATIN1"), "{error}");
}

/// One that is given up while another node has the lock leaves its connection in order.
#[tokio::test]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn a_migration_can_be_given_up() {
    let database = Postgres::shared().create_database();
    let options = PostgresOptions::new().max_connections(1);
    let own = options.clone().connect(&database.url).await.unwrap();
    let hosts = options.pool(hosts_pool(&database.url, 1).await);

    let mut other = PgConnection::connect(&database.url).await.unwrap();
    let lock = "select pg_advisory_lock(hashtextextended('axum_user_session', 4721183))";
    sqlx::query(lock).execute(&mut other).await.unwrap();
    for store in [&own, &hosts] {
        let migration = timeout(Duration::from_millis(200), store.migrate());
        assert!(migration.await.is_err(), "it waits");
    }
    other.close().await.unwrap();

    for store in [&own, &hosts] {
        store.migrate().await.unwrap();
    }
    let open = "select count(*) from pg_stat_activity \
        where datname = current_database() and state like 'idle in transaction%'";
    assert_eq!(Postgres::shared().sql(&database.name, open), "0");
    assert_works(&own).await;
}

async fn assert_works(store: &PostgresStore) {
    let record = session("alice", 1);
    let created = store.create(&record, None, now()).await.unwrap();
    assert_eq!(
        created,
        Created::Created {
            evicted: Vec::new()
        }
    );
    let end = End::because(EndReason::SignOut);
    let ended = store.delete(&record.key, end, now()).await.unwrap();
    assert_eq!(ended, Some(record.ended(EndReason::SignOut, now())));
}

fn cause(error: &StoreError) -> String {
    error.source().unwrap().to_string()
}
