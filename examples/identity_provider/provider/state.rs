use std::sync::Arc;

use axum_user_session::{
    Error,
    admin::{Extension, SessionAdmin},
};

use super::{
    applications::{Application, Applications},
    grants::{Grant, Grants},
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
    pub(crate) sessions: Option<SessionAdmin>,
}

impl Provider {
    pub(crate) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// Whether the session of a grant is alive, and the client still in it. That the client asks keeps the session alive, if its lifetime is coordinated
    /// with that.
    ///
    /// With sessions in cookies alone nobody can say; there, a sign-out takes the grants away.
    pub(super) async fn is_alive(
        &self,
        application: &Application,
        grant: &Grant,
    ) -> Result<bool, Error> {
        let Some(sessions) = &self.sessions else {
            return Ok(true);
        };
        let extension = match application.client.coordinates_lifetime() {
            Some(true) => Extension::Extend,
            _ => Extension::Leave,
        };
        let (subject, client) = (grant.user.subject(), grant.client.as_str());
        let session = sessions
            .validate(subject, grant.session_id, client, extension)
            .await?;
        Ok(session.is_some())
    }
}

impl std::ops::Deref for Provider {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}
