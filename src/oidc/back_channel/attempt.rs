//! One attempt to tell a client.

use std::{sync::Arc, time::SystemTime};

use rand::RngExt;

use super::{back_channel_logout::Inner, outgoing::Answer, retrying::Retrying};
use crate::{
    events::Event,
    store::{Attempt, Outcome, TakenDelivery},
};

/// What became of one delivery that was under way.
pub(super) struct Sent {
    pub(super) attempt: Attempt,
    /// Whether there was an answer, or it was not the client's fault that there was none.
    pub(super) answered: bool,
}

impl Sent {
    /// Decides what an answer means, and tells of it.
    pub(super) fn new(
        taken: &TakenDelivery,
        answer: Answer,
        retrying: Retrying,
        now: SystemTime,
    ) -> Self {
        let answered = !matches!(answer, Answer::Silent(_));
        let outcome = retrying.outcome(taken, answer, now, rand::rng().random());
        tell_of(taken, &outcome);
        Self {
            attempt: taken.settled(outcome),
            answered,
        }
    }

    /// A delivery that nobody tries any more.
    pub(super) fn given_up(taken: &TakenDelivery, why: String) -> Self {
        let outcome = Outcome::GivenUp { why };
        tell_of(taken, &outcome);
        Self {
            attempt: taken.settled(outcome),
            answered: false,
        }
    }
}

/// Makes one attempt.
pub(super) async fn send(inner: Arc<Inner>, retrying: Retrying, taken: TakenDelivery) -> Sent {
    let answer = inner.tell(&taken).await;
    Sent::new(&taken, answer, retrying, inner.now())
}

/// Has the log say what became of one.
fn tell_of(taken: &TakenDelivery, outcome: &Outcome) {
    let &TakenDelivery {
        event_id,
        ref client,
        attempt,
        ..
    } = taken;
    // A certificate, say, brings texts of the other side's into it.
    let why = &*outcome.why().unwrap_or_default();
    match outcome {
        Outcome::Delivered => Event::LogoutDelivered {
            event_id,
            client,
            attempt,
        },
        Outcome::Failed { .. } => Event::LogoutFailed {
            event_id,
            client,
            attempt,
            why,
        },
        Outcome::GivenUp { .. } => Event::LogoutGivenUp {
            event_id,
            client,
            attempt,
            why,
        },
        Outcome::PutBack => return,
    }
    .emit();
}
