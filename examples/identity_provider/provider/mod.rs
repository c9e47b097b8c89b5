//! The OpenID provider: what client applications talk to. It asks the session for everything that is the session's.

mod applications;
mod authorize;
mod client_authentication;
mod discovery;
mod grants;
mod id_token;
mod logout;
mod parameters;
mod routes;
mod script;
mod secret;
mod signing;
mod state;
mod token;
mod userinfo;

pub(crate) use self::applications::Applications;
pub(crate) use self::authorize::{Answered, answered, is_request};
pub(crate) use self::grants::Grants;
pub(crate) use self::logout::signed_out;
pub(crate) use self::routes::{with_session, without_session};
pub(crate) use self::signing::SigningKey;
pub(crate) use self::state::Provider;
