//! The application on tower-sessions.

use axum::{
    Router,
    routing::{get, post},
};
use axum_user_session_peers::principal::SESSION_ID;
use http::StatusCode;
use tower_sessions_0_14::{Session, SessionManagerLayer, SessionStore, session::Error};

use crate::asked::{Asked, claims, client, subject};

pub(crate) fn router(store: impl SessionStore + Clone) -> Router {
    Router::new()
        .route("/", get(read))
        .route("/sign-in", post(sign_in))
        .route("/clients", get(clients).post(add_client))
        .layer(SessionManagerLayer::new(store))
        .with_state(())
}

/// The subject has a key of its own, so that reading it converts nothing else.
async fn read(session: Session) -> Result<String, StatusCode> {
    let subject: Option<String> = session.get(SUBJECT).await.map_err(broken)?;
    subject.ok_or(StatusCode::UNAUTHORIZED)
}

/// A new id for a session that is there, as its documentation asks for. Without one there is nothing to take a new one for, and asking for it
/// anyway would be a round trip more.
async fn sign_in(session: Session, Asked(user): Asked) -> Result<String, StatusCode> {
    let insert = async || {
        if session.id().is_some() {
            session.cycle_id().await?;
        }
        session.insert(SUBJECT, subject(user)).await?;
        let claims: Vec<_> = claims(user).collect();
        session.insert("claims", claims).await?;
        session.insert("session_id", SESSION_ID).await
    };
    insert().await.map_err(broken)?;
    Ok(subject(user))
}

async fn add_client(session: Session, Asked(number): Asked) -> Result<String, StatusCode> {
    let mut clients = client_list(&session).await?;
    let client = client(number);
    if !clients.contains(&client) {
        clients.push(client);
        session.insert(CLIENTS, clients).await.map_err(broken)?;
    }
    read(session).await
}

async fn clients(session: Session) -> Result<String, StatusCode> {
    Ok(client_list(&session).await?.join(" "))
}

async fn client_list(session: &Session) -> Result<Vec<String>, StatusCode> {
    let clients = session.get(CLIENTS).await.map_err(broken)?;
    Ok(clients.unwrap_or_default())
}

fn broken(_: Error) -> StatusCode {
    StatusCode::SERVICE_UNAVAILABLE
}

const SUBJECT: &str = "subject";
const CLIENTS: &str = "clients";
