//! Many at once.

use std::collections::BTreeSet;

use super::{fixtures::*, probe::Probe};
use crate::{
    store::{LogoutOutbox, Outcome, TakenDelivery},
    testing::conformance::at_once::{at_once, both_at_once},
};

/// Any number of takers at once share nothing, and while their leases last each delivery is handed out once.
pub async fn o6_takers_at_once_share_nothing(outbox: impl LogoutOutbox) {
    let outbox = Probe::new(outbox);
    for round in 0..5 {
        for number in 4 * round..4 * round + 4 {
            let told = numbered_clients("client", 12);
            assert_eq!(
                outbox
                    .put_in(&ended("alice", number), &told, at(SECOND))
                    .await,
                12
            );
        }
        let take = |_| {
            let outbox = outbox.clone();
            async move {
                let mut taken = Vec::new();
                loop {
                    let batch = outbox.take(MINUTE, 3, at(SECOND)).await;
                    assert!(batch.len() <= 3);
                    if batch.is_empty() {
                        break taken;
                    }
                    taken.extend(batch);
                    assert!(taken.len() < 1000, "it has no end");
                }
            }
        };
        let mut taken = at_once((0..6).map(take).collect()).await.concat();
        // Whoever is taking one may keep it from another's eyes, who then goes home early.
        taken.extend(outbox.take_all(at(SECOND)).await);
        assert!(taken.iter().all(|taken| taken.attempt == 1));
        let unique = BTreeSet::from_iter(names(&taken));
        assert_eq!((taken.len(), unique.len()), (48, 48));
        assert_eq!(
            outbox
                .settle(&all(&taken, &Outcome::Delivered), at(SECOND))
                .await,
            48
        );
    }
}

/// The same end may come to several nodes at once; each of its clients is new to one of them.
pub async fn o6_an_end_that_comes_to_many_at_once_is_put_in_once(outbox: impl LogoutOutbox) {
    let outbox = Probe::new(outbox);
    for round in 0..10 {
        let put_in = |number: usize| {
            let outbox = outbox.clone();
            // In different orders, which is how those who wait for each other get into a circle.
            let mut told = numbered_clients("client", 20);
            told.rotate_left(3 * number);
            if number % 2 == 1 {
                told.reverse();
            }
            async move {
                outbox
                    .put_in(&ended("alice", round), &told, at(SECOND))
                    .await
            }
        };
        let new = at_once((0..6).map(put_in).collect()).await;
        assert_eq!(new.iter().sum::<u64>(), 20, "{new:?}");
        assert_eq!(outbox.counts().await.pending, 20 * (round + 1));
    }
}

/// If a taker's word comes many times at once, one of them counts.
pub async fn o6_one_of_many_words_counts(outbox: impl LogoutOutbox) {
    let outbox = Probe::new(outbox);
    for round in 0..10 {
        let told = numbered_clients("client", 10);
        outbox
            .put_in(&ended("alice", round), &told, at(SECOND))
            .await;
        let taken = outbox.take_all(at(SECOND)).await;
        assert_eq!(taken.len(), 10);
        let settle = |number: usize| {
            let outcome = [Outcome::Delivered, given_up("refused")][number % 2].clone();
            let (outbox, mut attempts) = (outbox.clone(), all(&taken, &outcome));
            attempts.rotate_left(number);
            if number % 3 == 1 {
                attempts.reverse();
            }
            async move { outbox.settle(&attempts, at(SECOND)).await }
        };
        let counted = at_once((0..6).map(settle).collect()).await;
        assert_eq!(counted.iter().sum::<u64>(), 10, "{counted:?}");
    }
    let counts = outbox.counts().await;
    assert_eq!(
        (counts.pending, counts.delivered + counts.given_up),
        (0, 100)
    );
}

/// Where a late word and another taker meet, either the word counts, or the other has the delivery.
pub async fn o6_a_late_word_meets_another_taker(outbox: impl LogoutOutbox) {
    let outbox = Probe::new(outbox);
    for round in 0..25 {
        outbox
            .put_in(&ended("alice", round), &clients(["client1"]), at(SECOND))
            .await;
        let first = outbox.take_one(at(SECOND)).await;
        let late = {
            let (outbox, settled) = (outbox.clone(), first.settled(Outcome::Delivered));
            async move { outbox.settle(&[settled], at(HOUR)).await }
        };
        let other = {
            let outbox = outbox.clone();
            async move { outbox.take(MINUTE, 10, at(HOUR)).await }
        };
        let (counted, mut taken) = both_at_once(late, other).await;
        if counted == 0 && taken.is_empty() {
            panic!("nobody has it, and nobody's word counts");
        }
        assert_eq!(counted + taken.len() as u64, 1, "both");
        if let Some(taken) = taken.pop() {
            assert_eq!(taken.attempt, 2);
            assert_eq!(
                outbox
                    .settle(&[taken.settled(Outcome::Delivered)], at(HOUR))
                    .await,
                1
            );
        }
    }
    assert_eq!(outbox.counts().await.delivered, 25);
}

/// While some put in, others take, fail, put back and settle; in the end every client was told once.
pub async fn o6_nothing_is_lost_between_all_of_them(outbox: impl LogoutOutbox) {
    const ENDS: u64 = 12;
    const CLIENTS: usize = 8;
    let outbox = Probe::new(outbox);
    let work = |number: usize| {
        let outbox = outbox.clone();
        async move {
            let mut delivered: Vec<TakenDelivery> = Vec::new();
            let mut random = Random::of_seed(number as u64);
            for end in 0..ENDS {
                let told = numbered_clients("client", CLIENTS);
                outbox.put_in(&ended("alice", end), &told, at(SECOND)).await;
                for taken in outbox.take(MINUTE, 7, at(SECOND)).await {
                    let outcome = match random.below(4) {
                        0 => Outcome::PutBack,
                        1 => failed("refused", at(SECOND)),
                        _ => Outcome::Delivered,
                    };
                    let is_delivered = outcome == Outcome::Delivered;
                    let counted = outbox.settle(&[taken.settled(outcome)], at(SECOND)).await;
                    assert_eq!(counted, 1, "its lease lasts");
                    if is_delivered {
                        delivered.push(taken);
                    }
                }
            }
            delivered
        }
    };
    let mut delivered = at_once((0..4).map(work).collect()).await.concat();
    delivered.extend(outbox.settle_all(&Outcome::Delivered, at(SECOND)).await);
    let total = ENDS as usize * CLIENTS;
    assert_eq!(delivered.len(), total);
    assert_eq!(BTreeSet::from_iter(names(&delivered)).len(), total);
    let counts = outbox.counts().await;
    assert_eq!(
        (counts.delivered, counts.pending, counts.failed),
        (total as u64, 0, 0)
    );
}
