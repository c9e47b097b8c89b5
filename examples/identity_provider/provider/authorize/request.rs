use std::{sync::Arc, time::Duration};

use super::response::{Mode, Reply};
use crate::provider::{
    applications::{Application, Applications},
    parameters::Parameters,
    userinfo::scopes,
};

/// A request that a client may make.
pub(super) struct AuthorizationRequest {
    pub(super) application: Arc<Application>,
    pub(super) scope: Vec<&'static str>,
    pub(super) challenge: String,
    pub(super) nonce: Option<String>,
    pub(super) prompt: Prompt,
    pub(super) max_age: Option<Duration>,
    pub(super) id_token_hint: Option<String>,
    pub(super) login_hint: Option<String>,
}

/// What the client wants the user to be asked (`prompt`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Prompt {
    pub(super) none: bool,
    pub(super) login: bool,
    pub(super) select_account: bool,
    pub(super) consent: bool,
}

/// An OAuth error: its code, and what is wrong for a developer to read (RFC 6749 section 4.1.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal(pub(super) &'static str, pub(super) &'static str);

/// Who asks, and where the answer goes. As long as this is not sure nothing is sent anywhere: the user sees what is wrong.
pub(super) fn asker(
    applications: &Applications,
    parameters: &Parameters,
) -> Result<(Arc<Application>, Reply), &'static str> {
    let id = parameters.text("client_id").ok_or("client_id is missing")?;
    let application = applications
        .find(id)
        .ok_or("This client is not known here.")?;
    let uri = parameters.text("redirect_uri");
    let uri = uri.ok_or("redirect_uri is missing")?;
    // Character by character (RFC 9700 section 4.1.3).
    if !application
        .client
        .redirect_uris()
        .iter()
        .any(|known| known == uri)
    {
        return Err("This redirect_uri is not registered for the client.");
    }
    let reply = Reply {
        redirect_uri: uri.to_owned(),
        mode: Mode::of(parameters.text("response_mode")).unwrap_or_default(),
        state: parameters.text("state").map(str::to_owned),
    };
    Ok((Arc::clone(application), reply))
}

impl AuthorizationRequest {
    pub(super) fn parse(
        application: Arc<Application>,
        parameters: &Parameters,
    ) -> Result<Self, Refusal> {
        for (name, error) in [
            ("request", "request_not_supported"),
            ("request_uri", "request_uri_not_supported"),
            ("registration", "registration_not_supported"),
        ] {
            if parameters.text(name).is_some() {
                return Err(Refusal(error, "parameters are taken from the query alone"));
            }
        }
        match parameters.text("response_type") {
            Some("code") => {}
            Some(_) => {
                return Err(Refusal(
                    "unsupported_response_type",
                    "response_type is code",
                ));
            }
            None => return Err(Refusal("invalid_request", "response_type is missing")),
        }
        if Mode::of(parameters.text("response_mode")).is_none() {
            return Err(Refusal(
                "invalid_request",
                "response_mode is query or form_post",
            ));
        }
        let asked: Vec<_> = parameters.words("scope").collect();
        if !asked.contains(&"openid") {
            return Err(Refusal("invalid_scope", "scope contains openid"));
        }
        // Others are ignored (OpenID Connect Core 1.0 section 3.1.2.1); `offline_access` too, as nobody is asked for consent (section 11).
        let scope = scopes().filter(|scope| asked.contains(scope)).collect();
        let max_age = max_age(parameters)?;
        let mut prompt = Prompt::parse(parameters)?;
        // The two are the same (OpenID Connect Core 1.0 section 3.1.2.1), also within the second of the sign-in.
        prompt.login |= max_age == Some(Duration::ZERO);
        Ok(Self {
            application,
            scope,
            challenge: challenge(parameters)?,
            nonce: parameters.text("nonce").map(str::to_owned),
            prompt,
            max_age,
            id_token_hint: parameters.text("id_token_hint").map(str::to_owned),
            login_hint: parameters.text("login_hint").map(str::to_owned),
        })
    }
}

impl Prompt {
    fn parse(parameters: &Parameters) -> Result<Self, Refusal> {
        let mut prompt = Self::default();
        for word in parameters.words("prompt") {
            match word {
                "none" => prompt.none = true,
                "login" => prompt.login = true,
                "select_account" => prompt.select_account = true,
                "consent" => prompt.consent = true,
                _ => return Err(Refusal("invalid_request", "prompt has an unknown value")),
            }
        }
        match prompt.none && (prompt.login || prompt.select_account || prompt.consent) {
            true => Err(Refusal("invalid_request", "prompt=none stands alone")),
            false => Ok(prompt),
        }
    }
}

/// The proof key (RFC 7636 section 4.3), from every client and hashed (RFC 9700 section 2.1.1).
fn challenge(parameters: &Parameters) -> Result<String, Refusal> {
    let challenge = parameters.text("code_challenge");
    let challenge = challenge.ok_or(Refusal(
        "invalid_request",
        "code_challenge is missing (PKCE)",
    ))?;
    if parameters.text("code_challenge_method") != Some("S256") {
        return Err(Refusal("invalid_request", "code_challenge_method is S256"));
    }
    // Base64url of 32 bytes.
    match challenge.len() {
        43 => Ok(challenge.to_owned()),
        _ => Err(Refusal(
            "invalid_request",
            "code_challenge has 43 characters",
        )),
    }
}

fn max_age(parameters: &Parameters) -> Result<Option<Duration>, Refusal> {
    let Some(seconds) = parameters.text("max_age") else {
        return Ok(None);
    };
    match seconds.parse() {
        Ok(seconds) => Ok(Some(Duration::from_secs(seconds))),
        Err(_) => Err(Refusal("invalid_request", "max_age is a number of seconds")),
    }
}
