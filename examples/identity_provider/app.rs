//! The routes, and the layers around them.

use std::time::Duration;

use axum::{
    Router,
    middleware::{from_fn, map_response},
    routing::{get, post},
};
use axum_user_session::{
    SessionConfig, UserSessionLayer,
    admin::SessionAdmin,
    guard::{RequireUserLayer, SameOriginLayer},
};

use crate::{
    clients, devices, failure, headers, operator, pages,
    provider::{self, Provider},
    session_json, sign_in,
};

/// The whole site.
pub(crate) fn router(sessions: SessionConfig, provider: Provider) -> Router {
    // Without a database nobody knows of sessions but the browsers that have them.
    let admin = SessionAdmin::new(&sessions).ok();
    let others = admin.map_or_else(no_lists, lists);
    let sessions = UserSessionLayer::new(sessions).skip(|_, uri| uri.path() == pages::STYLESHEET);
    // Somebody at a computer left alone must not get at the account.
    let lately = RequireUserLayer::new()
        .login_path("/login")
        .authenticated_within(Duration::from_secs(300));
    let site = Router::new()
        .route("/", get(pages::home))
        .route("/account", get(pages::account).route_layer(lately))
        .route("/login", get(sign_in::form).post(sign_in::sign_in))
        .route("/login/continue", post(sign_in::go_on))
        .route("/logout", post(sign_in::sign_out))
        .route("/session", get(session_json::session))
        .route("/clients", post(clients::register))
        .route(pages::STYLESHEET, get(pages::stylesheet))
        .with_state(provider.clone())
        .merge(others)
        // The last one is the outermost: a post of another site is refused before its session is loaded.
        .layer(sessions.clone())
        .layer(SameOriginLayer::new());
    site.merge(provider::with_session(provider.clone()).layer(sessions))
        .merge(provider::without_session(provider))
        .layer(from_fn(failure::explain))
        .layer(map_response(headers::protect))
}

/// What stands in their place.
fn no_lists() -> Router {
    Router::new()
        .route("/sessions", get(devices::unknown))
        .route("/admin/sessions", get(devices::unknown))
}

/// The lists of sessions: a user's own, and for operators everybody's.
fn lists(admin: SessionAdmin) -> Router {
    let user = RequireUserLayer::new().login_path("/login");
    let own = Router::new()
        .route("/sessions", get(devices::list))
        .route("/sessions/revoke", post(devices::revoke))
        .route("/sessions/revoke-others", post(devices::revoke_others))
        .route_layer(user.clone());
    let everybodys = Router::new()
        .route("/admin/sessions", get(operator::list))
        .route("/admin/sessions/revoke", post(operator::revoke))
        .route_layer(user.claim("role", "admin"))
        .with_state(admin);
    own.merge(everybodys)
}
