//! The store in memory, held to the contract of all stores, and to what is its own.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum_user_session::{
    ended::{EndReason, Ended},
    id::{ClientId, SessionId},
    store::{
        Continuity, Created, Device, End, Filter, Limit, Loaded, MemoryStore, Record, RecordKey,
        Replaced, Selection, SessionStore, WhenReached,
    },
    store_conformance,
    testing::{
        Counter, Faults,
        conformance::{self, Kept, Nodes},
    },
};

store_conformance! {
    async { MemoryStore::new(10_000) }
}

/// As one value that is handed around: behind an `Arc`, watched, on several nodes, and kept together with something.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_conforms_in_every_wrapping() {
    let counter = Counter::new();
    conformance::run(async || {
        let store = counter.around(Arc::new(MemoryStore::new(10_000)));
        let faults = Faults::new();
        let nodes = [store.clone(), store].map(|store| faults.around(store));
        Kept::new(Nodes::new(nodes), "a temporary folder")
    })
    .await;
    assert!(counter.total() > 1000, "{counter:?}");
}

/// Over many histories, as this store is quick.
#[tokio::test]
async fn promise_1_many_histories_are_answered_as_by_a_plain_store() {
    for seed in 2..200 {
        conformance::history::live_through(MemoryStore::new(10_000), seed, 400).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn promise_1_operations_at_once_have_one_order_many_times_over() {
    for seed in 2..30 {
        conformance::one_order::find_orders(MemoryStore::new(10_000), seed, 50).await;
    }
}

#[tokio::test]
async fn a_full_store_refuses_and_ends_nobody() {
    let store = MemoryStore::new(3);
    for number in 0..3 {
        create(&store, number, None, NOW).await.unwrap();
    }
    for number in 3..6 {
        assert_eq!(create(&store, number, None, NOW).await, Err(Created::Full));
        let loaded = store.load(&key(number), None, NOW).await.unwrap();
        assert_eq!(loaded, Loaded::Missing);
    }
    assert_eq!(store.len(), 3);
    assert_eq!(count(&store, NOW).await, 3);
    assert!(log(&store).await.is_empty());
    // A record that is there is told apart from one that finds no room.
    assert_eq!(create(&store, 0, None, NOW).await, Err(Created::Exists));
}

#[tokio::test]
async fn a_full_store_lets_a_session_go_on() {
    let store = MemoryStore::new(2);
    create(&store, 0, None, NOW).await.unwrap();
    create(&store, 1, None, NOW).await.unwrap();
    let same = Continuity::SameSession;
    let next = Record {
        session_id: record(0).session_id,
        ..record(2)
    };
    let replaced = store.replace(&key(0), &next, same, None, NOW).await;
    assert!(matches!(replaced.unwrap(), Replaced::Replaced { .. }));
    let client = ClientId::parse("client1").unwrap();
    store.add_client(&key(2), &client, NOW).await.unwrap();
    assert_eq!((store.len(), count(&store, NOW).await), (2, 2));
}

#[tokio::test]
async fn a_session_that_ends_makes_room_in_a_full_store() {
    let store = MemoryStore::new(2);
    create(&store, 0, None, NOW).await.unwrap();
    create(&store, 1, None, NOW).await.unwrap();
    let anew = Continuity::NewSession;

    let nobody = store.replace(&key(9), &record(2), anew, None, NOW).await;
    assert_eq!(nobody.unwrap(), Replaced::Full);
    let replaced = store.replace(&key(0), &record(2), anew, None, NOW).await;
    assert!(matches!(replaced.unwrap(), Replaced::Replaced { .. }));
    let evicted = create(&store, 3, end_oldest(2), NOW).await.unwrap();
    assert_eq!(evicted.len(), 1, "the limit is the user's own");
    let denied = create(&store, 4, limit(2, WhenReached::Deny), NOW).await;
    assert_eq!(denied, Err(Created::Denied));
    assert_eq!((store.len(), count(&store, NOW).await), (2, 2));

    let end = End::because(EndReason::SignOut);
    store.delete(&key(3), end, NOW).await.unwrap().unwrap();
    assert_eq!(store.len(), 1);
    create(&store, 5, None, NOW).await.unwrap();
    assert_eq!(create(&store, 6, None, NOW).await, Err(Created::Full));
    let everyone = Selection::Everyone;
    let ended = store
        .delete_matching(&everyone, EndReason::Revoked, 10, NOW)
        .await;
    assert_eq!(ended.unwrap(), 2);
    assert!(store.is_empty());
}

#[tokio::test]
async fn expired_sessions_make_room_in_a_full_store() {
    let store = MemoryStore::new(3);
    for (number, life) in [(0, HOUR), (1, 2 * HOUR), (2, 3 * HOUR)] {
        let record = Record {
            expires: NOW + life,
            ..record(number)
        };
        store.create(&record, None, NOW).await.unwrap();
    }
    let late = NOW + 2 * HOUR;
    let long = |number| Record {
        expires: NOW + 9 * HOUR,
        ..record(number)
    };
    for number in [3, 4] {
        let created = store.create(&long(number), None, late).await.unwrap();
        assert_eq!(created, Created::Created { evicted: vec![] });
    }
    let full = store.create(&long(5), None, late).await.unwrap();
    assert_eq!(full, Created::Full);
    // Those who made room have ended, and are told of as all others.
    let log = log(&store).await;
    let expected = [0, 1].map(|number| record(number).ended(EndReason::Expired, late));
    assert_eq!(log.len(), 2);
    assert!(expected.iter().all(|ended| log.contains(ended)));
    let anew = Continuity::NewSession;
    let later = NOW + 3 * HOUR;
    let replaced = store.replace(&key(9), &long(5), anew, None, later).await;
    assert!(matches!(replaced.unwrap(), Replaced::Replaced { .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sign_ins_at_once_do_not_exceed_the_capacity() {
    for round in 0..20 {
        let store = MemoryStore::new(10);
        let sign_in = |number: usize| {
            let store = store.clone();
            tokio::spawn(async move { create(&store, number, None, NOW).await.is_ok() })
        };
        let mut succeeded = 0;
        for task in Vec::from_iter((0..40).map(sign_in)) {
            succeeded += usize::from(task.await.unwrap());
        }
        assert_eq!((succeeded, store.len()), (10, 10), "round {round}");
        assert_eq!(count(&store, NOW).await, 10);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn expired_sessions_make_room_for_as_many_at_once() {
    for round in 0..20 {
        let store = MemoryStore::new(40);
        for number in 0..40 {
            create(&store, number, None, NOW).await.unwrap();
        }
        let late = NOW + 2 * HOUR;
        let sign_in = |number: usize| {
            let store = store.clone();
            let record = Record {
                expires: NOW + 3 * HOUR,
                ..record(number)
            };
            tokio::spawn(async move { store.create(&record, None, late).await.unwrap() })
        };
        for task in Vec::from_iter((40..80).map(sign_in)) {
            let created = Created::Created { evicted: vec![] };
            assert_eq!(task.await.unwrap(), created, "round {round}");
        }
        assert_eq!(count(&store, late).await, 40);
    }
}

#[tokio::test]
async fn a_log_that_nobody_takes_from_is_bounded() {
    let store = MemoryStore::new(5);
    let end = End::because(EndReason::SignOut);
    let mut ended = Vec::new();
    for number in 0..12 {
        create(&store, number, None, NOW).await.unwrap();
        ended.extend(store.delete(&key(number), end, NOW).await.unwrap());
    }
    assert_eq!(log(&store).await, ended[7..], "the newest are kept");
}

#[tokio::test]
async fn what_is_remembered_for_60_seconds_is_tidied_away_then_and_counted() {
    let store = MemoryStore::new(10);
    let end = End::because(EndReason::SignOut);
    for number in 0..4 {
        create(&store, number, None, NOW).await.unwrap();
        let now = NOW + Duration::from_secs(number as u64);
        store.delete(&key(number), end, now).await.unwrap();
    }
    let now = NOW + Duration::from_secs(62);
    for (number, expected) in [(1, Loaded::Missing), (2, Loaded::Gone)] {
        let loaded = store.load(&key(number), None, now).await.unwrap();
        assert_eq!(loaded, expected, "{number}, before");
    }
    let purged = store.purge(UNIX_EPOCH, now).await;
    assert_eq!(purged.unwrap().tombstones, 2);
    let loaded = store.load(&key(2), None, now).await.unwrap();
    assert_eq!(loaded, Loaded::Gone, "after exactly 60 seconds");
    let purged = store.purge(UNIX_EPOCH, NOW + HOUR).await;
    assert_eq!(purged.unwrap().tombstones, 2);
}

#[tokio::test]
async fn its_text_tells_nobody_who_is_signed_in() {
    let store = MemoryStore::new(10);
    create(&store, 0, None, NOW).await.unwrap();
    let text = format!("{store:?}");
    assert_eq!(text, "MemoryStore { len: 1, capacity: 10, .. }");
}

const NOW: SystemTime = UNIX_EPOCH;
const HOUR: Duration = Duration::from_secs(3600);

/// All of one subject, which is one shard.
fn record(number: usize) -> Record {
    Record {
        key: key(number),
        subject: "alice".to_owned(),
        session_id: SessionId::parse(&number.to_string()).unwrap(),
        display_name: None,
        created: NOW + Duration::from_millis(number as u64),
        renewed: NOW,
        expires: NOW + HOUR,
        clients: vec![],
        ticket: vec![],
        version: 1,
        device: Device::new(),
    }
}

fn key(number: usize) -> RecordKey {
    RecordKey::of_subject([number as u8; RecordKey::LEN], "alice")
}

fn end_oldest(max: u32) -> Option<Limit> {
    limit(max, WhenReached::EndOldest)
}

fn limit(max: u32, when_reached: WhenReached) -> Option<Limit> {
    let max = max.try_into().unwrap();
    Some(Limit { max, when_reached })
}

async fn create(
    store: &MemoryStore,
    number: usize,
    limit: Option<Limit>,
    now: SystemTime,
) -> Result<Vec<Ended>, Created> {
    match store.create(&record(number), limit, now).await.unwrap() {
        Created::Created { evicted } => Ok(evicted),
        refused => Err(refused),
    }
}

async fn count(store: &MemoryStore, now: SystemTime) -> u64 {
    let alices = Filter::subject("alice").unwrap().into();
    store.count(&alices, now).await.unwrap()
}

async fn log(store: &MemoryStore) -> Vec<Ended> {
    let taken = store.take_ended(HOUR, 100, NOW).await.unwrap();
    taken.into_iter().map(|taken| taken.ended).collect()
}
