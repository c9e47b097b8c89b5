//! Forgetting what is settled.

use super::{fixtures::*, probe::Probe};
use crate::store::{DeliveryState, LogoutOutbox, Outcome};

/// What is not settled stays, however old it is, and so does what was settled at that moment or later.
pub async fn o6_only_what_was_settled_before_is_forgotten(outbox: impl LogoutOutbox) {
    let outbox = Probe::new(outbox);
    let told = clients(["client1"]);
    for (number, outcome, now) in [
        (1, Outcome::Delivered, at(MINUTE)),
        (2, given_up("refused"), at(MINUTE + MS)),
        (3, Outcome::Delivered, at(2 * MINUTE)),
        (4, failed("refused", at(HOUR)), at(MINUTE)),
        (5, Outcome::PutBack, at(MINUTE)),
    ] {
        outbox
            .put_in(&ended("alice", number), &told, at(SECOND))
            .await;
        outbox.try_one(outcome, now).await;
    }
    outbox.put_in(&ended("alice", 6), &told, at(SECOND)).await;
    for (before, forgotten) in [
        (at(MINUTE), 0),
        (at(MINUTE + MS), 1),
        (at(MINUTE + MS), 0),
        (at(2 * MINUTE), 1),
        (at(100_000 * HOUR), 1),
        (at(100_000 * HOUR), 0),
    ] {
        assert_eq!(outbox.forget(before).await, forgotten, "{before:?}");
    }
    let left = outbox.everything().await;
    let left: Vec<_> = left
        .iter()
        .map(|left| (left.event_id, left.state))
        .collect();
    let expected = [
        (event(4), DeliveryState::Failed),
        (event(5), DeliveryState::Pending),
        (event(6), DeliveryState::Pending),
    ];
    assert_eq!(left, expected);
    // Nor does it disturb whoever is at work on one.
    let taken = outbox.take_all(at(HOUR)).await;
    assert_eq!(taken.len(), 3);
    assert_eq!(outbox.forget(at(100_000 * HOUR)).await, 0);
    assert_eq!(
        outbox
            .settle(&all(&taken, &Outcome::Delivered), at(HOUR))
            .await,
        3
    );
}

/// One call may leave some to the next; the calls together forget all, and say how many.
pub async fn o6_forgetting_goes_on_until_none_are_left(outbox: impl LogoutOutbox) {
    let outbox = Probe::new(outbox);
    let told = numbered_clients("client", 400);
    outbox.put_in(&ended("alice", 1), &told, at(SECOND)).await;
    outbox.settle_all(&Outcome::Delivered, at(SECOND)).await;
    outbox
        .put_in(&ended("alice", 2), &told[..3], at(SECOND))
        .await;
    let forgotten = outbox.forget_all(at(HOUR)).await;
    assert_eq!(forgotten, 400);
    assert_eq!(outbox.everything().await.len(), 3);
}

/// What was forgotten is not known any more: the same news is put in as if it was new.
pub async fn o6_what_was_forgotten_can_be_put_in_again(outbox: impl LogoutOutbox) {
    let outbox = Probe::new(outbox);
    let told = clients(["client1"]);
    outbox.put_in(&ended("alice", 1), &told, at(SECOND)).await;
    let first = outbox
        .try_one(failed("refused", at(SECOND)), at(SECOND))
        .await;
    outbox.try_one(Outcome::Delivered, at(SECOND)).await;
    assert_eq!(outbox.forget(at(MINUTE)).await, 1);
    let late = first.settled(Outcome::Delivered);
    assert_eq!(outbox.settle(&[late], at(MINUTE)).await, 0);
    assert_eq!(
        outbox.put_in(&ended("alice", 1), &told, at(MINUTE)).await,
        1
    );
    let delivery = outbox.only().await;
    assert_eq!((delivery.attempts, delivery.failure), (0, None));
    assert_eq!(outbox.take_one(at(MINUTE)).await.attempt, 1);
}
