//! What users see of their own sessions, and do about them (OWASP ASVS 5.0, 7.5.2).

use askama::Template;
use axum::{
    Form, Json,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use axum_user_session::{UserSession, id::SessionId};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    failure::Failure,
    listed::ListedSession,
    pages::{Message, html},
    wanted::Wanted,
};

/// The user's devices, newest first.
#[derive(Serialize, Template)]
#[template(
    path = "devices.html",
    config = "examples/identity_provider/askama.toml"
)]
struct Devices {
    sessions: Vec<ListedSession>,
}

#[derive(Deserialize)]
pub(crate) struct OneSession {
    session_id: String,
}

/// `GET /sessions`
pub(crate) async fn list(session: UserSession, wanted: Wanted) -> Result<Response, Failure> {
    let sessions = session.sessions().await?.into_iter();
    let page = Devices {
        sessions: sessions
            .map(|mine| ListedSession::new(mine.session, mine.is_this_one))
            .collect(),
    };
    Ok(match wanted {
        Wanted::Page => html(page),
        Wanted::Json => Json(page).into_response(),
    })
}

/// `POST /sessions/revoke` signs out one device, which may be this one.
pub(crate) async fn revoke(
    session: UserSession,
    wanted: Wanted,
    Form(form): Form<OneSession>,
) -> Result<Response, Failure> {
    let id = SessionId::parse(form.session_id.trim())?;
    let revoked = session.revoke_session(id).await?;
    // Without a user there is no list to go back to.
    let back = session.user().map_or("/", |_| "/sessions");
    Ok(ended(wanted, u64::from(revoked), back))
}

/// `POST /sessions/revoke-others` signs out all devices but this one.
pub(crate) async fn revoke_others(
    session: UserSession,
    wanted: Wanted,
) -> Result<Response, Failure> {
    let revoked = session.revoke_other_sessions().await?;
    Ok(ended(wanted, revoked, "/sessions"))
}

/// `GET /sessions` and `GET /admin/sessions` where sessions are in cookies alone.
pub(crate) async fn unknown(wanted: Wanted) -> Response {
    let page = Message {
        title: "Not known here",
        text: "Sessions are in cookies alone, so nobody knows of those in other browsers. With a database they could be listed.",
    };
    let answer = match wanted {
        Wanted::Page => html(page),
        Wanted::Json => Json(json!({ "error": page.title, "detail": page.text })).into_response(),
    };
    (StatusCode::NOT_FOUND, answer).into_response()
}

/// How many sessions have ended, for programs; browsers go on.
pub(crate) fn ended(wanted: Wanted, sessions: u64, back: &str) -> Response {
    match wanted {
        Wanted::Page => Redirect::to(back).into_response(),
        Wanted::Json => Json(json!({ "ended": sessions })).into_response(),
    }
}
