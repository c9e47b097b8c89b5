use std::{error::Error as StdError, fmt, sync::Arc, time::Duration};

use http::request::Parts;
use tokio::time::timeout;

use super::{
    decision::{self, Course, Current},
    hint::{BoxedHintVerifier, IdTokenHint, IdTokenHintVerifier},
    kept::{Hinted, Kept, Use, locales},
    outcome::{Confirmation, GoAhead, LogoutRequest, Resend},
    parameters::Parameters,
    redirect::LogoutRedirect,
    rejection::{EndSessionRejection, InvalidLogoutRequest},
    request::EndSessionRequest,
};
use crate::{
    config::{SessionConfig, Settings, Throttle},
    error::{BoxError, Error, ErrorKind},
    guard::{SameOriginCheck, SameOriginLayer},
    id::ClientId,
    oidc::registry::{ClientRegistry, Clients},
    session::UserSession,
};

/// The settings of the end-session endpoint; cheap to clone.
///
/// Make it part of the router's state: [`EndSessionRequest`] finds it there, directly or by [`FromRef`](axum_core::extract::FromRef). The [module](super) has an example.
#[derive(Clone)]
#[must_use]
pub struct EndSession {
    settings: Arc<Settings>,
    clients: Clients,
    hints: Option<Arc<dyn BoxedHintVerifier>>,
    same_origin: SameOriginCheck,
    /// Which requests that could not be checked are logged.
    not_checked: Arc<Throttle>,
}

impl EndSession {
    /// An endpoint for the sessions of a configuration and the clients of a registry. Until it has a [verifier](Self::hint_verifier), the user is always asked.
    ///
    /// Logs a warning if the authentication cookie is [`SameSite::Strict`](crate::config::SameSite::Strict).
    pub fn new(config: &SessionConfig, registry: impl ClientRegistry) -> Self {
        if !config.settings().comes_from_other_sites {
            tracing::warn!(
                "the authentication cookie is SameSite=Strict: whoever a client sends to sign out looks signed out, and stays signed in"
            );
        }
        Self {
            settings: Arc::clone(config.settings()),
            clients: Clients::new(registry),
            hints: None,
            same_origin: SameOriginLayer::new().check(),
            not_checked: Arc::default(),
        }
    }

    /// Verifies `id_token_hint`, such as a [`JwtHintVerifier`](super::JwtHintVerifier).
    pub fn hint_verifier(mut self, verifier: impl IdTokenHintVerifier) -> Self {
        self.hints = Some(Arc::new(verifier));
        self
    }

    /// Who may post a confirmation: what this layer lets through. It is needed behind a proxy that rewrites `Host`. Default: this host's own pages.
    pub fn same_origin(mut self, layer: SameOriginLayer) -> Self {
        self.same_origin = layer.check();
        self
    }

    /// A client's request, or one that was sent on.
    pub(super) async fn requested(
        &self,
        parameters: Parameters,
        session: UserSession,
    ) -> Result<EndSessionRequest, EndSessionRejection> {
        let kept = match &parameters.sealed_request {
            Some(sealed) => {
                let opened = Kept::open_sent_on(&self.settings, sealed);
                let fresh = opened.filter(|opened| !opened.expired);
                fresh.ok_or(InvalidLogoutRequest::NotSealedHere)?.kept
            }
            None => self.understand(parameters).await?,
        };
        let (kept, request) = self.resolve(kept).await?;
        self.answer(kept, request, session, |current, kept| {
            decision::requested(current, kept.hint.as_ref())
        })
    }

    /// A client's post, which may have come without the session's cookie.
    pub(super) async fn posted(
        &self,
        parameters: Parameters,
    ) -> Result<EndSessionRequest, EndSessionRejection> {
        let kept = self.understand(parameters).await?;
        let (kept, _) = self.resolve(kept).await?;
        let sealed = kept.seal(&self.settings, Use::SentOn)?;
        Ok(EndSessionRequest::Resend(Resend::sealed(&sealed)))
    }

    /// The user's answer.
    pub(super) async fn confirmed(
        &self,
        token: &str,
        declined: bool,
        session: UserSession,
    ) -> Result<EndSessionRequest, EndSessionRejection> {
        let opened = Kept::open_asked(&self.settings, token);
        let opened = opened.ok_or(InvalidLogoutRequest::NotSealedHere)?;
        let asked = opened.asked.ok_or(InvalidLogoutRequest::NotSealedHere)?;
        let ((kept, mut request), away) = match self.resolve(opened.kept.clone()).await {
            Ok(resolved) => (resolved, None),
            // The client, or its place, was there when the user was asked, or nobody can tell now: the answer counts all the same (section 2).
            Err(rejection) => {
                let of_nobody = self.resolve(opened.kept.of_nobody()).await?;
                let is_away = matches!(rejection, EndSessionRejection::Failed(_));
                (of_nobody, is_away.then_some(rejection))
            }
        };
        if declined {
            away.inspect(|away| self.report(away));
            request.redirect = None;
            return Ok(EndSessionRequest::Declined(request));
        }
        if !opened.expired && session.turn_to(asked).await? {
            away.inspect(|away| self.report(away));
            return Ok(EndSessionRequest::GoAhead(GoAhead { session, request }));
        }
        let answer = self.answer(kept, request, session, |current, _| {
            decision::confirmed(current, asked, opened.expired)
        })?;
        match (answer, away) {
            // The question would come without the client that it is about.
            (EndSessionRequest::Ask(_), Some(away)) => Err(away),
            (answer, Some(away)) => {
                self.report(&away);
                Ok(answer)
            }
            (answer, None) => Ok(answer),
        }
    }

    pub(super) fn is_same_origin(&self, head: &Parts) -> bool {
        self.same_origin
            .allows(&head.method, &head.uri, &head.headers)
    }

    /// Tells the log of a request that is not answered. What is wrong with a request is the client's affair, what is away is the host's.
    pub(super) fn report(&self, rejection: &EndSessionRejection) {
        let error = match rejection {
            EndSessionRejection::Failed(error) if error.kind() != ErrorKind::ConflictingCookies => {
                error
            }
            _ => {
                tracing::debug!(%rejection, "a request to sign out is refused");
                return;
            }
        };
        if let Some(left_out) = self.not_checked.pass(self.settings.now()) {
            tracing::warn!(
                error = error as &dyn StdError,
                cause = error.source(),
                left_out,
                "a request to sign out could not be checked"
            );
        }
    }

    /// Verifies the hint, and keeps what it says.
    async fn understand(&self, parameters: Parameters) -> Result<Kept, EndSessionRejection> {
        let hint = match &parameters.id_token_hint {
            Some(token) => self.verify(token).await?,
            None => None,
        };
        let named = match &parameters.client_id {
            Some(id) => Some(ClientId::parse(id).map_err(|_| InvalidLogoutRequest::UnknownClient)?),
            None => None,
        };
        let hinted = hint.as_ref().map(|hint| hint.client().clone());
        if hinted.is_some() && named.is_some() && hinted != named {
            return Err(InvalidLogoutRequest::OtherClient.into());
        }
        let kept = Kept {
            client: hinted.or(named),
            hint: hint.map(Hinted::from),
            redirect: parameters.post_logout_redirect_uri,
            state: parameters.state,
            ui_locales: locales(&parameters.ui_locales.unwrap_or_default()),
            logout_hint: parameters.logout_hint,
        };
        match kept.is_too_long() {
            true => Err(InvalidLogoutRequest::TooLong.into()),
            false => Ok(kept),
        }
    }

    async fn verify(&self, token: &str) -> Result<Option<IdTokenHint>, Error> {
        let Some(verifier) = &self.hints else {
            return Ok(None);
        };
        let away = |cause: BoxError| Error::with_source(ErrorKind::HintVerifierUnavailable, cause);
        let verified = verifier.verify(token, self.settings.now().into());
        let verified = timeout(PATIENCE, verified).await;
        let hint = verified.map_err(|late| away(late.into()))?.map_err(away)?;
        if hint.is_none() {
            tracing::debug!("an id_token_hint could not be verified; it is not used");
        }
        Ok(hint)
    }

    /// Looks the client up, and checks where it wants the user sent. The hint of a client that is gone is not used.
    async fn resolve(&self, mut kept: Kept) -> Result<(Kept, LogoutRequest), EndSessionRejection> {
        let client = match &kept.client {
            Some(id) => self.clients.client(id).await?,
            None => None,
        };
        if client.is_none() {
            if kept.hint.take().is_none() && kept.client.is_some() {
                return Err(InvalidLogoutRequest::UnknownClient.into());
            }
            kept.client = None;
            kept.redirect = None;
        }
        let redirect = match (&client, &kept.redirect) {
            (Some(client), Some(uri)) => {
                let checked = LogoutRedirect::check(client, uri, kept.state.as_deref());
                Some(checked.ok_or(InvalidLogoutRequest::RedirectNotRegistered)?)
            }
            _ => None,
        };
        let request = LogoutRequest {
            client,
            redirect,
            ui_locales: kept.ui_locales.clone(),
            logout_hint: kept.logout_hint.clone(),
        };
        Ok((kept, request))
    }

    fn answer(
        &self,
        kept: Kept,
        request: LogoutRequest,
        session: UserSession,
        decide: impl FnOnce(Option<Current<'_>>, &Kept) -> Course,
    ) -> Result<EndSessionRequest, EndSessionRejection> {
        if session.is_in_conflict() {
            // Nobody is signed in for this request, and yet the sessions go on: the client would take a redirect for a sign-out.
            return Err(Error::from(ErrorKind::ConflictingCookies).into());
        }
        let ticket = session.ticket();
        let current = ticket.as_ref().and_then(|ticket| {
            Some(Current {
                subject: ticket.principal().subject(),
                session_id: ticket.properties().session_id()?,
            })
        });
        let course = decide(current, &kept);
        Ok(match (course, current) {
            (Course::GoAhead, _) => EndSessionRequest::GoAhead(GoAhead { session, request }),
            (Course::Ask, Some(current)) => {
                let token = kept.seal(&self.settings, Use::Asked(current.session_id))?;
                EndSessionRequest::Ask(Confirmation { request, token })
            }
            (Course::NobodySignedIn, _) | (Course::Ask, None) => {
                EndSessionRequest::NobodySignedIn(request)
            }
        })
    }
}

impl fmt::Debug for EndSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndSession")
            .field("verifies_hints", &self.hints.is_some())
            .finish_non_exhaustive()
    }
}

/// How long a verifier of hints may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a request that was kept is good for.
pub(super) const VALID_FOR: Duration = Duration::from_secs(600);
