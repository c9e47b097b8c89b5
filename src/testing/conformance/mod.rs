//! The conformance suite: what every [`SessionStore`](crate::store::SessionStore) must do, as cases that can be run over any of them.
//!
//! Whoever writes a store calls [`store_conformance!`](crate::store_conformance) once in a test of the store's crate, with an expression that makes a fresh, empty
//! store:
//!
//! ```
//! use axum_user_session::{store::MemoryStore, store_conformance};
//!
//! async fn fresh_store() -> MemoryStore {
//!     MemoryStore::new(10_000)
//! }
//!
//! store_conformance!(fresh_store());
//! ```
//!
//! Each case is a function in one of the modules here, named after the rule that it checks, with the rule as its documentation. A case begins with an empty store, makes
//! at most some hundred operations, and fails by a panic that says what it saw; it never sleeps, as times are passed in. Cases about races run several tasks at once,
//! many times over, so run them on several threads, as the macro does.
//!
//! Cases ask for what the trait's documentation promises and for no more: `about` an order means that it is not looked at.
//! A fresh store may be reached through several [`Nodes`], and [`Kept`] together with what it stands on.

#[macro_use]
mod list;

mod at_once;
mod compare;
mod fixtures;
mod handles;
mod plain;
mod probe;
mod request;
mod suite;
mod ways_to_end;

pub mod cancelled;
pub mod clients;
pub mod create;
pub mod delete;
pub mod end_log;
pub mod expiry;
pub mod filter;
pub mod history;
pub mod limit;
pub mod load;
pub mod memories;
pub mod names;
pub mod one_order;
pub mod order;
#[cfg(feature = "back-channel")]
pub mod outbox;
pub mod over;
pub mod paging;
pub mod replace;
pub mod replace_anew;
pub mod replace_races;
pub mod revoke;
pub mod round_trip;
pub mod subjects;
pub mod successors;
pub mod touch;
pub mod update;

pub use self::handles::{Kept, Nodes};
pub use self::suite::run;
