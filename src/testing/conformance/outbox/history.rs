//! A long history, next to the same in memory.

use super::{fixtures::*, probe::Probe};
use crate::store::{DeliveryFilter, LogoutOutbox, MemoryStore, Outcome, TakenDelivery};

/// Whatever happens, in whatever order, the outbox answers as the store in memory does.
pub async fn o6_a_history_is_answered_as_by_the_store_in_memory(outbox: impl LogoutOutbox) {
    live_through(outbox, 1, 250).await;
}

/// So many operations, as a seed has them.
///
/// # Panics
///
/// If an answer is another one.
pub async fn live_through(outbox: impl LogoutOutbox, seed: u64, steps: usize) {
    let (outbox, plain) = (Probe::new(outbox), Probe::new(MemoryStore::new(10_000)));
    let mut random = Random::of_seed(seed);
    let told = numbered_clients("client", 6);
    // What both have handed out, the two of one delivery together.
    let mut taken: Vec<[TakenDelivery; 2]> = Vec::new();
    let mut now = at(HOUR);
    for step in 0..steps {
        let what = format!("step {step} of seed {seed}");
        now = match random.below(8) {
            0 => now - SECOND,
            _ => now + SECOND * random.below(20) as u32,
        };
        match random.below(10) {
            0..=2 => {
                let number = random.below(40);
                let ended = ended(["alice", "bob"][number % 2], number as u64);
                let first = random.below(told.len());
                let some = &told[first..first + random.below(told.len() - first + 1)];
                let new = outbox.put_in(&ended, some, now).await;
                assert_eq!(new, plain.put_in(&ended, some, now).await, "{what}");
            }
            3..=5 => {
                let except = &told[..random.below(3)];
                let lease = SECOND * random.below(60) as u32 + MS;
                let mut handed_out = [
                    outbox.take_but(lease, 10_000, except, now).await,
                    plain.take_but(lease, 10_000, except, now).await,
                ];
                for of_one in &mut handed_out {
                    of_one.sort_by_key(|taken| (taken.event_id, taken.client.clone()));
                }
                let [ours, plains] = handed_out;
                assert_eq!(names(&ours), names(&plains), "{what}");
                for both in ours
                    .into_iter()
                    .zip(plains)
                    .map(|(one, other)| [one, other])
                {
                    let [attempt, plain_attempt] = both.each_ref().map(|taken| taken.attempt);
                    assert_eq!(attempt, plain_attempt, "{what}");
                    taken.push(both);
                }
            }
            6..=8 => {
                let mut settled = [Vec::new(), Vec::new()];
                for _ in 0..random.below(12) {
                    if taken.is_empty() {
                        break;
                    }
                    let outcome = match random.below(6) {
                        0 => Outcome::PutBack,
                        1 => given_up("refused"),
                        2..=3 => failed("refused", now + SECOND * random.below(90) as u32),
                        _ => Outcome::Delivered,
                    };
                    let index = random.below(taken.len());
                    // Some say it again, and later.
                    let both = match random.below(4) {
                        0 => taken[index].clone(),
                        _ => taken.swap_remove(index),
                    };
                    for (settled, taken) in settled.iter_mut().zip(both) {
                        settled.push(taken.settled(outcome.clone()));
                    }
                }
                let [ours, plains] = settled;
                let counted = outbox.settle(&ours, now).await;
                assert_eq!(counted, plain.settle(&plains, now).await, "{what}");
            }
            _ => {
                let before = now - MINUTE;
                let forgotten = outbox.forget(before).await;
                assert_eq!(forgotten, plain.forget(before).await, "{what}");
            }
        }
        assert_eq!(outbox.counts().await, plain.counts().await, "{what}");
        let filter = DeliveryFilter {
            client: Some(random.pick(&told).clone()),
            ..DeliveryFilter::default()
        };
        assert_eq!(
            outbox.list(&filter, 20).await,
            plain.list(&filter, 20).await,
            "{what}"
        );
    }
    assert_eq!(outbox.everything().await, plain.everything().await);
}
