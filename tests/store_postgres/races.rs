//! Many at once, on one server.

use std::{num::NonZeroU32, time::Duration};

use axum_user_session::{
    ended::EndReason,
    store::{
        ClientAdded, Continuity, End, Filter, Limit, PostgresOptions, PostgresStore, Selection,
        SessionStore, Touch, Update, Updated, WhenReached,
    },
};
use sqlx::{Connection, PgConnection};

use crate::{
    servers::Postgres,
    support::{HOUR, client, fresh_store, hosts_pool, migrated, next_of, now, session},
};

/// Whatever is done to many sessions at once, nobody waits in a circle, which the server would notice after a second.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn operations_on_many_sessions_do_not_deadlock() {
    let server = Postgres::start();
    let options = PostgresOptions::new().max_connections(12);
    let store = migrated(options.connect(&server.url("postgres")).await.unwrap()).await;
    let tasks = (0..12).map(|task| tokio::spawn(work(store.clone(), task)));
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let log = server.log();
    assert!(!log.contains("deadlock"), "{log}");
    assert!(!log.contains("ERROR"), "{log}");
}

/// All of it on a few subjects, so that tasks meet.
async fn work(store: PostgresStore, task: u64) {
    let limit = Some(Limit {
        max: NonZeroU32::new(3).unwrap(),
        when_reached: WhenReached::EndOldest,
    });
    let touch = Touch {
        every: Duration::ZERO,
        expires: now() + 2 * HOUR,
    };
    for round in 0..120 {
        let subject = format!("subject {}", (task + round) % 3);
        let number = 1_000_000 + 10_000 * task + 10 * round;
        let first = session(&subject, number);
        store.create(&first, limit, now()).await.unwrap();
        store.load(&first.key, Some(touch), now()).await.unwrap();
        store
            .add_client(&first.key, &client("late"), now())
            .await
            .unwrap();
        let second = next_of(&first, number + 1);
        let goes_on = Continuity::SameSession;
        store
            .replace(&first.key, &second, goes_on, None, now())
            .await
            .unwrap();
        let third = session(&subject, number + 2);
        let anew = Continuity::NewSession;
        store
            .replace(&second.key, &third, anew, limit, now())
            .await
            .unwrap();
        let of_subject = Filter::subject(&*subject).unwrap();
        let named = Filter::name_begins_with("name of").unwrap();
        let some: Selection = match (task + round) % 4 {
            0 => of_subject.except(third.session_id).into(),
            1 => named.into(),
            2 => Selection::Everyone,
            _ => Filter::session_id(third.session_id).into(),
        };
        let why = EndReason::Revoked;
        store.delete_matching(&some, why, 5, now()).await.unwrap();
        let late = now() + 3 * HOUR;
        store.take_expired(2, late).await.unwrap();
        let end = End::because(EndReason::SignOut);
        store.delete(&first.key, end, now()).await.unwrap();
        let taken = store.take_ended(Duration::ZERO, 20, now()).await.unwrap();
        let events: Vec<_> = taken.iter().map(|taken| taken.ended.event_id).collect();
        store.acknowledge(&events).await.unwrap();
        store.purge(now(), late).await.unwrap();
    }
}

/// A session that gets a new key while one more is created stays one, and counts as one.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn s12_the_limit_holds_while_sessions_get_new_keys() {
    let server = Postgres::shared();
    let database = server.create_database();
    let store = migrated(PostgresStore::connect(&database.url).await.unwrap()).await;
    let most = 3;
    let limit = Some(Limit {
        max: NonZeroU32::new(most).unwrap(),
        when_reached: WhenReached::EndOldest,
    });
    for round in 0..20 {
        let subject = format!("subject {round}");
        let first = session(&subject, 0);
        store.create(&first, limit, now()).await.unwrap();
        let renewing = tokio::spawn({
            let store = store.clone();
            async move {
                let mut last = first;
                for number in 1..12 {
                    let next = next_of(&last, number);
                    let goes_on = Continuity::SameSession;
                    let replaced = store.replace(&last.key, &next, goes_on, None, now());
                    replaced.await.unwrap();
                    last = next;
                }
            }
        });
        let creating = (0..3).map(|task| {
            let (store, subject) = (store.clone(), subject.clone());
            tokio::spawn(async move {
                for number in 0..4 {
                    let newcomer = session(&subject, 100 * (task + 1) + number);
                    store.create(&newcomer, limit, now()).await.unwrap();
                    let all = Filter::subject(subject.clone()).unwrap().into();
                    let count = store.count(&all, now()).await.unwrap();
                    assert!(count <= u64::from(most), "{count} sessions");
                }
            })
        });
        for task in creating.collect::<Vec<_>>() {
            task.await.unwrap();
        }
        renewing.await.unwrap();
    }
}

/// What is not there yet has no other version.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn s3_an_update_meets_the_beginning_of_its_record() {
    let store = fresh_store().await;
    for number in 0..500 {
        let record = session("alice", number);
        let creating = tokio::spawn({
            let (store, record) = (store.clone(), record.clone());
            async move { store.create(&record, None, now()).await }
        });
        let update = Update {
            ticket: vec![1],
            display_name: None,
        };
        let updated = store.update(&record.key, &update, 1, now()).await.unwrap();
        assert_ne!(updated, Updated::Conflict);
        creating.await.unwrap().unwrap();
    }
}

/// The host's isolation level lets the server undo what meets another operation. That is tried again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn what_the_server_has_undone_is_tried_again() {
    let database = Postgres::shared().create_database();
    let own = migrated(PostgresStore::connect(&database.url).await.unwrap()).await;
    let record = session("alice", 1);
    own.create(&record, None, now()).await.unwrap();
    let level = "options[default_transaction_isolation]=repeatable%20read";
    let url = format!("{}?{level}", database.url);
    let strict = PostgresStore::new(hosts_pool(&url, 1).await);

    let mut other = PgConnection::connect(&database.url).await.unwrap();
    let mut change = other.begin().await.unwrap();
    let changed = sqlx::query("update axum_user_session.sessions set renewed_ms = renewed_ms");
    changed.execute(&mut *change).await.unwrap();
    let adding = tokio::spawn(async move {
        let late = client("late");
        strict.add_client(&record.key, &late, now()).await
    });
    let waits = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    while Postgres::shared().sql(&database.name, waits) != "1" {
        tokio::task::yield_now().await;
    }
    change.commit().await.unwrap();
    assert_eq!(adding.await.unwrap().unwrap(), ClientAdded::Added);
}
