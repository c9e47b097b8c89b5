//! What the operations of a store are asked for, and what they answer.

use std::{
    num::NonZeroU32,
    time::{Duration, SystemTime},
};

use super::record::Record;
use crate::{
    ended::{EndReason, Ended},
    id::ClientId,
};

/// How long a store remembers that a record has ended or was replaced, from when it did.
///
/// Requests that were under way then are told so, and don't take the record for one that never was.
pub const TOMBSTONE: Duration = Duration::from_secs(60);

/// How many sessions a subject may have at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The most sessions of one subject that have not expired.
    pub max: NonZeroU32,
    /// What happens to one more.
    pub when_reached: WhenReached,
}

/// What happens when a user signs in once more than the limit allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WhenReached {
    /// The newcomer is refused.
    Deny,
    /// The session that was created first ends.
    EndOldest,
}

/// What became of a record that was to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Created {
    /// It is there. Sessions that had to end for it are given, oldest first.
    Created {
        /// The sessions that ended because of the limit.
        evicted: Vec<Ended>,
    },
    /// The key is taken, by a record, expired or not, or the memory of one; nothing has changed. After a reply that was lost, it is the caller's own.
    Exists,
    /// The limit of sessions per subject refuses it; nothing has changed.
    Denied,
    /// The store has no room; nothing has changed.
    Full,
}

/// What a store knows of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loaded {
    /// The record, which may have expired.
    Found(Box<Record>),
    /// The record ended or was replaced no longer than [`TOMBSTONE`] ago.
    Gone,
    /// There is none.
    Missing,
}

/// A sign of life of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touch {
    /// How old the last one must be for this one to count: `renewed` is `every` or more before `now`.
    pub every: Duration,
    /// What the expiry becomes, if that is later than it is; it never becomes earlier.
    pub expires: SystemTime,
}

/// What became of a sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Touched {
    /// The record shows it.
    Touched,
    /// The last one is not old enough.
    NotDue,
    /// There is no such record, or it has expired, ended or was replaced.
    Missing,
}

/// What a record gets in place of its own; everything else stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// The sealed ticket.
    pub ticket: Vec<u8>,
    /// The name to show.
    pub display_name: Option<String>,
}

/// What became of an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Updated {
    /// It is done, and the record has this version, one more than before.
    Updated {
        /// The version now.
        version: u64,
    },
    /// The record has another version than was expected; nothing has changed.
    Conflict,
    /// There is no such record, or it has expired, ended or was replaced.
    Missing,
}

/// What became of a client that was to be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClientAdded {
    /// It is the last of the record's clients now.
    Added,
    /// It was there before; nothing has changed.
    Known,
    /// There is no such record, or it has expired or ended.
    Missing,
}

/// What became of a client that was to be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClientRemoved {
    /// It is gone.
    Removed,
    /// It was not there; nothing has changed.
    Unknown,
    /// There is no such record, or it has expired or ended.
    Missing,
}

/// Whether a session goes on in the record that takes the place of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Continuity {
    /// The same session with the same id, under another key.
    SameSession,
    /// Another session; the one before ends.
    NewSession,
}

/// What became of a record that was to take the place of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// It is there, and the old one is not.
    Replaced {
        /// When the session began, which the new record took over if the session goes on.
        created: SystemTime,
        /// The new record's clients: those that the old one had in the store, if the session goes on, and then those it was given.
        clients: Vec<ClientId>,
        /// The old session, if it does not go on, and then those that ended because of the limit.
        ended: Vec<Ended>,
    },
    /// The session was to go on, and there is no such record, or it has expired or ended, or it is another subject's; or the new record is over already.
    /// Nothing has changed.
    Missing,
    /// The limit of sessions per subject refuses it; nothing has changed.
    Denied,
    /// The store has no room; nothing has changed.
    Full,
}

/// How a record is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// Why.
    pub reason: EndReason,
    /// End it only if it has expired: a sign of life may have been quicker.
    pub only_expired: bool,
}

impl End {
    /// The end of a record, expired or not.
    pub fn because(reason: EndReason) -> Self {
        Self {
            reason,
            only_expired: false,
        }
    }

    /// The end of a record if it has expired.
    pub fn if_expired() -> Self {
        Self {
            reason: EndReason::Expired,
            only_expired: true,
        }
    }
}

/// An end of a session that was taken from the store's log, to be handed to whoever has to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenEnd {
    /// What ended.
    pub ended: Ended,
    /// How often it has been taken, this time included. From the second time on, an earlier taker has failed or was too slow.
    pub attempts: u32,
}

/// What a store has tidied away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// Memories of records that ended longer than [`TOMBSTONE`] ago.
    pub tombstones: u64,
    /// Entries of the log of ends that nobody has acknowledged in time. Somebody has not heard of these ends.
    pub unheard_ends: u64,
}
