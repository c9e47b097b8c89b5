//! Signing in and out, and choosing an account.

use std::net::SocketAddr;

use axum::{
    Form,
    extract::{ConnectInfo, Query, State},
    http::{
        HeaderMap, StatusCode,
        header::{LOCATION, REFRESH},
    },
    response::{IntoResponse, Response},
};
use axum_user_session::{AuthenticationProperties, UserSession};
use serde::Deserialize;

use crate::{
    accounts, device,
    failure::Failure,
    login::{Login, Why},
    pages::{SignedIn, html},
    provider::{self, Answered, Provider},
    way_back::WayBack,
};

#[derive(Deserialize)]
pub(crate) struct LoginQuery {
    return_url: Option<String>,
    /// `login` if the user must authenticate although signed in, `select_account` to choose (OpenID Connect Core 1.0 section 3.1.2.1).
    prompt: Option<String>,
    /// Who the application thinks it is.
    login_hint: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct LoginForm {
    username: String,
    password: String,
    /// A check box: it is sent if it is checked.
    remember: Option<String>,
    /// As in the query of the page.
    prompt: Option<String>,
    return_url: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Continuation {
    return_url: String,
}

/// `GET /login`
pub(crate) async fn form(session: UserSession, Query(query): Query<LoginQuery>) -> Response {
    let return_url = query.return_url.as_deref().and_then(WayBack::parse);
    let why = Why::of(query.prompt.as_deref());
    let page = Login::new(return_url.as_ref(), &session, why);
    html(page.hinted(query.login_hint))
}

/// `POST /login`
pub(crate) async fn sign_in(
    session: UserSession,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Form(form): Form<LoginForm>,
) -> Result<Response, Failure> {
    let return_url = form.return_url.as_deref().and_then(WayBack::parse);
    let remember = form.remember.is_some();
    let Some(principal) = accounts::authenticate(&form.username, &form.password) else {
        let page = Login::new(
            return_url.as_ref(),
            &session,
            Why::of(form.prompt.as_deref()),
        );
        let page = html(page.refused(form.username, remember));
        return Ok((StatusCode::UNAUTHORIZED, page).into_response());
    };
    let mut properties = AuthenticationProperties::new()
        .with_persistent(remember)
        .with_device(device::of_request(&headers, peer));
    if let Some(return_url) = &return_url {
        properties = provider::answered(properties, return_url);
    }
    session.sign_in_with(principal, properties).await?;
    // The browser has no cookie yet, and still the session knows who is signed in.
    let return_url = return_url.as_ref().map_or("/", WayBack::as_str);
    let page = html(SignedIn::new(&session, return_url));
    Ok(onward(return_url, page))
}

/// `POST /login/continue` goes on with the account that is signed in.
pub(crate) async fn go_on(
    session: UserSession,
    Form(form): Form<Continuation>,
) -> Result<Response, Failure> {
    let return_url = WayBack::parse(&form.return_url);
    if let (Some(address), true) = (&return_url, session.user().is_some()) {
        Answered::note_choice(&session, address).await?;
    }
    let return_url = return_url.as_ref().map_or("/", WayBack::as_str);
    let page = html(SignedIn::new(&session, return_url));
    Ok(onward(return_url, page))
}

/// `POST /logout`
pub(crate) async fn sign_out(
    State(provider): State<Provider>,
    session: UserSession,
) -> Result<Response, Failure> {
    let ended = session.sign_out().await?;
    Ok(provider::signed_out(&provider, ended.as_ref()).await)
}

/// Sends the browser on from a form. By redirects it would still be on the form's way when the application takes over, and the policy of the form's page would forbid what
/// the application's own redirects lead to (Content Security Policy Level 3 section 6.4.1). A page in between ends that way.
fn onward(url: &str, page: Response) -> Response {
    if provider::is_request(url) {
        return ([(REFRESH, format!("0; url={url}"))], page).into_response();
    }
    (StatusCode::SEE_OTHER, [(LOCATION, url)], page).into_response()
}
