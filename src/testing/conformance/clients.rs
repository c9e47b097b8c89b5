//! The clients of a record.

use std::collections::BTreeSet;

use super::{
    at_once::{at_once, both_at_once},
    fixtures::*,
    probe::Probe,
};
use crate::{
    ended::EndReason,
    id::ClientId,
    store::{ClientAdded, ClientRemoved, Continuity, End, Record, Replaced, SessionStore},
};

/// Clients stand in the order in which they were added, each once, and each as it was spelt.
pub async fn s4_clients_stand_in_the_order_added_each_once(store: impl SessionStore) {
    let store = Probe::new(store);
    let record = Record {
        clients: clients(["first"]),
        ..record("alice", 1)
    };
    store.put(&record).await;
    let steps = [
        ("zebra", ClientAdded::Added),
        ("alpha", ClientAdded::Added),
        ("first", ClientAdded::Known),
        ("zebra", ClientAdded::Known),
        ("Zebra", ClientAdded::Added),
        ("zebra ", ClientAdded::Added),
        ("zebr", ClientAdded::Added),
        ("zebra,alpha", ClientAdded::Added),
        ("10", ClientAdded::Added),
        ("9", ClientAdded::Added),
        ("alpha", ClientAdded::Known),
    ];
    for (name, expected) in steps {
        let added = store.add_client(&record.key, &client(name), start()).await;
        assert_eq!(added, expected, "{name}");
    }
    let there = store.found(&record.key, start()).await;
    let expected = [
        "first",
        "zebra",
        "alpha",
        "Zebra",
        "zebra ",
        "zebr",
        "zebra,alpha",
        "10",
        "9",
    ];
    assert_eq!(there.clients, clients(expected));
    assert_eq!(
        (there.version, there.renewed, there.expires),
        (1, start(), at(HOUR))
    );
}

/// A client that is taken out leaves the others in their order; added again, it comes last.
pub async fn s4_a_client_is_taken_out(store: impl SessionStore) {
    let store = Probe::new(store);
    let record = Record {
        clients: clients(["a", "b", "bb", "c", "d", "a b"]),
        ..record("alice", 1)
    };
    store.put(&record).await;
    let (key, now) = (&record.key, start());
    for (name, expected) in [
        ("B", ClientRemoved::Unknown),
        ("b", ClientRemoved::Removed),
        ("b", ClientRemoved::Unknown),
        ("d", ClientRemoved::Removed),
    ] {
        let removed = store.remove_client(key, &client(name), now).await;
        assert_eq!(removed, expected, "{name}");
    }
    let there = store.found(key, now).await;
    assert_eq!(there.clients, clients(["a", "bb", "c", "a b"]));
    for name in ["e", "b"] {
        let added = store.add_client(key, &client(name), now).await;
        assert_eq!(added, ClientAdded::Added, "{name}");
    }
    let there = store.found(key, now).await;
    assert_eq!(there.clients, clients(["a", "bb", "c", "a b", "e", "b"]));
    for name in ["a", "b", "c", "e", "a b", "bb"] {
        let removed = store.remove_client(key, &client(name), now).await;
        assert_eq!(removed, ClientRemoved::Removed, "{name}");
    }
    let there = store.found(key, now).await;
    assert_eq!((there.clients.len(), there.version), (0, 1));
}

/// No client brings a record back that is over or has expired.
pub async fn s6_clients_bring_nothing_back(store: impl SessionStore) {
    let store = Probe::new(store);
    let with_client = |number| Record {
        clients: clients(["client1"]),
        ..record("alice", number)
    };
    let (ended, expired) = (with_client(1), with_client(2));
    store.put_all(&[ended.clone(), expired.clone()]).await;
    let end = End::because(EndReason::SignOut);
    store.delete(&ended.key, end, at(HOUR - MS)).await;

    let now = at(HOUR);
    for (name, key) in [
        ("unknown", &key("alice", 3)),
        ("ended", &ended.key),
        ("just expired", &expired.key),
    ] {
        for client in clients(["client1", "client2"]) {
            let added = store.add_client(key, &client, now).await;
            assert_eq!(added, ClientAdded::Missing, "{name}");
            let removed = store.remove_client(key, &client, now).await;
            assert_eq!(removed, ClientRemoved::Missing, "{name}");
        }
    }
    let there = store.found(&expired.key, now).await;
    assert_eq!(there.clients, expired.clients);
    let log = store.drain_log(now).await;
    assert_eq!(log.len(), 1);
    assert_eq!(log[0].clients, ended.clients, "what was told of the end");
}

/// Any number of callers at once lose no client, and of those who add the same one, one hears that it was added.
pub async fn s4_clients_added_at_once_all_stick(store: impl SessionStore) {
    let store = Probe::new(store);
    for round in 0..6 {
        let record = record("alice", round);
        store.put(&record).await;
        let key = record.key;
        // Each of eight callers adds three clients of its own, and one that all of them add.
        let adder = |number: usize| {
            let store = store.clone();
            async move {
                let common = client("common");
                let own = numbered_clients(&format!("client of {number}"), 3);
                let first = store.add_client(&key, &common, start()).await;
                for client in &own {
                    let added = store.add_client(&key, client, start()).await;
                    assert_eq!(added, ClientAdded::Added, "{client}");
                }
                let again = store.add_client(&key, &common, start()).await;
                assert_eq!(again, ClientAdded::Known);
                (first, own)
            }
        };
        let answers = at_once((0..8).map(adder).collect()).await;
        let first = answers.iter().filter(|(a, _)| *a == ClientAdded::Added);
        assert_eq!(first.count(), 1, "the common client was added once");
        let there = store.found(&key, start()).await;
        assert_eq!(there.clients.len(), 25, "{:?}", there.clients);
        for (_, own) in &answers {
            in_this_order(&there.clients, own);
        }
    }
}

/// Clients that are added and taken out at once do not disturb each other.
pub async fn s4_clients_come_and_go_at_once(store: impl SessionStore) {
    let store = Probe::new(store);
    let leaving = numbered_clients("leaving", 6);
    for round in 0..10 {
        let record = Record {
            clients: [clients(["stays"]), leaving.clone()].concat(),
            ..record("alice", round)
        };
        store.put(&record).await;
        let key = record.key;
        let change = |number: usize| {
            let store = store.clone();
            let leaving = leaving[number].clone();
            async move {
                let removed = store.remove_client(&key, &leaving, start()).await;
                assert_eq!(removed, ClientRemoved::Removed, "{leaving}");
                let coming = client(&format!("coming {number}"));
                let added = store.add_client(&key, &coming, start()).await;
                assert_eq!(added, ClientAdded::Added, "{coming}");
            }
        };
        at_once((0..6).map(change).collect()).await;
        let there = store.found(&key, start()).await;
        assert_eq!(there.clients[0], "stays");
        let expected = numbered_clients("coming", 6);
        let came: BTreeSet<_> = there.clients[1..].iter().cloned().collect();
        assert_eq!(came, expected.into_iter().collect());
        assert_eq!(there.clients.len(), 7);
    }
}

/// A client that is added while its session ends is told of in the end, or its caller hears that the session is missing. Never neither, never both.
pub async fn s4_a_client_meets_the_end_of_its_session(store: impl SessionStore) {
    let store = Probe::new(store);
    for round in 0..25 {
        let record = record("alice", round);
        store.put(&record).await;
        let key = record.key;
        let adder = store.clone();
        let adding = async move {
            let mut added = Vec::new();
            for client in numbered_clients("client", 4) {
                let answer = adder.add_client(&key, &client, start()).await;
                if answer == ClientAdded::Added {
                    added.push(client);
                }
            }
            added
        };
        let ender = store.clone();
        let ending = async move {
            let end = End::because(EndReason::SignOut);
            ender.delete(&key, end, start()).await
        };
        let (added, ended) = both_at_once(adding, ending).await;
        let ended = ended.expect("nobody else ends it");
        assert_eq!(ended.clients, added, "whose client was added is in the end");
        assert_eq!(store.drain_log(start()).await, [ended]);
    }
}

/// Clients that are added through a key that is being replaced land in the successors; none is lost.
pub async fn s4_clients_meet_sign_ins(store: impl SessionStore) {
    let store = Probe::new(store);
    for round in 0..6 {
        let number = 100 * round;
        let first = Record {
            clients: clients(["client1"]),
            ..record("alice", number)
        };
        store.put(&first).await;
        let key = first.key;
        let session = first.session_id;
        let signer = store.clone();
        let signing_in = async move {
            let mut old = first;
            for number in number + 1..=number + 6 {
                let next = Record {
                    clients: clients(["client2"]),
                    ..next_of(&old, number)
                };
                let same = Continuity::SameSession;
                let answer = signer
                    .replace(&old.key, &next, same, None, at(SECOND))
                    .await;
                assert!(matches!(answer, Replaced::Replaced { .. }));
                old = next;
            }
            old
        };
        let adders = store.clone();
        let adding = async move {
            let adder = |number: usize| {
                let store = adders.clone();
                async move {
                    let own = numbered_clients(&format!("client of {number}"), 4);
                    for client in &own {
                        let added = store.add_client(&key, client, at(SECOND)).await;
                        assert_eq!(added, ClientAdded::Added, "{client}");
                    }
                    own
                }
            };
            at_once((0..3).map(adder).collect()).await
        };
        let (last, added) = both_at_once(signing_in, adding).await;
        let there = store.found(&last.key, at(SECOND)).await;
        assert_eq!(there.session_id, session);
        assert_eq!(there.clients[0], "client1");
        assert_eq!(there.clients.len(), 2 + 3 * 4, "{:?}", there.clients);
        for own in &added {
            in_this_order(&there.clients, own);
        }
    }
}

#[track_caller]
fn in_this_order(all: &[ClientId], some: &[ClientId]) {
    let among: Vec<_> = all.iter().filter(|client| some.contains(client)).collect();
    assert_eq!(
        among,
        some.iter().collect::<Vec<_>>(),
        "lost or out of order"
    );
}
