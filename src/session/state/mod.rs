//! The heart: what one request knows of its session, and what each operation does to it.
//!
//! Synchronous and without I/O: the time comes in, and what must happen outside goes out as a value. An operation is *planned* on
//! the state as it is, carried out by the caller (sealing, later a store), and only then *committed*; a plan that can't be carried
//! out leaves no trace.

mod arrive;
mod operations;
#[expect(
    clippy::module_inception,
    reason = "the file that holds the type of that name"
)]
mod state;

pub(super) use self::state::State;
