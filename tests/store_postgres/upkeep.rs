//! What is written most often must not wear the tables out.

use std::{thread::sleep, time::Duration};

use axum_user_session::store::{PostgresStore, SessionStore, Touch, Touched};

use crate::{
    servers::Postgres,
    support::{HOUR, client, migrated, now, session},
};

/// Signs of life and new clients make no entry in any index.
#[tokio::test]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn frequent_writes_leave_the_indexes_alone() {
    let server = Postgres::shared();
    let database = server.create_database();
    let store = migrated(PostgresStore::connect(&database.url).await.unwrap()).await;
    for number in 0..200 {
        let record = session("alice", number);
        store.create(&record, None, now()).await.unwrap();
    }
    for round in 1..6 {
        for number in 0..200 {
            let key = session("alice", number).key;
            let touch = Touch {
                every: Duration::ZERO,
                expires: now() + HOUR + Duration::from_secs(round),
            };
            let touched = store.touch(&key, touch, now()).await.unwrap();
            assert_eq!(touched, Touched::Touched);
        }
    }
    for number in 0..200 {
        let key = session("alice", number).key;
        let late = client("late");
        store.add_client(&key, &late, now()).await.unwrap();
    }
    let statistics =
        "select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables where relname = 'sessions'";
    let (mut all, mut heap_only) = (0, 0);
    // The server tells its statistics when it finds the time.
    for _ in 0..100 {
        let row = server.sql(&database.name, statistics);
        let (first, second) = row.split_once('|').unwrap();
        (all, heap_only) = (first.parse().unwrap(), second.parse().unwrap());
        if all == 1200 {
            break;
        }
        sleep(Duration::from_millis(100));
        store
            .count(&axum_user_session::store::Selection::Everyone, now())
            .await
            .unwrap();
    }
    assert_eq!(all, 1200);
    let entries: u32 = all - heap_only;
    assert!(entries < all / 50, "{entries} of {all} made entries");
}

/// A session that goes on is looked at once, and then not before it can have expired.
#[tokio::test]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn clean_up_does_not_look_at_the_same_sessions_again() {
    let server = Postgres::shared();
    let database = server.create_database();
    let store = migrated(PostgresStore::connect(&database.url).await.unwrap()).await;
    for number in 0..50 {
        let record = session("alice", number);
        store.create(&record, None, now()).await.unwrap();
        let touch = Touch {
            every: Duration::ZERO,
            expires: now() + 3 * HOUR,
        };
        if number > 0 {
            store.touch(&record.key, touch, now()).await.unwrap();
        }
    }
    let later = now() + 2 * HOUR;
    let due = "select count(*) from axum_user_session.sessions where sweep_ms <= 1800007200000";
    assert_eq!(server.sql(&database.name, due), "50");
    // The one that has expired is behind others, and a batch is smaller than they are.
    let expired = store.take_expired(10, later).await.unwrap();
    assert_eq!(expired.len(), 1);
    assert_eq!(server.sql(&database.name, due), "0");
}
