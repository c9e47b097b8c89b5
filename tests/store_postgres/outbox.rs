//! The outbox: tables from before it, rows that others have changed or hold, a server that is killed, and a million deliveries.

use std::time::{Duration, Instant};

use axum_user_session::{
    ended::{EndReason, Ended, EventId},
    store::{
        Created, DeliveryFilter, DeliveryState, End, Loaded, LogoutOutbox, Outcome, PostgresStore,
        SessionStore,
    },
    testing::conformance::outbox::history::live_through,
};
use sqlx::{Connection, PgConnection};

use crate::{
    plans::{EXPLAIN, uses},
    servers::Postgres,
    support::{HOUR, client, fresh_store, migrated, now, session, session_id},
};

/// The tables as the first release made them: its scripts must stay as they are.
const VERSION_1: [&str; 3] = [
    include_str!("../../src/store/postgres/migrations/1_tables.sql"),
    include_str!("../../src/store/postgres/migrations/1_functions.sql"),
    include_str!("../../src/store/postgres/migrations/1_operations.sql"),
];

const BOOK: &str = "create schema axum_user_session;
    create table axum_user_session.migrations (version integer primary key, applied timestamptz not null default now());
    insert into axum_user_session.migrations values (1)";

/// A node of the release before has the tables, sessions in them, and statements prepared. It goes on while another brings the outbox, and after.
#[tokio::test]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn o6_tables_of_version_1_get_an_outbox() {
    let server = Postgres::shared();
    let database = server.create_database();
    server.sql(&database.name, BOOK);
    for script in VERSION_1 {
        let script = script.replace("{schema}", "axum_user_session");
        server.sql(&database.name, &script);
    }
    let old_node = PostgresStore::connect(&database.url).await.unwrap();
    let [first, second] = [1, 2].map(|number| session("alice", number));
    for record in [&first, &second] {
        old_node.create(record, None, now()).await.unwrap();
    }
    let end = End::because(EndReason::SignOut);
    let ended = old_node.delete(&first.key, end, now()).await.unwrap();

    let new_node = migrated(PostgresStore::connect(&database.url).await.unwrap()).await;
    let loaded = new_node.load(&second.key, None, now()).await.unwrap();
    assert_eq!(loaded, Loaded::Found(Box::new(second.clone())));
    let taken = new_node.take_ended(HOUR, 10, now()).await.unwrap();
    assert_eq!(Some(&taken[0].ended), ended.as_ref());
    let told = [client("first")];
    let new = new_node.put_in(&taken[0].ended, &told, now()).await;
    assert_eq!(new.unwrap(), 1);

    let third = session("alice", 3);
    let created = old_node.create(&third, None, now()).await.unwrap();
    assert_eq!(created, Created::Created { evicted: vec![] });
    assert!(
        old_node
            .delete(&second.key, end, now())
            .await
            .unwrap()
            .is_some()
    );
    let version = "select max(version) from axum_user_session.migrations";
    assert_eq!(server.sql(&database.name, version), "2");
}

/// What was answered is there after the server was killed, and what was taken before comes again when its lease is over.
#[tokio::test]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn o6_a_killed_server_keeps_what_it_has_answered() {
    let mut server = Postgres::start_durable();
    let url = server.url("postgres");
    let store = migrated(PostgresStore::connect(&url).await.unwrap()).await;
    let told = ["a", "b", "c"].map(client);
    assert_eq!(store.put_in(&ended(1), &told, now()).await.unwrap(), 3);
    let taken = store.take_due(HOUR, 2, &[], now()).await.unwrap();
    let settled = [taken[0].settled(Outcome::Delivered)];
    assert_eq!(store.settle(&settled, now()).await.unwrap(), 1);
    server.kill();
    assert!(store.put_in(&ended(2), &told, now()).await.is_err());

    server.start_again();
    let mut counts = store.count_deliveries().await;
    for _ in 0..100 {
        if counts.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        counts = store.count_deliveries().await;
    }
    let counts = counts.unwrap();
    assert_eq!((counts.pending, counts.delivered), (2, 1));
    let taken = store.take_due(HOUR, 10, &[], now()).await.unwrap();
    assert_eq!(taken.len(), 1, "the other is hidden still");
    let taken = store.take_due(HOUR, 10, &[], now() + HOUR).await.unwrap();
    assert_eq!(taken.len(), 2);
    assert_eq!(store.settle(&settled, now()).await.unwrap(), 0);
}

/// Who takes passes by what somebody else holds, and waits for nobody.
#[tokio::test]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn o6_takers_wait_for_nobody() {
    let database = Postgres::shared().create_database();
    let store = migrated(PostgresStore::connect(&database.url).await.unwrap()).await;
    for number in 0..3 {
        store
            .put_in(&ended(number), &[client("a")], now())
            .await
            .unwrap();
    }
    let mut other = PgConnection::connect(&database.url).await.unwrap();
    let mut transaction = other.begin().await.unwrap();
    let hold = "select from axum_user_session.deliveries order by id limit 2 for update";
    sqlx::query(hold).execute(&mut *transaction).await.unwrap();
    let began = Instant::now();
    let taken = store.take_due(HOUR, 10, &[], now()).await.unwrap();
    assert_eq!(taken.len(), 1);
    assert!(began.elapsed() < Duration::from_secs(2));
    transaction.rollback().await.unwrap();
    let taken = store.take_due(HOUR, 10, &[], now()).await.unwrap();
    assert_eq!(taken.len(), 2);
}

/// The server refuses what is no delivery; where somebody has told it not to, such a row is told to nobody, and hinders no other.
#[tokio::test]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn o6_rows_that_are_not_ours_hinder_no_other() {
    for (edit, is_refused, listed) in [
        ("state = 'whim'", true, 4),
        ("state = ''", true, 4),
        ("state = 'delivered'", true, 5),
        ("settled_ms = 1", true, 5),
        ("event_id = '\\x00'", false, 4),
        ("client = ''", false, 4),
        ("client = E'a\\nb'", false, 4),
        ("session_id = 'a;b'", false, 4),
        ("attempts = -2", false, 4),
        ("turn = -2", false, 5),
    ] {
        let server = Postgres::shared();
        let database = server.create_database();
        let store = migrated(PostgresStore::connect(&database.url).await.unwrap()).await;
        for number in 0..5 {
            let now = now() + Duration::from_secs(number);
            store
                .put_in(&ended(number), &[client("a")], now)
                .await
                .unwrap();
        }
        let edit_first = format!("update axum_user_session.deliveries set {edit} where id = 1");
        if is_refused {
            let refused = server.try_sql(&database.name, &edit_first).unwrap_err();
            assert!(refused.contains("deliveries_whole"), "{refused}");
            let allow = "alter table axum_user_session.deliveries drop constraint deliveries_whole";
            server.sql(&database.name, allow);
        }
        server.sql(&database.name, &edit_first);

        // One that is settled, and nothing else, can be read.
        let is_readable = edit == "settled_ms = 1";
        let (mut taken, later) = (Vec::new(), now() + HOUR);
        for expected in [2, 2, usize::from(is_readable)] {
            let batch = store.take_due(HOUR, 2, &[], later).await.unwrap();
            assert_eq!(batch.len(), expected, "{edit}");
            taken.extend(batch);
        }
        let everything = DeliveryFilter::default();
        let list = store.deliveries(&everything, 10).await.unwrap();
        assert_eq!(list.len(), listed, "{edit}");
        store.count_deliveries().await.unwrap();
        assert_eq!(store.forget_settled(later).await.unwrap(), 0, "{edit}");
        let attempts = taken.iter().map(|taken| taken.settled(Outcome::Delivered));
        let attempts: Vec<_> = attempts.collect();
        let counted = store.settle(&attempts, later).await.unwrap();
        assert_eq!(counted, taken.len() as u64, "{edit}");
        let forgotten = store.forget_settled(later + HOUR).await.unwrap();
        assert_eq!(forgotten, counted, "{edit}");
    }
}

/// A number that was raised as far as it goes stops nobody.
#[tokio::test]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn o6_numbers_that_can_not_grow_stop_nobody() {
    let server = Postgres::shared();
    let database = server.create_database();
    let store = migrated(PostgresStore::connect(&database.url).await.unwrap()).await;
    let told = [client("a"), client("b")];
    store.put_in(&ended(1), &told, now()).await.unwrap();
    let edit = "update axum_user_session.deliveries \
        set attempts = 2147483647, turn = 9223372036854775807 where client = 'a'";
    server.sql(&database.name, edit);
    let taken = store.take_due(HOUR, 10, &[], now()).await.unwrap();
    assert_eq!(taken.len(), 2);
    let attempts = taken.iter().map(|taken| taken.settled(Outcome::PutBack));
    let attempts: Vec<_> = attempts.collect();
    assert_eq!(store.settle(&attempts, now()).await.unwrap(), 2);
    assert_eq!(store.take_due(HOUR, 10, &[], now()).await.unwrap().len(), 2);
}

/// The server quotes the row that it refuses, and we don't.
#[tokio::test]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn o6_errors_tell_nothing_of_a_delivery() {
    let server = Postgres::shared();
    let database = server.create_database();
    let store = migrated(PostgresStore::connect(&database.url).await.unwrap()).await;
    let check = "alter table axum_user_session.deliveries add check (client <> 'secret client')";
    server.sql(&database.name, check);
    let told = [client("secret client")];
    let error = store.put_in(&ended(4711), &told, now()).await.unwrap_err();
    let text = format!("{error:?}");
    assert!(text.contains("23514"), "{text}");
    assert!(
        !text.contains("secret") && !text.contains("S4711"),
        "{text}"
    );
}

/// Longer than in the suite, with other seeds.
#[tokio::test]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn o6_histories_are_answered_as_by_the_store_in_memory() {
    for seed in 100..106 {
        live_through(fresh_store().await, seed, 300).await;
    }
}

/// A million deliveries that are settled, and twenty thousand that wait.
const FILL: &str = "
    insert into axum_user_session.deliveries (created_ms, due_ms, settled_ms, turn, attempts, event_id, client, subject, session_id, state)
    select 1700000000000 + i, 1700000000000 + i, 1700000000000 + i, 2, 1, substr(sha256(i::text::bytea), 1, 16),
        'client ' || i % 50, 'subject ' || i / 2, 'S' || i, case when i % 1000 = 0 then 'given_up' else 'delivered' end
    from generate_series(1, 1000000) as i;
    insert into axum_user_session.deliveries (created_ms, due_ms, free_from_ms, event_id, client, subject, session_id)
    select 1700000000000 + i, 1700000000000 + i, 1700000000000 + i, substr(sha256(i::text::bytea), 1, 16),
        'client ' || i % 50 || 'b', 'subject ' || i / 2, 'S' || i
    from generate_series(1, 20000) as i";

/// No statement reads a whole table, however many are settled, before the server has looked at the table and after.
#[tokio::test]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn o6_a_million_settled_deliveries_are_in_nobodys_way() {
    let server = Postgres::start();
    let url = server.url("postgres");
    migrated(PostgresStore::connect(&url).await.unwrap()).await;
    let quiet = "alter table axum_user_session.deliveries set (autovacuum_enabled = false)";
    server.sql("postgres", quiet);
    for statement in FILL.split(';') {
        server.sql("postgres", statement);
    }
    let store = PostgresStore::connect(&format!("{url}{EXPLAIN}"))
        .await
        .unwrap();
    for round in 0..2 {
        let told = [client("first"), client("second")];
        let new = ended(5_000_000 + round);
        uses!(
            server,
            "Insert on deliveries",
            store.put_in(&new, &told, now())
        );
        let except: Vec<_> = (0..20)
            .map(|number| client(&format!("client {number}b")))
            .collect();
        let taken = uses!(
            server,
            "deliveries_waiting",
            store.take_due(HOUR, 50, &except, now())
        );
        assert_eq!(taken.len(), 50);
        let attempts = taken.iter().map(|taken| taken.settled(Outcome::Delivered));
        let attempts: Vec<_> = attempts.collect();
        let counted = uses!(server, "deliveries_name", store.settle(&attempts, now()));
        assert_eq!(counted, 50);

        let everything = DeliveryFilter::default();
        let of = |number: u64| DeliveryFilter {
            session_id: Some(session_id(number)),
            ..everything.clone()
        };
        let subject = DeliveryFilter {
            subject: Some("subject 77777".to_owned()),
            ..everything.clone()
        };
        let for_client = DeliveryFilter {
            client: Some(client("client 7")),
            ..everything.clone()
        };
        let given_up = DeliveryFilter {
            state: Some(DeliveryState::GivenUp),
            ..everything.clone()
        };
        let of_end = DeliveryFilter {
            event_id: Some(new.event_id),
            ..everything.clone()
        };
        for (filter, expected) in [(&of_end, 2), (&of(500_000), 1), (&subject, 2)] {
            let index = match filter {
                _ if filter.event_id.is_some() => "deliveries_name",
                _ if filter.session_id.is_some() => "deliveries_session_id",
                _ => "deliveries_subject",
            };
            let list = uses!(server, index, store.deliveries(filter, 25));
            assert_eq!(list.len(), expected);
        }
        for (filter, index) in [
            (&everything, "deliveries_newest"),
            (&for_client, "deliveries_client"),
            (&given_up, "deliveries_state"),
        ] {
            let list = uses!(server, index, store.deliveries(filter, 25));
            assert_eq!(list.len(), 25);
        }
        let old = std::time::UNIX_EPOCH + Duration::from_millis(1_700_000_100_000);
        let forgotten = uses!(server, "deliveries_settled", store.forget_settled(old));
        assert_eq!(forgotten, 5000);
        server.sql("postgres", "vacuum analyze axum_user_session.deliveries");
    }
    let counts = store.count_deliveries().await.unwrap();
    assert_eq!(counts.delivered + counts.given_up, 1_000_000 - 10_000 + 100);
    // What a delivery costs; the documentation of the store says so.
    let size = "select pg_table_size(c) / 1020000, pg_indexes_size(c) / 1020000, pg_total_relation_size(c) \
        from (select 'axum_user_session.deliveries'::regclass as c) as t";
    println!(
        "bytes in table | in indexes | all: {}",
        server.sql("postgres", size)
    );
}

fn ended(number: u64) -> Ended {
    let mut event = [0; EventId::LEN];
    event[..8].copy_from_slice(&number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
    let event = EventId::new(event);
    Ended::new(
        event,
        "alice",
        session_id(number),
        EndReason::SignOut,
        now(),
    )
}
