//! What happens when something that the endpoint asks is away.

use std::{
    io::Write,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};

use axum::{
    Router,
    http::StatusCode,
    routing::{get, post},
};
use axum_user_session::{
    KeyRing, SessionConfig,
    config::SameSite,
    error::BoxError,
    id::ClientId,
    oidc::{
        Client, ClientRegistry,
        end_session::{EndSession, EndSessionRequest, IdTokenHint, IdTokenHintVerifier},
    },
    testing::{Browser, Fault, Operation},
};

use crate::{
    app::{GOODBYE, PATH, Provider, clients, token},
    support::Bench,
    tokens::hint,
};

/// Clients that can be away.
#[derive(Clone, Default)]
struct Shaky {
    away: Arc<AtomicBool>,
    gone: Arc<AtomicBool>,
}

impl ClientRegistry for Shaky {
    async fn client(&self, id: &ClientId) -> Result<Option<Client>, BoxError> {
        if self.away.load(Relaxed) {
            return Err("the database is away".into());
        }
        match self.gone.load(Relaxed) {
            true => Ok(None),
            false => clients().client(id).await,
        }
    }
}

struct Broken;

impl IdTokenHintVerifier for Broken {
    async fn verify(&self, _: &str, _: SystemTime) -> Result<Option<IdTokenHint>, BoxError> {
        Err("the keys are away".into())
    }
}

#[tokio::test]
async fn o3_without_the_registry_nobody_is_sent_anywhere() {
    let registry = Shaky::default();
    let mut provider = Provider::with(registry.clone(), |e| e, |b| b);
    let sid = provider.sign_in("alice").await;
    let hint = hint("alice", &sid);
    let parameters = [
        ("id_token_hint", &*hint),
        ("post_logout_redirect_uri", GOODBYE),
    ];
    registry.away.store(true, Relaxed);
    for page in [
        provider.get(&parameters).await,
        provider.post_from_elsewhere(&parameters).await,
    ] {
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(page.header("retry-after"), Some("5"));
        assert_eq!(page.header("location"), None);
        assert!(!page.body.contains("database"), "{}", page.body);
    }
    assert_eq!(provider.who().await, "alice []");
    registry.away.store(false, Relaxed);
    assert_eq!(
        provider.get(&parameters).await.header("location"),
        Some(GOODBYE)
    );
}

/// Users see that something is away, and the host what it is; but not once for each request of an outage.
#[tokio::test]
async fn o3_the_log_says_what_is_away_once_a_second() {
    let (log, _guard) = Log::begin();
    let registry = Shaky::default();
    let mut provider = Provider::with(registry.clone(), |e| e, |b| b);
    registry.away.store(true, Relaxed);
    let parameters = [("client_id", "client1"), ("state", "secret")];
    for _ in 0..3 {
        provider.get(&parameters).await;
    }
    let text = log.text();
    assert_eq!(
        text.matches("cause=the database is away").count(),
        1,
        "{text}"
    );
    provider.clock.advance(Duration::from_secs(1));
    provider.get(&parameters).await;
    let text = log.text();
    assert_eq!(
        text.matches("cause=the database is away").count(),
        2,
        "{text}"
    );
    assert!(text.contains("left_out=2"), "{text}");
    assert!(!text.contains("secret"), "{text}");
    // What is wrong with a request fills up no log.
    registry.away.store(false, Relaxed);
    provider.get(&[("client_id", "nobody's")]).await;
    assert_eq!(log.text(), text);
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// A log of warnings, until the guard is dropped.
    fn begin() -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::WARN)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn o3_the_log_names_a_cookie_that_never_comes_along() {
    for (same_site, expected) in [
        (SameSite::Strict, true),
        (SameSite::Lax, false),
        (SameSite::None, false),
    ] {
        let (log, _guard) = Log::begin();
        Provider::with(
            clients(),
            |e| e,
            |builder| builder.cookie_same_site(same_site),
        );
        let text = log.text();
        assert_eq!(
            text.contains("SameSite=Strict"),
            expected,
            "{same_site:?}: {text}"
        );
    }
}

#[tokio::test]
async fn o3_a_client_that_goes_in_between_gets_nobody() {
    let registry = Shaky::default();
    let mut provider = Provider::with(registry.clone(), |e| e, |b| b);
    let sid = provider.sign_in("alice").await;
    let hint = hint("alice", &sid);
    let parameters = [
        ("id_token_hint", &*hint),
        ("post_logout_redirect_uri", GOODBYE),
    ];
    let sent_on = provider.post_from_elsewhere(&parameters).await;
    registry.gone.store(true, Relaxed);
    let page = provider.follow(&sent_on).await;
    assert!(page.body.contains(" client=- redirect=- "), "{}", page.body);
    assert_eq!(provider.who().await, "alice []");
}

#[tokio::test]
async fn o3_an_answer_counts_although_the_client_has_gone() {
    let registry = Shaky::default();
    let mut provider = Provider::with(registry.clone(), |e| e, |b| b);
    provider.sign_in("alice").await;
    let parameters = [
        ("client_id", "client1"),
        ("post_logout_redirect_uri", GOODBYE),
    ];
    let page = provider.get(&parameters).await;
    registry.gone.store(true, Relaxed);
    let gone = provider.answer(&page, &[]).await;
    assert_eq!(gone.body, "signed out alice");
    assert_eq!(gone.header("location"), None);
}

/// Whoever has said yes gets signed out, whatever is away.
#[tokio::test]
async fn o3_an_answer_counts_although_the_registry_is_away() {
    let registry = Shaky::default();
    let mut provider = Provider::with(registry.clone(), |e| e, |b| b);
    let parameters = [
        ("client_id", "client1"),
        ("post_logout_redirect_uri", GOODBYE),
    ];
    for (answer, said, who) in [
        (
            &[("decline", "1")][..],
            "declined client=- redirect=- ",
            "alice []",
        ),
        (&[], "signed out alice", "nobody"),
    ] {
        provider.sign_in("alice").await;
        let page = provider.get(&parameters).await;
        registry.away.store(true, Relaxed);
        let answered = provider.answer(&page, answer).await;
        assert!(answered.body.starts_with(said), "{}", answered.body);
        assert_eq!(answered.header("location"), None);
        assert_eq!(provider.who().await, who);
        registry.away.store(false, Relaxed);
    }
}

/// The user has signed in again in another tab, a moment before the browser sent a request with the old cookie.
#[tokio::test]
async fn o3_a_session_that_goes_on_under_another_cookie_is_not_taken_for_none() {
    let bench = Bench::new();
    let mut provider = Provider::with(clients(), |e| e, |builder| builder.store(bench.watched()));
    let sid = provider.sign_in("alice").await;
    let hint = hint("alice", &sid);
    let parameters = [
        ("id_token_hint", &*hint),
        ("post_logout_redirect_uri", GOODBYE),
    ];
    let question = provider.get(&[("client_id", "client1")]).await;
    let before = provider.browser.clone();
    provider.sign_in("alice").await;
    let after = std::mem::replace(&mut provider.browser, before.clone());
    // It comes again, and has the new cookie then.
    let page = provider.get(&parameters).await;
    provider.browser = after.clone();
    let page = provider.follow(&page).await;
    assert_eq!(page.header("location"), Some(GOODBYE));
    assert_eq!(provider.who().await, "nobody");
    // What was sent on once is not sent on for ever.
    provider.browser = before.clone();
    let page = provider.get(&parameters).await;
    let page = provider.follow(&page).await;
    assert_eq!(page.header("location"), Some(GOODBYE));

    // Whoever says yes is signed out of what goes on.
    provider.browser = after;
    provider.sign_in("alice").await;
    let question_of_the_next = provider.get(&[("client_id", "client1")]).await;
    assert_ne!(token(&question), token(&question_of_the_next));
    let before = provider.browser.clone();
    provider.sign_in("alice").await;
    let after = std::mem::replace(&mut provider.browser, before);
    let answered = provider.answer(&question_of_the_next, &[]).await;
    assert_eq!(answered.body, "signed out alice");
    provider.browser = after;
    assert_eq!(provider.who().await, "nobody");
}

#[tokio::test]
async fn o3_without_the_verifier_nobody_knows() {
    let mut provider = Provider::with(clients(), |endpoint| endpoint.hint_verifier(Broken), |b| b);
    provider.sign_in("alice").await;
    let page = provider.get(&[("id_token_hint", "x")]).await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    let page = provider
        .post_from_elsewhere(&[("id_token_hint", "x")])
        .await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(provider.who().await, "alice []");
    token(&provider.get(&[("client_id", "client1")]).await);
}

#[tokio::test]
async fn o3_without_the_store_nobody_knows() {
    let bench = Bench::new();
    let mut provider = Provider::with(clients(), |e| e, |builder| builder.store(bench.watched()));
    let sid = provider.sign_in("alice").await;
    let parameters = [
        ("id_token_hint", &*hint("alice", &sid)),
        ("post_logout_redirect_uri", GOODBYE),
    ]
    .map(|(name, value)| (name, value.to_owned()));
    let parameters = parameters.each_ref().map(|(name, value)| (*name, &**value));
    bench.faults.inject(Fault::refuse());
    let page = provider.get(&parameters).await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(page.header("location"), None);
    bench.faults.clear();
    // The session is there, but can't be ended: a redirect would say that it was.
    bench.faults.inject(Fault::refuse().on(Operation::Delete));
    let page = provider.get(&parameters).await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(page.header("location"), None);
    bench.faults.clear();
    assert_eq!(provider.who().await, "alice []");
    let page = provider.get(&parameters).await;
    assert_eq!(page.header("location"), Some(GOODBYE));
    assert_eq!(provider.who().await, "nobody");
}

#[tokio::test]
async fn o3_without_a_verifier_of_hints_the_user_is_asked() {
    let config = SessionConfig::builder(KeyRing::ephemeral())
        .build()
        .unwrap();
    let end_session = EndSession::new(&config, clients());
    let router = Router::new()
        .route(
            "/sign-in",
            post(|session: axum_user_session::UserSession| async move {
                let signed_in = session
                    .sign_in(crate::support::user("alice"))
                    .await
                    .unwrap();
                signed_in.session_id().as_str().to_owned()
            }),
        )
        .route(
            PATH,
            get(|request: EndSessionRequest| async move {
                matches!(request, EndSessionRequest::Ask(_)).to_string()
            }),
        )
        .with_state(end_session)
        .layer(axum_user_session::UserSessionLayer::new(config));
    let mut browser = Browser::new(router);
    let sid = browser.post("/sign-in", "").await.body;
    let path = format!("{PATH}?id_token_hint={}", hint("alice", &sid));
    assert_eq!(browser.get(&path).await.body, "true");
}

#[tokio::test]
async fn o3_without_the_layer_the_answer_names_it() {
    let config = SessionConfig::builder(KeyRing::ephemeral())
        .build()
        .unwrap();
    let end_session = EndSession::new(&config, clients());
    let router = Router::new()
        .route(PATH, get(|_: EndSessionRequest| async { "never" }))
        .with_state(end_session);
    let page = Browser::new(router).get(PATH).await;
    assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(page.body.contains("UserSessionLayer"), "{}", page.body);
}
