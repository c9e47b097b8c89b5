//! Signing in and out, and choosing an account.

use std::net::SocketAddr;

use axum::{
    Form,
    extract::{ConnectInfo, Query, State},
    http::{HeaderMap, StatusCode, header::LOCATION},
    response::{IntoResponse, Redirect, Response},
};
use axum_user_session::{AuthenticationProperties, UserSession};
use serde::Deserialize;

use crate::{
    accounts, device,
    failure::Failure,
    headers,
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
pub(crate) async fn form(
    State(provider): State<Provider>,
    session: UserSession,
    Query(query): Query<LoginQuery>,
) -> Response {
    let return_url = query.return_url.as_deref().and_then(WayBack::parse);
    let why = Why::of(query.prompt.as_deref());
    let page = Login::new(return_url.as_ref(), &session, why);
    let page = html(page.hinted(query.login_hint));
    leading_to(&provider, return_url.as_ref(), page)
}

/// `POST /login`
pub(crate) async fn sign_in(
    State(provider): State<Provider>,
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
        let page = (
            StatusCode::UNAUTHORIZED,
            html(page.refused(form.username, remember)),
        );
        return Ok(leading_to(
            &provider,
            return_url.as_ref(),
            page.into_response(),
        ));
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
    Ok((StatusCode::SEE_OTHER, [(LOCATION, return_url)], page).into_response())
}

/// `POST /login/continue` goes on with the account that is signed in.
pub(crate) async fn go_on(
    session: UserSession,
    Form(form): Form<Continuation>,
) -> Result<Redirect, Failure> {
    let return_url = WayBack::parse(&form.return_url);
    if let (Some(address), true) = (&return_url, session.user().is_some()) {
        Answered::note_choice(&session, address).await?;
    }
    Ok(Redirect::to(
        return_url.as_ref().map_or("/", WayBack::as_str),
    ))
}

/// `POST /logout`
pub(crate) async fn sign_out(
    State(provider): State<Provider>,
    session: UserSession,
) -> Result<Response, Failure> {
    let ended = session.sign_out().await?;
    Ok(provider::signed_out(&provider, ended.as_ref()).await?)
}

/// The page's form may lead to an application.
fn leading_to(provider: &Provider, return_url: Option<&WayBack>, page: Response) -> Response {
    let destination =
        return_url.and_then(|url| provider::destination(&provider.applications, url.as_str()));
    headers::with_form_to(page, destination.as_deref())
}
