//! A laboratory: an application whose handler is given per request, a browser in front of it, and a clock to turn.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses its own part"
)]

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use axum::{
    Router,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::any,
};
use axum_user_session::{
    KeyRing, Principal, SessionConfig, UserSession, UserSessionLayer,
    config::SessionConfigBuilder,
    ended::EndReason,
    id::SessionId,
    store::{Created, End, MemoryStore, Part, Query, Record, Selection, SessionStore, event_of},
    testing::{Browser, Counter, Faults, ManualClock, Page},
};

pub const AUTH: &str = "__Host-idsrv";
pub const SID: &str = "idsrv.session";
/// The names of marks begin like these: clients that were added, and sessions that have ended.
pub const ADDED: &str = "__Host-idsrv.c";
pub const ENDED: &str = "__Host-idsrv.e";
pub const HOUR: Duration = Duration::from_secs(3600);
pub const MINUTE: Duration = Duration::from_secs(60);

type Handler =
    Box<dyn FnOnce(UserSession) -> Pin<Box<dyn Future<Output = Response> + Send>> + Send>;

#[derive(Clone, Default)]
pub struct Script(Arc<Mutex<Option<Handler>>>);

impl Script {
    pub fn set<F, Fut, R>(&self, handler: F)
    where
        F: FnOnce(UserSession) -> Fut + Send + 'static,
        Fut: Future<Output = R> + Send + 'static,
        R: IntoResponse,
    {
        let handler: Handler =
            Box::new(|session| Box::pin(async { handler(session).await.into_response() }));
        *self.0.lock().unwrap() = Some(handler);
    }

    pub async fn run(self, session: UserSession) -> Response {
        let handler = self.0.lock().unwrap().take();
        handler.expect("a script for this request")(session).await
    }
}

pub struct Lab {
    pub browser: Browser<Router, ManualClock>,
    pub clock: ManualClock,
    pub ring: KeyRing,
    pub config: SessionConfig,
    pub script: Script,
}

impl Lab {
    pub fn new() -> Self {
        Self::with(|builder| builder)
    }

    pub fn with(configure: impl FnOnce(SessionConfigBuilder) -> SessionConfigBuilder) -> Self {
        Self::with_ring(KeyRing::ephemeral(), configure)
    }

    pub fn with_ring(
        ring: KeyRing,
        configure: impl FnOnce(SessionConfigBuilder) -> SessionConfigBuilder,
    ) -> Self {
        let clock = ManualClock::at(start());
        let builder = SessionConfig::builder(ring.clone()).clock(clock.clone());
        let config = configure(builder).build().expect("a sound configuration");
        let script = Script::default();
        let router = app(&config, &script);
        Self {
            browser: Browser::with_clock(router, clock.clone()),
            clock,
            ring,
            config,
            script,
        }
    }

    /// One request, whose handler is `handler`.
    pub async fn visit<F, Fut, R>(&mut self, handler: F) -> Page
    where
        F: FnOnce(UserSession) -> Fut + Send + 'static,
        Fut: Future<Output = R> + Send + 'static,
        R: IntoResponse,
    {
        self.script.set(handler);
        self.browser.get("/").await
    }

    pub async fn sign_in(&mut self, subject: &str) -> Page {
        let user = user(subject);
        self.visit(|session| async move {
            session.sign_in(user).await.unwrap();
        })
        .await
    }

    /// Signs users in, a minute apart, each from a browser of its own; gives their session ids.
    pub async fn sign_in_all(&mut self, subjects: &[&str]) -> Vec<SessionId> {
        let mut ids = Vec::new();
        for subject in subjects {
            self.browser = self.other_browser();
            self.sign_in(subject).await;
            ids.push(SessionId::parse(self.browser.cookie(SID).unwrap()).unwrap());
            self.clock.advance(MINUTE);
        }
        ids
    }

    pub async fn sign_out(&mut self) -> Page {
        self.visit(|session| async move {
            session.sign_out().await.unwrap();
        })
        .await
    }

    pub async fn add_client(&mut self, client_id: &'static str) -> Page {
        self.visit(move |session| async move {
            session.add_client_id(client_id).await.unwrap();
        })
        .await
    }

    /// A request that only looks: subject, session id, clients.
    pub async fn look(&mut self) -> (String, Page) {
        let page = self.visit(|session| async move { report(&session) }).await;
        (page.body.clone(), page)
    }

    pub async fn seen(&mut self) -> String {
        self.look().await.0
    }
}

/// A store in memory, watched and made to fail.
pub struct Bench {
    pub store: MemoryStore,
    pub counter: Counter,
    pub faults: Faults,
}

impl Bench {
    pub fn new() -> Self {
        Self {
            store: MemoryStore::new(10_000),
            counter: Counter::new(),
            faults: Faults::new(),
        }
    }

    /// Writes a record in the place of the one under its key, past all rules, as somebody can who has the database.
    pub async fn overwrite(&self, record: &Record) {
        // The memory of a record that ended long ago is over, so the key is free again.
        let long_ago = record.created - HOUR;
        let end = End::because(EndReason::Revoked);
        let ended = self.store.delete(&record.key, end, long_ago).await;
        ended.unwrap().expect("it was there");
        let event = event_of(&record.key);
        assert_eq!(self.store.acknowledge(&[event]).await.unwrap(), 1);
        let created = self.store.create(record, None, record.created).await;
        assert!(matches!(created.unwrap(), Created::Created { .. }));
    }

    /// All records that have not expired, newest first.
    pub async fn records(&self, now: SystemTime) -> Vec<Record> {
        let query = Query {
            selection: Selection::Everyone,
            part: Part::Newest,
            limit: 100,
        };
        self.store.query(&query, now).await.unwrap()
    }

    /// Takes what is in the log of ends, by reason and subject.
    pub async fn ends(&self, now: SystemTime) -> Vec<(EndReason, String)> {
        let taken = self.store.take_ended(MINUTE, 100, now).await.unwrap();
        let ended = taken.into_iter().map(|taken| taken.ended);
        ended.map(|ended| (ended.reason, ended.subject)).collect()
    }

    /// What a configuration is given: the counter sees what is asked, whether or not it then fails.
    pub fn watched(&self) -> impl SessionStore {
        self.counter.around(self.faults.around(self.store.clone()))
    }
}

impl Lab {
    /// A laboratory whose sessions are in a store.
    pub fn in_store() -> (Self, Bench) {
        Self::in_store_with(|builder| builder)
    }

    pub fn in_store_with(
        configure: impl FnOnce(SessionConfigBuilder) -> SessionConfigBuilder,
    ) -> (Self, Bench) {
        let bench = Bench::new();
        let lab = Self::with(|builder| configure(builder.store(bench.watched())));
        (lab, bench)
    }

    /// Another browser at the same application.
    pub fn other_browser(&self) -> Browser<Router, ManualClock> {
        Browser::with_clock(app(&self.config, &self.script), self.clock.clone())
    }

    pub fn now(&self) -> SystemTime {
        axum_user_session::clock::Clock::now(&self.clock)
    }
}

/// `alice [client1,client2]`, or `nobody`.
pub fn report(session: &UserSession) -> String {
    let Some(user) = session.user() else {
        assert!(session.session_id().is_none() && session.client_list().is_empty());
        assert!(session.properties().is_none());
        return "nobody".to_owned();
    };
    let clients: Vec<_> = session
        .client_list()
        .iter()
        .map(ToString::to_string)
        .collect();
    format!("{} [{}]", user.subject(), clients.join(","))
}

pub fn app(config: &SessionConfig, script: &Script) -> Router {
    let script = script.clone();
    Router::new()
        .route(
            "/",
            any(move |session: UserSession| script.clone().run(session)),
        )
        .layer(UserSessionLayer::new(config.clone()))
}

pub async fn handler_that_must_not_run(_: UserSession) -> StatusCode {
    panic!("there is no session")
}

pub fn user(subject: &str) -> Principal {
    Principal::builder(subject)
        .claim("name", format!("{subject} Smith"))
        .build()
}

pub fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

/// The names of the cookies that a response sets or expires, in alphabetical order. Marks are shown without their hash.
pub fn names(page: &Page) -> Vec<&str> {
    let name = |cookie: &'_ str| {
        let name = cookie.split_once('=').unwrap().0;
        let is_mark = [ADDED, ENDED]
            .iter()
            .any(|mark| name.starts_with(mark) && name.len() == mark.len() + 16);
        name.len() - if is_mark { 16 } else { 0 }
    };
    let mut names: Vec<_> = page
        .set_cookies()
        .into_iter()
        .map(|cookie| &cookie[..name(cookie)])
        .collect();
    names.sort_unstable();
    names
}

/// The whole `Set-Cookie` header of a cookie.
pub fn header<'a>(page: &'a Page, name: &str) -> &'a str {
    let of_name = |cookie: &&str| cookie.split_once('=').unwrap().0 == name;
    page.set_cookies().into_iter().find(of_name).unwrap()
}

/// The value that a response sets for a cookie; none if it expires it or leaves it alone.
pub fn value_set<'a>(page: &'a Page, name: &str) -> Option<&'a str> {
    page.set_cookies().into_iter().find_map(|cookie| {
        let value = cookie.strip_prefix(name)?.strip_prefix('=')?;
        let value = value.split(';').next()?;
        (!value.is_empty()).then_some(value)
    })
}

pub fn is_expired(page: &Page, name: &str) -> bool {
    let removal = format!("{name}=; Max-Age=0; Expires=Thu, 01 Jan 1970");
    page.set_cookies()
        .iter()
        .any(|cookie| cookie.starts_with(&removal))
}
