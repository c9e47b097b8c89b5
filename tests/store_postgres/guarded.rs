//! What others may have done to the server, its settings and our tables.

use std::{error::Error, time::Duration};

use axum_user_session::{
    ended::EndReason,
    store::{
        ClientAdded, Created, End, Filter, Loaded, PostgresOptions, PostgresStore, Selection,
        SessionStore, Touch,
    },
};
use sqlx::postgres::PgPoolOptions;

use crate::{
    servers::Postgres,
    support::{HOUR, client, fresh_store, hosts_pool, migrated, now, session},
};

/// The server quotes the row that it refuses, and we don't.
#[tokio::test]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn errors_tell_nothing_of_a_row() {
    let server = Postgres::shared();
    let database = server.create_database();
    let store = migrated(PostgresStore::connect(&database.url).await.unwrap()).await;
    server.sql(
        &database.name,
        "alter table axum_user_session.sessions add check (subject <> 'secret subject')",
    );
    let mut record = session("secret subject", 4711);
    record.ticket = b"secret ticket".to_vec();
    let error = store.create(&record, None, now()).await.unwrap_err();
    let text = format!("{error} {error:?} {}", error.source().unwrap());
    assert!(text.contains("(23514)"), "{text}");
    for secret in [
        "secret",
        "S4711",
        &hex(&record.ticket),
        &hex(record.key.as_bytes()),
    ] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[tokio::test]
async fn passwords_are_not_shown() {
    let url = "postgres://somebody:secret@127.0.0.1:1/sessions";
    let error = PostgresStore::connect(url).await.unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(!text.contains("secret"), "{text}");
    let pool = PgPoolOptions::new().connect_lazy(url).unwrap();
    let text = format!("{:?}", PostgresStore::new(pool));
    assert!(!text.contains("secret"), "{text}");
    for wrong in [
        "",
        "nonsense",
        "postgres://u:secret@h:port/",
        "postgres://u:secret@h/?sslmode=x",
    ] {
        let error = PostgresStore::connect(wrong).await.unwrap_err();
        assert!(!format!("{error:?}").contains("secret"), "{wrong}");
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn rows_that_are_not_ours_stand_in_nobodys_way() {
    let server = Postgres::shared();
    let database = server.create_database();
    let store = migrated(PostgresStore::connect(&database.url).await.unwrap()).await;
    for (number, edit) in [
        (1, "session_id = ''"),
        (2, "session_id = 'a;b'"),
        (3, "clients = '{\"\"}'"),
        (4, "version = -1"),
    ] {
        store
            .create(&session("alice", number), None, now())
            .await
            .unwrap();
        let edit =
            format!("update axum_user_session.sessions set {edit} where session_id = 'S{number}'");
        server.sql(&database.name, &edit);
        let key = session("alice", number).key;
        let loaded = store.load(&key, None, now()).await.unwrap();
        assert_eq!(loaded, Loaded::Missing, "{edit}");
    }
    let good = session("alice", 9);
    store.create(&good, None, now()).await.unwrap();
    let alices = Filter::subject("alice").unwrap();
    let found = store.find(&alices, 100, now()).await.unwrap();
    assert_eq!(found, std::slice::from_ref(&good));

    let all = alices.into();
    let ended = store.delete_matching(&all, EndReason::Revoked, 100, now());
    assert_eq!(ended.await.unwrap(), 5);
    let taken = store.take_ended(HOUR, 100, now()).await.unwrap();
    let taken: Vec<_> = taken.into_iter().map(|taken| taken.ended).collect();
    let version = session("alice", 4);
    assert_eq!(
        taken,
        [&version, &good].map(|record| record.ended(EndReason::Revoked, now()))
    );
}

/// Memories that somebody has made each other's successors.
#[tokio::test]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn a_chain_of_successors_that_ends_nowhere_is_left_at_last() {
    let server = Postgres::shared();
    let database = server.create_database();
    let store = migrated(PostgresStore::connect(&database.url).await.unwrap()).await;
    let [one, two] = [1, 2].map(|number| session("alice", number));
    for record in [&one, &two] {
        store.create(record, None, now()).await.unwrap();
        let end = End::because(EndReason::SignOut);
        store.delete(&record.key, end, now()).await.unwrap();
    }
    let ring = "update axum_user_session.sessions as one set successor = other.key
        from axum_user_session.sessions as other where one.key <> other.key";
    server.sql(&database.name, ring);
    let end = End::because(EndReason::SignOut);
    assert_eq!(store.delete(&one.key, end, now()).await.unwrap(), None);
    let client = client("late");
    let added = store.add_client(&one.key, &client, now()).await.unwrap();
    assert_eq!(added, ClientAdded::Missing);
}

/// What stands in a filter is text, whatever it looks like.
#[tokio::test]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn texts_are_never_sql() {
    let store = fresh_store().await;
    for (number, text) in [
        "' or true --",
        "'; drop table sessions; --",
        "$1",
        "{schema}",
        "\\",
        "%",
        "_",
        "\u{1F980}\"",
    ]
    .into_iter()
    .enumerate()
    {
        let mut record = session(text, number as u64);
        record.display_name = Some(text.to_owned());
        record.clients = vec![client(text)];
        store.create(&record, None, now()).await.unwrap();
        for filter in [
            Filter::subject(text).unwrap(),
            Filter::name_begins_with(text).unwrap(),
            Filter::subject(text)
                .unwrap()
                .and_name_begins_with(text)
                .unwrap(),
        ] {
            let found = store.find(&filter, 100, now()).await.unwrap();
            assert_eq!(found, [record.clone()], "{text}");
            let count = store.count(&filter.into(), now()).await.unwrap();
            assert_eq!(count, 1, "{text}");
        }
        let added = client(&format!("{text} more"));
        store.add_client(&record.key, &added, now()).await.unwrap();
        let named = Filter::name_begins_with(text).unwrap().into();
        let ended = store.delete_matching(&named, EndReason::Revoked, 10, now());
        assert_eq!(ended.await.unwrap(), 1, "{text}");
    }
    let left = store.count(&Selection::Everyone, now()).await.unwrap();
    assert_eq!(left, 0);
}

/// `max` of an operation may be more than PostgreSQL can count.
#[tokio::test]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn no_number_is_too_large() {
    let store = fresh_store().await;
    for number in 0..4 {
        let record = session("alice", number);
        store.create(&record, None, now()).await.unwrap();
    }
    let (max, why) = (usize::MAX, EndReason::Revoked);
    let alices = Filter::subject("alice").unwrap();
    let found = store.find(&alices, max, now()).await.unwrap();
    assert_eq!(found.len(), 4);
    let one = alices.and_session_id(session("alice", 0).session_id).into();
    let ended = store.delete_matching(&one, why, max, now()).await.unwrap();
    assert_eq!(ended, 1);
    let named = Filter::name_begins_with("name").unwrap();
    let named = named.except(session("alice", 1).session_id).into();
    let ended = store
        .delete_matching(&named, why, max, now())
        .await
        .unwrap();
    assert_eq!(ended, 2);
    let expired = store.take_expired(max, now() + HOUR).await.unwrap();
    assert_eq!(expired.len(), 1);
    let taken = store.take_ended(Duration::MAX, max, now()).await.unwrap();
    assert_eq!(taken.len(), 4);
}

/// A sign of life does not wait for the disk. What comes after it on the same connection does.
#[tokio::test]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn a_touch_leaves_the_settings_as_they_are() {
    let database = Postgres::shared().create_database();
    let pool = hosts_pool(&database.url, 1).await;
    let show = "show synchronous_commit";
    let show = || sqlx::query_scalar::<_, String>(show).fetch_one(&pool);
    sqlx::query("set synchronous_commit = on")
        .execute(&pool)
        .await
        .unwrap();
    let store = migrated(PostgresStore::new(pool.clone())).await;
    let record = session("alice", 1);
    store.create(&record, None, now()).await.unwrap();
    let touch = Touch {
        every: Duration::ZERO,
        expires: now() + 2 * HOUR,
    };
    let Loaded::Found(touched) = store.load(&record.key, Some(touch), now()).await.unwrap() else {
        panic!("it is there");
    };
    assert_eq!(touched.expires, touch.expires);
    assert_eq!(show().await.unwrap(), "on");
}

/// Our own connections are what we need, whatever the database's defaults are. A pool of the host may not be, and then says so.
#[tokio::test]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn another_isolation_level_is_noticed() {
    let server = Postgres::shared();
    let database = server.create_database();
    server.sql(
        "postgres",
        &format!(
            "alter database {} set default_transaction_isolation = 'serializable'",
            database.name
        ),
    );
    let own = migrated(PostgresStore::connect(&database.url).await.unwrap()).await;
    let record = session("alice", 1);
    let created = own.create(&record, None, now()).await.unwrap();
    assert!(matches!(created, Created::Created { .. }));

    let hosts = PostgresStore::new(hosts_pool(&database.url, 1).await);
    hosts.migrate().await.unwrap();
    let error = hosts
        .create(&session("alice", 2), None, now())
        .await
        .unwrap_err();
    let cause = error.source().unwrap().to_string();
    assert!(cause.contains("READ COMMITTED (55000)"), "{cause}");
}

/// Somebody who may make functions in a schema that is searched first does not get ours to call them.
#[tokio::test]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn functions_of_others_are_not_called() {
    let server = Postgres::shared();
    let database = server.create_database();
    server.sql(
        &database.name,
        "create function public.array_append(text[], text) returns text[] language sql as $$ select '{evil}'::text[] $$;
         create function public.evil(text[], text[]) returns text[] language sql as $$ select '{evil}'::text[] $$;
         create operator public.|| (function = public.evil, leftarg = text[], rightarg = text[])",
    );
    let url = format!("{}?options[search_path]=public,pg_catalog", database.url);
    let options = PostgresOptions::new().max_connections(1);
    let own = migrated(options.clone().connect(&url).await.unwrap()).await;
    let hosts = options.pool(hosts_pool(&url, 1).await);
    for (number, store) in [own, hosts].into_iter().enumerate() {
        let record = session("alice", number as u64);
        store.create(&record, None, now()).await.unwrap();
        let late = client("late");
        store.add_client(&record.key, &late, now()).await.unwrap();
        let end = End::because(EndReason::SignOut);
        let ended = store
            .delete(&record.key, end, now())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(ended.clients, [client("first"), late]);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
