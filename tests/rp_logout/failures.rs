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
    http::{Request, StatusCode},
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
    app::{GOODBYE, PATH, Provider, clients, form, token},
    support::{AUTH, Bench},
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

/// Nor is the question of before asked again without its client: who has to be asked again can wait for that.
#[tokio::test]
async fn o3_without_the_registry_nobody_is_asked_again() {
    let registry = Shaky::default();
    let mut provider = Provider::with(registry.clone(), |e| e, |b| b);
    provider.sign_in("alice").await;
    let page = provider.get(&[("client_id", "client1")]).await;
    provider.clock.advance(Duration::from_secs(601));
    registry.away.store(true, Relaxed);
    let answered = provider.answer(&page, &[]).await;
    assert_eq!(answered.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(provider.who().await, "alice []");
}

/// The user has signed in again in another tab, a moment before the browser sent a request with the old cookie.
#[tokio::test]
async fn o3_a_session_that_goes_on_under_another_cookie_is_not_taken_for_none() {
    for way in ["a link", "a client's post that was sent on"] {
        let bench = Bench::new();
        let mut provider = Provider::with(clients(), |e| e, |b| b.store(bench.watched()));
        let sid = provider.sign_in("alice").await;
        let hint = hint("alice", &sid);
        let parameters = [
            ("tenant", "x"),
            ("id_token_hint", &*hint),
            ("post_logout_redirect_uri", GOODBYE),
        ];
        let query = match way {
            "a link" => format!("?{}", form(&parameters)),
            _ => {
                let page = provider.post_from_elsewhere(&parameters).await;
                page.header("location").unwrap().to_owned()
            }
        };
        let mut before = provider.browser.clone();
        provider.sign_in("alice").await;
        let page = before.get(&format!("{PATH}{query}")).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{way}");
        assert_eq!(page.header("cache-control"), Some("no-store"), "{way}");
        assert_eq!(page.set_cookies(), [""; 0], "{way}");
        let location = page.header("location").unwrap();
        assert_eq!(location, format!("{query}&again=1"), "{way}");
        let path = format!("{PATH}{location}");
        // What has come again does not come for ever.
        let page = before.get(&path).await;
        assert_eq!(page.header("location"), Some(GOODBYE), "{way}");
        assert_eq!(provider.who().await, "alice []", "{way}");
        // The browser has the cookie now.
        let page = provider.browser.get(&path).await;
        assert_eq!(page.header("location"), Some(GOODBYE), "{way}");
        assert_eq!(provider.who().await, "nobody", "{way}");
        // What is refused is not sent anywhere first, nor is what is too long for a header.
        for refused in ["?client_id=nobody's", "?state=a&state=b"] {
            let page = before.get(&format!("{PATH}{refused}")).await;
            assert_eq!(page.status, StatusCode::BAD_REQUEST, "{way}: {refused}");
        }
        let long = format!("{PATH}?x={}", "y".repeat(4096));
        assert_eq!(before.get(&long).await.status, StatusCode::OK, "{way}");
    }
}

/// The answer counts for the session that the user was asked about, whatever cookie it comes with.
#[tokio::test]
async fn o3_an_answer_ends_the_session_that_goes_on_under_another_cookie() {
    let bench = Bench::new();
    let mut provider = Provider::with(clients(), |e| e, |b| b.store(bench.watched()));
    provider.sign_in("alice").await;
    let asked = provider.get(&[("client_id", "client1")]).await;
    let before = provider.browser.clone();
    provider.sign_in("alice").await;
    let after = std::mem::replace(&mut provider.browser, before.clone());
    let answered = provider.answer(&asked, &[("decline", "1")]).await;
    assert!(answered.body.starts_with("declined client=client1 "));
    // A second click finds nothing left.
    let mut again = Provider {
        browser: before.clone(),
        clock: provider.clock.clone(),
    };
    let answered = provider.answer(&asked, &[]).await;
    assert_eq!(answered.body, "signed out alice");
    let answered = again.answer(&asked, &[]).await;
    assert!(answered.body.starts_with("nobody "), "{}", answered.body);
    provider.browser = after;
    assert_eq!(provider.who().await, "nobody");
}

/// Nor does it end any other.
#[tokio::test]
async fn o3_an_answer_with_a_cookie_of_before_ends_no_other_session() {
    let bench = Bench::new();
    let mut provider = Provider::with(clients(), |e| e, |b| b.store(bench.watched()));
    provider.sign_in("alice").await;
    let asked = provider.get(&[("client_id", "client1")]).await;
    // Another user's, which goes on under another cookie.
    provider.sign_in("bob").await;
    let before = provider.browser.clone();
    provider.sign_in("bob").await;
    let after = std::mem::replace(&mut provider.browser, before);
    let answered = provider.answer(&asked, &[]).await;
    assert!(answered.body.starts_with("nobody "), "{}", answered.body);
    assert_eq!(answered.set_cookies(), [""; 0]);
    provider.browser = after;
    assert_eq!(provider.who().await, "bob []");
}

/// Not even one that its host has given the same id: only what can be the session of that cookie counts.
#[tokio::test]
async fn o3_an_answer_with_a_cookie_of_before_ends_nobody_elses_session_of_the_same_id() {
    let bench = Bench::new();
    let mut provider = Provider::with(clients(), |e| e, |b| b.store(bench.watched()));
    provider.browser.get("/sign-in-as/shared-id/alice").await;
    let asked = provider.get(&[("client_id", "client1")]).await;
    let mut before = provider.browser.clone();
    provider.answer(&asked, &[]).await;
    assert_eq!(provider.who().await, "nobody");
    let mut bobs = provider.browser.clone();
    bobs.restart();
    bobs.get("/sign-in-as/shared-id/bob").await;
    assert_eq!(bobs.get("/who").await.body, "bob []");
    std::mem::swap(&mut provider.browser, &mut before);
    let answered = provider.answer(&asked, &[]).await;
    assert!(answered.body.starts_with("nobody "), "{}", answered.body);
    assert_eq!(bobs.get("/who").await.body, "bob []");
}

/// A cookie of before is no way around the refusal of several sessions.
#[tokio::test]
async fn o3_beside_the_cookies_of_two_sessions_one_of_before_changes_nothing() {
    let bench = Bench::new();
    let mut provider = Provider::with(clients(), |e| e, |b| b.store(bench.watched()));
    provider.sign_in("alice").await;
    let question = provider.get(&[("client_id", "client1")]).await;
    let mut cookies = Vec::new();
    let mut note = |provider: &Provider| {
        cookies.push(provider.browser.cookie(AUTH).unwrap().to_owned());
    };
    note(&provider);
    provider.sign_in("alice").await;
    note(&provider);
    provider.browser.forget(AUTH);
    provider.sign_in("bob").await;
    note(&provider);
    let cookies: Vec<_> = cookies.iter().map(|it| format!("{AUTH}={it}")).collect();
    let mut tossed = provider.browser.clone();
    tossed.forget(AUTH);
    let request = Request::post(PATH)
        .header("host", "id.example")
        .header("cookie", cookies.join("; "))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form(&[("confirmation", token(&question))]).into());
    let page = tossed.send(request.unwrap()).await;
    assert_eq!(page.status, StatusCode::CONFLICT, "{page:?}");
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
