//! Loading a record, with and without a touch.

use super::{
    at_once::both_at_once,
    compare::{same_loaded, same_record},
    fixtures::*,
    probe::Probe,
};
use crate::{
    ended::EndReason,
    store::{Continuity, End, Loaded, Record, SessionStore, Touch},
};

/// A key that was never used has no record, touched or not, and a load does not make one.
pub async fn s7_an_unknown_key_is_missing(store: impl SessionStore) {
    let store = Probe::new(store);
    store.put(&record("alice", 1)).await;
    let unknown = key("alice", 2);
    for touch in [None, Some(touch(start()))] {
        for _ in 0..2 {
            let loaded = store.load(&unknown, touch, start()).await;
            assert_eq!(loaded, Loaded::Missing, "with {touch:?}");
        }
    }
    assert_eq!(store.everyone(start()).await.len(), 1);
}

/// Without a touch, a load changes nothing, however late it is.
pub async fn s7_a_plain_load_changes_nothing(store: impl SessionStore) {
    let store = Probe::new(store);
    let record = record("alice", 1);
    store.put(&record).await;
    for now in [start(), at(30 * MINUTE), at(2 * HOUR)] {
        let loaded = store.load(&record.key, None, now).await;
        same_loaded(&loaded, &record, "a plain load");
    }
}

/// A load with a touch is a touch and then a load: the record that it gives shows the touch.
pub async fn s7_a_load_shows_its_touch(store: impl SessionStore) {
    let store = Probe::new(store);
    let mut record = record("alice", 1);
    store.put(&record).await;
    let shorter = Touch {
        every: MINUTE,
        expires: at(2 * MINUTE),
    };
    let cases = [
        ("not due", at(MINUTE - MS), touch(at(MINUTE - MS)), None),
        (
            "just due",
            at(MINUTE),
            touch(at(MINUTE)),
            Some(at(HOUR + MINUTE)),
        ),
        ("again at once", at(MINUTE), touch(at(MINUTE)), None),
        (
            "later, with less time",
            at(3 * MINUTE),
            shorter,
            Some(at(HOUR + MINUTE)),
        ),
        ("much later", at(HOUR), touch(at(HOUR)), Some(at(2 * HOUR))),
    ];
    for (name, now, touch, extended) in cases {
        if let Some(expires) = extended {
            record.renewed = now;
            record.expires = expires;
        }
        let loaded = store.load(&record.key, Some(touch), now).await;
        same_loaded(&loaded, &record, name);
        let stored = store.found(&record.key, now).await;
        same_record(&stored, &record, name);
    }
}

/// A record that has expired is given as it is, and no touch makes it live again.
pub async fn s6_an_expired_record_is_loaded_and_not_touched(store: impl SessionStore) {
    let store = Probe::new(store);
    let record = record("alice", 1);
    store.put(&record).await;
    for now in [at(HOUR), at(HOUR + MS), at(9 * HOUR)] {
        for touch in [Some(touch(now)), None] {
            let loaded = store.load(&record.key, touch, now).await;
            same_loaded(&loaded, &record, "an expired record");
        }
    }
    assert_eq!(store.count(&of_subject("alice").into(), at(HOUR)).await, 0);
    let before = at(HOUR - MS);
    assert_eq!(store.count(&of_subject("alice").into(), before).await, 1);
}

/// A record that is over is gone, touched or not, and nothing follows to its successor.
pub async fn s6_a_record_that_is_over_is_gone(store: impl SessionStore) {
    let store = Probe::new(store);
    let (ended, replaced) = (record("alice", 1), record("alice", 2));
    store.put_all(&[ended.clone(), replaced.clone()]).await;
    let end = End::because(EndReason::SignOut);
    store.delete(&ended.key, end, start()).await;
    let next = next_of(&replaced, 3);
    let same = Continuity::SameSession;
    store
        .replace(&replaced.key, &next, same, None, start())
        .await;
    for (name, over) in [("ended", &ended), ("replaced", &replaced)] {
        for touch in [None, Some(touch(at(2 * MINUTE)))] {
            let loaded = store.load(&over.key, touch, at(SECOND)).await;
            assert_eq!(loaded, Loaded::Gone, "{name}, with {touch:?}");
        }
    }
    let there = store.found(&next.key, at(SECOND)).await;
    assert_eq!(there.renewed, next.renewed, "the successor was touched");
}

/// A load that meets the end of its record gives the record or says that it is gone; it never says that there was none.
pub async fn s7_a_load_that_meets_an_end_is_never_missing(store: impl SessionStore) {
    let store = Probe::new(store);
    for round in 0..30 {
        let record = record("alice", round);
        store.put(&record).await;
        let now = at(2 * MINUTE);
        let touch = (round % 2 == 0).then(|| touch(now));
        let (loader, key) = (store.clone(), record.key);
        let load = async move {
            let mut loaded = Vec::new();
            for _ in 0..3 {
                loaded.push(loader.load(&key, touch, now).await);
            }
            loaded
        };
        let ender = store.clone();
        let end = async move {
            let end = End::because(EndReason::SignOut);
            ender.delete(&key, end, now).await;
            ender.load(&key, touch, now).await
        };
        let (loaded, afterwards) = both_at_once(load, end).await;
        only_found_and_then_gone(&loaded);
        assert_eq!(afterwards, Loaded::Gone, "whoever ended it finds it");
    }
}

/// A load that meets a sign-in gives the old record or says that it is gone; it never says that there was none.
pub async fn s7_a_load_that_meets_a_replacement_is_never_missing(store: impl SessionStore) {
    let store = Probe::new(store);
    let mut number = 0;
    for round in 0..30 {
        number += 2;
        let old = record("alice", number);
        store.put(&old).await;
        let now = at(2 * MINUTE);
        let touch = (round % 2 == 0).then(|| touch(now));
        let (loader, key) = (store.clone(), old.key);
        let load = async move {
            let mut loaded = Vec::new();
            for _ in 0..3 {
                loaded.push(loader.load(&key, touch, now).await);
            }
            loaded
        };
        let next = Record {
            renewed: now,
            ..next_of(&old, number + 1)
        };
        let signer = store.clone();
        let continuity = match round % 3 {
            0 => Continuity::NewSession,
            _ => Continuity::SameSession,
        };
        let replace = async move { signer.replace(&key, &next, continuity, None, now).await };
        let (loaded, _) = both_at_once(load, replace).await;
        only_found_and_then_gone(&loaded);
    }
}

#[track_caller]
fn only_found_and_then_gone(loaded: &[Loaded]) {
    let found = |loaded: &&Loaded| matches!(loaded, Loaded::Found(_));
    let first = loaded.iter().take_while(found).count();
    let rest = &loaded[first..];
    assert!(
        rest.iter().all(|loaded| *loaded == Loaded::Gone),
        "what is over is gone, and stays so: {loaded:?}"
    );
}
