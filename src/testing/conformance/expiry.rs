//! Sessions that have expired, and those who take them.

use std::collections::BTreeSet;

use super::{
    at_once::at_once,
    compare::{same_record, same_set_of_ends},
    fixtures::*,
    probe::Probe,
};
use crate::{
    ended::EndReason,
    store::{Loaded, Record, SessionStore, Touched},
};

/// Only what has expired is taken, from the very moment on at which it expires, with all there is to tell.
pub async fn s13_only_the_expired_are_taken(store: impl SessionStore) {
    let store = Probe::new(store);
    let session = |number: usize, after| Record {
        clients: clients(["client1", "client2"]),
        expires: at(after),
        ..record(["alice", "bob", "carol", "dave"][number], number)
    };
    let sessions = [
        session(0, HOUR),
        session(1, HOUR + MS),
        session(2, HOUR + MS),
        session(3, 2 * HOUR),
    ];
    store.put_all(&sessions).await;
    for (now, expected) in [
        (at(HOUR - MS), &sessions[..0]),
        (at(HOUR), &sessions[..1]),
        (at(HOUR), &sessions[..0]),
        (at(HOUR + MS), &sessions[1..3]),
        (at(2 * HOUR - MS), &sessions[..0]),
    ] {
        let taken = store.take_expired(10, now).await;
        let expected = ends(expected, EndReason::Expired, now);
        same_set_of_ends(&taken, &expected, "what was taken");
        let log = store.drain_log(now).await;
        same_set_of_ends(&log, &expected, "the log");
    }
    let there = store.found(&sessions[3].key, at(2 * HOUR - MS)).await;
    same_record(&there, &sessions[3], "who has not expired");
    for taken in &sessions[1..3] {
        let gone = store.load(&taken.key, None, at(HOUR + MS)).await;
        assert_eq!(gone, Loaded::Gone);
    }
}

/// At most as many are taken as were asked for, and in the end all of them.
pub async fn s13_the_expired_are_taken_in_batches(store: impl SessionStore) {
    let store = Probe::new(store);
    let sessions: Vec<_> = (0..25)
        .map(|number| Record {
            expires: at(number as u32 * SECOND + SECOND),
            ..record(&format!("subject {}", number % 9), number)
        })
        .collect();
    store.put_all(&sessions).await;
    let now = at(20 * SECOND);
    let mut taken = Vec::new();
    for expected in [8, 8, 4, 0] {
        let batch = store.take_expired(8, now).await;
        assert_eq!(batch.len(), expected);
        taken.extend(batch);
    }
    let expected = ends(&sessions[..20], EndReason::Expired, now);
    same_set_of_ends(&taken, &expected, "what was taken");
    same_set_of_ends(&store.drain_log(now).await, &expected, "the log");
    assert_eq!(store.everyone(now).await.len(), 5);
}

/// Any number of takers at once take each expired session once, all of them, and no others.
pub async fn s13_many_takers_take_each_once(store: impl SessionStore) {
    let store = Probe::new(store);
    for round in 0..5 {
        let now = at(2 * HOUR);
        let number = 100 * round;
        let expired: Vec<_> = (number..number + 30)
            .map(|number| record(&format!("subject {}", number % 7), number))
            .collect();
        let live = Record {
            expires: at(9 * HOUR),
            ..record("subject 0", number + 30)
        };
        store.put_all(&expired).await;
        store.put(&live).await;
        let take = |_| {
            let store = store.clone();
            async move {
                let mut taken = Vec::new();
                loop {
                    let batch = store.take_expired(4, now).await;
                    assert!(batch.len() <= 4);
                    if batch.is_empty() {
                        break taken;
                    }
                    taken.extend(batch);
                    assert!(taken.len() < 1000, "it has no end");
                }
            }
        };
        let mut taken = at_once((0..4).map(take).collect()).await.concat();
        // Whoever is taking one may keep it from another's eyes, who then goes home early.
        taken.extend(store.take_expired(100, now).await);
        let expected = ends(&expired, EndReason::Expired, now);
        same_set_of_ends(&taken, &expected, "what they took");
        same_set_of_ends(&store.drain_log(now).await, &expected, "the log");
        store.found(&live.key, now).await;
    }
}

/// Sessions that expire in one millisecond are all taken, each once, though a batch ends among them.
pub async fn s13_sessions_that_expire_together_are_all_taken(store: impl SessionStore) {
    let store = Probe::new(store);
    let sessions: Vec<_> = (0..12).map(|number| record("alice", number)).collect();
    store.put_all(&sessions).await;
    let mut taken = BTreeSet::new();
    for _ in 0..4 {
        let batch = store.take_expired(3, at(HOUR)).await;
        assert_eq!(batch.len(), 3);
        taken.extend(batch.into_iter().map(|ended| ended.event_id));
    }
    assert_eq!(taken.len(), 12);
    assert!(store.take_expired(3, at(HOUR)).await.is_empty());
}

/// Sessions that would have expired if they had not been used do not stand in the way of those that have.
pub async fn s13_used_sessions_do_not_hide_the_expired(store: impl SessionStore) {
    let store = Probe::new(store);
    let used: Vec<_> = (0..12).map(|number| record("alice", number)).collect();
    let expired: Vec<_> = (12..15)
        .map(|number| Record {
            expires: at(HOUR + MINUTE),
            ..record("alice", number)
        })
        .collect();
    store.put_all(&used).await;
    store.put_all(&expired).await;
    let early = at(HOUR - MS);
    for record in &used {
        let touched = store.touch(&record.key, touch(early), early).await;
        assert_eq!(touched, Touched::Touched);
    }
    let now = at(HOUR + MINUTE);
    let mut taken = Vec::new();
    for expected in [2, 1, 0] {
        let batch = store.take_expired(2, now).await;
        assert_eq!(batch.len(), expected);
        taken.extend(batch);
    }
    let expected = ends(&expired, EndReason::Expired, now);
    same_set_of_ends(&taken, &expected, "what was taken");
    assert_eq!(store.everyone(now).await.len(), 12);
}
