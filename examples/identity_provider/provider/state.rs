use std::{error::Error, sync::Arc, time::SystemTime};

use axum::extract::FromRef;
use axum_user_session::{
    SessionConfig, UserSession,
    admin::SessionAdmin,
    error::BoxError,
    oidc::{
        CheckSession, LifetimeCoordination, LogoutMetadata,
        end_session::{EndSession, HintAlgorithm, HintKey, IdTokenHintVerifier, JwtHintVerifier},
        front_channel::FrontChannelLogout,
    },
};

use super::{
    applications::Applications,
    grants::{Grant, Grants},
    routes,
    signing::SigningKey,
};

/// What the provider's endpoints share. A cheap handle.
#[derive(Clone)]
pub(crate) struct Provider(Arc<Inner>);

pub(crate) struct Inner {
    /// Its name in tokens, and what all of its addresses begin with; no slash at the end.
    pub(crate) issuer: String,
    pub(crate) applications: Applications,
    pub(crate) key: Arc<SigningKey>,
    pub(crate) grants: Grants,
    /// None if sessions are in cookies alone.
    sessions: Option<SessionAdmin>,
    coordination: LifetimeCoordination,
    hints: Arc<JwtHintVerifier>,
    pub(crate) logout_metadata: LogoutMetadata,
    pub(crate) check_session: CheckSession,
    pub(crate) end_session: EndSession,
    pub(crate) front_channel: FrontChannelLogout,
}

impl Provider {
    pub(crate) fn new(
        issuer: String,
        sessions: &SessionConfig,
        applications: Applications,
        coordination: LifetimeCoordination,
        key: Arc<SigningKey>,
        grants: Grants,
    ) -> Result<Self, Box<dyn Error>> {
        let hint_key = HintKey::from_jwk(HintAlgorithm::Rs256, &key.public_json()?)?;
        let hints = Arc::new(JwtHintVerifier::new(&issuer).key(hint_key));
        let end_session = EndSession::new(sessions, applications.clone());
        let logout_metadata = LogoutMetadata::new(&issuer)?
            .check_session(routes::CHECK_SESSION)?
            .end_session(routes::END_SESSION)?
            .front_channel(true)
            .back_channel(true);
        Ok(Self(Arc::new(Inner {
            issuer,
            key,
            grants,
            sessions: SessionAdmin::new(sessions).ok(),
            logout_metadata,
            check_session: CheckSession::new(sessions, applications.clone()),
            end_session: end_session.hint_verifier(Arc::clone(&hints)),
            front_channel: FrontChannelLogout::new(applications.clone()),
            coordination,
            hints,
            applications,
        })))
    }

    /// Whether a grant is still good, as far as its session has a say. That the client uses it keeps the session alive.
    ///
    /// With sessions in cookies alone nobody can tell whether one is alive; there, a sign-out takes the grants away, and the longest time that the
    /// session could have lasted ends them.
    pub(super) async fn is_alive(&self, grant: &Grant) -> Result<bool, axum_user_session::Error> {
        let Some(sessions) = &self.sessions else {
            return Ok(grant.until.is_none_or(|end| SystemTime::now() < end));
        };
        let (subject, client) = (grant.user.subject(), grant.client.as_str());
        let refresh = self
            .coordination
            .refresh(sessions, subject, grant.session_id, client)
            .await?;
        Ok(refresh.is_allowed())
    }

    /// Whether the user is the one that the client means (OpenID Connect Core 1.0 section 3.1.2.1, `id_token_hint`).
    pub(super) async fn is_as_hinted(
        &self,
        session: &UserSession,
        hint: Option<&str>,
    ) -> Result<bool, BoxError> {
        let Some(token) = hint else {
            return Ok(true);
        };
        let hint = self.hints.verify(token, SystemTime::now()).await?;
        let user = session.user();
        Ok(hint
            .zip(user)
            .is_some_and(|(hint, user)| hint.subject() == user.subject()))
    }
}

impl FromRef<Provider> for EndSession {
    fn from_ref(provider: &Provider) -> Self {
        provider.end_session.clone()
    }
}

impl std::ops::Deref for Provider {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}
