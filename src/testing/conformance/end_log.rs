//! The log of ends: taking from it, and acknowledging.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, SystemTime},
};

use super::{
    at_once::{at_once, both_at_once, running},
    compare::same_set_of_ends,
    fixtures::*,
    probe::Probe,
};
use crate::{
    ended::{EndReason, Ended, EventId},
    store::{End, Loaded, SessionStore, TakenEnd},
};

/// What was taken is hidden for the time of its lease, and can be taken again afterwards, by whoever comes; it says how often it was.
pub async fn s14_what_was_taken_is_hidden_for_its_lease(store: impl SessionStore) {
    let store = Probe::new(store);
    let ended = ended_at(&store, 0..1, start()).await;
    let steps = [
        ("for the first time", at(SECOND), MINUTE, Some(1)),
        ("at once", at(SECOND), MINUTE, None),
        (
            "before the lease is over",
            at(SECOND + MINUTE - MS),
            MINUTE,
            None,
        ),
        ("after it", at(SECOND + MINUTE + MS), HOUR, Some(2)),
        (
            "before the next is over",
            at(SECOND + MINUTE + HOUR),
            MINUTE,
            None,
        ),
        (
            "after the next",
            at(SECOND + MINUTE + HOUR + 2 * MS),
            MS,
            Some(3),
        ),
        ("after a short one", at(2 * HOUR), MINUTE, Some(4)),
    ];
    for (name, now, lease, expected) in steps {
        let taken = store.take_ended(lease, 10, now).await;
        let attempts: Vec<_> = taken.iter().map(|taken| taken.attempts).collect();
        assert_eq!(attempts, Vec::from_iter(expected), "{name}");
        if expected.is_some() {
            same_set_of_ends(&untaken(taken), &ended, name);
        }
    }
}

/// A lease that is longer than time lasts is never over.
pub async fn s14_a_lease_may_last_for_ever(store: impl SessionStore) {
    let store = Probe::new(store);
    ended_at(&store, 0..1, start()).await;
    let taken = store.take_ended(Duration::MAX, 10, start()).await;
    assert_eq!(taken.len(), 1);
    for now in [start(), at(10_000 * HOUR)] {
        assert!(store.take_ended(MINUTE, 10, now).await.is_empty());
    }
    let events: Vec<_> = events(&taken);
    assert_eq!(store.acknowledge(&events).await, 1);
}

/// At most as many are taken as were asked for; one taker after the other gets others, and in the end all are handed out.
pub async fn s14_takers_share_nothing(store: impl SessionStore) {
    let store = Probe::new(store);
    let ended = ended_at(&store, 0..10, start()).await;
    let mut taken = Vec::new();
    for expected in [4, 4, 2, 0] {
        let batch = store.take_ended(MINUTE, 4, at(SECOND)).await;
        assert_eq!(batch.len(), expected);
        taken.extend(batch);
    }
    assert!(taken.iter().all(|taken| taken.attempts == 1));
    same_set_of_ends(&untaken(taken), &ended, "what was handed out");
}

/// Any number of takers at once share nothing, and while their leases last each end is handed out once.
pub async fn s14_takers_at_once_share_nothing(store: impl SessionStore) {
    let store = Probe::new(store);
    for round in 0..5 {
        let numbers = 100 * round..100 * round + 24;
        let ended = ended_at(&store, numbers, start()).await;
        let take = |_| {
            let store = store.clone();
            async move {
                let mut taken = Vec::new();
                loop {
                    let batch = store.take_ended(MINUTE, 3, at(SECOND)).await;
                    assert!(batch.len() <= 3);
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
        taken.extend(store.take_ended(MINUTE, 100, at(SECOND)).await);
        assert!(taken.iter().all(|taken| taken.attempts == 1));
        let events = events(&taken);
        same_set_of_ends(&untaken(taken), &ended, "what was handed out");
        assert_eq!(store.acknowledge(&events).await, 24);
    }
}

/// What was acknowledged is gone for good, whoever took it or nobody; the number says how many were there, so it is zero the second time.
pub async fn s14_what_was_acknowledged_is_gone(store: impl SessionStore) {
    let store = Probe::new(store);
    let ended = ended_at(&store, 0..6, start()).await;
    let names: Vec<_> = ended.iter().map(|ended| ended.event_id).collect();
    let unknown = EventId::new([7; EventId::LEN]);
    assert_eq!(store.acknowledge(&[]).await, 0);
    assert_eq!(store.acknowledge(&[unknown]).await, 0);
    assert_eq!(store.acknowledge(&names[..1]).await, 1, "nobody took it");
    let taken = store.take_ended(MINUTE, 10, at(SECOND)).await;
    same_set_of_ends(&untaken(taken), &ended[1..], "what is left");
    assert_eq!(store.acknowledge(&names[..2]).await, 1, "one of them again");
    assert_eq!(store.acknowledge(&[names[2], unknown]).await, 1);
    assert_eq!(store.acknowledge(&names[..3]).await, 0, "all of them again");
    let taken = store.take_ended(MINUTE, 10, at(2 * MINUTE)).await;
    assert!(taken.iter().all(|taken| taken.attempts == 2));
    same_set_of_ends(&untaken(taken), &ended[3..], "what comes again");
    assert_eq!(store.acknowledge(&names).await, 3);
    assert!(store.take_ended(MINUTE, 10, at(HOUR)).await.is_empty());
}

/// Many who acknowledge the same at once: the numbers that they are given add up.
pub async fn s14_an_end_is_acknowledged_once(store: impl SessionStore) {
    let store = Probe::new(store);
    for round in 0..10 {
        let numbers = 10 * round..10 * round + 6;
        let ended = ended_at(&store, numbers, start()).await;
        let names: Vec<_> = ended.iter().map(|ended| ended.event_id).collect();
        let acknowledge = |_| {
            let (store, names) = (store.clone(), names.clone());
            async move { store.acknowledge(&names).await }
        };
        let counts = at_once((0..4).map(acknowledge).collect()).await;
        assert_eq!(counts.iter().sum::<u64>(), 6, "{counts:?}");
        assert!(store.take_ended(MINUTE, 10, at(SECOND)).await.is_empty());
    }
}

/// While sessions end, takers take and acknowledge: each end is heard of, and each once.
pub async fn s14_no_end_is_lost_between_enders_and_takers(store: impl SessionStore) {
    let store = Probe::new(store);
    const ENDERS: usize = 3;
    const EACH: usize = 20;
    let work = |task: usize| {
        let store = store.clone();
        async move {
            let mut heard = Vec::new();
            if task < ENDERS {
                let numbers = EACH * task..EACH * (task + 1);
                ended_at(&store, numbers, start()).await;
                return heard;
            }
            for _ in 0..40 {
                let taken = store.take_ended(MINUTE, 5, at(SECOND)).await;
                let events = events(&taken);
                let acknowledged = store.acknowledge(&events).await;
                assert_eq!(acknowledged, taken.len() as u64);
                heard.extend(untaken(taken));
            }
            heard
        }
    };
    let mut heard = at_once((0..ENDERS + 2).map(work).collect()).await.concat();
    heard.extend(store.drain_log(at(SECOND)).await);
    let all = (0..ENDERS * EACH).map(|number| record("alice", number));
    let all: Vec<_> = all.collect();
    let expected = ends(&all, EndReason::SignOut, start());
    same_set_of_ends(&heard, &expected, "what was heard of");
}

/// Whoever sees that a session is over finds its end in the log: a crash in between would lose it.
pub async fn s14_an_end_is_there_when_its_session_is_gone(store: impl SessionStore) {
    let store = Probe::new(store);
    for number in 0..20 {
        let record = record("alice", number);
        store.put(&record).await;
        let (running, over) = running();
        let end = {
            let (store, key) = (store.clone(), record.key);
            async move {
                let end = End::because(EndReason::SignOut);
                store.delete(&key, end, start()).await;
                drop(running);
            }
        };
        let look = {
            let (store, key) = (store.clone(), record.key);
            async move {
                // As long as the deletion has not answered, it is somebody else who sees it.
                while store.load(&key, None, start()).await != Loaded::Gone {
                    assert!(!over.yet() || store.load(&key, None, start()).await == Loaded::Gone);
                }
                store.take_ended(MINUTE, 10, start()).await
            }
        };
        let ((), taken) = both_at_once(end, look).await;
        let ids: Vec<_> = taken.iter().map(|taken| taken.ended.session_id).collect();
        assert_eq!(ids, [record.session_id], "in round {number}");
        store.acknowledge(&events(&taken)).await;
    }
}

/// Ends that come from many tasks at once are all in the log.
pub async fn s14_ends_at_once_are_all_logged(store: impl SessionStore) {
    let store = Probe::new(store);
    let end = |task: usize| {
        let store = store.clone();
        async move { ended_at(&store, 10 * task..10 * task + 8, start()).await }
    };
    let ended = at_once((0..5).map(end).collect()).await.concat();
    assert_eq!(ended.len(), 40);
    let log = store.drain_log(start()).await;
    same_set_of_ends(&log, &ended, "the log");
    let names: BTreeSet<_> = log.iter().map(|ended| ended.event_id).collect();
    assert_eq!(names.len(), 40);
}

/// What nobody has heard of in time is tidied away, taken or not, and counted; what came in time stays.
pub async fn s14_unheard_ends_are_tidied_away(store: impl SessionStore) {
    let store = Probe::new(store);
    let early = ended_at(&store, 0..5, at(SECOND)).await;
    let just = ended_at(&store, 5..7, at(2 * SECOND - MS)).await;
    let late = ended_at(&store, 7..10, at(2 * SECOND)).await;
    let taken = store.take_ended(HOUR, 3, at(3 * SECOND)).await;
    assert_eq!(taken.len(), 3);

    let now = at(3 * SECOND);
    assert_eq!(
        purge(&store, at(SECOND), now).await,
        0,
        "none is from before"
    );
    let expected = (early.len() + just.len()) as u64;
    assert_eq!(purge(&store, at(2 * SECOND), now).await, expected);
    assert_eq!(purge(&store, at(2 * SECOND), now).await, 0);
    let left = store.take_ended(MINUTE, 10, at(2 * HOUR)).await;
    let attempts: BTreeMap<_, _> = left
        .iter()
        .map(|taken| (taken.ended.event_id, taken.attempts))
        .collect();
    for first in &taken {
        let again = attempts.get(&first.ended.event_id);
        assert!(again.is_none_or(|attempts| *attempts == 2));
    }
    same_set_of_ends(&untaken(left), &late, "what came in time");
}

async fn purge<S: SessionStore>(
    store: &Probe<S>,
    unheard_before: SystemTime,
    now: SystemTime,
) -> u64 {
    // A call may leave some to the next.
    let mut total = 0;
    for _ in 0..20 {
        total += store.purge(unheard_before, now).await.unheard_ends;
    }
    total
}

/// Creates and ends sessions of alice, and gives what there is to tell.
async fn ended_at<S: SessionStore>(
    store: &Probe<S>,
    numbers: std::ops::Range<usize>,
    now: SystemTime,
) -> Vec<Ended> {
    let mut ended = Vec::new();
    for number in numbers {
        let record = record("alice", number);
        store.put(&record).await;
        let end = End::because(EndReason::SignOut);
        ended.extend(store.delete(&record.key, end, now).await);
    }
    ended
}

fn events(taken: &[TakenEnd]) -> Vec<EventId> {
    taken.iter().map(|taken| taken.ended.event_id).collect()
}

fn untaken(taken: Vec<TakenEnd>) -> Vec<Ended> {
    taken.into_iter().map(|taken| taken.ended).collect()
}
