use axum::body::to_bytes;
use axum_core::extract::{FromRef, FromRequest, Request};
use http::{HeaderMap, Method, header::CONTENT_TYPE};

use super::{
    endpoint::EndSession,
    outcome::{Confirmation, GoAhead, LogoutRequest, Resend},
    parameters::Parameters,
    rejection::{EndSessionRejection, InvalidLogoutRequest},
};
use crate::session::UserSession;

/// A request to sign out, read and checked: what is to be done about it (OpenID Connect RP-Initiated Logout 1.0 section 2).
///
/// An extractor for the `GET` and the `POST` of one path, with an [`EndSession`] in the state. The [module](super) has the rules and an example.
#[derive(Debug)]
pub enum EndSessionRequest {
    /// The session's cookie could not come along: return this as the response, and the browser comes again.
    Resend(Resend),
    /// Ask the user.
    Ask(Confirmation),
    /// Sign the user out.
    GoAhead(GoAhead),
    /// The user was asked, and stays signed in. There is no redirect.
    Declined(LogoutRequest),
    /// Nobody is signed in, so there is nothing to end. The redirect, if there is one, may be followed: it is a registered one.
    NobodySignedIn(LogoutRequest),
}

impl<S> FromRequest<S> for EndSessionRequest
where
    S: Send + Sync,
    EndSession: FromRef<S>,
{
    type Rejection = EndSessionRejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, EndSessionRejection> {
        let endpoint = EndSession::from_ref(state);
        let read = read(&endpoint, request).await;
        read.inspect_err(|rejection| endpoint.report(rejection))
    }
}

async fn read(
    endpoint: &EndSession,
    request: Request,
) -> Result<EndSessionRequest, EndSessionRejection> {
    let (head, body) = request.into_parts();
    match head.method {
        Method::GET if is_prefetch(&head.headers) => Err(EndSessionRejection::Prefetched),
        Method::GET => {
            let query = head.uri.query();
            let parameters = Parameters::read(query.unwrap_or_default().as_bytes())?;
            let session = UserSession::from_extensions(&head.extensions)?;
            // The session may go on under a cookie that the browser is about to get.
            let is_about_to = session.may_go_on_elsewhere();
            let again = is_about_to.then(|| Resend::again(query)).flatten();
            Ok(
                match (endpoint.requested(parameters, session).await?, again) {
                    (EndSessionRequest::NobodySignedIn(_), Some(resend)) => {
                        EndSessionRequest::Resend(resend)
                    }
                    (request, _) => request,
                },
            )
        }
        Method::POST => {
            if !is_form(&head.headers) {
                return Err(EndSessionRejection::MediaType);
            }
            let body = to_bytes(body, Parameters::MAX_LEN).await;
            let body = body.map_err(|_| InvalidLogoutRequest::Body)?;
            let parameters = Parameters::read(&body)?;
            let Some(token) = &parameters.confirmation else {
                return endpoint.posted(parameters).await;
            };
            if !endpoint.is_same_origin(&head) {
                return Err(EndSessionRejection::CrossSite);
            }
            let session = UserSession::from_extensions(&head.extensions)?;
            let declined = parameters.decline.is_some();
            endpoint.confirmed(token, declined, session).await
        }
        _ => Err(EndSessionRejection::Method),
    }
}

/// RFC 9110 section 8.3.1: capitals don't count, and parameters follow a semicolon.
fn is_form(headers: &HeaderMap) -> bool {
    let Some(Ok(media_type)) = headers.get(CONTENT_TYPE).map(|value| value.to_str()) else {
        return false;
    };
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// Fetch Standard, `Sec-Purpose`: browsers drop a prefetched answer that is an error, and ask again when the user follows the link.
fn is_prefetch(headers: &HeaderMap) -> bool {
    let purpose = headers.get("sec-purpose").map(|value| value.to_str());
    matches!(purpose, Some(Ok(purpose)) if purpose.contains("prefetch"))
}
