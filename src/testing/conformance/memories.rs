//! What a store remembers of records that are over, and for how long.

use super::{fixtures::*, probe::Probe};
use crate::{
    ended::EndReason,
    store::{ClientAdded, Continuity, Created, End, Loaded, SessionStore},
};

/// Tidying away takes no memory that is still of use, and no record; it counts no more than there are.
pub async fn s6_tidying_away_leaves_what_is_of_use(store: impl SessionStore) {
    let store = Probe::new(store);
    let [ended, replaced, live] = [1, 2, 3].map(|number| record("alice", number));
    store
        .put_all(&[ended.clone(), replaced.clone(), live.clone()])
        .await;
    let end = End::because(EndReason::SignOut);
    store.delete(&ended.key, end, start()).await;
    let next = next_of(&replaced, 4);
    let same = Continuity::SameSession;
    store
        .replace(&replaced.key, &next, same, None, start())
        .await;

    for now in [start(), at(SECOND), at(MINUTE - MS)] {
        let purged = store.purge(start(), now).await;
        assert_eq!((purged.tombstones, purged.unheard_ends), (0, 0));
        for over in [&ended, &replaced] {
            assert_eq!(store.load(&over.key, None, now).await, Loaded::Gone);
            assert_eq!(store.create(over, None, now).await, Created::Exists);
        }
        let added = store
            .add_client(&replaced.key, &client("client1"), now)
            .await;
        assert_ne!(added, ClientAdded::Missing, "the way to the successor");
    }
    let mut forgotten = 0;
    for _ in 0..10 {
        let purged = store.purge(start(), at(MINUTE + MS)).await;
        assert_eq!(purged.unheard_ends, 0, "the end was not from before");
        forgotten += purged.tombstones;
    }
    // A server may have a way of its own to forget, and not count it.
    assert!(forgotten <= 2, "{forgotten} memories of 2");
    for over in [&ended, &replaced] {
        let loaded = store.load(&over.key, None, at(MINUTE + MS)).await;
        assert_eq!(loaded, Loaded::Missing);
    }
    // Expired records are not for it to take away.
    let purged = store.purge(start(), at(9 * HOUR)).await;
    assert_eq!((purged.tombstones, purged.unheard_ends), (0, 0));
    for record in [&live, &next] {
        store.found(&record.key, at(9 * HOUR)).await;
    }
    assert_eq!(store.drain_log(at(9 * HOUR)).await.len(), 1);
}

/// An end that is logged is there however long the memory of its record is over.
pub async fn s14_the_log_outlives_the_memory_of_a_record(store: impl SessionStore) {
    let store = Probe::new(store);
    let record = record("alice", 1);
    store.put(&record).await;
    let end = End::because(EndReason::SignOut);
    let ended = store.delete(&record.key, end, start()).await;
    let late = at(100 * HOUR);
    for _ in 0..3 {
        store.purge(start(), late).await;
    }
    let loaded = store.load(&record.key, None, late).await;
    assert_eq!(loaded, Loaded::Missing);
    assert_eq!(store.drain_log(late).await, Vec::from_iter(ended));
}
