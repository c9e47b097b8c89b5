//! Signing in again: the session goes on in another record.

use super::{
    compare::{same_record, same_records, same_set_of_ends},
    fixtures::*,
    probe::Probe,
};
use crate::{
    ended::EndReason,
    store::{Continuity, Device, End, Filter, Loaded, Record, Replaced, SessionStore, Touched},
};

const SAME: Continuity = Continuity::SameSession;

/// The new record is in and the old one is out; it took over when the session began and the clients, and all else is its own. Nothing has ended.
pub async fn s5_a_session_goes_on_in_another_record(store: impl SessionStore) {
    let store = Probe::new(store);
    let old = Record {
        clients: clients(["zebra", "alpha", "common"]),
        version: 9,
        ..record("alice", 1)
    };
    store.put(&old).await;
    let new = Record {
        clients: clients(["own", "common", "another"]),
        display_name: Some("Alice, again".to_owned()),
        device: Device::new().with_user_agent("another").with_address("::1"),
        version: 3,
        ..next_of(&old, 2)
    };
    let answer = store.replace(&old.key, &new, SAME, None, at(SECOND)).await;
    let expected = Record {
        created: old.created,
        clients: clients(["zebra", "alpha", "common", "own", "another"]),
        ..new.clone()
    };
    assert_eq!(answer, replaced(expected.created, &expected.clients));
    let there = store.found(&new.key, at(SECOND)).await;
    same_record(&there, &expected, "the new record");
    let gone = store.load(&old.key, None, at(SECOND)).await;
    assert_eq!(gone, Loaded::Gone);
    for filter in [of_subject("alice"), Filter::session_id(old.session_id)] {
        let listed = store.find(&filter, 10, at(SECOND)).await;
        same_records(&listed, [&expected], "the session, listed");
    }
    for (name, count) in [("alice, again", 1), ("alice the 1th", 0)] {
        let listed = store.count(&named(name).into(), at(SECOND)).await;
        assert_eq!(listed, count, "by the name {name}");
    }
    assert!(store.drain_log(at(SECOND)).await.is_empty());

    // Its life is its own too.
    assert!(store.take_expired(10, old.expires).await.is_empty());
    let taken = store.take_expired(10, new.expires).await;
    let ended = [expected.ended(EndReason::Expired, new.expires)];
    same_set_of_ends(&taken, &ended, "what expires in the end");
}

/// What the old record had in the store at that moment counts: clients that came and went, and a life that was extended, which is not taken over.
pub async fn s5_what_the_store_has_counts(store: impl SessionStore) {
    let store = Probe::new(store);
    let old = Record {
        clients: clients(["client1", "client2"]),
        ..record("alice", 1)
    };
    store.put(&old).await;
    let now = at(MINUTE);
    store.add_client(&old.key, &client("client3"), now).await;
    store.remove_client(&old.key, &client("client1"), now).await;
    let touched = store.touch(&old.key, touch(at(5 * HOUR)), now).await;
    assert_eq!(touched, Touched::Touched);
    let new = next_of(&old, 2);
    let answer = store.replace(&old.key, &new, SAME, None, now).await;
    let expected = Record {
        created: old.created,
        clients: clients(["client2", "client3"]),
        ..new
    };
    assert_eq!(answer, replaced(expected.created, &expected.clients));
    let there = store.found(&new.key, now).await;
    same_record(&there, &expected, "the new record");
}

/// Without a record that the session could go on from, the answer is that it is missing, and nothing has changed.
pub async fn s5_no_session_goes_on_from_nothing(store: impl SessionStore) {
    let store = Probe::new(store);
    let now = at(HOUR);
    let long = |record: Record| Record {
        expires: at(9 * HOUR),
        ..record
    };
    let expired = record("alice", 1);
    let ended = long(record("alice", 2));
    let other_session = long(record("alice", 3));
    let other_subject = long(record(&neighbour_of("alice"), 4));
    let there = [
        expired.clone(),
        other_session.clone(),
        other_subject.clone(),
    ];
    store.put_all(&there).await;
    store.put(&ended).await;
    let end = End::because(EndReason::SignOut);
    let ended = store.delete(&ended.key, end, now).await.map(|_| ended);
    let ended = ended.expect("the record is there");

    for (number, (name, old, session)) in [
        ("unknown", key("alice", 5), session_id("alice", 5)),
        ("just expired", expired.key, expired.session_id),
        ("ended", ended.key, ended.session_id),
        ("another session", other_session.key, session_id("alice", 6)),
        (
            "another subject",
            other_subject.key,
            other_subject.session_id,
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let new = long(Record {
            session_id: session,
            ..record("alice", 10 + number)
        });
        for limit in [None, end_oldest(1)] {
            let answer = store.replace(&old, &new, SAME, limit, now).await;
            assert_eq!(answer, Replaced::Missing, "{name}");
        }
        let loaded = store.load(&new.key, None, now).await;
        assert_eq!(loaded, Loaded::Missing, "{name}");
    }
    for record in &there {
        let stored = store.found(&record.key, now).await;
        same_record(&stored, record, "what was there before");
    }
    assert_eq!(store.everyone(now).await.len(), 2);
    assert_eq!(store.drain_log(now).await.len(), 1, "one session has ended");
}

/// A session that goes on makes no more sessions, so no limit refuses it or ends another one for it.
pub async fn s12_a_session_that_goes_on_meets_no_limit(store: impl SessionStore) {
    let store = Probe::new(store);
    let mut old = record("alice", 1);
    store
        .put_all(&[old.clone(), record("alice", 2), record("alice", 3)])
        .await;
    for (number, limit) in (10..).zip([deny(3), deny(1), end_oldest(3), end_oldest(1)]) {
        let new = next_of(&old, number);
        let answer = store.replace(&old.key, &new, SAME, limit, at(SECOND)).await;
        assert_eq!(answer, replaced(start(), &[]), "under {limit:?}");
        old = new;
    }
    let live = store.count(&of_subject("alice").into(), at(SECOND)).await;
    assert_eq!(live, 3);
    assert!(store.drain_log(at(SECOND)).await.is_empty());
}

/// After a lost reply the caller asks again, and gets the same answer; what happened meanwhile stands.
pub async fn promise_6_a_repeated_replace_answers_as_the_first(store: impl SessionStore) {
    let store = Probe::new(store);
    let old = Record {
        clients: clients(["client1"]),
        ..record("alice", 1)
    };
    store.put(&old).await;
    let new = Record {
        clients: clients(["client2"]),
        ..next_of(&old, 2)
    };
    let first = store.replace(&old.key, &new, SAME, None, at(SECOND)).await;
    let again = store.replace(&old.key, &new, SAME, None, at(SECOND)).await;
    assert_eq!(first, replaced(start(), &clients(["client1", "client2"])));
    assert_eq!(again, first);

    let now = at(2 * MINUTE);
    store.add_client(&new.key, &client("client3"), now).await;
    store.touch(&new.key, touch(now), now).await;
    let again = store.replace(&old.key, &new, SAME, None, now).await;
    let all = clients(["client1", "client2", "client3"]);
    assert_eq!(again, replaced(start(), &all));
    let there = store.found(&new.key, now).await;
    let expected = Record {
        created: start(),
        renewed: now,
        expires: now + HOUR,
        clients: all,
        ..new
    };
    same_record(&there, &expected, "after the second attempt");
    assert_eq!(store.everyone(now).await.len(), 1);
    assert!(store.drain_log(now).await.is_empty());
}

/// A repeated request that comes after the new record is over brings nothing back.
pub async fn s6_a_late_replace_brings_nothing_back(store: impl SessionStore) {
    let store = Probe::new(store);
    let now = at(SECOND);
    for (number, continuity) in [(10, SAME), (20, Continuity::NewSession)] {
        let old = record("alice", number);
        store.put(&old).await;
        let second = Record {
            session_id: match continuity {
                Continuity::SameSession => old.session_id,
                Continuity::NewSession => session_id("alice", number + 1),
            },
            ..next_of(&old, number + 1)
        };
        let attempt = || store.replace(&old.key, &second, continuity, None, now);
        let answer = attempt().await;
        assert!(matches!(answer, Replaced::Replaced { .. }));

        // The session goes on in a third record.
        let third = next_of(&second, number + 2);
        store.replace(&second.key, &third, SAME, None, now).await;
        assert_eq!(attempt().await, Replaced::Missing, "{continuity:?}");
        assert_eq!(store.load(&second.key, None, now).await, Loaded::Gone);
        let there = store.found(&third.key, now).await;
        assert_eq!(there.session_id, second.session_id);

        // And then it ends.
        let end = End::because(EndReason::SignOut);
        assert!(store.delete(&third.key, end, now).await.is_some());
        assert_eq!(attempt().await, Replaced::Missing, "{continuity:?}");
        assert_eq!(store.load(&second.key, None, now).await, Loaded::Gone);
        assert!(store.everyone(now).await.is_empty());
    }
}
