//! A provider and the sites of clients, on names that only the test's browser knows: one server with TLS, on a loopback port.

use std::{
    net::Ipv4Addr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{
    Router,
    extract::{Query, Request, State},
    middleware::{self, Next},
    response::{Html, Response},
    routing::get,
    serve::Listener,
};
use axum_user_session::{
    Error, KeyRing, Principal, SessionConfig, UserSession, UserSessionLayer,
    admin::SessionAdmin,
    config::SessionConfigBuilder,
    error::BoxError,
    id::ClientId,
    oidc::{CheckSession, Client, ClientRegistry, FixedClients},
    store::{Filter, MemoryStore},
};
use rcgen::CertifiedKey;
use serde::Deserialize;
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::Runtime,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, pki_types::PrivatePkcs8KeyDer},
    server::TlsStream,
};

/// The provider's name, its client's, a client's of the same site as the provider, and that of a site that nobody has registered.
pub(crate) const PROVIDER: &str = "provider.test";
pub(crate) const CLIENT: &str = "client.test";
pub(crate) const NEIGHBOUR: &str = "app.provider.test";
pub(crate) const STRANGER: &str = "stranger.test";

/// It stops when it is dropped.
pub(crate) struct Site {
    runtime: Runtime,
    scheme: &'static str,
    pub(crate) port: u16,
    admin: SessionAdmin,
    state: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// The questions of the page's script, and the cookies that came along.
    questions: Mutex<Vec<(String, Option<String>)>>,
    registry_is_away: AtomicBool,
}

impl Site {
    pub(crate) fn start() -> Self {
        Self::start_with(true, |builder| builder)
    }

    /// A provider with settings of its own. Without TLS its pages are no secure contexts.
    pub(crate) fn start_with(
        tls: bool,
        configure: impl FnOnce(SessionConfigBuilder) -> SessionConfigBuilder,
    ) -> Self {
        let runtime = Runtime::new().expect("threads can be started");
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
        let listener = listener.expect("there is a free port");
        let port = listener.local_addr().expect("it is bound").port();

        let builder = SessionConfig::builder(KeyRing::ephemeral()).store(MemoryStore::new(1000));
        let config = configure(builder).build().expect("a sound configuration");
        let state = Arc::new(Shared::default());
        let scheme = if tls { "https" } else { "http" };
        let app = app(&config, scheme, port, &state);
        runtime.spawn(async move {
            let acceptor = tls.then(acceptor);
            match acceptor {
                None => axum::serve(listener, app).await,
                Some(acceptor) => axum::serve(Tls { acceptor, listener }, app).await,
            }
        });
        Self {
            runtime,
            scheme,
            port,
            admin: SessionAdmin::new(&config).expect("there is a store"),
            state,
        }
    }

    pub(crate) fn origin(&self, host: &str) -> String {
        format!("{}://{host}:{}", self.scheme, self.port)
    }

    pub(crate) fn url(&self, host: &str, path: &str) -> String {
        format!("{}{path}", self.origin(host))
    }

    /// An administrator ends all sessions of a user.
    pub(crate) fn revoke(&self, subject: &str) {
        let filter = Filter::subject(subject).expect("a subject");
        let revoked = self.runtime.block_on(self.admin.revoke(&filter));
        assert_eq!(revoked.expect("the store is there"), 1);
    }

    pub(crate) fn questions(&self) -> Vec<(String, Option<String>)> {
        self.state
            .questions
            .lock()
            .expect("no test panics with it")
            .clone()
    }

    pub(crate) fn lose_registry(&self) {
        self.state.registry_is_away.store(true, Ordering::Relaxed);
    }
}

fn app(config: &SessionConfig, scheme: &str, port: u16, state: &Arc<Shared>) -> Router {
    let registered = [CLIENT, NEIGHBOUR].map(|host| format!("{scheme}://{host}:{port}/cb"));
    let client = registered
        .iter()
        .fold(Client::builder("client1"), |client, uri| {
            client.redirect_uri(uri)
        });
    let other = Client::builder("other client").redirect_uri(&registered[0]);
    let clients = [client, other].map(|client| client.build().expect("a sound client"));
    let registry = Registry {
        clients: clients.into_iter().collect(),
        state: Arc::clone(state),
    };
    let check_session = Router::new()
        .route_service("/checksession", CheckSession::new(config, registry))
        .layer(middleware::from_fn_with_state(Arc::clone(state), note));
    Router::new()
        .route("/", get(home))
        .route("/sign-in", get(sign_in))
        .route("/sign-out", get(sign_out))
        .route("/state", get(session_state))
        // Inside of the layer, where it has more to withstand.
        .merge(check_session)
        .layer(UserSessionLayer::new(config.clone()))
        .route("/client", get(async || Html(include_str!("client.html"))))
}

async fn home(session: UserSession) -> String {
    session
        .user()
        .map_or("nobody".to_owned(), |user| user.subject().to_owned())
}

async fn sign_in(session: UserSession) -> Result<&'static str, Error> {
    session.sign_in(Principal::builder("alice").build()).await?;
    Ok("signed in")
}

async fn sign_out(session: UserSession) -> Result<&'static str, Error> {
    session.sign_out().await?;
    Ok("signed out")
}

#[derive(Deserialize)]
struct Of {
    client: String,
    origin: String,
}

/// What an authentication response would have.
async fn session_state(session: UserSession, Query(of): Query<Of>) -> Result<String, String> {
    let client = ClientId::parse(&of.client).map_err(|error| error.to_string())?;
    session
        .session_state(&client, &of.origin)
        .ok_or_else(|| "nothing to watch it with".to_owned())
}

async fn note(State(state): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    if let Some(query) = request.uri().query() {
        let cookies = request.headers().get("cookie");
        let cookies =
            cookies.map(|cookies| String::from_utf8_lossy(cookies.as_bytes()).into_owned());
        let mut questions = state.questions.lock().expect("no handler panics with it");
        questions.push((query.to_owned(), cookies));
    }
    next.run(request).await
}

struct Registry {
    clients: FixedClients,
    state: Arc<Shared>,
}

impl ClientRegistry for Registry {
    async fn client(&self, id: &ClientId) -> Result<Option<Client>, BoxError> {
        match self.state.registry_is_away.load(Ordering::Relaxed) {
            true => Err("the registry is away".into()),
            false => self.clients.client(id).await,
        }
    }
}

struct Tls {
    acceptor: TlsAcceptor,
    listener: TcpListener,
}

impl Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = ();

    async fn accept(&mut self) -> (Self::Io, ()) {
        loop {
            // One after the other will do for one browser.
            if let Ok((stream, _)) = self.listener.accept().await
                && let Ok(stream) = self.acceptor.accept(stream).await
            {
                return (stream, ());
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<()> {
        Ok(())
    }
}

/// With a certificate that nobody has signed: the browsers are told not to mind.
fn acceptor() -> TlsAcceptor {
    let names = [PROVIDER, CLIENT, NEIGHBOUR, STRANGER].map(str::to_owned);
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(names).expect("names can be certified");
    let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key.into());
    TlsAcceptor::from(Arc::new(config.expect("the key is the certificate's")))
}
