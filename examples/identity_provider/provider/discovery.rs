//! What the provider says of itself (OpenID Connect Discovery 1.0 section 4), and its keys.

use axum::{Json, extract::State};
use axum_user_session::oidc::LogoutMetadata;
use jsonwebtoken::jwk::JwkSet;
use serde::Serialize;

use super::{authorize, client_authentication, routes, state::Provider, userinfo};

#[derive(Serialize)]
pub(super) struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    userinfo_endpoint: String,
    jwks_uri: String,
    scopes_supported: Vec<&'static str>,
    claims_supported: Vec<&'static str>,
    response_types_supported: [&'static str; 1],
    response_modes_supported: [&'static str; 2],
    grant_types_supported: [&'static str; 2],
    subject_types_supported: [&'static str; 1],
    id_token_signing_alg_values_supported: [&'static str; 1],
    token_endpoint_auth_methods_supported: [&'static str; 3],
    code_challenge_methods_supported: [&'static str; 1],
    prompt_values_supported: [&'static str; 3],
    ui_locales_supported: [&'static str; 1],
    authorization_response_iss_parameter_supported: bool,
    request_parameter_supported: bool,
    request_uri_parameter_supported: bool,
    /// Those of logout and of session management.
    #[serde(flatten)]
    logout: LogoutMetadata,
}

/// `GET /.well-known/openid-configuration`
pub(super) async fn configuration(State(provider): State<Provider>) -> Json<Metadata> {
    let issuer = &provider.issuer;
    let at = |path: &str| format!("{issuer}{path}");
    Json(Metadata {
        authorization_endpoint: at(authorize::PATH),
        token_endpoint: at(routes::TOKEN),
        userinfo_endpoint: at(routes::USERINFO),
        jwks_uri: at(routes::JWKS),
        scopes_supported: userinfo::scopes().collect(),
        claims_supported: userinfo::claims().collect(),
        response_types_supported: ["code"],
        response_modes_supported: authorize::MODES,
        grant_types_supported: ["authorization_code", "refresh_token"],
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: ["RS256"],
        token_endpoint_auth_methods_supported: client_authentication::METHODS,
        code_challenge_methods_supported: ["S256"],
        prompt_values_supported: ["none", "login", "select_account"],
        ui_locales_supported: ["en"],
        authorization_response_iss_parameter_supported: true,
        request_parameter_supported: false,
        request_uri_parameter_supported: false,
        logout: provider.logout_metadata.clone(),
        issuer: issuer.clone(),
    })
}

/// `GET /.well-known/jwks.json`
pub(super) async fn keys(State(provider): State<Provider>) -> Json<JwkSet> {
    Json(provider.key.public())
}
