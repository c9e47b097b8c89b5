use axum::{
    body::Bytes,
    extract::{OriginalUri, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use axum_user_session::{Error, UserSession, error::ErrorKind};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    answered::Answered,
    decision::{Decision, Situation, decide},
    request::{AuthorizationRequest, Refusal, asker},
    response::Reply,
};
use crate::{
    failure::Failure,
    pages::{Message, html},
    provider::{
        grants::{Code, Grant},
        parameters::{self, Parameters},
        state::Provider,
    },
};

/// Where it is.
pub(in crate::provider) const PATH: &str = "/connect/authorize";

/// `GET /connect/authorize`
pub(in crate::provider) async fn authorize(
    State(provider): State<Provider>,
    session: UserSession,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Failure> {
    let query = uri.query().unwrap_or_default();
    let Some(parameters) = Parameters::parse(query.as_bytes()) else {
        return Ok(not_understood("A parameter comes twice."));
    };
    let (application, reply) = match asker(&provider.applications, &parameters) {
        Ok(asker) => asker,
        Err(problem) => return Ok(not_understood(problem)),
    };
    let refuse = |Refusal(error, description)| {
        let answer = [("error", error), ("error_description", description)];
        Ok(reply.with(&provider.issuer, &answer))
    };
    let request = match AuthorizationRequest::parse(application, &parameters) {
        Ok(request) => request,
        Err(refusal) => return refuse(refusal),
    };
    let here = format!("{PATH}?{query}");
    let answered = Answered::of(&session, &here);
    let too_old = |max_age| session.requires_reauthentication(max_age);
    let hint = request.id_token_hint.as_deref();
    let as_hinted = provider.is_as_hinted(&session, hint).await;
    let as_hinted = as_hinted.unwrap_or_else(|error| {
        tracing::warn!(%error, "an id_token_hint could not be verified");
        false
    });
    let situation = Situation {
        signed_in: session.user().is_some(),
        too_old: request.max_age.is_some_and(too_old),
        answered,
        as_hinted,
    };
    match decide(&request, situation) {
        Decision::Refuse(refusal) => refuse(refusal),
        Decision::Ask(prompt) => Ok(Redirect::to(&login(&request, prompt, &here)).into_response()),
        Decision::Answer => {
            if answered.is_some() {
                Answered::forget(&session).await?;
            }
            answer(&provider, &session, request, reply).await
        }
    }
}

/// `POST /connect/authorize`: the same as a link, so that there is one way through (OpenID Connect Core 1.0 section 3.1.2.1). A post of another site
/// would come without the session's cookie as well.
pub(in crate::provider) async fn authorize_by_post(form: Bytes) -> Response {
    if !form.is_ascii() || Parameters::parse(&form).is_none() {
        return not_understood("A parameter comes twice.");
    }
    Redirect::to(&format!("{PATH}?{}", parameters::encoded_anew(&form))).into_response()
}

/// Whether a path of this site is a client's request, which has waited for a sign-in.
pub(crate) fn is_request(path: &str) -> bool {
    let query = path.strip_prefix(PATH);
    query.is_some_and(|query| query.starts_with('?'))
}

/// Records the client in the session, and gives it a code.
async fn answer(
    provider: &Provider,
    session: &UserSession,
    request: AuthorizationRequest,
    reply: Reply,
) -> Result<Response, Failure> {
    let client = request.application.client.id();
    session.add_client_id(client).await?;
    let Some((user, session_id)) = session.user().zip(session.session_id()) else {
        return Err(Error::from(ErrorKind::NotSignedIn).into());
    };
    let session_state = session.session_state(client, &reply.redirect_uri);
    let properties = session.properties().unwrap_or_default();
    let latest = properties.absolute_expires().or(properties.expires());
    let independent = request.application.client.coordinates_lifetime() == Some(false);
    let until = latest.filter(|_| !independent);
    let grant = Grant {
        client: client.clone(),
        session_id,
        user,
        scope: request.scope,
        until,
    };
    let code = provider.grants.issue_code(Code {
        grant: grant.into(),
        redirect_uri: reply.redirect_uri.clone(),
        challenge: request.challenge,
        nonce: request.nonce,
    });
    let mut answer = vec![("code", &*code)];
    // An app of its own has no origin, and nothing to watch the session with.
    answer.extend(
        session_state
            .as_deref()
            .map(|state| ("session_state", state)),
    );
    Ok(reply.with(&provider.issuer, &answer))
}

/// The login page, from which the user comes back.
fn login(request: &AuthorizationRequest, prompt: Option<&str>, here: &str) -> String {
    let encoded = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
    let mut page = format!("/login?return_url={}", encoded(here));
    if let Some(prompt) = prompt {
        page.push_str(&format!("&prompt={prompt}"));
    }
    if let Some(hint) = &request.login_hint {
        page.push_str(&format!("&login_hint={}", encoded(hint)));
    }
    page
}

fn not_understood(text: &str) -> Response {
    let page = Message {
        title: "Not understood",
        text,
    };
    (StatusCode::BAD_REQUEST, html(page)).into_response()
}
