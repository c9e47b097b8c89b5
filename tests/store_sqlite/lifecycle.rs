use std::{
    fs, thread,
    time::{Duration, Instant},
};

use axum_user_session::store::{Durability, Loaded, SessionStore, SqliteOptions};

use crate::fixtures::{Place, create, found, now, record};

/// The store's threads and open files that belong to a path, as the system sees them.
fn open_files(place: &Place) -> usize {
    let files = fs::read_dir("/proc/self/fd").unwrap();
    let targets = files.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
    targets
        .filter(|target| {
            target
                .to_string_lossy()
                .starts_with(&*place.path.to_string_lossy())
        })
        .count()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn threads_end_and_files_are_closed_with_the_last_handle() {
    let place = Place::new();
    let store = place.open();
    let clone = store.clone();
    create(&store, 1).await;
    drop(store);
    assert_eq!(found(&clone, 1).await, record(1), "a clone is the store");
    assert!(open_files(&place) > 0);
    drop(clone);
    let began = Instant::now();
    while open_files(&place) > 0 {
        assert!(began.elapsed() < Duration::from_secs(10));
        thread::sleep(Duration::from_millis(5));
    }
}

/// A caller that gives up does no harm to others, whenever it does.
#[tokio::test(flavor = "multi_thread")]
async fn callers_may_go_away_at_any_moment() {
    let place = Place::new();
    let store = SqliteOptions::new()
        .durability(Durability::Crash)
        .open(&place.path)
        .unwrap();
    for number in 0..400 {
        let limit = Duration::from_micros(number * 5);
        let record = record(number);
        let create = tokio::time::timeout(limit, store.create(&record, None, now())).await;
        // What was answered is there; what was not may be.
        let loaded = store.load(&record.key, None, now()).await.unwrap();
        if create.is_ok() {
            assert_eq!(loaded, Loaded::Found(Box::new(record.clone())));
        }
        // And the second attempt does no harm.
        store.create(&record, None, now()).await.unwrap();
        assert_eq!(found(&store, number).await, record);
    }
}

/// More callers than the queue holds wait, and all are answered.
#[tokio::test(flavor = "multi_thread")]
async fn more_callers_than_can_wait_in_the_queue_are_all_answered() {
    let place = Place::new();
    let store = SqliteOptions::new().readers(1).open(&place.path).unwrap();
    create(&store, 0).await;
    let tasks = (1..=3000).map(|number| {
        let store = store.clone();
        tokio::spawn(async move {
            create(&store, number).await;
            found(&store, number).await
        })
    });
    for (task, number) in tasks.collect::<Vec<_>>().into_iter().zip(1..) {
        assert_eq!(task.await.unwrap(), record(number));
    }
}
