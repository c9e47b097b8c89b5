//! Help for tests and benchmarks, of this crate and of applications: a [`ManualClock`], a cookie-keeping [`Browser`], and the
//! [`codec`] of tickets.
//!
//! Nothing here is meant for a running service.

mod browser;
mod clock;
pub mod codec;

pub use self::browser::{Browser, Page};
pub use self::clock::ManualClock;
