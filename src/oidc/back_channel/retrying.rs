use std::time::{Duration, SystemTime};

use super::outgoing::Answer;
use crate::store::{Outcome, TakenDelivery};

/// When a delivery is tried again, and when no more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Retrying {
    /// The longest pause after the first attempt; it doubles with each one.
    pub(super) first: Duration,
    /// The longest pause of all.
    pub(super) longest: Duration,
    /// How long there are attempts.
    pub(super) give_up_after: Duration,
    /// How many there are.
    pub(super) most_attempts: u32,
}

impl Retrying {
    /// What an answer means for a delivery. `chance` is between 0 and 1, so that what failed together is not tried again together.
    pub(super) fn outcome(
        &self,
        taken: &TakenDelivery,
        answer: Answer,
        now: SystemTime,
        chance: f64,
    ) -> Outcome {
        let (why, most_attempts) = match answer {
            Answer::Heard => return Outcome::Delivered,
            // A client may not have fetched a new key yet, or is just being put up; that does not take a day.
            Answer::Refused(why) => (why, self.most_attempts.min(REFUSALS)),
            Answer::Failed(why) | Answer::Silent(why) => (why, self.most_attempts),
        };
        if taken.attempt >= most_attempts || self.is_over(taken, now) {
            return Outcome::GivenUp { why };
        }
        let again = now + self.pause(taken.attempt, chance);
        Outcome::Failed { why, again }
    }

    /// Whether a delivery has been there for as long as there are attempts.
    pub(super) fn is_over(&self, taken: &TakenDelivery, now: SystemTime) -> bool {
        let age = now.duration_since(taken.created).unwrap_or_default();
        age >= self.give_up_after
    }

    fn pause(&self, attempt: u32, chance: f64) -> Duration {
        let doubled = 2_u32.checked_pow(attempt.saturating_sub(1));
        let ceiling = self.first.saturating_mul(doubled.unwrap_or(u32::MAX));
        let ceiling = ceiling.min(self.longest);
        // Not at once, whatever chance says.
        ceiling
            .mul_f64(chance)
            .max(self.first / 2)
            .min(self.longest)
    }
}

impl Default for Retrying {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(5),
            longest: Duration::from_secs(3600),
            give_up_after: Duration::from_secs(24 * 3600),
            most_attempts: 100,
        }
    }
}

/// How often a client is asked that refuses.
const REFUSALS: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ended::EventId,
        id::{ClientId, SessionId},
    };

    const START: SystemTime = SystemTime::UNIX_EPOCH;
    const SECOND: Duration = Duration::from_secs(1);

    fn taken(attempt: u32) -> TakenDelivery {
        let client = ClientId::parse("c").unwrap();
        let session = SessionId::parse("s").unwrap();
        let mut taken = TakenDelivery::new(EventId::new([0; 16]), client, "a", session, START);
        taken.attempt = attempt;
        taken
    }

    #[test]
    fn o6_pauses_double_up_to_a_limit_and_vary() {
        let retrying = Retrying::default();
        for (name, attempt, chance, expected) in [
            ("first, at most", 1, 1.0, 5.0),
            ("first, at least", 1, 0.0, 2.5),
            ("second", 2, 1.0, 10.0),
            ("second, half", 2, 0.5, 5.0),
            ("fifth", 5, 1.0, 80.0),
            ("fifth, at least", 5, 0.0, 2.5),
            ("eleventh: the limit", 11, 1.0, 3600.0),
            ("a hundredth", 100, 1.0, 3600.0),
            ("no such attempt", 0, 1.0, 5.0),
            ("the last number", u32::MAX, 1.0, 3600.0),
        ] {
            let pause = retrying.pause(attempt, chance);
            assert_eq!(pause.as_secs_f64(), expected, "{name}");
        }
    }

    #[test]
    fn o6_a_delivery_is_given_up_in_the_end() {
        let retrying = Retrying::default();
        let silent = || Answer::Silent("away".to_owned());
        let refused = || Answer::Refused("no".to_owned());
        let day = 24 * 3600 * SECOND;
        for (name, answer, attempt, age, given_up) in [
            ("young", silent(), 1, SECOND, false),
            ("after a day", silent(), 20, day, true),
            ("before that", silent(), 20, day - SECOND, false),
            ("the last attempt", silent(), 100, SECOND, true),
            ("one before", silent(), 99, SECOND, false),
            ("refused", refused(), 9, SECOND, false),
            ("refused again", refused(), 10, SECOND, true),
            (
                "a failure counts less",
                Answer::Failed("500".to_owned()),
                10,
                SECOND,
                false,
            ),
        ] {
            let outcome = retrying.outcome(&taken(attempt), answer, START + age, 0.5);
            let is_given_up = matches!(outcome, Outcome::GivenUp { .. });
            assert_eq!(is_given_up, given_up, "{name}");
        }
        // A clock that has stepped back.
        let outcome = retrying.outcome(&taken(1), silent(), START - SECOND, 0.5);
        assert!(matches!(outcome, Outcome::Failed { .. }));
        let heard = retrying.outcome(&taken(100), Answer::Heard, START + day, 0.5);
        assert_eq!(heard, Outcome::Delivered);
    }
}
