//! The application.

use std::time::Duration;

use axum::{
    Router,
    extract::Path,
    routing::{get, post},
};
use axum_user_session::{
    Error, KeyRing, Principal, SessionConfig, UserSession, UserSessionLayer, store::SessionStore,
};

/// How long a request waits for its session.
pub(crate) const LOAD_LIMIT: Duration = Duration::from_millis(300);
/// How long a change waits.
pub(crate) const WRITE_LIMIT: Duration = Duration::from_millis(600);

pub(crate) fn site(store: impl SessionStore) -> Router {
    let config = SessionConfig::builder(KeyRing::ephemeral())
        .store(store)
        .sliding(true)
        .activity_interval(Duration::from_millis(1))
        .load_limit(LOAD_LIMIT)
        .write_limit(WRITE_LIMIT)
        .build()
        .unwrap();
    Router::new()
        .route("/", get(read))
        .route("/sign-in/{user}", post(sign_in))
        .route("/register/{client}", post(register))
        .route("/sign-out", post(sign_out))
        .layer(UserSessionLayer::new(config))
}

/// The clients of the session, or `nobody`.
async fn read(session: UserSession) -> String {
    if session.user().is_none() {
        return NOBODY.to_owned();
    }
    let clients = session.client_list();
    let clients: Vec<_> = clients.iter().map(ToString::to_string).collect();
    clients.join(" ")
}

pub(crate) const NOBODY: &str = "nobody";

async fn sign_in(Path(user): Path<String>, session: UserSession) -> Result<(), Error> {
    session.sign_in(Principal::builder(user).build()).await?;
    Ok(())
}

async fn register(Path(client): Path<String>, session: UserSession) -> Result<(), Error> {
    session.add_client_id(&client).await?;
    Ok(())
}

async fn sign_out(session: UserSession) -> Result<(), Error> {
    session.sign_out().await?;
    Ok(())
}
