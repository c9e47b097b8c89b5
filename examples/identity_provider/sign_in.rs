//! Signing in and out.

use axum::{
    Form,
    extract::Query,
    http::{StatusCode, header::LOCATION},
    response::{IntoResponse, Redirect, Response},
};
use axum_user_session::{
    AuthenticationProperties, UserSession, ended::Ended, return_url::ReturnUrl,
};
use serde::Deserialize;

use crate::{
    accounts,
    failure::Failure,
    pages::{Login, SignedIn, html},
};

#[derive(Deserialize)]
pub(crate) struct LoginQuery {
    return_url: Option<String>,
    /// `login` if the user must authenticate although signed in (OpenID Connect Core 1.0 section 3.1.2.1).
    prompt: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct LoginForm {
    username: String,
    password: String,
    /// A check box: it is sent if it is checked.
    remember: Option<String>,
    return_url: Option<String>,
}

/// `GET /login`
pub(crate) async fn form(session: UserSession, Query(query): Query<LoginQuery>) -> Response {
    let return_url = query.return_url.as_deref().and_then(ReturnUrl::parse);
    let again = query.prompt.as_deref() == Some("login");
    html(Login::new(return_url, &session, again))
}

/// `POST /login`
pub(crate) async fn sign_in(
    session: UserSession,
    Form(form): Form<LoginForm>,
) -> Result<Response, Failure> {
    let return_url = form.return_url.as_deref().and_then(ReturnUrl::parse);
    let remember = form.remember.is_some();
    let Some(principal) = accounts::authenticate(&form.username, &form.password) else {
        let page = Login::new(return_url, &session, false).refused(form.username, remember);
        return Ok((StatusCode::UNAUTHORIZED, html(page)).into_response());
    };
    let properties = AuthenticationProperties::new().with_persistent(remember);
    let signed_in = session.sign_in_with(principal, properties).await?;
    if let Some(ended) = signed_in.ended() {
        tell_clients(ended);
    }
    // The browser has no cookie yet, and still the session knows who is signed in.
    let return_url = return_url.as_ref().map_or("/", ReturnUrl::as_str);
    let page = html(SignedIn::new(&session, return_url));
    Ok((StatusCode::SEE_OTHER, [(LOCATION, return_url)], page).into_response())
}

/// `POST /logout`
pub(crate) async fn sign_out(session: UserSession) -> Result<Redirect, Failure> {
    if let Some(ended) = session.sign_out().await? {
        tell_clients(&ended);
    }
    Ok(Redirect::to("/"))
}

/// Where a real identity provider sends logout notifications (OpenID Connect Back-Channel Logout 1.0).
fn tell_clients(ended: &Ended) {
    tracing::info!(
        subject = ended.subject,
        clients = ?ended.clients,
        reason = ?ended.reason,
        "a session has ended; its clients are to be told"
    );
}
