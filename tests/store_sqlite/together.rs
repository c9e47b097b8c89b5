//! What waits together is written together.

use std::{
    fs, mem,
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use axum_user_session::store::{Durability, SessionStore, SqliteOptions, SqliteStore, Touch};

use crate::fixtures::{Place, create, found, now, record};

/// How many transactions the log of changes holds: a frame that ends one says how large the file is after it
/// (<https://www.sqlite.org/fileformat2.html#the_write_ahead_log>).
fn transactions(place: &Place) -> usize {
    const FRAME: usize = 24 + 4096;
    let wal = fs::read(format!("{}-wal", place.path.display())).unwrap();
    let frames = wal[32..].chunks_exact(FRAME);
    // What is left of an earlier round has other salts than the header.
    let current = frames.take_while(|frame| frame[8..16] == wal[16..24]);
    current.filter(|frame| frame[4..8] != [0; 4]).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_at_once_share_transactions() {
    let place = Place::new();
    let store = place.open();
    for number in 0..200 {
        create(&store, number).await;
    }
    let fold = |place: &Place| {
        let connection = place.connect();
        connection
            .query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(()))
            .unwrap();
    };
    fold(&place);
    let touch = Touch {
        every: Duration::ZERO,
        expires: now(),
    };
    let later = now() + Duration::from_secs(1);
    let tasks = (0..200).map(|number| {
        let store = store.clone();
        tokio::spawn(async move {
            store
                .touch(&record(number).key, touch, later)
                .await
                .unwrap();
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    for number in 0..200 {
        assert_eq!(found(&store, number).await.renewed, later);
    }
    let shared = transactions(&place);
    assert!(
        (1..=50).contains(&shared),
        "{shared} transactions for 200 changes"
    );

    // One after the other they can share none, which shows that the counting counts.
    fold(&place);
    for number in 0..20 {
        store
            .touch(&record(number).key, touch, later + touch.every)
            .await
            .unwrap();
    }
    assert_eq!(transactions(&place), 20);
}

/// Puts in a record that is as large as records get.
async fn put_in_a_large_one(store: &SqliteStore, number: u64) {
    let mut record = record(number);
    record.ticket = vec![7; 64 << 10];
    store.create(&record, None, now()).await.unwrap();
}

fn len_of_log(place: &Place) -> u64 {
    let log = format!("{}-wal", place.path.display());
    fs::metadata(log).unwrap().len()
}

/// A reader from outside that stays keeps the log of changes growing; when it goes, the log is cut.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_changes_does_not_stay_large() {
    let place = Place::new();
    let store = SqliteOptions::new().durability(Durability::Crash);
    let store = store.open(&place.path).unwrap();
    create(&store, 0).await;
    let reader = place.connect();
    reader.execute_batch(READ).unwrap();
    let mut numbers = 1..;
    while len_of_log(&place) <= 66 << 20 {
        put_in_a_large_one(&store, numbers.next().unwrap()).await;
    }
    reader.execute_batch("COMMIT").unwrap();
    for number in numbers.take(1200) {
        put_in_a_large_one(&store, number).await;
        if len_of_log(&place) <= 8 << 20 {
            return;
        }
    }
    panic!("it still has {} bytes", len_of_log(&place));
}

/// Somebody is always reading, though none of them for long, so the log of changes can't begin anew by itself.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_changes_is_bounded_while_reads_overlap() {
    let place = Place::new();
    let store = SqliteOptions::new().durability(Durability::Crash);
    let store = store.open(&place.path).unwrap();
    create(&store, 0).await;
    let (stop, stopped) = mpsc::channel::<()>();
    let (mut one, mut other) = (place.connect(), place.connect());
    one.execute_batch(READ).unwrap();
    let reads = thread::spawn(move || {
        while stopped.recv_timeout(Duration::from_millis(3)) == Err(RecvTimeoutError::Timeout) {
            other.execute_batch(READ).unwrap();
            one.execute_batch("COMMIT").unwrap();
            mem::swap(&mut one, &mut other);
        }
    });
    let mut largest = 0;
    for number in 1..=2000 {
        put_in_a_large_one(&store, number).await;
        largest = largest.max(len_of_log(&place));
    }
    drop(stop);
    reads.join().unwrap();
    // It has taken in twice as much, and has been as large as it may be, or this test has tested nothing.
    assert!((60 << 20..72 << 20).contains(&largest), "{largest} bytes");
}

const READ: &str = "BEGIN; SELECT count(*) FROM sessions;";
