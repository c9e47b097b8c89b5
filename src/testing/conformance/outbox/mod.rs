//! The suite for outboxes: what every [`LogoutOutbox`](crate::store::LogoutOutbox) must do.
//!
//! It is used as the [suite for stores](super) is, by way of [`outbox_conformance!`](crate::outbox_conformance):
//!
//! ```
//! use axum_user_session::{outbox_conformance, store::MemoryStore};
//!
//! async fn fresh_outbox() -> MemoryStore {
//!     MemoryStore::new(10_000)
//! }
//!
//! outbox_conformance!(fresh_outbox());
//! ```

#[macro_use]
mod list;

mod fixtures;
mod handles;
mod probe;
mod suite;

pub mod cancelled;
pub mod except;
pub mod forget;
pub mod history;
pub mod lists;
pub mod put_in;
pub mod races;
pub mod settle;
pub mod take;
pub mod text;
pub mod turns;

pub use self::suite::run;
