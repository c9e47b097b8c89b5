//! Creating a record.

use super::{at_once::at_once, compare::same_record, fixtures::*, probe::Probe};
use crate::{
    ended::EndReason,
    store::{Continuity, Created, End, Loaded, Record, SessionStore},
};

/// What was created is there, and nothing is before.
pub async fn s3_create_puts_a_record_in(store: impl SessionStore) {
    let store = Probe::new(store);
    let record = record("alice", 1);
    let before = store.load(&record.key, None, start()).await;
    assert_eq!(before, Loaded::Missing);
    assert_eq!(store.create(&record, None, start()).await, created());
    let there = store.found(&record.key, start()).await;
    same_record(&there, &record, "the record that was created");
    assert_eq!(store.count(&of_subject("alice").into(), start()).await, 1);
    assert!(store.drain_log(start()).await.is_empty());
}

/// A key that has a record is refused, and its record stays as it is; so is the caller's own, when a reply was lost.
pub async fn s3_create_refuses_a_key_that_has_a_record(store: impl SessionStore) {
    let store = Probe::new(store);
    let first = record("alice", 1);
    store.put(&first).await;
    let other = Record {
        key: first.key,
        ..record("alice", 2)
    };
    for (name, second) in [("another record", &other), ("the same record", &first)] {
        for limit in [None, end_oldest(1), deny(1)] {
            let answer = store.create(second, limit, at(SECOND)).await;
            assert_eq!(answer, Created::Exists, "{name} under {limit:?}");
        }
    }
    let there = store.found(&first.key, at(SECOND)).await;
    same_record(&there, &first, "the record that was there");
    let listed = store.count(&of_subject("alice").into(), start()).await;
    assert_eq!(listed, 1, "a session is counted twice");
    assert!(store.drain_log(at(SECOND)).await.is_empty());
}

/// A record that has expired, and that nobody has taken away yet, still has its key.
pub async fn s3_create_refuses_the_key_of_an_expired_record(store: impl SessionStore) {
    let store = Probe::new(store);
    let expired = record("alice", 1);
    store.put(&expired).await;
    let second = Record {
        expires: at(3 * HOUR),
        ..record("alice", 1)
    };
    let answer = store.create(&second, None, at(2 * HOUR)).await;
    assert_eq!(answer, Created::Exists);
    let there = store.found(&expired.key, at(2 * HOUR)).await;
    same_record(&there, &expired, "the record that has expired");
}

/// The key of a record that ended or was replaced is refused for as long as it is remembered.
pub async fn s6_create_refuses_the_key_of_a_record_that_is_over(store: impl SessionStore) {
    let store = Probe::new(store);
    let (ended, replaced) = (record("alice", 1), record("alice", 2));
    store.put_all(&[ended.clone(), replaced.clone()]).await;
    let end = End::because(EndReason::SignOut);
    assert!(store.delete(&ended.key, end, start()).await.is_some());
    let next = next_of(&replaced, 3);
    let same = Continuity::SameSession;
    store
        .replace(&replaced.key, &next, same, None, start())
        .await;

    for (name, over) in [("ended", &ended), ("replaced", &replaced)] {
        for now in [start(), at(SECOND), at(MINUTE - MS)] {
            let answer = store.create(over, None, now).await;
            assert_eq!(answer, Created::Exists, "{name}");
            assert_eq!(store.load(&over.key, None, now).await, Loaded::Gone);
        }
    }
    let live = store.count(&of_subject("alice").into(), start()).await;
    assert_eq!(live, 1, "only the successor is there");
}

/// Of many who create a record under one key at once, one succeeds.
pub async fn s3_one_of_many_creates_of_a_key_succeeds(store: impl SessionStore) {
    let store = Probe::new(store);
    for round in 0..15 {
        let record = record("alice", round);
        let attempt = |_| {
            let (store, record) = (store.clone(), record.clone());
            async move { store.create(&record, None, start()).await }
        };
        let answers = at_once((0..6).map(attempt).collect()).await;
        let succeeded = answers.iter().filter(|answer| **answer == created());
        assert_eq!(succeeded.count(), 1, "{answers:?}");
        let refused = answers.iter().filter(|answer| **answer == Created::Exists);
        assert_eq!(refused.count(), 5, "{answers:?}");
        let there = store.found(&record.key, start()).await;
        same_record(&there, &record, "the record that was created");
    }
    let listed = store.count(&of_subject("alice").into(), start()).await;
    assert_eq!(listed, 15);
}

/// Sessions that many create at once are all there.
pub async fn s3_many_creates_at_once_all_stick(store: impl SessionStore) {
    let store = Probe::new(store);
    let subjects = ["alice", "bob", "carol"];
    let create = |number: usize| {
        let store = store.clone();
        let record = record(subjects[number % subjects.len()], number);
        async move { store.create(&record, None, start()).await }
    };
    let answers = at_once((0..60).map(create).collect()).await;
    assert!(answers.iter().all(|answer| *answer == created()));
    for (number, subject) in subjects.into_iter().cycle().take(60).enumerate() {
        let expected = record(subject, number);
        let there = store.found(&expected.key, start()).await;
        same_record(&there, &expected, "one of many");
    }
    for subject in subjects {
        assert_eq!(
            store.find(&of_subject(subject), 100, start()).await.len(),
            20
        );
    }
    assert_eq!(store.everyone(start()).await.len(), 60);
}
