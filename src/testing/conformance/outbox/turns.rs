//! Whose word counts.

use super::{fixtures::*, probe::Probe};
use crate::store::{LogoutOutbox, Outcome, TakenDelivery};

/// Once somebody else has taken a delivery whose lease was over, the first taker's word does not count, whatever it is, and the new one's does.
pub async fn o6_only_the_last_taker_settles(outbox: impl LogoutOutbox) {
    let outbox = Probe::new(outbox);
    put_one(&outbox).await;
    let first = outbox.take_one(at(SECOND)).await;
    let second = outbox.take_one(at(MINUTE + SECOND)).await;
    assert_eq!((first.attempt, second.attempt), (1, 2));
    let before = outbox.only().await;
    none_counts(&outbox, &first).await;
    assert_eq!(outbox.only().await, before);
    let settled = second.settled(Outcome::Delivered);
    assert_eq!(outbox.settle(&[settled], at(2 * MINUTE)).await, 1);
    none_counts(&outbox, &first).await;
    none_counts(&outbox, &second).await;
}

/// A lease that is over takes nobody's word away, as long as nobody else has taken the delivery.
pub async fn o6_a_late_word_counts_if_nobody_has_taken_it_since(outbox: impl LogoutOutbox) {
    let outbox = Probe::new(outbox);
    put_one(&outbox).await;
    let first = outbox.take_one(at(SECOND)).await;
    let except = clients(["client1"]);
    assert!(
        outbox
            .take_but(MINUTE, 10, &except, at(HOUR))
            .await
            .is_empty()
    );
    let settled = first.settled(Outcome::Delivered);
    assert_eq!(outbox.settle(&[settled], at(HOUR)).await, 1);
    assert!(outbox.take(MINUTE, 10, at(HOUR)).await.is_empty());
}

/// A taker says once what became of an attempt; what it says again, because an answer was lost, changes nothing.
pub async fn o6_a_word_counts_once(outbox: impl LogoutOutbox) {
    let outbox = Probe::new(outbox);
    for (number, (name, outcome)) in (1..).zip([
        ("delivered", Outcome::Delivered),
        ("failed", failed("refused", at(10 * HOUR))),
        ("given up", given_up("refused")),
        ("put back", Outcome::PutBack),
    ]) {
        let told = clients(["client1"]);
        outbox
            .put_in(&ended("alice", number), &told, at(SECOND))
            .await;
        let taken = outbox.try_one(outcome.clone(), at(SECOND)).await;
        let before = outbox.one(event(number), &told[0]).await;
        let repeated = taken.settled(outcome.clone());
        assert_eq!(outbox.settle(&[repeated], at(MINUTE)).await, 0, "{name}");
        none_counts(&outbox, &taken).await;
        assert_eq!(outbox.one(event(number), &told[0]).await, before, "{name}");
    }
}

/// A delivery that was put back belongs to whoever takes it next, though the number of the attempt is the same.
pub async fn o6_what_was_put_back_is_the_next_takers(outbox: impl LogoutOutbox) {
    let outbox = Probe::new(outbox);
    put_one(&outbox).await;
    let first = outbox.try_one(Outcome::PutBack, at(SECOND)).await;
    let second = outbox.take_one(at(SECOND)).await;
    assert_eq!((first.attempt, second.attempt), (1, 1));
    none_counts(&outbox, &first).await;
    assert!(outbox.take(MINUTE, 10, at(2 * SECOND)).await.is_empty());
    let settled = second.settled(Outcome::Delivered);
    assert_eq!(outbox.settle(&[settled], at(MINUTE)).await, 1);
}

async fn none_counts(outbox: &Probe<impl LogoutOutbox>, taken: &TakenDelivery) {
    for outcome in [
        Outcome::PutBack,
        failed("too late", at(SECOND)),
        given_up("too late"),
        Outcome::Delivered,
    ] {
        let counted = outbox
            .settle(&[taken.settled(outcome.clone())], at(3 * HOUR))
            .await;
        assert_eq!(counted, 0, "{outcome:?} counted");
    }
}

async fn put_one(outbox: &Probe<impl LogoutOutbox>) {
    let told = clients(["client1"]);
    assert_eq!(
        outbox.put_in(&ended("alice", 1), &told, at(SECOND)).await,
        1
    );
}
