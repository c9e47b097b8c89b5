//! What happens when a session ends, in whatever way: its clients lose what they were given in it, and hear that it is over.

use std::error::Error;

use axum_user_session::{
    config::SessionConfigBuilder,
    ended::Ended,
    error::BoxError,
    hook::EndedHook,
    id::ClientId,
    oidc::{
        GrantRevoker, LifetimeCoordination,
        back_channel::{BackChannelLogout, JwtSigner, SigningAlgorithm},
    },
};

use crate::{
    database::Opened,
    provider::{Applications, Grants, SigningKey},
};

/// What tells the clients (OpenID Connect Back-Channel Logout 1.0).
pub(crate) fn back_channel(
    database: &Opened,
    issuer: &str,
    clients: Applications,
    key: &SigningKey,
    for_development: bool,
) -> Result<BackChannelLogout, Box<dyn Error>> {
    let signer = JwtSigner::from_pem(SigningAlgorithm::Rs256, key.id(), key.pem().as_bytes())?;
    let mut back_channel = database.notify(issuer, clients, signer);
    if for_development {
        back_channel = back_channel.insecure_clients_for_development();
    }
    Ok(back_channel.build()?)
}

/// Has the sessions tell their ends: to the log, to what clients were given, and to the clients.
pub(crate) fn listening(
    sessions: SessionConfigBuilder,
    coordination: &LifetimeCoordination,
    grants: Grants,
    back_channel: BackChannelLogout,
) -> SessionConfigBuilder {
    let revocation = coordination.revocation(grants);
    sessions.ended_hook((Log, revocation, back_channel))
}

struct Log;

impl EndedHook for Log {
    async fn ended(&self, ended: &Ended) -> Result<(), BoxError> {
        tracing::info!(
            subject = ended.subject,
            clients = ?ended.clients,
            reason = %ended.reason,
            event = %ended.event_id,
            "a session has ended; its clients are to be told"
        );
        Ok(())
    }
}

impl GrantRevoker for Grants {
    async fn revoke(&self, ended: &Ended, clients: &[ClientId]) -> Result<(), BoxError> {
        for client in clients {
            self.take_back(client, &ended.subject, ended.session_id);
        }
        Ok(())
    }
}
