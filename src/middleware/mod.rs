//! The layer that loads the session once per request and sets its cookies once per response.

mod future;
mod layer;
mod response;
mod service;

pub use self::future::ResponseFuture;
pub use self::layer::UserSessionLayer;
pub use self::service::UserSessionService;

#[cfg(feature = "oidc")]
pub(crate) use self::response::SessionIdCookieStays;
pub(crate) use self::service::Attached;
