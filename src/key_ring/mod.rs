//! The keys that seal tickets: one primary that seals, and all of them open.
//!
//! # Life of a key
//!
//! 1. [`KeyRing::rotate`] makes a key and gives it a moment. It opens already, and seals nothing yet: every node has the time to see it.
//! 2. At that moment each process goes over to it by its own clock, and nobody has to do anything: sign-ins and renewals seal with it now.
//!    The key before it keeps opening what it sealed, so nobody is signed out.
//! 3. [`KeyRing::retire`] drops a key once everything that it sealed has expired, and refuses before. That counts from the moment at
//!    which the next key took over.
//!
//! The steps can be taken one by one: [`KeyRing::add`] or [`KeyRing::add_secret`], then [`KeyRing::schedule`] for a moment, or [`KeyRing::promote`] for now.
//!
//! # Several nodes
//!
//! A new key must open everywhere before it seals anywhere: a node that does not have it can't tell who is signed in. That is what the
//! lead of a rotation is for. Processes that share a key file need no more than [`KeyRing::SHORTEST_LEAD`]; where the file is copied from
//! machine to machine, the lead must be longer than that takes. That minute, and the one that `retire` adds to the longest lifetime,
//! allow for clocks that differ by 25 seconds.
//!
//! - Of several scheduled keys each takes over at its own moment; of two with the same moment every node picks the same one.
//! - Promoting another key at once leaves what is scheduled as it is. Scheduling a key again moves its moment.
//! - `retire` calls a scheduled key off, until a minute before its moment: after that it may be sealing where a clock is ahead, and
//!   counts as used.
//! - On a machine whose clock steps back across the moment, the key before seals again until the clock is there once more. Both open all
//!   the time. A later change of the ring (another promotion, a retirement) makes the step for good.
//!
//! With secrets of your own, roll out `old, new` to every node first and `new, old` after that; or `old, new` once, with
//! [`KeyRing::schedule`].
//!
//! # Where the keys are
//!
//! | constructor | kept in | other processes |
//! |---|---|---|
//! | [`KeyRing::open_file`] | a file of mode 0600, replaced atomically | notice a change within five seconds, and at once when they meet a key that they do not know (looked for once a second at most) |
//! | [`KeyRing::from_secrets`] | wherever you keep the secrets | restart with the new list, twice (see above) |
//! | [`KeyRing::from_env`] | an environment variable | the same |
//! | [`KeyRing::ephemeral`] | memory | none: a restart signs everybody out |
//!
//! ```
//! use std::time::{Duration, SystemTime};
//! use axum_user_session::KeyRing;
//!
//! let ring = KeyRing::ephemeral();
//! let old = ring.keys()[0].id();
//! let (now, hour) = (SystemTime::now(), Duration::from_secs(3600));
//! let new = ring.rotate_at(hour, now)?;
//!
//! let later = now + 2 * hour;
//! assert_eq!(ring.keys_at(later)[0].id(), new);
//! assert!(ring.retire_at(old, later).is_err(), "tickets under it are still alive");
//! assert!(ring.retire_at(old, later + 24 * hour).is_ok());
//! # Ok::<_, axum_user_session::key_ring::KeyRingError>(())
//! ```

mod error;
mod file;
mod key;
mod keys;
mod live;
mod ring;

pub use self::error::KeyRingError;
pub use self::key::{KeyId, KeyInfo};
pub use self::ring::KeyRing;

pub(crate) use self::key::Key;

#[cfg(test)]
mod simulation;
