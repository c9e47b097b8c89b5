//! Taking what is due.

use std::time::Duration;

use super::{fixtures::*, probe::Probe};
use crate::store::{LogoutOutbox, Outcome};

/// What was taken is hidden for the time of its lease, and can be taken again afterwards, by whoever comes; the attempts are counted.
pub async fn o6_what_was_taken_is_hidden_for_its_lease(outbox: impl LogoutOutbox) {
    let outbox = Probe::new(outbox);
    outbox
        .put_in(&ended("alice", 1), &clients(["client1"]), at(SECOND))
        .await;
    let mut turns = Vec::new();
    let (first, second) = (at(SECOND), at(SECOND + MINUTE));
    let third = second + HOUR;
    for (name, now, lease, expected) in [
        ("before it was put in", first - MS, MINUTE, None),
        ("for the first time", first, MINUTE, Some(1)),
        ("at once", first, MINUTE, None),
        ("before the lease is over", second - MS, MINUTE, None),
        ("after it", second, HOUR, Some(2)),
        ("before the next is over", third - MS, MINUTE, None),
        ("after the next", third + MS, MS, Some(3)),
        ("after a short one", third + 3 * MS, MINUTE, Some(4)),
    ] {
        let taken = outbox.take(lease, 10, now).await;
        let attempts: Vec<_> = taken.iter().map(|taken| taken.attempt).collect();
        assert_eq!(attempts, Vec::from_iter(expected), "{name}");
        turns.extend(taken.iter().map(|taken| taken.turn));
        if let Some(attempts) = expected {
            let delivery = outbox.only().await;
            assert_eq!(
                (delivery.attempts, delivery.due),
                (attempts, Some(now + lease)),
                "{name}"
            );
        }
    }
    turns.dedup();
    assert_eq!(turns.len(), 4, "no turn comes twice: {turns:?}");
}

/// A lease that is longer than time lasts is never over, and its taker can settle all the same.
pub async fn o6_a_lease_may_last_for_ever(outbox: impl LogoutOutbox) {
    let outbox = Probe::new(outbox);
    outbox
        .put_in(&ended("alice", 1), &clients(["client1"]), at(SECOND))
        .await;
    let taken = outbox.take(Duration::MAX, 10, at(SECOND)).await;
    assert_eq!(taken.len(), 1);
    for now in [at(SECOND), at(10_000 * HOUR)] {
        assert!(outbox.take(MINUTE, 10, now).await.is_empty());
    }
    assert_eq!(outbox.everything().await.len(), 1);
    let settled = taken[0].settled(Outcome::Delivered);
    assert_eq!(outbox.settle(&[settled], at(HOUR)).await, 1);
}

/// At most as many are taken as were asked for; one taker after the other gets others, and in the end all are handed out.
pub async fn o6_takers_share_nothing(outbox: impl LogoutOutbox) {
    let outbox = Probe::new(outbox);
    for number in 0..5 {
        let told = clients(["client1", "client2"]);
        outbox
            .put_in(&ended("alice", number), &told, at(SECOND))
            .await;
    }
    let mut taken = Vec::new();
    for expected in [4, 4, 2, 0] {
        let batch = outbox.take(MINUTE, 4, at(SECOND)).await;
        assert_eq!(batch.len(), expected);
        taken.extend(batch);
    }
    assert!(taken.iter().all(|taken| taken.attempt == 1));
    let mut names = names(&taken);
    names.dedup();
    assert_eq!(names.len(), 10);
}

/// Only what is due is taken, at the millisecond when it becomes due; what lies far in the future hides nothing.
pub async fn o6_what_is_not_due_is_not_taken(outbox: impl LogoutOutbox) {
    let outbox = Probe::new(outbox);
    for (number, again) in [(1, at(HOUR)), (2, at(2 * HOUR)), (3, at(100_000 * HOUR))] {
        outbox
            .put_in(&ended("alice", number), &clients(["client1"]), at(SECOND))
            .await;
        outbox.try_one(failed("refused", again), at(SECOND)).await;
    }
    for (now, due) in [
        (at(HOUR - MS), 0),
        (at(HOUR), 1),
        (at(2 * HOUR - MS), 1),
        (at(2 * HOUR), 2),
        (at(99_000 * HOUR), 2),
        (at(100_000 * HOUR), 3),
    ] {
        let taken = outbox.take(MINUTE, 10, now).await;
        assert_eq!(taken.len(), due, "{now:?}");
        let back = all(&taken, &Outcome::PutBack);
        assert_eq!(outbox.settle(&back, now).await, due as u64);
    }
}

/// Where many are due, it is the turn of those that have waited longest; about, as outboxes may be spread over machines.
pub async fn o6_what_was_due_first_is_taken_first(outbox: impl LogoutOutbox) {
    let outbox = Probe::new(outbox);
    let told = clients(["client1", "client2"]);
    for number in (100..200).chain(0..100) {
        let now = if number < 100 { at(SECOND) } else { at(HOUR) };
        outbox.put_in(&ended("alice", number), &told, now).await;
    }
    let mut taken = Vec::new();
    while taken.len() < 100 {
        let batch = outbox.take(MINUTE, 25, at(2 * HOUR)).await;
        assert!(!batch.is_empty(), "they are all due");
        taken.extend(batch);
    }
    let early = taken.iter().filter(|taken| taken.created == at(SECOND));
    let early = early.count();
    assert!(
        early >= 80,
        "{early} of {} are those that waited longest",
        taken.len()
    );
    assert_eq!(taken.len() + outbox.take_all(at(2 * HOUR)).await.len(), 400);
}

/// A clock that steps back lets what was taken be hidden a little longer, and does no other harm.
pub async fn o6_a_clock_may_step_back(outbox: impl LogoutOutbox) {
    let outbox = Probe::new(outbox);
    let told = clients(["client1"]);
    outbox.put_in(&ended("alice", 1), &told, at(HOUR)).await;
    assert!(outbox.take(MINUTE, 10, at(HOUR - SECOND)).await.is_empty());
    let taken = outbox.take_one(at(HOUR)).await;
    assert!(outbox.take(MINUTE, 10, at(HOUR - SECOND)).await.is_empty());
    let outcome = failed("refused", at(HOUR - 2 * SECOND));
    assert_eq!(
        outbox
            .settle(&[taken.settled(outcome)], at(HOUR - SECOND))
            .await,
        1
    );
    let taken = outbox.take_one(at(HOUR - SECOND)).await;
    assert_eq!(taken.attempt, 2);
    let earlier = at(HOUR - 5 * SECOND);
    assert_eq!(outbox.put_in(&ended("alice", 1), &told, earlier).await, 0);
    let settled = taken.settled(Outcome::Delivered);
    assert_eq!(outbox.settle(&[settled], earlier).await, 1);
    let delivery = outbox.only().await;
    assert_eq!(
        (delivery.created, delivery.settled),
        (at(HOUR), Some(earlier))
    );
    assert_eq!(outbox.forget(earlier).await, 0);
    assert_eq!(outbox.forget(earlier + MS).await, 1);
}
