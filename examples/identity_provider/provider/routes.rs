//! The provider's routes, in three groups by what stands around them.

use axum::{
    Router,
    http::{
        Method,
        header::{AUTHORIZATION, CONTENT_TYPE},
    },
    routing::{get, post},
};
use tower_http::cors::{Any, CorsLayer};

use super::{authorize, discovery, logout, state::Provider, token, userinfo};

pub(super) const TOKEN: &str = "/connect/token";
pub(super) const USERINFO: &str = "/connect/userinfo";
pub(super) const END_SESSION: &str = "/connect/endsession";
pub(super) const CHECK_SESSION: &str = "/connect/checksession";
pub(super) const JWKS: &str = "/.well-known/jwks.json";
const CONFIGURATION: &str = "/.well-known/openid-configuration";

/// What clients call themselves, from servers and from pages of any origin: no cookie counts here, so none is let through.
pub(crate) fn without_session(provider: Provider) -> Router {
    let from_anywhere = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE]);
    Router::new()
        .route(CONFIGURATION, get(discovery::configuration))
        .route(JWKS, get(discovery::keys))
        .route(TOKEN, post(token::token))
        .route(USERINFO, get(userinfo::userinfo).post(userinfo::userinfo))
        .layer(from_anywhere)
        // Only its own page asks it.
        .route_service(CHECK_SESSION, provider.check_session.clone())
        .with_state(provider)
}

/// Where clients send the user's browser, also by posts: these come from other sites by design.
pub(crate) fn with_session(provider: Provider) -> Router {
    let authorize = get(authorize::authorize).post(authorize::authorize_by_post);
    let end_session = get(logout::end_session).post(logout::end_session);
    Router::new()
        .route(authorize::PATH, authorize)
        .route(END_SESSION, end_session)
        .with_state(provider)
}
