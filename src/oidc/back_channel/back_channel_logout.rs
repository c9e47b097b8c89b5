use std::{fmt, sync::Arc, time::SystemTime};

use tokio::sync::Notify;

use super::{
    builder::BackChannelLogoutBuilder,
    logout_token::LogoutToken,
    outbox::Outbox,
    outgoing::{Answer, Outgoing},
    signer::{LogoutTokenSigner, Signer},
};
use crate::{
    clock::Clock,
    config::Throttle,
    ended::Ended,
    error::BoxError,
    events::Event,
    hook::EndedHook,
    id::ClientId,
    oidc::registry::{ClientRegistry, Clients},
    store::{LogoutOutbox, TakenDelivery},
};

/// Notes for the clients of every session that ends that they are to be told. A cheap handle.
///
/// It is an [`EndedHook`]: give it to the [configuration](crate::config::SessionConfigBuilder::ended_hook), alone or [with others](EndedHook#several). What it notes is sent by a
/// [`DeliveryTask`](super::DeliveryTask). The [module](super) shows all of it together.
///
/// Those are told that took part in the session and are [registered](ClientRegistry) with a
/// [back-channel URI](crate::oidc::Client::back_channel_logout) at that moment.
#[derive(Clone)]
pub struct BackChannelLogout {
    pub(super) inner: Arc<Inner>,
}

/// What the hook and the tasks share.
pub(super) struct Inner {
    pub(super) issuer: String,
    pub(super) outbox: Outbox,
    pub(super) clients: Clients,
    pub(super) signer: Signer,
    pub(super) outgoing: Outgoing,
    pub(super) clock: Box<dyn Clock>,
    /// Which of the tokens that could not be signed are logged.
    pub(super) unsigned: Throttle,
    /// Rings when this process has put something in.
    pub(super) put_in: Notify,
}

impl BackChannelLogout {
    /// Begins a configuration: the issuer as in ID tokens (`iss`), where deliveries wait, who the clients are, and what signs the tokens.
    pub fn builder(
        issuer: impl Into<String>,
        outbox: impl LogoutOutbox,
        registry: impl ClientRegistry,
        signer: impl LogoutTokenSigner,
    ) -> BackChannelLogoutBuilder {
        let (outbox, clients) = (Outbox::new(outbox), Clients::new(registry));
        BackChannelLogoutBuilder::new(issuer.into(), outbox, clients, Signer::new(signer))
    }
}

impl EndedHook for BackChannelLogout {
    async fn ended(&self, ended: &Ended) -> Result<(), BoxError> {
        let clients = self.inner.clients.all(&ended.clients).await?;
        let listens = |client: &crate::oidc::Client| client.back_channel_logout().is_some();
        let clients: Vec<ClientId> = clients
            .into_iter()
            .filter(listens)
            .map(|client| client.id().clone())
            .collect();
        if clients.is_empty() {
            return Ok(());
        }
        let new = self.inner.outbox.put_in(ended, &clients, self.inner.now());
        let new = new.await?;
        // None if this end was heard of before.
        if new > 0 {
            Event::LogoutQueued {
                event_id: ended.event_id,
                clients: new,
            }
            .emit();
        }
        self.inner.put_in.notify_one();
        Ok(())
    }
}

impl Inner {
    pub(super) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    /// Tells a client. One that is not known here may be known to another node, which has its registration already.
    pub(super) async fn tell(&self, taken: &TakenDelivery) -> Answer {
        let client = match self.clients.client(&taken.client).await {
            Ok(Some(client)) => client,
            Ok(None) => return Answer::Refused("the client is not registered any more".to_owned()),
            Err(_) => return Answer::Failed("the registry did not answer".to_owned()),
        };
        let Some(address) = client.back_channel_logout() else {
            return Answer::Refused("the client has no back-channel URI any more".to_owned());
        };
        let session_id = Some(taken.session_id);
        let (subject, now) = (&taken.subject, self.now());
        let token = LogoutToken::new(&self.issuer, &client, subject, session_id, now);
        match self.signer.sign(&token).await {
            Ok(token) => self.outgoing.post(&address.uri, &token).await,
            Err(error) => {
                if let Some(left_out) = self.unsigned.pass(now.into()) {
                    tracing::warn!(
                        error = &*error as &dyn std::error::Error,
                        left_out,
                        "a logout token could not be signed; it is tried again"
                    );
                }
                Answer::Failed("the token could not be signed".to_owned())
            }
        }
    }
}

impl fmt::Debug for BackChannelLogout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackChannelLogout")
            .field("issuer", &self.inner.issuer)
            .field("outgoing", &self.inner.outgoing)
            .finish_non_exhaustive()
    }
}
