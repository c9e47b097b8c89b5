//! The session of a request: the state machine, what loads and seals it, and the handle over it.

mod authenticator;
mod establish;
mod exchange;
mod handle;
mod hearing;
mod in_request;
mod in_store;
mod loading;
mod marks;
mod phase;
mod plan;
mod records;
mod reference;
mod sealed_record;
mod shared;
mod state;
mod transform;
mod validation;

pub use self::handle::{SignedIn, UserSession};

pub(crate) use self::exchange::{Close, Load};
pub(crate) use self::in_request::Closed;
pub(crate) use self::plan::Write;
pub(crate) use self::sealed_record::open_record;
