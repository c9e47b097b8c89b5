//! Layers that let a request through or answer it themselves: for signed-in users only, for no cross-site posts.
//!
//! Each is a synchronous decision over a request; the service around it is the same.

mod gate;
mod require_user;
mod same_origin;

pub use self::gate::{Decide, Gate, ResponseFuture};
pub use self::require_user::{RequireUserCheck, RequireUserLayer};
pub use self::same_origin::{InvalidOrigin, SameOriginCheck, SameOriginLayer};
