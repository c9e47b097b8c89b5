//! The token endpoint (OpenID Connect Core 1.0 sections 3.1.3 and 12).

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CONTENT_TYPE, PRAGMA, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use axum_user_session::Error;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use oauth2::{
    AccessToken, ExtraTokenFields, RefreshToken, Scope, StandardErrorResponse,
    StandardTokenResponse,
    basic::{BasicErrorResponseType, BasicTokenType},
};
use serde::{Deserialize, Serialize};

use super::{
    applications::Application,
    client_authentication::authenticate,
    grants::{ACCESS, Family, Grant},
    id_token,
    parameters::Parameters,
    secret,
    state::Provider,
};

/// Why no token is issued.
enum Refusal {
    /// It is the client's fault, or its grant is over.
    Client(BasicErrorResponseType, &'static str),
    /// Nobody knows at the moment.
    Session(Error),
    Broken,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Session(error)
    }
}

/// `POST /connect/token`
pub(super) async fn token(
    State(provider): State<Provider>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Response> {
    answer(&provider, &headers, &body)
        .await
        .map_err(IntoResponse::into_response)
}

async fn answer(
    provider: &Provider,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Response, Refusal> {
    use BasicErrorResponseType::{InvalidClient, InvalidRequest, UnsupportedGrantType};

    let is_form = |value: &HeaderValue| {
        let media_type = value.as_bytes().split(|byte| *byte == b';').next();
        media_type.is_some_and(|text| text.eq_ignore_ascii_case(FORM))
    };
    if !headers.get(CONTENT_TYPE).is_some_and(is_form) {
        return Err(Refusal::Client(InvalidRequest, "the body is no form"));
    }
    let form = Parameters::parse(body);
    let form = form.ok_or(Refusal::Client(InvalidRequest, "a parameter comes twice"))?;
    let application = authenticate(&provider.applications, headers, &form);
    let application = application.ok_or(Refusal::Client(
        InvalidClient,
        "the client is not authenticated",
    ))?;
    match form.text("grant_type") {
        Some("authorization_code") => by_code(provider, &application, &form).await,
        Some("refresh_token") => by_refresh_token(provider, &application, &form).await,
        Some(_) => Err(Refusal::Client(UnsupportedGrantType, "not this grant_type")),
        None => Err(Refusal::Client(InvalidRequest, "grant_type is missing")),
    }
}

async fn by_code(
    provider: &Provider,
    application: &Application,
    form: &Parameters,
) -> Result<Response, Refusal> {
    let over = Refusal::Client(
        BasicErrorResponseType::InvalidGrant,
        "the code is not good, or not with this redirect_uri and code_verifier",
    );
    let (redirect_uri, verifier) = (form.text("redirect_uri"), form.text("code_verifier"));
    let client = application.client.id();
    let code = form.text("code");
    let known = code.and_then(|code| provider.grants.peek_code(code, client));
    let (Some(code), Some(grant)) = (code, known) else {
        return Err(over);
    };
    // First the session, which may be unavailable; the code is not used up by that.
    if !provider.is_alive(&grant).await? {
        return Err(over);
    }
    let redeemed = provider.grants.redeem_code(code, client, |code| {
        let verifies = verifier.is_some_and(|verifier| {
            // RFC 7636 section 4.6. Neither of the two is a secret to whoever can measure this.
            URL_SAFE_NO_PAD.encode(secret::hash(verifier)) == code.challenge
        });
        let meant = redirect_uri == Some(&*code.redirect_uri) && verifies;
        meant.then(|| code.nonce.clone())
    });
    let Some((family, Some(nonce))) = redeemed else {
        return Err(over);
    };
    issue(provider, application, family, &grant, nonce.as_deref())
}

async fn by_refresh_token(
    provider: &Provider,
    application: &Application,
    form: &Parameters,
) -> Result<Response, Refusal> {
    let over = Refusal::Client(
        BasicErrorResponseType::InvalidGrant,
        "the refresh token is not good, or the session is over",
    );
    let token = form.text("refresh_token");
    let known = token.and_then(|token| {
        let client = application.client.id();
        provider.grants.peek_refresh(token, client)
    });
    let (Some(token), Some(grant)) = (token, known) else {
        return Err(over);
    };
    // RFC 6749 section 6. Fewer are not worth tokens of their own here: the response says which there are (section 3.3).
    if !form.words("scope").all(|word| grant.scope.contains(&word)) {
        let error = BasicErrorResponseType::InvalidScope;
        return Err(Refusal::Client(error, "scope was not granted"));
    }
    // First the session, which may be unavailable; the token is not used up by that.
    if !provider.is_alive(&grant).await? {
        return Err(over);
    }
    let client = application.client.id();
    match provider.grants.redeem_refresh(token, client) {
        Some((family, grant)) => issue(provider, application, family, &grant, None),
        None => Err(over),
    }
}

fn issue(
    provider: &Provider,
    application: &Application,
    family: Family,
    grant: &Arc<Grant>,
    nonce: Option<&str>,
) -> Result<Response, Refusal> {
    let grants = &provider.grants;
    let tokens = grants
        .issue_tokens(family, grant, application.refresh_tokens)
        .ok_or(Refusal::Client(
            BasicErrorResponseType::InvalidGrant,
            "it was used twice",
        ))?;
    let id_token = id_token::issue(provider, grant, &tokens.access, nonce).map_err(|error| {
        tracing::error!(error = &*error, "an ID token could not be signed");
        Refusal::Broken
    })?;
    let mut response = StandardTokenResponse::new(
        AccessToken::new(tokens.access),
        BasicTokenType::Bearer,
        WithIdToken { id_token },
    );
    response.set_expires_in(Some(&ACCESS));
    response.set_refresh_token(tokens.refresh.map(RefreshToken::new));
    let scope = grant.scope.iter();
    let scope = scope.map(|name| Scope::new((*name).to_owned()));
    response.set_scopes(Some(scope.collect()));
    // `Cache-Control: no-store` has every response of this site (RFC 6749 section 5.1 wants both).
    Ok(([(PRAGMA, "no-cache")], Json(response)).into_response())
}

/// What OpenID Connect adds to the response.
#[derive(Debug, Deserialize, Serialize)]
struct WithIdToken {
    id_token: String,
}

impl ExtraTokenFields for WithIdToken {}

impl IntoResponse for Refusal {
    /// RFC 6749 section 5.2.
    fn into_response(self) -> Response {
        match self {
            Self::Session(error) => error.into_response(),
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            Self::Client(error, description) => {
                let status = match error {
                    BasicErrorResponseType::InvalidClient => StatusCode::UNAUTHORIZED,
                    _ => StatusCode::BAD_REQUEST,
                };
                let body = StandardErrorResponse::new(error, Some(description.to_owned()), None);
                let mut response = (status, Json(body)).into_response();
                if status == StatusCode::UNAUTHORIZED {
                    let challenge = HeaderValue::from_static("Basic realm=\"token\"");
                    response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
                }
                response
            }
        }
    }
}

const FORM: &[u8] = b"application/x-www-form-urlencoded";
