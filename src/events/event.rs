use std::error::Error as StdError;

use crate::ended::{Ended, EventId};
#[cfg(feature = "back-channel")]
use crate::id::ClientId;

/// Something that has happened.
///
/// What it holds is not all to be shown: of an [`Ended`], the log and the metrics take no subject and no session id.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event<'a> {
    SessionStarted,
    SessionContinued,
    SessionEnded(&'a Ended),
    SessionsRevoked(u64),
    CookieRefused(Refusal),
    /// The same, and the cookie stays where it is.
    CookieLeftAlone {
        kind: Refusal,
        /// How many were left out of the log since the one before; none if this one is left out as well.
        left_out: Option<u64>,
    },
    SealFailed(SealFailure),
    StoreFailed {
        operation: &'static str,
        outcome: &'static str,
        error: &'a Source,
    },
    SessionNotLoaded {
        error: &'a Source,
        /// How many were left out of the log since the one before; none if this one is left out as well.
        left_out: Option<u64>,
    },
    CleanupDone {
        expired: u64,
        unheard_ends: u64,
        /// Those that have not expired, if they were counted.
        sessions: Option<u64>,
    },
    CleanupFailed(&'a Source),
    EndsDropped(u64),
    EndedHookFailed {
        event_id: EventId,
        attempts: u32,
        again: bool,
        error: &'a Source,
    },
    #[cfg(feature = "back-channel")]
    LogoutQueued {
        event_id: EventId,
        clients: u64,
    },
    #[cfg(feature = "back-channel")]
    LogoutDelivered {
        event_id: EventId,
        client: &'a ClientId,
        attempt: u32,
    },
    /// `why` is a text of ours: what a client has answered does not belong there.
    #[cfg(feature = "back-channel")]
    LogoutFailed {
        event_id: EventId,
        client: &'a ClientId,
        attempt: u32,
        why: &'a str,
    },
    #[cfg(feature = "back-channel")]
    LogoutGivenUp {
        event_id: EventId,
        client: &'a ClientId,
        attempt: u32,
        why: &'a str,
    },
    /// How many deliveries are not settled; told to the metrics only.
    #[cfg(feature = "back-channel")]
    LogoutsWaiting(
        #[cfg_attr(
            not(feature = "metrics"),
            expect(dead_code, reason = "the log says nothing of it")
        )]
        u64,
    ),
}

pub(crate) type Source = dyn StdError + 'static;

impl Event<'_> {
    /// Logs and counts it. The only place where either is done.
    #[cold]
    pub(crate) fn emit(self) {
        self.log();
        #[cfg(feature = "metrics")]
        self.count();
    }
}

/// Why no session comes of an authentication cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Refusal {
    Forged,
    Incomplete,
    Expired,
    Ended,
    NoRecord,
    RecordForged,
    TooMany,
    UnknownKey,
    RecordUnknownKey,
    Conflict,
}

impl Refusal {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Forged => "forged",
            Self::Incomplete => "incomplete",
            Self::Expired => "expired",
            Self::Ended => "ended",
            Self::NoRecord => "no_record",
            Self::RecordForged => "record_forged",
            Self::TooMany => "too_many",
            Self::UnknownKey => "unknown_key",
            Self::RecordUnknownKey => "record_unknown_key",
            Self::Conflict => "conflict",
        }
    }
}

/// Why something could not be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SealFailure {
    NoKey,
    TooLarge,
}

impl SealFailure {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::NoKey => "no_key",
            Self::TooLarge => "too_large",
        }
    }
}
