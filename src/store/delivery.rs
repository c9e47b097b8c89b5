//! Logout notifications as an outbox hands them around: taken, settled, listed and counted.

use std::{fmt, time::SystemTime};

use crate::{
    ended::EventId,
    error::StoreError,
    id::{ClientId, SessionId},
};

/// A delivery that somebody has taken, to send it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TakenDelivery {
    /// The end that is to be told.
    pub event_id: EventId,
    /// Who is to hear of it.
    pub client: ClientId,
    /// The user, as in the claim `sub`.
    pub subject: String,
    /// The session, as in the claim `sid`.
    pub session_id: SessionId,
    /// When it was put in.
    pub created: SystemTime,
    /// Which attempt this is: 1 for the first one.
    pub attempt: u32,
    /// Tells this taking of the delivery from all others, so that nobody settles what somebody else has taken since. The number of the attempt does not: it comes
    /// again when a delivery was [put back](Outcome::PutBack).
    pub turn: u64,
}

impl TakenDelivery {
    /// The first attempt of a delivery, with the turn 1; for outboxes, which set the numbers of a later one.
    pub fn new(
        event_id: EventId,
        client: ClientId,
        subject: impl Into<String>,
        session_id: SessionId,
        created: SystemTime,
    ) -> Self {
        Self {
            event_id,
            client,
            subject: subject.into(),
            session_id,
            created,
            attempt: 1,
            turn: 1,
        }
    }

    /// What its taker says became of it.
    pub fn settled(&self, outcome: Outcome) -> Attempt {
        Attempt {
            event_id: self.event_id,
            client: self.client.clone(),
            turn: self.turn,
            outcome,
        }
    }
}

/// A list gets into a log easily, and neither users nor session ids belong there.
impl fmt::Debug for TakenDelivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TakenDelivery")
            .field("event_id", &self.event_id)
            .field("client", &self.client)
            .field("created", &self.created)
            .field("attempt", &self.attempt)
            .field("turn", &self.turn)
            .finish_non_exhaustive()
    }
}

/// What became of an attempt to deliver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The end that was to be told.
    pub event_id: EventId,
    /// Who was to hear of it.
    pub client: ClientId,
    /// Which [turn](TakenDelivery::turn) it was.
    pub turn: u64,
    /// What became of it.
    pub outcome: Outcome,
}

/// How an attempt to deliver ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The client has heard it.
    Delivered,
    /// It has not, and it will be tried again.
    Failed {
        /// What happened, for an administrator to read. The outbox keeps [a part](Outcome::why).
        why: String,
        /// When it is due again.
        again: SystemTime,
    },
    /// It has not, and nobody will try again.
    GivenUp {
        /// What happened, for an administrator to read. The outbox keeps [a part](Outcome::why).
        why: String,
    },
    /// There was no attempt: the delivery is due when it was before it was taken, and its number of attempts is as before.
    PutBack,
}

impl Outcome {
    /// The most that is kept of what happened, in characters.
    pub const MAX_WHY: usize = 200;

    /// Where the delivery stands after it; none where it stands as before.
    pub fn state(&self) -> Option<DeliveryState> {
        match self {
            Self::Delivered => Some(DeliveryState::Delivered),
            Self::Failed { .. } => Some(DeliveryState::Failed),
            Self::GivenUp { .. } => Some(DeliveryState::GivenUp),
            Self::PutBack => None,
        }
    }

    /// What happened, as it is kept; for outboxes.
    ///
    /// A remote server may have had a say in the text, so a control character becomes a space: some databases can't keep it, and pages should not show it.
    pub fn why(&self) -> Option<String> {
        let (Self::Failed { why, .. } | Self::GivenUp { why }) = self else {
            return None;
        };
        let kept = why.chars().take(Self::MAX_WHY);
        Some(kept.map(|c| if c.is_control() { ' ' } else { c }).collect())
    }
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// Nobody has said yet what became of an attempt: none has begun, or the first ones are under way or were lost.
    Pending,
    /// An attempt has failed, and there will be another, or it is under way.
    Failed,
    /// The client has heard it.
    Delivered,
    /// All attempts have failed.
    GivenUp,
}

impl DeliveryState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Failed, Self::Delivered, Self::GivenUp];

    /// A short name that does not change between versions, such as `given_up`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Failed => "failed",
            Self::Delivered => "delivered",
            Self::GivenUp => "given_up",
        }
    }

    /// Whether nothing more will happen.
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Delivered | Self::GivenUp)
    }
}

impl fmt::Display for DeliveryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for DeliveryState {
    type Err = StoreError;

    /// Reads a [name](Self::as_str).
    fn from_str(text: &str) -> Result<Self, StoreError> {
        let named = Self::ALL.into_iter().find(|state| state.as_str() == text);
        named.ok_or_else(|| StoreError::new("a delivery in no known state"))
    }
}

/// A delivery, as an administrator sees it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// The end that is to be told.
    pub event_id: EventId,
    /// Who is to hear of it.
    pub client: ClientId,
    /// The user whose session has ended.
    pub subject: String,
    /// The session.
    pub session_id: SessionId,
    /// Where it stands.
    pub state: DeliveryState,
    /// How many attempts have begun, without those that were put back.
    pub attempts: u32,
    /// When it was put in.
    pub created: SystemTime,
    /// When it can be taken: it is due then, or the lease of whoever has taken it is over. None when it is settled.
    pub due: Option<SystemTime>,
    /// When it was settled.
    pub settled: Option<SystemTime>,
    /// Why the last attempt that failed did.
    pub failure: Option<String>,
}

impl Delivery {
    /// A delivery that has just been put in; for outboxes, which set what has changed since.
    pub fn new(
        event_id: EventId,
        client: ClientId,
        subject: impl Into<String>,
        session_id: SessionId,
        created: SystemTime,
    ) -> Self {
        Self {
            event_id,
            client,
            subject: subject.into(),
            session_id,
            state: DeliveryState::Pending,
            attempts: 0,
            created,
            due: Some(created),
            settled: None,
            failure: None,
        }
    }
}

/// As for [`TakenDelivery`].
impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("event_id", &self.event_id)
            .field("client", &self.client)
            .field("state", &self.state)
            .field("attempts", &self.attempts)
            .field("created", &self.created)
            .field("due", &self.due)
            .field("settled", &self.settled)
            .field("failure", &self.failure)
            .finish_non_exhaustive()
    }
}

/// Which deliveries are wanted: those that meet all that is set, so an empty one lets every delivery through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// Of this end.
    pub event_id: Option<EventId>,
    /// Of the ends of this session.
    pub session_id: Option<SessionId>,
    /// Of the ends of this user's sessions.
    pub subject: Option<String>,
    /// For this client.
    pub client: Option<ClientId>,
    /// In this state.
    pub state: Option<DeliveryState>,
}

impl DeliveryFilter {
    /// Whether it lets a delivery through.
    pub fn matches(&self, delivery: &Delivery) -> bool {
        fn meets<T: PartialEq>(wanted: &Option<T>, is: &T) -> bool {
            wanted.as_ref().is_none_or(|wanted| wanted == is)
        }
        meets(&self.event_id, &delivery.event_id)
            && meets(&self.session_id, &delivery.session_id)
            && meets(&self.subject, &delivery.subject)
            && meets(&self.client, &delivery.client)
            && meets(&self.state, &delivery.state)
    }
}

/// How many deliveries there are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deliveries {
    /// See [`DeliveryState::Pending`].
    pub pending: u64,
    /// See [`DeliveryState::Failed`].
    pub failed: u64,
    /// See [`DeliveryState::Delivered`].
    pub delivered: u64,
    /// See [`DeliveryState::GivenUp`].
    pub given_up: u64,
}

impl Deliveries {
    /// The number for a state, to be read or changed.
    pub fn of(&mut self, state: DeliveryState) -> &mut u64 {
        match state {
            DeliveryState::Pending => &mut self.pending,
            DeliveryState::Failed => &mut self.failed,
            DeliveryState::Delivered => &mut self.delivered,
            DeliveryState::GivenUp => &mut self.given_up,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o6_no_user_and_no_session_is_shown() {
        let client = ClientId::parse("client1").unwrap();
        let session = SessionId::parse("secret-session").unwrap();
        let (event, start) = (EventId::new([7; 16]), SystemTime::UNIX_EPOCH);
        let taken = TakenDelivery::new(event, client.clone(), "secret subject", session, start);
        let listed = Delivery::new(event, client, "secret subject", session, start);
        for shown in [format!("{taken:?}"), format!("{listed:?}")] {
            assert!(!shown.contains("secret"), "{shown}");
            assert!(shown.contains("client1"), "{shown}");
        }
    }
}
