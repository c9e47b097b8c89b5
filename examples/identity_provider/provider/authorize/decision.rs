use super::{
    answered::Answered,
    request::{AuthorizationRequest, Refusal},
};

/// What to do about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// The client gets its code.
    Answer,
    /// The user has to do something first: sign in, do so again, or choose an account (`prompt` for the login page).
    Ask(Option<&'static str>),
    /// The client gets an error.
    Refuse(Refusal),
}

/// What is known of the user when a request arrives.
#[derive(Clone, Copy, Debug)]
pub(super) struct Situation {
    pub(super) signed_in: bool,
    /// The sign-in is older than the client's `max_age`.
    pub(super) too_old: bool,
    /// What the user has done for this very request before.
    pub(super) answered: Option<Answered>,
    /// Whether the user is the one of `id_token_hint`, if there is one.
    pub(super) as_hinted: bool,
}

/// Decides by OpenID Connect Core 1.0 section 3.1.2.1, parameters `prompt`, `max_age` and `id_token_hint`.
pub(super) fn decide(request: &AuthorizationRequest, now: Situation) -> Decision {
    let prompt = request.prompt;
    if prompt.consent {
        // These are the site's own applications, so users are not asked for consent.
        let error = Refusal("consent_required", "users are not asked for consent here");
        return Decision::Refuse(error);
    }
    let just_signed_in = now.answered == Some(Answered::SignedIn);
    if just_signed_in && !now.as_hinted {
        let error = Refusal("login_required", "somebody else has signed in");
        return Decision::Refuse(error);
    }
    let ask = match () {
        () if !now.signed_in => Some(None),
        () if (prompt.login || now.too_old) && !just_signed_in => Some(Some("login")),
        () if !now.as_hinted => Some(Some("login")),
        () if prompt.select_account && now.answered.is_none() => Some(Some("select_account")),
        () => None,
    };
    match ask {
        None => Decision::Answer,
        Some(_) if prompt.none => {
            Decision::Refuse(Refusal("login_required", "the user has to sign in"))
        }
        Some(prompt) => Decision::Ask(prompt),
    }
}
