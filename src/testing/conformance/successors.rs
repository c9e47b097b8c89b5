//! What is asked of a record that was replaced, and what is not.

use super::{
    compare::{same_record, same_set_of_ends},
    fixtures::*,
    probe::Probe,
};
use crate::{
    ended::EndReason,
    store::{
        ClientAdded, ClientRemoved, Continuity, End, Loaded, Record, Replaced, SessionStore,
        event_of,
    },
};

const SAME: Continuity = Continuity::SameSession;

/// Clients that are added or taken out through any earlier key of a session land in its newest record.
pub async fn s6_clients_follow_to_the_newest_successor(store: impl SessionStore) {
    let store = Probe::new(store);
    let chain = chain_of_four(&store, 0).await;
    let (keys, newest) = (chain.map(|record| record.key), 3);
    let now = at(SECOND);
    for (number, key) in keys.iter().enumerate() {
        let own = client(&format!("through {number}"));
        let added = store.add_client(key, &own, now).await;
        assert_eq!(added, ClientAdded::Added, "through key {number}");
        for key in &keys {
            let added = store.add_client(key, &own, now).await;
            assert_eq!(added, ClientAdded::Known, "{own}");
        }
    }
    let there = store.found(&keys[newest], now).await;
    let expected = ["through 0", "through 1", "through 2", "through 3"];
    assert_eq!(there.clients, clients(expected));
    for (key, name) in keys.iter().zip(expected) {
        let removed = store.remove_client(key, &client(name), now).await;
        assert_eq!(removed, ClientRemoved::Removed, "{name}");
        let removed = store.remove_client(key, &client(name), now).await;
        assert_eq!(removed, ClientRemoved::Unknown, "{name}");
    }
    let there = store.found(&keys[newest], now).await;
    assert!(there.clients.is_empty());
}

/// A sign-out through any earlier key of a session ends it, once, and tells what its newest record knew.
pub async fn s6_a_sign_out_follows_to_the_newest_successor(store: impl SessionStore) {
    let store = Probe::new(store);
    for through in 0..4 {
        let chain = chain_of_four(&store, 10 * through).await;
        let now = at(SECOND);
        store
            .add_client(&chain[0].key, &client("client1"), now)
            .await;
        let newest = store.found(&chain[3].key, now).await;
        let end = End::because(EndReason::SignOut);
        let ended = store.delete(&chain[through].key, end, now).await;
        let expected = [newest.ended(EndReason::SignOut, now)];
        same_set_of_ends(ended.as_slice(), &expected, "what ended");
        for record in &chain {
            let again = store.delete(&record.key, end, now).await;
            assert_eq!(again, None, "nothing ends twice");
            let gone = store.load(&record.key, None, now).await;
            assert_eq!(gone, Loaded::Gone);
            let added = store.add_client(&record.key, &client("late"), now).await;
            assert_eq!(added, ClientAdded::Missing);
        }
        let log = store.drain_log(now).await;
        same_set_of_ends(&log, &expected, "the log");
    }
}

/// A sign-in that names any earlier key of a session continues its newest record.
pub async fn s5_a_sign_in_follows_to_the_newest_successor(store: impl SessionStore) {
    let store = Probe::new(store);
    let chain = chain_of_four(&store, 0).await;
    let now = at(SECOND);
    store
        .add_client(&chain[3].key, &client("client1"), now)
        .await;
    let mut newest = chain[3].key;
    for (number, record) in chain.iter().enumerate() {
        let new = next_of(&chain[0], 10 + number);
        let answer = store.replace(&record.key, &new, SAME, None, now).await;
        let name = format!("through key {number}");
        assert_eq!(answer, replaced(start(), &clients(["client1"])), "{name}");
        let gone = store.load(&newest, None, now).await;
        assert_eq!(gone, Loaded::Gone, "{name}");
        let there = store.found(&new.key, now).await;
        assert_eq!(there.created, chain[0].created, "{name}");
        newest = new.key;
    }
    let live = store.find(&of_subject("alice"), 10, now).await;
    assert_eq!(live.len(), 1);
    assert!(store.drain_log(now).await.is_empty());
}

/// A sign-in to another session, naming any earlier key, ends the session's newest record.
pub async fn s5_another_session_ends_the_newest_successor(store: impl SessionStore) {
    let store = Probe::new(store);
    let chain = chain_of_four(&store, 0).await;
    let now = at(SECOND);
    store
        .add_client(&chain[1].key, &client("client1"), now)
        .await;
    let newest = store.found(&chain[3].key, now).await;
    let new = record("alice", 10);
    let another = Continuity::NewSession;
    let answer = store.replace(&chain[1].key, &new, another, None, now).await;
    let Replaced::Replaced { ended, clients, .. } = answer else {
        panic!("it signs in: {answer:?}");
    };
    let expected = [newest.ended(EndReason::Replaced, now)];
    same_set_of_ends(&ended, &expected, "what ended");
    assert!(clients.is_empty(), "nothing is taken over");
    let log = store.drain_log(now).await;
    same_set_of_ends(&log, &expected, "the log");
    for record in &chain {
        let added = store.add_client(&record.key, &client("late"), now).await;
        assert_eq!(added, ClientAdded::Missing, "what ended leads nowhere");
    }
    let there = store.found(&new.key, now).await;
    same_record(&there, &new, "the other session");
}

/// A replaced record leads to its successor for 60 seconds from when it was replaced, and no longer.
pub async fn s6_the_way_to_a_successor_is_remembered_for_60_seconds(store: impl SessionStore) {
    let store = Probe::new(store);
    // Replaced at 1, 31 and 61 seconds.
    let mut chain = vec![record("alice", 1)];
    store.put(&chain[0]).await;
    for number in 2..=4 {
        let old = &chain[chain.len() - 1];
        let new = next_of(old, number);
        let now = at(SECOND + (number as u32 - 2) * 30 * SECOND);
        let answer = store.replace(&old.key, &new, SAME, None, now).await;
        assert!(matches!(answer, Replaced::Replaced { .. }), "{answer:?}");
        chain.push(new);
    }
    let [first, second, third, _] = [0, 1, 2, 3].map(|number| chain[number].key);
    let steps = [
        ("the first, in time", first, at(61 * SECOND - MS), true),
        ("the first, too late", first, at(61 * SECOND + MS), false),
        ("the second, then", second, at(61 * SECOND + MS), true),
        ("the second, in time", second, at(91 * SECOND - MS), true),
        ("the second, too late", second, at(91 * SECOND + MS), false),
        ("the third, then", third, at(91 * SECOND + MS), true),
    ];
    for (name, key, now, remembered) in steps {
        let loaded = store.load(&key, None, now).await;
        let own = client(name);
        let added = store.add_client(&key, &own, now).await;
        let removed = store.remove_client(&key, &own, now).await;
        let new = next_of(&chain[0], 50);
        let end = End::if_expired();
        let ended = store.delete(&key, end, now).await;
        assert_eq!(ended, None, "{name}");
        if remembered {
            assert_eq!(loaded, Loaded::Gone, "{name}");
            assert_eq!(added, ClientAdded::Added, "{name}");
            assert_eq!(removed, ClientRemoved::Removed, "{name}");
        } else {
            assert_eq!(loaded, Loaded::Missing, "{name}");
            assert_eq!(added, ClientAdded::Missing, "{name}");
            assert_eq!(removed, ClientRemoved::Missing, "{name}");
            let answer = store.replace(&key, &new, SAME, None, now).await;
            assert_eq!(answer, Replaced::Missing, "{name}");
            let end = End::because(EndReason::SignOut);
            assert_eq!(store.delete(&key, end, now).await, None, "{name}");
        }
    }
    let end = End::because(EndReason::SignOut);
    let ended = store.delete(&third, end, at(100 * SECOND)).await;
    assert!(ended.is_some(), "the third leads to the last");
}

/// A session of which the newest record has expired is missing through all of its keys, and a sign-out ends it.
pub async fn s6_an_expired_successor_is_followed_as_one_that_is_there(store: impl SessionStore) {
    let store = Probe::new(store);
    let old = record("alice", 1);
    store.put(&old).await;
    let new = Record {
        expires: at(10 * SECOND),
        ..next_of(&old, 2)
    };
    store.replace(&old.key, &new, SAME, None, at(SECOND)).await;
    let now = at(10 * SECOND);
    let late = client("late");
    let added = store.add_client(&old.key, &late, now).await;
    assert_eq!(added, ClientAdded::Missing);
    let removed = store.remove_client(&old.key, &late, now).await;
    assert_eq!(removed, ClientRemoved::Missing);
    let third = next_of(&old, 3);
    let answer = store.replace(&old.key, &third, SAME, None, now).await;
    assert_eq!(answer, Replaced::Missing);
    let early = at(10 * SECOND - MS);
    let not_yet = store.delete(&old.key, End::if_expired(), early).await;
    assert_eq!(not_yet, None, "it has not expired yet");
    let ended = store.delete(&old.key, End::if_expired(), now).await;
    let ended = ended.expect("it has expired");
    assert_eq!(ended.reason, EndReason::Expired);
    assert_eq!(ended.event_id, event_of(&new.key));
}

/// Four records of one session, each in the place of the one before.
async fn chain_of_four<S: SessionStore>(store: &Probe<S>, number: usize) -> [Record; 4] {
    let first = record("alice", number);
    store.put(&first).await;
    let chain = [1, 2, 3].map(|more| next_of(&first, number + more));
    let mut old = first.key;
    for new in &chain {
        let answer = store.replace(&old, new, SAME, None, at(SECOND)).await;
        assert_eq!(answer, replaced(start(), &[]));
        old = new.key;
    }
    let [second, third, fourth] = chain;
    [first, second, third, fourth]
}
