//! OpenID Connect around the session: what clients are told of it while it lives, and when it ends.
//!
//! - **While it lives**, a client watches it by way of `session_state` and the check-session iframe
//!   ([Session Management 1.0](https://openid.net/specs/openid-connect-session-1_0.html)).
//! - **To end it**, a client sends the user to the end-session endpoint ([RP-Initiated Logout 1.0](https://openid.net/specs/openid-connect-rpinitiated-1_0.html)).
//! - **When it has ended**, clients hear of it in the browser ([Front-Channel Logout 1.0](https://openid.net/specs/openid-connect-frontchannel-1_0.html)) or
//!   from server to server ([Back-Channel Logout 1.0](https://openid.net/specs/openid-connect-backchannel-1_0.html), feature `back-channel`).
//!
//! What is known of clients comes from a [`ClientRegistry`] of the host.

#[cfg(feature = "back-channel")]
pub mod back_channel;
mod check_session;
mod client;
mod coordination;
mod discovery;
pub mod end_session;
pub mod front_channel;
mod origin;
mod query;
mod registry;
mod session_state;

pub use self::check_session::{CheckSession, CheckSessionFuture};
pub use self::client::{Client, ClientBuilder, InvalidClient, LogoutUri};
pub use self::coordination::{GrantRevocation, GrantRevoker, LifetimeCoordination, Refresh};
pub use self::discovery::{InvalidMetadata, LogoutMetadata};
pub use self::origin::{InvalidOrigin, Origin};
pub use self::registry::{ClientRegistry, FixedClients};
pub use self::session_state::{InvalidSalt, Salt, SessionState};
