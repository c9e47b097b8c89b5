//! Registering clients with the session by hand, to try it out. The provider does so when it gives a code to one.

use axum::{
    Form,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use axum_user_session::{UserSession, error::ErrorKind, return_url::ReturnUrl};
use serde::Deserialize;

use crate::{
    failure::Failure,
    pages::{Home, html},
};

#[derive(Deserialize)]
pub(crate) struct ClientForm {
    client_id: String,
    /// Where a browser goes on; a program needs no page.
    return_url: Option<String>,
}

/// `POST /clients`
pub(crate) async fn register(
    session: UserSession,
    Form(form): Form<ClientForm>,
) -> Result<Response, Failure> {
    if let Err(error) = session.add_client_id(&form.client_id).await {
        let (status, problem) = match error.kind() {
            ErrorKind::InvalidClientId => (
                StatusCode::BAD_REQUEST,
                "A client id has between 1 and 200 characters.",
            ),
            ErrorKind::TooLarge => (
                StatusCode::CONFLICT,
                "There is no room for another client in this session.",
            ),
            _ => return Err(error.into()),
        };
        return Ok((status, html(Home::new(&session).refused(problem))).into_response());
    }
    Ok(match form.return_url {
        Some(url) => Redirect::to(ReturnUrl::or_default(Some(&url), "/").as_str()).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}
