//! The authorization endpoint (OpenID Connect Core 1.0 section 3.1.2).

mod answered;
mod decision;
mod endpoint;
mod request;
mod response;

pub(crate) use self::answered::{Answered, answered};
pub(crate) use self::endpoint::is_request;
pub(super) use self::endpoint::{PATH, authorize, authorize_by_post};
pub(super) use self::response::MODES;
