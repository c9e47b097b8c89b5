//! Ends and settlements that the cases are made of.

use std::time::SystemTime;

use crate::{
    ended::{EndReason, Ended, EventId},
    id::{ClientId, SessionId},
    store::{Attempt, Outcome, TakenDelivery},
    testing::conformance::fixtures::{session_id, start},
};

pub(super) use crate::testing::conformance::fixtures::{
    HOUR, MINUTE, MS, Random, SECOND, at, client, clients, numbered_clients, sid,
};

/// The end of a number of a subject's session, when cases begin.
pub(super) fn ended(subject: &str, number: u64) -> Ended {
    ended_as(subject, number, session_id(subject, number as usize))
}

pub(super) fn ended_as(subject: &str, number: u64, session_id: SessionId) -> Ended {
    Ended::new(
        event(number),
        subject,
        session_id,
        EndReason::SignOut,
        start(),
    )
}

/// Spread as the ids of real ends are, and still in the order of their numbers for the first 256.
pub(super) fn event(number: u64) -> EventId {
    let mut bytes = [0; EventId::LEN];
    bytes[0] = number as u8;
    bytes[1..9].copy_from_slice(&number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes());
    EventId::new(bytes)
}

pub(super) fn failed(why: &str, again: SystemTime) -> Outcome {
    Outcome::Failed {
        why: why.to_owned(),
        again,
    }
}

pub(super) fn given_up(why: &str) -> Outcome {
    Outcome::GivenUp {
        why: why.to_owned(),
    }
}

/// The same of each of what was taken.
pub(super) fn all(taken: &[TakenDelivery], outcome: &Outcome) -> Vec<Attempt> {
    let taken = taken.iter();
    taken.map(|taken| taken.settled(outcome.clone())).collect()
}

/// What was taken, by name, in the order of the names.
pub(super) fn names(taken: &[TakenDelivery]) -> Vec<(EventId, ClientId)> {
    let names = taken
        .iter()
        .map(|taken| (taken.event_id, taken.client.clone()));
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}
