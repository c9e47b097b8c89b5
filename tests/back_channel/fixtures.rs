//! A provider whose outbox is in memory, and its clients.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum_user_session::{
    ended::{EndReason, Ended, EventId},
    error::BoxError,
    hook::EndedHook,
    id::{ClientId, SessionId},
    oidc::{
        Client, ClientRegistry,
        back_channel::{
            BackChannelLogout, BackChannelLogoutBuilder, DeliveryTask, JwtSigner, LogoutDeliveries,
            SigningAlgorithm,
        },
    },
    store::{Delivery, DeliveryFilter, LogoutOutbox, MemoryStore},
    testing::ManualClock,
};
use rcgen::KeyPair;

use crate::{
    receivers::{Authority, Receivers},
    support::start,
};

pub const ISSUER: &str = "https://idp.example";

/// Clients that can change while a test runs.
#[derive(Clone, Default)]
pub struct Registry {
    clients: Arc<Mutex<HashMap<ClientId, Client>>>,
    away: Arc<Mutex<bool>>,
}

impl Registry {
    pub fn add(&self, client: Client) {
        let mut clients = self.clients.lock().unwrap();
        clients.insert(client.id().clone(), client);
    }

    pub fn remove(&self, client: &str) {
        self.clients.lock().unwrap().remove(&id(client));
    }

    pub fn set_away(&self, away: bool) {
        *self.away.lock().unwrap() = away;
    }
}

impl ClientRegistry for Registry {
    async fn client(&self, id: &ClientId) -> Result<Option<Client>, BoxError> {
        match *self.away.lock().unwrap() {
            true => Err("away".into()),
            false => Ok(self.clients.lock().unwrap().get(id).cloned()),
        }
    }
}

/// A provider whose clients are at some receivers.
pub struct Provider {
    pub authority: Authority,
    pub receivers: Receivers,
    pub registry: Registry,
    pub store: MemoryStore,
    pub clock: ManualClock,
    pub back_channel: BackChannelLogout,
}

impl Provider {
    pub fn new() -> Self {
        Self::with(|builder| builder)
    }

    pub fn with(
        configure: impl FnOnce(BackChannelLogoutBuilder) -> BackChannelLogoutBuilder,
    ) -> Self {
        let store = MemoryStore::new(100_000);
        Self::with_outbox(store.clone(), store, configure)
    }

    pub fn with_outbox(
        store: MemoryStore,
        outbox: impl LogoutOutbox,
        configure: impl FnOnce(BackChannelLogoutBuilder) -> BackChannelLogoutBuilder,
    ) -> Self {
        let configure = |builder: BackChannelLogoutBuilder| {
            configure(builder.dangerously_allow_network("127.0.0.0/8"))
        };
        Self::of(Authority::new(), store, outbox, configure)
    }

    /// One that sends nothing to this host, but to another network.
    pub fn allowing(network: &str) -> Self {
        let store = MemoryStore::new(1000);
        let configure =
            |builder: BackChannelLogoutBuilder| builder.dangerously_allow_network(network);
        Self::of(Authority::new(), store.clone(), store, configure)
    }

    /// One that trusts the authority of another.
    pub fn trusting(authority: Authority) -> Self {
        let store = MemoryStore::new(1000);
        let configure =
            |builder: BackChannelLogoutBuilder| builder.dangerously_allow_network("127.0.0.0/8");
        Self::of(authority, store.clone(), store, configure)
    }

    fn of(
        authority: Authority,
        store: MemoryStore,
        outbox: impl LogoutOutbox,
        configure: impl FnOnce(BackChannelLogoutBuilder) -> BackChannelLogoutBuilder,
    ) -> Self {
        let (registry, clock) = (Registry::default(), ManualClock::at(start()));
        let builder = BackChannelLogout::builder(ISSUER, outbox, registry.clone(), signer())
            .clock(clock.clone())
            .trust_authorities(authority.pem())
            .trust_no_other_authorities();
        Self {
            receivers: Receivers::start(&authority),
            authority,
            registry,
            store,
            clock,
            back_channel: configure(builder).build().unwrap(),
        }
    }

    /// Registers clients that are told at these receivers, under paths like their ids.
    pub fn register(&self, clients: &[&str]) {
        for client in clients {
            self.register_at(client, &self.receivers.uri(client));
        }
    }

    pub fn register_at(&self, client: &str, uri: &str) {
        let client = Client::builder(client).back_channel_logout_uri(uri, true);
        self.registry.add(client.build().unwrap());
    }

    /// Ends a session that these clients took part in, as a store's log does.
    pub async fn end(&self, number: u8, clients: &[&str]) {
        self.back_channel
            .ended(&ended(number, clients))
            .await
            .unwrap();
    }

    pub fn task(&self) -> DeliveryTask {
        DeliveryTask::new(&self.back_channel)
    }

    pub async fn deliveries(&self) -> Vec<Delivery> {
        let deliveries = LogoutDeliveries::new(&self.back_channel);
        deliveries
            .find(&DeliveryFilter::default(), 1000)
            .await
            .unwrap()
    }

    /// States by client, in the order of ids; for one end.
    pub async fn states(&self) -> Vec<String> {
        let shown = |delivery: Delivery| {
            let why = delivery
                .failure
                .map_or(String::new(), |why| format!(": {why}"));
            format!(
                "{} {} {}{why}",
                delivery.client, delivery.state, delivery.attempts
            )
        };
        self.deliveries().await.into_iter().map(shown).collect()
    }
}

pub fn ended(number: u8, clients: &[&str]) -> Ended {
    let event = EventId::new([number; 16]);
    let mut ended = Ended::new(
        event,
        "alice",
        session_id(number),
        EndReason::SignOut,
        start(),
    );
    ended.clients = clients.iter().map(|client| id(client)).collect();
    ended
}

pub fn session_id(number: u8) -> SessionId {
    SessionId::parse(&format!("{number:032X}")).unwrap()
}

pub fn id(client: &str) -> ClientId {
    ClientId::parse(client).unwrap()
}

pub fn signer() -> JwtSigner {
    let key = KeyPair::generate().unwrap();
    let pem = key.serialize_pem();
    JwtSigner::from_pem(SigningAlgorithm::Es256, "key1", pem.as_bytes()).unwrap()
}

pub const SECOND: Duration = Duration::from_secs(1);
