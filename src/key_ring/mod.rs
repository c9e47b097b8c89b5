//! The keys that seal tickets: one primary that seals, and all of them open.
//!
//! # Life of a key
//!
//! 1. [`KeyRing::add`] makes a key. It opens already, and seals nothing yet: give every node the time to see it.
//! 2. [`KeyRing::promote`] makes it the primary. From now on sign-ins and renewals seal with it; the key before it keeps
//!    opening what it sealed, so nobody is signed out.
//! 3. [`KeyRing::retire`] drops a key once everything that it sealed has expired, and refuses before.
//!
//! # Where the keys are
//!
//! | constructor | kept in | other processes |
//! |---|---|---|
//! | [`KeyRing::open_file`] | a file of mode 0600, replaced atomically | notice a change within five seconds, and at once when they meet a key that they do not know (looked for once a second at most) |
//! | [`KeyRing::from_secrets`] | wherever you keep the secrets | restart with the new list |
//! | [`KeyRing::from_env`] | an environment variable | restart with the new value |
//! | [`KeyRing::ephemeral`] | memory | none: a restart signs everybody out |
//!
//! ```
//! use axum_user_session::KeyRing;
//!
//! let ring = KeyRing::ephemeral();
//! let old = ring.keys()[0].id();
//! let new = ring.add()?;
//! ring.promote(new)?;
//! assert!(ring.retire(old).is_err(), "tickets under it are still alive");
//! ring.retire_and_sign_out_its_sessions(old)?;
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
