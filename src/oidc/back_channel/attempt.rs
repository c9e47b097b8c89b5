use std::{sync::Arc, time::SystemTime};

use rand::RngExt;

use super::{back_channel_logout::Inner, outgoing::Answer, retrying::Retrying};
use crate::store::{Attempt, Outcome, TakenDelivery};

/// What became of one delivery that was under way.
pub(super) struct Sent {
    pub(super) attempt: Attempt,
    /// Whether there was an answer, or it was not the client's fault that there was none.
    pub(super) answered: bool,
}

impl Sent {
    /// Decides what an answer means, and notes it in the log. An error is final.
    pub(super) fn new(
        taken: &TakenDelivery,
        answer: Result<Answer, String>,
        retrying: Retrying,
        now: SystemTime,
    ) -> Self {
        let answered = !matches!(answer, Ok(Answer::Silent(_)));
        let outcome = match answer {
            Ok(answer) => retrying.outcome(taken, answer, now, rand::rng().random()),
            Err(why) => Outcome::GivenUp { why },
        };
        log(taken, &outcome);
        Self {
            attempt: taken.settled(outcome),
            answered,
        }
    }
}

/// Makes one attempt.
pub(super) async fn send(inner: Arc<Inner>, retrying: Retrying, taken: TakenDelivery) -> Sent {
    let answer = inner.tell(&taken).await;
    Sent::new(&taken, answer, retrying, inner.now())
}

fn log(taken: &TakenDelivery, outcome: &Outcome) {
    let TakenDelivery {
        event_id, attempt, ..
    } = taken;
    let client = taken.client.as_str();
    match outcome {
        Outcome::Delivered => {
            tracing::debug!(event = %event_id, client, attempt, "a client has heard that a session has ended");
        }
        Outcome::Failed { why, .. } => {
            tracing::debug!(event = %event_id, client, attempt, why, "a client could not be told that a session has ended; it is tried again");
        }
        Outcome::GivenUp { why } => {
            tracing::warn!(event = %event_id, client, attempt, why, "a client was not told that a session has ended; it is not tried again");
        }
        Outcome::PutBack => {}
    }
}
