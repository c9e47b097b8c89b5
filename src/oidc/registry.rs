use std::{collections::HashMap, future::Future, sync::Arc, time::Duration};

use tokio::{task::JoinSet, time::timeout};

use super::client::Client;
use crate::{
    error::{BoxError, Error, ErrorKind},
    hook::BoxFuture,
    id::ClientId,
};

/// Knows the clients of the host. The host implements it over wherever it keeps them; [`FixedClients`] is for those that never change.
///
/// It is asked where a user may be sent, and who is to hear of the end of a session: what it says is trusted. It is asked often, so it should be quick; an answer that takes
/// longer than five seconds counts as none.
///
/// ```
/// use axum_user_session::{error::BoxError, id::ClientId, oidc::{Client, ClientRegistry}};
///
/// struct Table;
///
/// impl ClientRegistry for Table {
///     async fn client(&self, id: &ClientId) -> Result<Option<Client>, BoxError> {
///         // A look into the host's database goes here.
///         let known = id.as_str() == "client1";
///         let client = Client::builder("client1").redirect_uri("https://client1.example/cb").build()?;
///         Ok(known.then_some(client))
///     }
/// }
/// ```
pub trait ClientRegistry: Send + Sync + 'static {
    /// The client of an id, or none if there is no such client, or it was disabled.
    ///
    /// # Errors
    ///
    /// Any error of your own: nobody knows then whether there is such a client. Requests are answered with 503, but for what a user has said to the question whether to sign
    /// out. Notifications are put off.
    fn client(
        &self,
        id: &ClientId,
    ) -> impl Future<Output = Result<Option<Client>, BoxError>> + Send;
}

impl<T: ClientRegistry> ClientRegistry for Arc<T> {
    async fn client(&self, id: &ClientId) -> Result<Option<Client>, BoxError> {
        T::client(self, id).await
    }
}

/// Clients that stay as they are while the server runs.
///
/// ```
/// use axum_user_session::oidc::{Client, FixedClients};
///
/// let clients: FixedClients = [Client::builder("client1").build()?, Client::builder("client2").build()?]
///     .into_iter()
///     .collect();
/// # Ok::<_, axum_user_session::oidc::InvalidClient>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct FixedClients(Arc<HashMap<ClientId, Client>>);

impl FromIterator<Client> for FixedClients {
    /// Of clients with the same id the last one counts.
    fn from_iter<T: IntoIterator<Item = Client>>(clients: T) -> Self {
        let by_id = |client: Client| (client.id().clone(), client);
        Self(Arc::new(clients.into_iter().map(by_id).collect()))
    }
}

impl ClientRegistry for FixedClients {
    async fn client(&self, id: &ClientId) -> Result<Option<Client>, BoxError> {
        Ok(self.0.get(id).cloned())
    }
}

/// The host's registry, as the parts of this module hold it.
#[derive(Clone)]
pub(crate) struct Clients(Arc<dyn BoxedRegistry>);

impl Clients {
    pub(crate) fn new(registry: impl ClientRegistry) -> Self {
        Self(Arc::new(registry))
    }

    /// The client of an id, within the time that there is for it.
    pub(crate) async fn client(&self, id: &ClientId) -> Result<Option<Client>, Error> {
        self.client_within(PATIENCE, id).await
    }

    async fn client_within(
        &self,
        patience: Duration,
        id: &ClientId,
    ) -> Result<Option<Client>, Error> {
        match timeout(patience, self.0.client(id)).await {
            Ok(Ok(client)) => Ok(client.filter(|client| client.id() == id)),
            Ok(Err(error)) => Err(Error::with_source(ErrorKind::RegistryUnavailable, error)),
            Err(late) => Err(Error::with_source(ErrorKind::RegistryUnavailable, late)),
        }
    }

    /// Those of some clients that there are, in the given order. They are looked up side by side.
    pub(crate) async fn all(&self, ids: &[ClientId]) -> Result<Vec<Client>, Error> {
        let mut found = Found::default();
        let put = |answer: Result<_, _>| {
            found.put(answer?);
            Ok(())
        };
        self.look_up(ids, PATIENCE, put).await?;
        Ok(found.in_order())
    }

    /// As [`all`](Self::all), for a user who waits: those that are found soon enough, and what stood in the way of others.
    pub(crate) async fn found_soon(&self, ids: &[ClientId]) -> (Vec<Client>, Option<Error>) {
        let (mut found, mut trouble) = (Found::default(), None);
        // One that hangs leaves time for others.
        let looking = self.look_up(ids, PATIENCE / 4, |answer| {
            match answer {
                Ok(answer) => found.put(answer),
                Err(error) => trouble = Some(error),
            }
            Ok(())
        });
        let late = match timeout(PATIENCE, looking).await {
            Ok(done) => done.err(),
            Err(late) => Some(Error::with_source(ErrorKind::RegistryUnavailable, late)),
        };
        (found.in_order(), late.or(trouble))
    }

    /// Looks clients up, and hands each answer on with its place. The first error that comes back ends it.
    async fn look_up(
        &self,
        ids: &[ClientId],
        patience: Duration,
        mut take: impl FnMut(Result<Answer, Error>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut asked = ids.iter().cloned().enumerate();
        let mut asking = JoinSet::new();
        loop {
            while asking.len() < AT_ONCE
                && let Some((place, id)) = asked.next()
            {
                let clients = self.clone();
                asking.spawn(async move {
                    let client = clients.client_within(patience, &id).await?;
                    Ok((place, client))
                });
            }
            let Some(answer) = asking.join_next().await else {
                return Ok(());
            };
            let panicked = |error| Error::with_source(ErrorKind::RegistryUnavailable, error);
            take(answer.map_err(panicked).flatten())?;
        }
    }
}

/// The client of a place, if there is one.
type Answer = (usize, Option<Client>);

/// Clients that were found, in any order.
#[derive(Default)]
struct Found(Vec<(usize, Client)>);

impl Found {
    fn put(&mut self, (place, client): Answer) {
        self.0.extend(client.map(|client| (place, client)));
    }

    fn in_order(mut self) -> Vec<Client> {
        self.0.sort_by_key(|(place, _)| *place);
        self.0.into_iter().map(|(_, client)| client).collect()
    }
}

/// The twin of [`ClientRegistry`] that can be a trait object.
trait BoxedRegistry: Send + Sync {
    fn client<'a>(&'a self, id: &'a ClientId) -> BoxFuture<'a, Result<Option<Client>, BoxError>>;
}

impl<T: ClientRegistry> BoxedRegistry for T {
    fn client<'a>(&'a self, id: &'a ClientId) -> BoxFuture<'a, Result<Option<Client>, BoxError>> {
        Box::pin(ClientRegistry::client(self, id))
    }
}

/// How long a registry may take for a client, and for all of them while a user waits.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many clients are asked for at once.
const AT_ONCE: usize = 32;
