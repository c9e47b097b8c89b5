//! Ending a session.

use std::time::Duration;

use super::{
    at_once::{at_once, both_at_once},
    compare::{same_record, same_set_of_ends},
    fixtures::*,
    probe::Probe,
};
use crate::{
    ended::EndReason,
    store::{
        ClientAdded, Continuity, End, Loaded, Record, Replaced, SessionStore, Touched, Update,
        Updated, event_of,
    },
};

/// A session ends and gives what there is to tell, once. Asked again, as after a lost reply, it finds nothing.
pub async fn s3_a_session_ends_once(store: impl SessionStore) {
    let store = Probe::new(store);
    let record = Record {
        clients: clients(["zebra", "alpha"]),
        ..record("alice", 1)
    };
    store
        .put_all(&[record.clone(), self::record("alice", 2)])
        .await;
    let end = End::because(EndReason::SignOut);
    let ended = store.delete(&record.key, end, at(SECOND)).await;
    let ended = ended.expect("the session is there");
    assert_eq!(ended.event_id, event_of(&record.key));
    assert_eq!(ended.subject, "alice");
    assert_eq!(ended.session_id, record.session_id);
    assert_eq!(ended.display_name, record.display_name);
    assert_eq!(ended.clients, clients(["zebra", "alpha"]));
    assert_eq!(ended.issuer, None);
    assert_eq!(ended.reason, EndReason::SignOut);
    assert_eq!(ended.at, at(SECOND));

    for reason in [EndReason::SignOut, EndReason::Revoked] {
        let again = store
            .delete(&record.key, End::because(reason), at(2 * SECOND))
            .await;
        assert_eq!(again, None);
    }
    let again = store
        .delete(&record.key, End::if_expired(), at(2 * HOUR))
        .await;
    assert_eq!(again, None);
    let unknown = store.delete(&key("alice", 3), end, at(SECOND)).await;
    assert_eq!(unknown, None);
    let live = store.count(&of_subject("alice").into(), at(SECOND)).await;
    assert_eq!(live, 1, "the other session stays");
    let log = store.drain_log(at(SECOND)).await;
    same_set_of_ends(&log, &[ended], "the log");
}

/// A session ends for each of the reasons, and says so.
pub async fn s14_a_session_ends_for_its_reason(store: impl SessionStore) {
    let store = Probe::new(store);
    let reasons = [
        EndReason::SignOut,
        EndReason::UserSwitch,
        EndReason::Replaced,
        EndReason::Revoked,
        EndReason::Expired,
        EndReason::LimitReached,
        EndReason::ValidationRefused,
        EndReason::ResponseLost,
        EndReason::RecordRejected,
    ];
    let mut expected = Vec::new();
    for (number, reason) in reasons.into_iter().enumerate() {
        let record = record("alice", number);
        store.put(&record).await;
        let end = End::because(reason);
        let ended = store.delete(&record.key, end, at(SECOND)).await;
        let told = record.ended(reason, at(SECOND));
        same_set_of_ends(
            ended.as_slice(),
            std::slice::from_ref(&told),
            reason.as_str(),
        );
        expected.push(told);
    }
    let log = store.drain_log(at(SECOND)).await;
    same_set_of_ends(&log, &expected, "the log");
}

/// An end that is only for the expired leaves a session alone that is not, to the millisecond.
pub async fn s13_only_an_expired_session_ends_if_expired(store: impl SessionStore) {
    let store = Probe::new(store);
    let record = record("alice", 1);
    store.put(&record).await;
    let end = End::if_expired();
    for now in [start(), at(HOUR - MS)] {
        let ended = store.delete(&record.key, end, now).await;
        assert_eq!(ended, None);
        let there = store.found(&record.key, now).await;
        same_record(&there, &record, "a session that has not expired");
    }
    assert!(store.drain_log(start()).await.is_empty());
    let ended = store.delete(&record.key, end, at(HOUR)).await;
    let expected = record.ended(EndReason::Expired, at(HOUR));
    same_set_of_ends(ended.as_slice(), &[expected], "a session that has expired");
}

/// An expired session that nobody has taken away ends as any other.
pub async fn s13_an_expired_session_can_be_ended(store: impl SessionStore) {
    let store = Probe::new(store);
    let record = record("alice", 1);
    store.put(&record).await;
    let end = End::because(EndReason::Revoked);
    let ended = store.delete(&record.key, end, at(5 * HOUR)).await;
    let expected = record.ended(EndReason::Revoked, at(5 * HOUR));
    same_set_of_ends(ended.as_slice(), std::slice::from_ref(&expected), "it");
    let gone = store.load(&record.key, None, at(5 * HOUR)).await;
    assert_eq!(gone, Loaded::Gone);
    assert!(store.take_expired(10, at(5 * HOUR)).await.is_empty());
    let log = store.drain_log(at(5 * HOUR)).await;
    same_set_of_ends(&log, &[expected], "the log");
}

/// What ended is gone for 60 seconds from its end, and then missing, whether or not anybody tidies up.
pub async fn s6_an_end_is_remembered_for_60_seconds(store: impl SessionStore) {
    let store = Probe::new(store);
    let record = record("alice", 1);
    store.put(&record).await;
    let ended_at = at(10 * SECOND);
    let end = End::because(EndReason::SignOut);
    store.delete(&record.key, end, ended_at).await;
    for (name, after, expected) in [
        ("at once", Duration::ZERO, Loaded::Gone),
        ("in time", MINUTE - MS, Loaded::Gone),
        ("too late", MINUTE + MS, Loaded::Missing),
        ("much later", 9 * HOUR, Loaded::Missing),
    ] {
        for touched in [None, Some(touch(ended_at + after))] {
            let loaded = store.load(&record.key, touched, ended_at + after).await;
            assert_eq!(loaded, expected, "{name}");
        }
    }
    let before = ended_at - SECOND;
    let loaded = store.load(&record.key, None, before).await;
    assert_eq!(loaded, Loaded::Gone, "the clock has stepped back");
}

/// Of many who end a session at once, one hears of it.
pub async fn s3_one_of_many_hears_of_an_end(store: impl SessionStore) {
    let store = Probe::new(store);
    for round in 0..20 {
        let record = record("alice", round);
        store.put(&record).await;
        let end = |number: usize| {
            let (store, key) = (store.clone(), record.key);
            async move {
                let now = at(2 * HOUR);
                match number % 4 {
                    0 => store.take_expired(10, now).await.pop(),
                    1 => store.delete(&key, End::if_expired(), now).await,
                    _ => {
                        let end = End::because(EndReason::SignOut);
                        store.delete(&key, end, now).await
                    }
                }
            }
        };
        let answers = at_once((0..6).map(end).collect()).await;
        let heard: Vec<_> = answers.into_iter().flatten().collect();
        assert_eq!(heard.len(), 1, "{heard:?}");
        let log = store.drain_log(at(2 * HOUR)).await;
        same_set_of_ends(&log, &heard, "the log");
    }
}

/// A sign-out that meets a sign-in that continues the session ends the session, whichever comes first.
pub async fn s6_a_sign_out_meets_a_sign_in(store: impl SessionStore) {
    let store = Probe::new(store);
    for round in 0..30 {
        let old = record("alice", 2 * round);
        store.put(&old).await;
        let new = next_of(&old, 2 * round + 1);
        let (signer, key, to_come) = (store.clone(), old.key, new.clone());
        let signing_in = async move {
            let same = Continuity::SameSession;
            signer.replace(&key, &to_come, same, None, at(SECOND)).await
        };
        let ender = store.clone();
        let ending = async move {
            let end = End::because(EndReason::SignOut);
            ender.delete(&key, end, at(SECOND)).await
        };
        let (answer, ended) = both_at_once(signing_in, ending).await;
        let ended = ended.expect("the session was there all the time");
        match answer {
            Replaced::Missing => {
                assert_eq!(ended.event_id, event_of(&old.key));
                let loaded = store.load(&new.key, None, at(SECOND)).await;
                assert_eq!(loaded, Loaded::Missing);
            }
            Replaced::Replaced { .. } => {
                assert_eq!(ended.event_id, event_of(&new.key));
                let loaded = store.load(&new.key, None, at(SECOND)).await;
                assert_eq!(loaded, Loaded::Gone);
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(store.load(&old.key, None, at(SECOND)).await, Loaded::Gone);
        assert!(store.everyone(at(SECOND)).await.is_empty(), "it is back");
        let log = store.drain_log(at(SECOND)).await;
        same_set_of_ends(&log, &[ended], "the log");
    }
}

/// Late requests of many kinds that meet a sign-out do not bring the session back.
pub async fn s6_late_requests_meet_a_sign_out(store: impl SessionStore) {
    let store = Probe::new(store);
    for round in 0..20 {
        let record = record("alice", round);
        store.put(&record).await;
        let key = record.key;
        let now = at(2 * MINUTE);
        let late = |number: usize| {
            let store = store.clone();
            let update = Update {
                ticket: b"late".to_vec(),
                display_name: None,
            };
            async move {
                match number {
                    0 => {
                        let end = End::because(EndReason::SignOut);
                        assert!(store.delete(&key, end, now).await.is_some());
                    }
                    1 => {
                        let touched = store.touch(&key, touch(now), now).await;
                        let outcomes = [Touched::Touched, Touched::Missing];
                        assert!(outcomes.contains(&touched), "{touched:?}");
                    }
                    2 => {
                        let updated = store.update(&key, &update, 1, now).await;
                        let outcomes = [Updated::Updated { version: 2 }, Updated::Missing];
                        assert!(outcomes.contains(&updated), "{updated:?}");
                    }
                    _ => {
                        let added = store.add_client(&key, &client("late"), now).await;
                        let outcomes = [ClientAdded::Added, ClientAdded::Missing];
                        assert!(outcomes.contains(&added), "{added:?}");
                    }
                }
            }
        };
        at_once((0..4).map(late).collect()).await;
        for touch in [None, Some(touch(now))] {
            assert_eq!(store.load(&key, touch, now).await, Loaded::Gone);
        }
        assert!(store.everyone(now).await.is_empty());
        assert_eq!(store.drain_log(now).await.len(), 1);
    }
}
