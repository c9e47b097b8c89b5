//! The session of a request: the state machine, what loads and seals it, and the handle over it.

mod authenticator;
mod establish;
mod handle;
mod in_request;
mod marks;
mod phase;
mod plan;
mod state;

pub use self::handle::{SignedIn, UserSession};

pub(crate) use self::in_request::Closed;
pub(crate) use self::plan::Write;
