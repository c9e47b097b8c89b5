//! When something can't be shown.

use axum::{
    body::HttpBody,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use axum_user_session::Error;

use crate::pages::{Message, html};

/// An error of the session that a handler has no better answer to. `?` makes it.
pub(crate) struct Failure(Error);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Failure {
    /// The status alone; `explain` gives it a page.
    fn into_response(self) -> Response {
        let error = &self.0 as &dyn std::error::Error;
        let status = self.0.clone().into_response().status();
        if status.is_server_error() {
            tracing::error!(error, "a request failed");
        } else {
            tracing::debug!(error, "a request was refused");
        }
        status.into_response()
    }
}

/// Gives an error without a body a page: those of the guards, of the router, and of `Failure`.
pub(crate) async fn explain(mut response: Response) -> Response {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    if !is_error || !response.body().is_end_stream() {
        return response;
    }
    let (title, text) = match status {
        StatusCode::UNAUTHORIZED => ("Not signed in", "Sign in first, then try again."),
        StatusCode::FORBIDDEN => (
            "Refused",
            "This request came from another site, or it is not yours to make.",
        ),
        StatusCode::NOT_FOUND => ("Page not found", "There is nothing at this address."),
        StatusCode::METHOD_NOT_ALLOWED => (
            "Not possible here",
            "This address does not answer requests of this kind.",
        ),
        StatusCode::CONFLICT => (
            "Two sessions at once",
            "Your browser sent two different sessions. Delete this site's cookies, then sign in again.",
        ),
        _ if status.is_client_error() => ("Not understood", "This request makes no sense here."),
        _ => (
            "Something went wrong",
            "It is not your fault. Please try again later.",
        ),
    };
    let page = html(Message { title, text });
    if let Some(content_type) = page.headers().get(CONTENT_TYPE) {
        let content_type = content_type.clone();
        response.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    *response.body_mut() = page.into_body();
    response
}
