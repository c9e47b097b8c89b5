//! The application that every process runs.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::{Router, extract::Path, routing::post};
use axum_user_session::{
    AuthenticationProperties, Principal, SessionConfig, UserSession, UserSessionLayer,
    admin::SessionAdmin,
    cleanup::CleanupTask,
    clock::Clock,
    config::WhenReached,
    error::BoxError,
    hook::{Validation, Validator},
    id::SessionId,
    oidc::{Client, FixedClients, back_channel::BackChannelLogout},
    store::{Filter, LogoutOutbox, PostgresStore, SessionStore, SqliteStore},
    testing::Browser,
    ticket::Ticket,
};

use crate::place::Place;

/// The clients that take part in every session.
pub(crate) const CLIENTS: [&str; 4] = ["c0", "c1", "c2", "c3"];

/// How a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    SignOut,
    UserSwitch,
    Replaced,
    Revoked,
    Evicted,
    Refused,
    /// Its user comes back too late.
    Late,
    /// Nobody comes back.
    CleanedUp,
}

impl Way {
    pub(crate) const ALL: [Self; 8] = [
        Self::SignOut,
        Self::UserSwitch,
        Self::Replaced,
        Self::Revoked,
        Self::Evicted,
        Self::Refused,
        Self::Late,
        Self::CleanedUp,
    ];

    fn has_expired(self) -> bool {
        matches!(self, Self::Late | Self::CleanedUp)
    }
}

/// A clock that runs ahead, so that what one process has leased is free for the next.
pub(crate) struct Ahead(pub(crate) Duration);

impl Clock for Ahead {
    fn now(&self) -> SystemTime {
        SystemTime::now() + self.0
    }
}

/// Refuses those whose names say so.
struct ByName;

impl Validator for ByName {
    async fn validate(&self, ticket: &Ticket) -> Result<Validation, BoxError> {
        match ticket.principal().subject().contains("Refused") {
            true => Ok(Validation::Refused),
            false => Ok(Validation::Valid),
        }
    }
}

#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) config: SessionConfig,
    pub(crate) back_channel: BackChannelLogout,
    router: Router,
}

impl Site {
    pub(crate) async fn open(url: &str, place: &Place, ahead: Duration) -> Self {
        match url.strip_prefix("sqlite:") {
            Some(path) => Self::new(SqliteStore::open(path).unwrap(), place, ahead),
            None => {
                let store = PostgresStore::connect(url).await.unwrap();
                store.migrate().await.unwrap();
                Self::new(store, place, ahead)
            }
        }
    }

    fn new(
        store: impl SessionStore + LogoutOutbox + Clone,
        place: &Place,
        ahead: Duration,
    ) -> Self {
        let receivers = place.read("receivers");
        let client = |id: &str| {
            let uri = format!("{receivers}{id}");
            let client = Client::builder(id).back_channel_logout_uri(uri, true);
            client.build().unwrap()
        };
        let clients: FixedClients = CLIENTS.into_iter().map(client).collect();
        let issuer = "https://idp.example";
        let back_channel =
            BackChannelLogout::builder(issuer, store.clone(), clients, place.signer())
                .trust_authorities(place.read("authority"))
                .trust_no_other_authorities()
                .dangerously_allow_network("127.0.0.0/8")
                .clock(Ahead(ahead))
                .build()
                .unwrap();
        // Whoever waits on a busy machine must not run out of time.
        let config = SessionConfig::builder(place.keys())
            .store(store)
            .clock(Ahead(ahead))
            .session_limit(1, WhenReached::EndOldest)
            .validation(ByName, Duration::from_secs(30 * 60))
            .load_limit(Duration::from_secs(30))
            .write_limit(Duration::from_secs(30))
            .ended_hook(back_channel.clone())
            .build()
            .unwrap();
        let router = Router::new()
            .route("/sign-in/{subject}", post(sign_in))
            .route("/sign-in-briefly/{subject}", post(sign_in_briefly))
            .route("/sign-in-anew/{subject}", post(sign_in_anew))
            .route("/sign-out", post(sign_out))
            .route("/", post(|_: UserSession| async {}))
            .layer(UserSessionLayer::new(config.clone()));
        Self {
            config,
            back_channel,
            router,
        }
    }

    /// Signs somebody in, with all clients; gives the cookies.
    pub(crate) async fn begin(&self, subject: &str, way: Way) -> String {
        let mut browser = Browser::new(self.router.clone());
        let path = match way.has_expired() {
            true => "sign-in-briefly",
            false => "sign-in",
        };
        let page = browser.post(&format!("/{path}/{subject}"), "").await;
        assert!(page.status.is_success(), "{page:?}");
        browser.cookie_header("/")
    }

    /// Ends a session in its way.
    pub(crate) async fn end(&self, subject: &str, way: Way, cookies: &str) {
        let mut browser = Browser::new(self.router.clone());
        for cookie in cookies.split("; ") {
            let (name, value) = cookie.split_once('=').unwrap();
            browser.plant(name, value);
        }
        let mut visit = async |path: &str| {
            let page = browser.post(path, "").await;
            assert!(page.status.is_success(), "{way:?}: {page:?}");
        };
        match way {
            Way::SignOut => visit("/sign-out").await,
            Way::UserSwitch => visit(&format!("/sign-in/{subject}-other")).await,
            Way::Replaced => visit(&format!("/sign-in-anew/{subject}")).await,
            Way::Refused | Way::Late => visit("/").await,
            Way::Evicted => drop(self.begin(subject, Way::SignOut).await),
            Way::Revoked => {
                let admin = SessionAdmin::new(&self.config).unwrap();
                let theirs = Filter::subject(subject).unwrap();
                assert_eq!(admin.revoke(&theirs).await.unwrap(), 1);
            }
            Way::CleanedUp => {
                let task = CleanupTask::new(&self.config).unwrap().batch_size(1);
                task.run_once().await.unwrap();
            }
        }
    }

    /// Whether the store still has a session.
    pub(crate) async fn has(&self, subject: &str, session_id: SessionId) -> bool {
        let admin = SessionAdmin::new(&self.config).unwrap();
        let filter = Filter::subject(subject).unwrap().and_session_id(session_id);
        !admin.find(&filter).await.unwrap().is_empty()
    }

    pub(crate) async fn session_of(&self, subject: &str) -> SessionId {
        let admin = SessionAdmin::new(&self.config).unwrap();
        let found = admin
            .find(&Filter::subject(subject).unwrap())
            .await
            .unwrap();
        assert_eq!(found.len(), 1);
        found[0].session_id
    }
}

async fn sign_in(Path(subject): Path<String>, session: UserSession) {
    session
        .sign_in(Principal::builder(subject).build())
        .await
        .unwrap();
    add_clients(&session).await;
}

/// For half an hour.
async fn sign_in_briefly(Path(subject): Path<String>, session: UserSession) {
    let user = Principal::builder(subject).build();
    let expires = SystemTime::now() + Duration::from_secs(30 * 60);
    let properties = AuthenticationProperties::new().with_expires(expires);
    session.sign_in_with(user, properties).await.unwrap();
    add_clients(&session).await;
}

async fn sign_in_anew(Path(subject): Path<String>, session: UserSession) {
    let mut properties = AuthenticationProperties::new();
    let another = SessionId::parse(&format!("{}-anew", subject.replace(' ', "-"))).unwrap();
    properties.set_session_id(another);
    let user = Principal::builder(subject).build();
    session.sign_in_with(user, properties).await.unwrap();
}

async fn sign_out(session: UserSession) {
    session.sign_out().await.unwrap();
}

async fn add_clients(session: &UserSession) {
    for client in CLIENTS {
        session.add_client_id(client).await.unwrap();
    }
}

/// So that the tasks of a process can share a site.
pub(crate) type Shared = Arc<Site>;
