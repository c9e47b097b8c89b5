//! Help for tests and benchmarks, of this crate and of applications: a [`ManualClock`], a cookie-keeping [`Browser`], stores that
//! [count](Counter) and [fail](Faults), the [suite](conformance) that every store is held to, and the [`codec`] of tickets.
//!
//! Nothing here is meant for a running service.

mod browser;
mod clock;
pub mod codec;
pub mod conformance;
mod intercept;

pub use self::browser::{Browser, Page};
pub use self::clock::ManualClock;
pub use self::intercept::{Counter, Fault, Faults, Intercepted, Interceptor, Operation};
