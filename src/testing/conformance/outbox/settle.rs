//! What became of attempts.

use super::{fixtures::*, probe::Probe};
use crate::store::{Delivery, DeliveryState, LogoutOutbox, Outcome};

/// A client that has heard it is never told again.
pub async fn o6_what_was_delivered_is_not_taken_again(outbox: impl LogoutOutbox) {
    let outbox = Probe::new(outbox);
    let expected = put_one(&outbox).await;
    outbox.try_one(Outcome::Delivered, at(MINUTE)).await;
    let delivered = Delivery {
        state: DeliveryState::Delivered,
        attempts: 1,
        due: None,
        settled: Some(at(MINUTE)),
        ..expected
    };
    assert_eq!(outbox.only().await, delivered);
    for now in [at(MINUTE), at(100_000 * HOUR)] {
        assert!(outbox.take(MINUTE, 10, now).await.is_empty());
    }
    assert_eq!(outbox.only().await, delivered);
}

/// What failed is due again when its taker says, with what happened; the text of the last failure stays, whatever comes of it.
pub async fn o6_what_failed_is_tried_again_when_it_is_due(outbox: impl LogoutOutbox) {
    let outbox = Probe::new(outbox);
    let mut expected = put_one(&outbox).await;
    for (attempt, why) in [(1, "refused"), (2, "no answer"), (3, "status 500")] {
        let now = at(attempt * HOUR);
        let taken = outbox.try_one(failed(why, now + HOUR), now).await;
        assert_eq!(taken.attempt, attempt);
        expected = Delivery {
            state: DeliveryState::Failed,
            attempts: attempt,
            due: Some(now + HOUR),
            failure: Some(why.to_owned()),
            ..expected
        };
        assert_eq!(outbox.only().await, expected);
        assert!(outbox.take(MINUTE, 10, now + HOUR - MS).await.is_empty());
    }
    // While it is tried again, it has still failed.
    let taken = outbox.take_one(at(4 * HOUR)).await;
    assert_eq!(outbox.only().await.state, DeliveryState::Failed);
    outbox
        .settle(&[taken.settled(Outcome::Delivered)], at(4 * HOUR))
        .await;
    let delivery = outbox.only().await;
    assert_eq!(delivery.state, DeliveryState::Delivered);
    assert_eq!(delivery.failure.as_deref(), Some("status 500"));
}

/// What was given up stays, with what happened, and nobody tries it again.
pub async fn o6_what_was_given_up_is_not_tried_again(outbox: impl LogoutOutbox) {
    let outbox = Probe::new(outbox);
    let expected = put_one(&outbox).await;
    outbox.try_one(given_up("no such client"), at(MINUTE)).await;
    let given_up = Delivery {
        state: DeliveryState::GivenUp,
        attempts: 1,
        due: None,
        settled: Some(at(MINUTE)),
        failure: Some("no such client".to_owned()),
        ..expected
    };
    assert_eq!(outbox.only().await, given_up);
    assert!(outbox.take(MINUTE, 10, at(100_000 * HOUR)).await.is_empty());
}

/// What was put back was not tried: it can be taken at once, and its next attempt has the same number.
pub async fn o6_what_was_put_back_is_as_before(outbox: impl LogoutOutbox) {
    let outbox = Probe::new(outbox);
    let expected = put_one(&outbox).await;
    for round in 1..4 {
        let taken = outbox.try_one(Outcome::PutBack, at(round * SECOND)).await;
        assert_eq!(taken.attempt, 1);
        assert_eq!(outbox.only().await, expected, "put back {round} times");
    }
    assert_eq!(outbox.take_one(at(SECOND)).await.attempt, 1);
}

/// One that had failed before keeps its state, its attempts and its text when it is put back.
pub async fn o6_what_had_failed_and_was_put_back_is_as_before(outbox: impl LogoutOutbox) {
    let outbox = Probe::new(outbox);
    put_one(&outbox).await;
    outbox
        .try_one(failed("refused", at(HOUR)), at(SECOND))
        .await;
    let before = outbox.only().await;
    assert_eq!(
        outbox.try_one(Outcome::PutBack, at(2 * HOUR)).await.attempt,
        2
    );
    assert_eq!(outbox.only().await, before);
    let taken = outbox.take_one(at(HOUR)).await;
    assert_eq!(taken.attempt, 2);
    // A lease that ran out was an attempt, so far as anybody knows.
    assert_eq!(outbox.take_one(at(3 * HOUR)).await.attempt, 3);
}

/// What is not there is not settled, and does not come to be there.
pub async fn o6_an_attempt_at_nothing_does_not_count(outbox: impl LogoutOutbox) {
    let outbox = Probe::new(outbox);
    put_one(&outbox).await;
    let taken = outbox.take_one(at(SECOND)).await;
    let before = outbox.only().await;
    for outcome in [
        Outcome::Delivered,
        failed("refused", at(HOUR)),
        given_up("refused"),
        Outcome::PutBack,
    ] {
        let mut other_end = taken.settled(outcome.clone());
        other_end.event_id = event(2);
        let mut other_client = taken.settled(outcome.clone());
        other_client.client = client("client2");
        let mut later = taken.settled(outcome.clone());
        later.turn += 1;
        let mut earlier = taken.settled(outcome.clone());
        earlier.turn = earlier.turn.wrapping_sub(1);
        let mut never = taken.settled(outcome);
        never.turn = u64::MAX;
        let attempts = [other_end, other_client, later, earlier, never];
        assert_eq!(outbox.settle(&attempts, at(MINUTE)).await, 0);
        assert_eq!(outbox.only().await, before);
    }
    assert_eq!(outbox.settle(&[], at(MINUTE)).await, 0);
}

/// Of many attempts that are settled together, each counts for itself.
pub async fn o6_each_attempt_of_a_batch_counts_for_itself(outbox: impl LogoutOutbox) {
    let outbox = Probe::new(outbox);
    let told = numbered_clients("client", 300);
    outbox.put_in(&ended("alice", 1), &told, at(SECOND)).await;
    let taken = outbox.take_all(at(SECOND)).await;
    let outcomes = [
        Outcome::Delivered,
        failed("refused", at(HOUR)),
        given_up("refused"),
        Outcome::PutBack,
    ];
    let mut attempts = Vec::new();
    for (taken, outcome) in taken.iter().zip(outcomes.iter().cycle()) {
        attempts.push(taken.settled(outcome.clone()));
        let mut stale = taken.settled(Outcome::Delivered);
        stale.client = client(&format!("{} too", taken.client));
        attempts.push(stale);
    }
    // The same word twice is one.
    attempts.push(attempts[0].clone());
    assert_eq!(outbox.settle(&attempts, at(MINUTE)).await, 300);
    let counts = outbox.counts().await;
    assert_eq!((counts.delivered, counts.failed), (75, 75));
    assert_eq!((counts.given_up, counts.pending), (75, 75));
    assert_eq!(outbox.settle(&attempts, at(MINUTE)).await, 0);
}

async fn put_one(outbox: &Probe<impl LogoutOutbox>) -> Delivery {
    let told = clients(["client1"]);
    assert_eq!(
        outbox.put_in(&ended("alice", 1), &told, at(SECOND)).await,
        1
    );
    outbox.only().await
}
