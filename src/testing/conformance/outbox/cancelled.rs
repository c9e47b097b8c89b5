//! Operations whose caller gives up.

use std::{future::Future, time::Duration};

use tokio::time::{sleep, timeout};

use super::{fixtures::*, probe::Probe};
use crate::store::{LogoutOutbox, Outcome};

/// A caller that has given up, at whatever point, may ask again: the operation happened as a whole or not at all, and once in the end; what nobody got comes again
/// when its lease is over.
pub async fn o6_a_caller_that_gave_up_may_ask_again(outbox: impl LogoutOutbox) {
    let outbox = Probe::new(outbox);
    let mut random = Random::of_seed(1);
    let told = numbered_clients("client", 30);
    for round in 0..12 {
        let mut patience = || Duration::from_micros(random.below(1500) as u64);
        let ended = ended("alice", round);
        give_up(patience(), outbox.put_in(&ended, &told, at(SECOND))).await;
        let again = outbox.put_in(&ended, &told, at(SECOND)).await;
        assert!([0, 30].contains(&again), "all or none: {again}");

        give_up(patience(), outbox.take(MINUTE, 100, at(SECOND))).await;
        // Whoever gave up may have left an operation behind that holds them until it is done.
        let later = at(2 * MINUTE);
        let mut taken = outbox.take(HOUR, 100, later).await;
        for _ in 0..100 {
            if taken.len() < 30 {
                sleep(Duration::from_millis(20)).await;
                taken.extend(outbox.take(HOUR, 100, later).await);
            }
        }
        assert_eq!(taken.len(), 30);
        assert!(
            taken.iter().all(|taken| [1, 2].contains(&taken.attempt)),
            "{taken:?}"
        );

        let delivered = all(&taken, &Outcome::Delivered);
        give_up(patience(), outbox.settle(&delivered, later)).await;
        outbox.settle(&delivered, later).await;
        assert_eq!(outbox.counts().await.delivered, 30 * (round + 1));
        assert!(outbox.take(MINUTE, 100, at(10 * HOUR)).await.is_empty());
    }
    give_up(Duration::from_micros(300), outbox.forget(at(HOUR))).await;
    outbox.forget_all(at(HOUR)).await;
    assert!(outbox.everything().await.is_empty());
}

/// Lets an operation run for a while, which may be enough.
async fn give_up<F: Future>(patience: Duration, operation: F) {
    let _ = timeout(patience, operation).await;
}
