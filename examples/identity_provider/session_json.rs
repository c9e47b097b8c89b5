//! The session for programs.

use axum::Json;
use axum_user_session::{
    Principal, UserSession,
    id::{ClientId, SessionId},
};
use serde::Serialize;

use crate::moment::Moment;

#[derive(Serialize)]
pub(crate) struct SessionJson {
    user: Option<Principal>,
    session_id: Option<SessionId>,
    clients: Vec<ClientId>,
    expires: Option<String>,
}

/// `GET /session`
pub(crate) async fn session(session: UserSession) -> Json<SessionJson> {
    let expires = session
        .properties()
        .and_then(|properties| properties.expires());
    Json(SessionJson {
        user: session.user(),
        session_id: session.session_id(),
        clients: session.client_list(),
        expires: expires.map(|expires| Moment::from(expires).rfc3339()),
    })
}
