//! The routes, and the layers around them.

use std::time::Duration;

use axum::{
    Router,
    middleware::map_response,
    routing::{get, post},
};
use axum_user_session::{
    SessionConfig, UserSessionLayer,
    guard::{RequireUserLayer, SameOriginLayer},
};

use crate::{clients, failure, headers, pages, session_json, sign_in};

/// The whole site.
pub(crate) fn router(sessions: SessionConfig) -> Router {
    let sessions = UserSessionLayer::new(sessions).skip(|_, uri| uri.path() == pages::STYLESHEET);
    // Somebody at a computer left alone must not get at the account.
    let lately = RequireUserLayer::new()
        .login_path("/login")
        .authenticated_within(Duration::from_secs(300));
    Router::new()
        .route("/", get(pages::home))
        .route("/account", get(pages::account).route_layer(lately))
        .route("/login", get(sign_in::form).post(sign_in::sign_in))
        .route("/logout", post(sign_in::sign_out))
        .route("/session", get(session_json::session))
        .route("/clients", post(clients::register))
        .route(pages::STYLESHEET, get(pages::stylesheet))
        // The last one is the outermost: a post of another site is refused before its session is loaded.
        .layer(sessions)
        .layer(SameOriginLayer::new())
        .layer(map_response(failure::explain))
        .layer(map_response(headers::protect))
}
