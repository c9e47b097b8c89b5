//! The session of a request: the state machine, what loads and seals it, and the handle over it.

mod authenticator;
mod handle;
mod phase;
mod state;

pub use self::handle::{SignedIn, UserSession};

pub(crate) use self::handle::Closed;
pub(crate) use self::state::Write;
