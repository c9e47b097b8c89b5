//! The user's session at an identity provider, as an axum layer and extractor.

pub mod clock;
pub mod config;
mod cookie;
pub mod ended;
pub mod error;
pub mod extract;
pub mod guard;
pub mod hook;
pub mod id;
pub mod key_ring;
mod lifetimes;
pub mod middleware;
mod protector;
pub mod return_url;
pub mod session;
#[cfg(feature = "testing")]
pub mod testing;
pub mod ticket;

pub use self::config::SessionConfig;
pub use self::error::Error;
pub use self::key_ring::KeyRing;
pub use self::middleware::UserSessionLayer;
pub use self::session::UserSession;
pub use self::ticket::{AuthenticationProperties, Principal};
