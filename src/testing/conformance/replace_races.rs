//! Signing in again, many times at once or while something else happens.

use super::{
    at_once::{at_once, both_at_once},
    compare::same_record,
    fixtures::*,
    probe::Probe,
};
use crate::store::{Continuity, Filter, Loaded, Record, Replaced, SessionStore, Update, Updated};

const SAME: Continuity = Continuity::SameSession;

/// The same request twice at once, as when the caller repeats one that is still under way, puts one record in and answers twice.
pub async fn promise_6_a_replace_may_overtake_itself(store: impl SessionStore) {
    let store = Probe::new(store);
    for round in 0..15 {
        let old = Record {
            clients: clients(["client1"]),
            ..record("alice", 2 * round)
        };
        store.put(&old).await;
        let new = next_of(&old, 2 * round + 1);
        let attempt = |_| {
            let (store, old, new) = (store.clone(), old.key, new.clone());
            async move { store.replace(&old, &new, SAME, None, at(SECOND)).await }
        };
        for answer in at_once((0..3).map(attempt).collect()).await {
            assert_eq!(answer, replaced(start(), &old.clients));
        }
        let expected = Record {
            created: old.created,
            clients: old.clients,
            ..new
        };
        let there = store.found(&expected.key, at(SECOND)).await;
        same_record(&there, &expected, "the record of all attempts");
    }
    assert_eq!(store.everyone(at(SECOND)).await.len(), 15);
    assert!(store.drain_log(at(SECOND)).await.is_empty());
}

/// When one session signs in many times at once, each of which names the record that it knew, one record is there in the end, with the clients of all.
pub async fn s5_many_sign_ins_of_one_session_leave_one_record(store: impl SessionStore) {
    let store = Probe::new(store);
    for round in 0..12 {
        let number = 10 * round;
        let old = Record {
            clients: clients(["client1"]),
            ..record("alice", number)
        };
        store.put(&old).await;
        let sign_in = |attempt: usize| {
            let store = store.clone();
            let new = Record {
                clients: vec![client(&format!("client of {attempt}"))],
                ..next_of(&old, number + attempt)
            };
            let old = old.key;
            async move {
                let answer = store.replace(&old, &new, SAME, None, at(SECOND)).await;
                (new.key, answer)
            }
        };
        let answers = at_once((1..=5).map(sign_in).collect()).await;
        for (_, answer) in &answers {
            let Replaced::Replaced {
                created,
                clients,
                ended,
            } = answer
            else {
                panic!("every one of them finds the session: {answer:?}");
            };
            assert_eq!((*created, ended.len()), (start(), 0));
            assert_eq!(clients[0], "client1");
        }
        let one = Filter::session_id(old.session_id);
        let live = store.find(&one, 10, at(SECOND)).await;
        assert_eq!(live.len(), 1, "one record of a session is there");
        let mut clients = live[0].clients.clone();
        clients.sort();
        let mut expected: Vec<_> = (1..=5).map(|n| client(&format!("client of {n}"))).collect();
        expected.push(client("client1"));
        expected.sort();
        assert_eq!(clients, expected, "no client is lost or doubled");
        for (key, _) in answers {
            let loaded = store.load(&key, None, at(SECOND)).await;
            let is_last = key == live[0].key;
            assert_eq!(matches!(loaded, Loaded::Found(_)), is_last, "{loaded:?}");
            assert_eq!(loaded == Loaded::Gone, !is_last, "{loaded:?}");
        }
    }
    assert!(store.drain_log(at(SECOND)).await.is_empty());
}

/// An update that meets a sign-in changes the old record before it is replaced, or hears that it is missing. The new record keeps its own ticket.
pub async fn s6_an_update_meets_a_sign_in(store: impl SessionStore) {
    let store = Probe::new(store);
    for round in 0..25 {
        let old = record("alice", 2 * round);
        store.put(&old).await;
        let new = next_of(&old, 2 * round + 1);
        let (updater, key) = (store.clone(), old.key);
        let updating = async move {
            let update = Update {
                ticket: b"late".to_vec(),
                display_name: None,
            };
            updater.update(&key, &update, 1, at(SECOND)).await
        };
        let (signer, to_come) = (store.clone(), new.clone());
        let signing_in =
            async move { signer.replace(&key, &to_come, SAME, None, at(SECOND)).await };
        let (updated, answer) = both_at_once(updating, signing_in).await;
        let outcomes = [Updated::Updated { version: 2 }, Updated::Missing];
        assert!(outcomes.contains(&updated), "{updated:?}");
        assert_eq!(answer, replaced(start(), &[]));
        let gone = store.load(&old.key, None, at(SECOND)).await;
        assert_eq!(gone, Loaded::Gone, "the old record is back");
        let there = store.found(&new.key, at(SECOND)).await;
        let expected = Record {
            created: start(),
            ..new
        };
        same_record(&there, &expected, "the new record");
    }
}
