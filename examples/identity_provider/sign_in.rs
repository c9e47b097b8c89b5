//! Signing in and out.

use std::net::SocketAddr;

use axum::{
    Form,
    extract::{ConnectInfo, Query},
    http::{HeaderMap, StatusCode, header::LOCATION},
    response::{IntoResponse, Redirect, Response},
};
use axum_user_session::{AuthenticationProperties, UserSession, return_url::ReturnUrl};
use serde::Deserialize;

use crate::{
    accounts, device,
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
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Form(form): Form<LoginForm>,
) -> Result<Response, Failure> {
    let return_url = form.return_url.as_deref().and_then(ReturnUrl::parse);
    let remember = form.remember.is_some();
    let Some(principal) = accounts::authenticate(&form.username, &form.password) else {
        let page = Login::new(return_url, &session, false).refused(form.username, remember);
        return Ok((StatusCode::UNAUTHORIZED, html(page)).into_response());
    };
    let properties = AuthenticationProperties::new()
        .with_persistent(remember)
        .with_device(device::of_request(&headers, peer));
    session.sign_in_with(principal, properties).await?;
    // The browser has no cookie yet, and still the session knows who is signed in.
    let return_url = return_url.as_ref().map_or("/", ReturnUrl::as_str);
    let page = html(SignedIn::new(&session, return_url));
    Ok((StatusCode::SEE_OTHER, [(LOCATION, return_url)], page).into_response())
}

/// `POST /logout`
pub(crate) async fn sign_out(session: UserSession) -> Result<Redirect, Failure> {
    session.sign_out().await?;
    Ok(Redirect::to("/"))
}
