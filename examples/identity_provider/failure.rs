//! When something can't be shown.

use std::mem::take;

use axum::{
    Json,
    body::{HttpBody, to_bytes},
    extract::Request,
    http::{
        StatusCode,
        header::{CONTENT_LENGTH, CONTENT_TYPE},
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use axum_user_session::Error;
use serde_json::json;

use crate::{
    pages::{Message, html},
    wanted::Wanted,
};

/// An error of the session that a handler has no better answer to. `?` makes it.
pub(crate) struct Failure(Error);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Failure {
    /// Without a body; `explain` gives it one. When to come back stays in the head.
    fn into_response(self) -> Response {
        let error = &self.0 as &dyn std::error::Error;
        let (mut head, _) = self.0.clone().into_response().into_parts();
        let status = head.status;
        head.headers.remove(CONTENT_TYPE);
        if status.is_server_error() {
            tracing::error!(error, "a request failed");
        } else {
            tracing::debug!(error, "a request was refused");
        }
        (status, head.headers).into_response()
    }
}

/// Gives an error a page or JSON for a body: those without one, of the guards, of the router, and of `Failure`, and those that axum's extractors
/// explain in plain text. What a server error has for a body is not for users.
pub(crate) async fn explain(request: Request, next: Next) -> Response {
    let wanted = Wanted::by(request.headers());
    let mut response = next.run(request).await;
    let status = response.status();
    let content_type = response.headers().get(CONTENT_TYPE);
    let plain = content_type.is_some_and(|text| text.as_bytes().starts_with(b"text/plain"));
    let unexplained = status.is_client_error() && (plain || response.body().is_end_stream());
    if !unexplained && !status.is_server_error() {
        return response;
    }
    let reason = to_bytes(take(response.body_mut()), LONGEST_REASON).await;
    let reason = reason.unwrap_or_default();
    let (title, text) = match status {
        StatusCode::UNAUTHORIZED => ("Not signed in", "Sign in first, then try again."),
        StatusCode::FORBIDDEN => (
            "Refused",
            "This is not for your account, or the request came from another site.",
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
        StatusCode::SERVICE_UNAVAILABLE => (
            "Not available",
            "We can't tell at the moment who is signed in. You were not signed out; please try again in a few seconds.",
        ),
        _ if status.is_client_error() => (
            "Not understood",
            match str::from_utf8(&reason) {
                Ok(reason) if !reason.is_empty() => reason,
                _ => "This request makes no sense here.",
            },
        ),
        _ => (
            "Something went wrong",
            "It is not your fault. Please try again later.",
        ),
    };
    let page = match wanted {
        Wanted::Page => html(Message { title, text }),
        Wanted::Json => Json(json!({ "error": title, "detail": text })).into_response(),
    };
    if let Some(content_type) = page.headers().get(CONTENT_TYPE) {
        let content_type = content_type.clone();
        response.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    response.headers_mut().remove(CONTENT_LENGTH);
    *response.body_mut() = page.into_body();
    response
}

/// In bytes. Those of extractors are a sentence.
const LONGEST_REASON: usize = 2048;
