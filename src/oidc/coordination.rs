use std::{collections::HashSet, fmt, future::Future, sync::Arc};

use super::registry::{ClientRegistry, Clients};
use crate::{
    admin::{Extension, SessionAdmin, SessionInfo},
    ended::Ended,
    error::{BoxError, Error},
    hook::{BoxFuture, EndedHook},
    id::{ClientId, SessionId},
};

/// Has the tokens of clients live no longer than the user's session. A cheap handle.
///
/// Each client says for itself whether its tokens [do](super::ClientBuilder::coordinates_lifetime); for those that don't say there is a [global setting](Self::by_default). For a client whose tokens do:
///
/// - **When a session ends**, in whichever way, its grants are revoked: give [`revocation`](Self::revocation) to the configuration as a hook.
/// - **When a refresh token is used**, or the userinfo endpoint is called, ask [`refresh`](Self::refresh): it says whether the session is alive, and what the client does keeps it alive.
///
/// ```
/// use axum_user_session::{
///     KeyRing, SessionConfig, ended::Ended, error::BoxError, id::ClientId,
///     oidc::{Client, FixedClients, GrantRevoker, LifetimeCoordination},
/// };
/// # struct Grants;
/// # impl Grants { async fn delete(&self, _: &str, _: &str, _: &ClientId) -> Result<(), BoxError> { Ok(()) } }
///
/// impl GrantRevoker for Grants {
///     async fn revoke(&self, ended: &Ended, clients: &[ClientId]) -> Result<(), BoxError> {
///         for client in clients {
///             self.delete(&ended.subject, ended.session_id.as_str(), client).await?;
///         }
///         Ok(())
///     }
/// }
///
/// let clients: FixedClients = [Client::builder("client1").build()?].into_iter().collect();
/// let coordination = LifetimeCoordination::new(clients).by_default(true);
/// let config = SessionConfig::builder(KeyRing::ephemeral())
///     .ended_hook(coordination.revocation(Grants)) // or a pair of this and a `BackChannelLogout`
///     .build()?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct LifetimeCoordination {
    clients: Clients,
    by_default: bool,
}

/// Whether a client may have new tokens.
#[derive(Clone, Debug)]
pub enum Refresh {
    /// Its tokens have nothing to do with the user's session.
    Independent,
    /// The session is alive, and was extended.
    Alive(Box<SessionInfo>),
    /// There is no such session, or the client takes no part in it: refuse the token.
    Ended,
}

impl Refresh {
    /// Whether the token is to be accepted, as far as the session has a say.
    pub fn is_allowed(&self) -> bool {
        !matches!(self, Self::Ended)
    }
}

impl LifetimeCoordination {
    /// Coordination for those clients of a registry that ask for it.
    pub fn new(registry: impl ClientRegistry) -> Self {
        Self {
            clients: Clients::new(registry),
            by_default: false,
        }
    }

    /// Whether the tokens of clients that don't say live no longer than the session. Default: no.
    pub fn by_default(mut self, coordinates: bool) -> Self {
        self.by_default = coordinates;
        self
    }

    /// A hook that revokes grants when a session ends.
    pub fn revocation(&self, revoker: impl GrantRevoker) -> GrantRevocation {
        GrantRevocation {
            coordination: self.clone(),
            revoker: Arc::new(revoker),
        }
    }

    /// Says whether a client may use a token of this session, and extends the session if it may: by as much as a visit of its user would, and never past the absolute expiry.
    ///
    /// Call it where a refresh token is used, before new tokens are made, and at the userinfo endpoint.
    ///
    /// # Errors
    ///
    /// As [`SessionAdmin::validate`], and [`ErrorKind::RegistryUnavailable`](crate::error::ErrorKind::RegistryUnavailable): nobody knows then, so ask the client to try again later.
    ///
    /// ```
    /// use axum_user_session::{Error, admin::SessionAdmin, id::SessionId, oidc::LifetimeCoordination};
    ///
    /// async fn may_refresh(
    ///     coordination: &LifetimeCoordination, admin: &SessionAdmin, sub: &str, sid: &str, client: &str,
    /// ) -> Result<bool, Error> {
    ///     let refresh = coordination.refresh(admin, sub, SessionId::parse(sid)?, client).await?;
    ///     Ok(refresh.is_allowed())
    /// }
    /// ```
    pub async fn refresh(
        &self,
        admin: &SessionAdmin,
        subject: &str,
        session_id: SessionId,
        client_id: &str,
    ) -> Result<Refresh, Error> {
        let id = ClientId::parse(client_id)?;
        let Some(client) = self.clients.client(&id).await? else {
            return Ok(Refresh::Ended);
        };
        if !client.coordinates_lifetime().unwrap_or(self.by_default) {
            return Ok(Refresh::Independent);
        }
        let session = admin.validate(subject, session_id, client_id, Extension::Extend);
        Ok(match session.await? {
            Some(session) => Refresh::Alive(Box::new(session)),
            None => Refresh::Ended,
        })
    }

    /// Those clients of a session whose grants end with it. One that is not registered any more is among them: nothing of it should be left.
    async fn coordinated(&self, ended: &Ended) -> Result<Vec<ClientId>, Error> {
        let known = self.clients.all(&ended.clients).await?;
        let independent = known
            .iter()
            .filter(|client| !client.coordinates_lifetime().unwrap_or(self.by_default));
        let independent: HashSet<_> = independent.map(|client| client.id()).collect();
        let clients = ended.clients.iter();
        Ok(clients
            .filter(|client| !independent.contains(client))
            .cloned()
            .collect())
    }
}

impl fmt::Debug for LifetimeCoordination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LifetimeCoordination")
            .field("by_default", &self.by_default)
            .finish_non_exhaustive()
    }
}

/// Revokes what a user has granted to clients in a session: refresh tokens, reference tokens, codes. The host implements it over wherever it keeps them.
///
/// [`LifetimeCoordination`] has an example.
pub trait GrantRevoker: Send + Sync + 'static {
    /// Revokes the grants that these clients were given in the session that has ended.
    ///
    /// It may be called again for the same end, so revoking what is revoked must do no harm. With a store it is called at least once for every end, otherwise in the request that ends the
    /// session.
    ///
    /// # Errors
    ///
    /// Any error of your own: with a store, it is called again later.
    fn revoke(
        &self,
        ended: &Ended,
        clients: &[ClientId],
    ) -> impl Future<Output = Result<(), BoxError>> + Send;
}

/// Revokes the grants of a session's clients when it ends: an [`EndedHook`], made by [`LifetimeCoordination::revocation`].
#[derive(Clone)]
pub struct GrantRevocation {
    coordination: LifetimeCoordination,
    revoker: Arc<dyn BoxedRevoker>,
}

impl EndedHook for GrantRevocation {
    async fn ended(&self, ended: &Ended) -> Result<(), BoxError> {
        let clients = self.coordination.coordinated(ended).await?;
        match clients.is_empty() {
            true => Ok(()),
            false => self.revoker.revoke(ended, &clients).await,
        }
    }
}

impl fmt::Debug for GrantRevocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrantRevocation")
            .field("coordination", &self.coordination)
            .finish_non_exhaustive()
    }
}

/// The twin of [`GrantRevoker`] that can be a trait object.
trait BoxedRevoker: Send + Sync + 'static {
    fn revoke<'a>(
        &'a self,
        ended: &'a Ended,
        clients: &'a [ClientId],
    ) -> BoxFuture<'a, Result<(), BoxError>>;
}

impl<T: GrantRevoker> BoxedRevoker for T {
    fn revoke<'a>(
        &'a self,
        ended: &'a Ended,
        clients: &'a [ClientId],
    ) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(GrantRevoker::revoke(self, ended, clients))
    }
}
