//! Several processes with one file.

use std::time::{Duration, Instant};

use axum_user_session::store::{SessionStore, SqliteOptions, Touch};

use crate::{
    child::Running,
    fixtures::{Place, cause, create, found, now, record},
};

/// All of them open a file that none of them has made yet, and add to one session.
#[tokio::test]
async fn s4_processes_that_start_at_once_lose_no_client() {
    let place = Place::new();
    let start = |_| Running::start("add clients", &place.path);
    let mut adders: Vec<_> = (0..4).map(start).collect();
    for adder in &mut adders {
        assert!(adder.succeeds());
    }
    let record = found(&place.open(), 0).await;
    assert_eq!(record.clients.len(), 1 + 4 * 100);
}

#[tokio::test]
async fn two_handles_on_one_file_see_each_other() {
    let place = Place::new();
    let (one, other) = (place.open(), place.open());
    for number in 0..20 {
        create(&one, number).await;
        assert_eq!(found(&other, number).await, record(number));
    }
}

#[tokio::test]
async fn s9_a_file_that_is_locked_for_too_long_fails_writes_until_it_is_not() {
    let place = Place::new();
    let timeout = Duration::from_millis(200);
    let store = SqliteOptions::new()
        .busy_timeout(timeout)
        .open(&place.path)
        .unwrap();
    create(&store, 1).await;
    let mut locker = Running::start("hold the lock", &place.path);
    assert_eq!(locker.line().as_deref(), Some("locked"));

    let began = Instant::now();
    let refused = cause(store.create(&record(2), None, now()).await);
    assert!(refused.contains("locked"), "{refused}");
    assert!(began.elapsed() >= timeout);
    assert_eq!(found(&store, 1).await, record(1), "reads go on");
    let touch = Touch {
        every: Duration::from_secs(60),
        expires: now() + Duration::from_secs(7200),
    };
    let began = Instant::now();
    for _ in 0..10 {
        store
            .load(&record(1).key, Some(touch), now())
            .await
            .unwrap();
    }
    assert!(
        began.elapsed() < timeout,
        "where no sign of life is due, nobody waits"
    );
    let opened = SqliteOptions::new().busy_timeout(timeout).open(&place.path);
    assert!(cause(opened).contains("locked"));

    drop(locker.child.stdin.take());
    assert!(locker.succeeds());
    create(&store, 2).await;
}

/// A lock that is given back in time costs nobody anything but the wait.
#[tokio::test]
async fn a_file_that_is_locked_for_a_while_is_waited_for() {
    let place = Place::new();
    let store = place.open();
    let mut locker = Running::start("hold the lock", &place.path);
    assert_eq!(locker.line().as_deref(), Some("locked"));
    let created = tokio::spawn(async move { create(&store, 1).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!created.is_finished());
    drop(locker.child.stdin.take());
    created.await.unwrap();
}
