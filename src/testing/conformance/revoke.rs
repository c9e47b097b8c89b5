//! Ending many sessions.

use super::{
    at_once::{at_once, both_at_once},
    compare::same_set_of_ends,
    fixtures::*,
    probe::Probe,
};
use crate::{
    ended::EndReason,
    store::{Created, Loaded, Record, Selection, SessionStore},
};

/// A revocation ends at most as many as it is asked for, and fewer only when none are left.
pub async fn s10_a_revocation_goes_on_until_none_are_left(store: impl SessionStore) {
    let store = Probe::new(store);
    let now = at(MINUTE);
    let reason = EndReason::Revoked;
    let mut number = 0;
    for (name, selection) in selections() {
        for (count, max, expected) in [
            (7, 3, vec![3, 3, 1]),
            (6, 3, vec![3, 3, 0]),
            (2, 1, vec![1, 1, 0]),
            (5, 1000, vec![5]),
            (0, 5, vec![0]),
        ] {
            let of_alice: Vec<_> = (number..number + count)
                .map(|number| record("alice", number))
                .collect();
            number += count;
            store.put_all(&of_alice).await;
            for expected in expected {
                let ended = store.delete_matching(&selection, reason, max, now).await;
                assert_eq!(ended, expected, "{name}: {max} of {count}");
            }
            let told = ends(&of_alice, reason, now);
            same_set_of_ends(&store.drain_log(now).await, &told, name);
            for record in &of_alice {
                let gone = store.load(&record.key, None, now).await;
                assert_eq!(gone, Loaded::Gone, "{name}");
            }
            assert!(store.everyone(now).await.is_empty(), "{name}");
        }
    }
}

/// Revoking everyone ends every session of every subject, the expired included.
pub async fn s10_everyone_is_everyone(store: impl SessionStore) {
    let store = Probe::new(store);
    let sessions: Vec<_> = (0..40)
        .map(|number| Record {
            display_name: (number % 2 == 0).then(|| "name".to_owned()),
            expires: at((1 + number as u32 % 2) * HOUR),
            ..record(&format!("subject {}", number % 20), number)
        })
        .collect();
    store.put_all(&sessions).await;
    let now = at(HOUR);
    let reason = EndReason::Revoked;
    let mut ended = Vec::new();
    for _ in 0..4 {
        ended.push(
            store
                .delete_matching(&Selection::Everyone, reason, 15, now)
                .await,
        );
    }
    assert_eq!(ended, [15, 15, 10, 0]);
    let told = ends(&sessions, reason, now);
    same_set_of_ends(&store.drain_log(now).await, &told, "the log");
    assert!(store.take_expired(10, now).await.is_empty());
}

/// Many who revoke at once end each session once, and the numbers that they are given add up.
pub async fn s10_many_revocations_at_once_end_each_session_once(store: impl SessionStore) {
    let store = Probe::new(store);
    for round in 0..6 {
        let now = at(MINUTE);
        let sessions: Vec<_> = (0..24)
            .map(|number| record("alice", 100 * round + number))
            .collect();
        store.put_all(&sessions).await;
        let revoke = |(_, selection): (_, Selection)| {
            let store = store.clone();
            async move {
                let mut total = 0;
                loop {
                    let reason = EndReason::Revoked;
                    let ended = store.delete_matching(&selection, reason, 5, now).await;
                    assert!(ended <= 5, "{selection:?}: {ended} of 5");
                    total += ended;
                    assert!(total < 1000, "it has no end");
                    if ended < 5 {
                        break total;
                    }
                }
            }
        };
        let totals = at_once(selections().into_iter().map(revoke).collect()).await;
        assert_eq!(totals.iter().sum::<u64>(), 24, "{totals:?}");
        assert!(store.everyone(now).await.is_empty());
        let told = ends(&sessions, EndReason::Revoked, now);
        same_set_of_ends(&store.drain_log(now).await, &told, "the log");
    }
}

/// A sign-in that meets a revocation of its subject begins before it and ends with the others, or begins after it. Those that were there before all end.
pub async fn s10_a_revocation_meets_sign_ins(store: impl SessionStore) {
    let store = Probe::new(store);
    for round in 0..15 {
        let now = at(MINUTE);
        let number = 10 * round;
        let before = [0, 1, 2].map(|more| record("alice", number + more));
        store.put_all(&before).await;
        let newcomer = record("alice", number + 3);
        let (signer, coming) = (store.clone(), newcomer.clone());
        let signing_in = async move { signer.create(&coming, None, now).await };
        let revoker = store.clone();
        let revoking = async move {
            let alices = of_subject("alice").into();
            revoker
                .delete_matching(&alices, EndReason::Revoked, 100, now)
                .await
        };
        let (answer, ended) = both_at_once(signing_in, revoking).await;
        assert_eq!(answer, Created::Created { evicted: vec![] });
        for record in &before {
            let gone = store.load(&record.key, None, now).await;
            assert_eq!(gone, Loaded::Gone, "who was there before");
        }
        match (ended, store.load(&newcomer.key, None, now).await) {
            (3, Loaded::Found(_)) | (4, Loaded::Gone) => {}
            other => panic!("{other:?}"),
        }
        let alices = of_subject("alice").into();
        store
            .delete_matching(&alices, EndReason::Revoked, 100, now)
            .await;
        assert_eq!(store.drain_log(now).await.len(), 4);
    }
}

fn selections() -> [(&'static str, Selection); 4] {
    let both = of_subject("alice").and_name_begins_with("ALICE the ");
    [
        ("by subject", of_subject("alice").into()),
        ("by name", named("alice").into()),
        ("by both", both.expect("not empty").into()),
        ("everyone", Selection::Everyone),
    ]
}
