//! The application on this crate.

use axum::{
    Router,
    routing::{get, post},
};
use axum_user_session::{
    KeyRing, Principal, SessionConfig, UserSession, UserSessionLayer, store::SessionStore,
};
use http::StatusCode;
use serde_json::{Value, json};

use crate::asked::{Asked, claims, client, subject};

/// The configuration that a server has in production, with what is set by default.
pub(crate) fn config(store: impl SessionStore, keys: &KeyRing) -> SessionConfig {
    SessionConfig::builder(keys.clone())
        .application_id("benchmark")
        .store(store)
        .build()
        .expect("the settings do not contradict each other")
}

pub(crate) fn router(config: SessionConfig) -> Router {
    Router::new()
        .route("/", get(read))
        .route("/sign-in", post(sign_in))
        .route("/clients", get(clients).post(add_client))
        .layer(UserSessionLayer::new(config))
        .with_state(())
}

async fn read(session: UserSession) -> Result<String, StatusCode> {
    let user = session.user().ok_or(StatusCode::UNAUTHORIZED)?;
    Ok(user.subject().to_owned())
}

async fn sign_in(session: UserSession, Asked(user): Asked) -> Result<String, StatusCode> {
    let signed_in = session.sign_in(principal(user)).await;
    signed_in.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    Ok(subject(user))
}

async fn add_client(session: UserSession, Asked(number): Asked) -> Result<String, StatusCode> {
    let added = session.add_client_id(client(number)).await;
    added.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    read(session).await
}

async fn clients(session: UserSession) -> String {
    let clients = session.client_list();
    let clients: Vec<&str> = clients.iter().map(|client| client.as_str()).collect();
    clients.join(" ")
}

/// The principal from its parts, each claim of the type that it has in a token.
fn principal(user: u64) -> Principal {
    let principal = Principal::builder(subject(user));
    claims(user)
        .fold(principal, |principal, (name, value)| {
            match typed(name, &value) {
                None => principal.claim_str(name, &value),
                Some(value) => principal.claim(name, value),
            }
        })
        .build()
}

/// The claims that are no text.
fn typed(name: &str, value: &str) -> Option<Value> {
    match name {
        "amr" => Some(json!([value])),
        "auth_time" => Some(value.parse::<i64>().expect("a time in seconds").into()),
        _ => None,
    }
}
