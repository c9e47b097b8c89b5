//! What a hostile reader of this crate has tried. Each of these once succeeded, or came close to it.

mod support;

use std::{
    convert::Infallible,
    fmt::Debug,
    future::{Future, Ready, ready},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    task::{Context, Poll},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    body::Body,
    http::{Request, Response, StatusCode},
    response::IntoResponse,
    routing::{get, post},
};
use axum_user_session::{
    AuthenticationProperties, KeyRing, Principal, UserSession, UserSessionLayer,
    clock::Clock,
    config::LegacyScope,
    error::{BoxError, ErrorKind},
    guard::SameOriginLayer,
    hook::ClaimsTransformation,
    id::SessionId,
    key_ring::KeyRingError,
    testing::{Browser, Page},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use support::*;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_cookies::{Cookie, CookieManagerLayer, Cookies};

/// A request with exactly these cookies.
async fn visit_with<F, Fut, R>(lab: &mut Lab, cookies: &str, handler: F) -> Page
where
    F: FnOnce(UserSession) -> Fut + Send + 'static,
    Fut: Future<Output = R> + Send + 'static,
    R: IntoResponse,
{
    lab.script.set(handler);
    let request = Request::get("/").header("cookie", cookies);
    lab.browser.send(request.body(Body::empty()).unwrap()).await
}

async fn look_with(lab: &mut Lab, cookies: &str) -> Page {
    visit_with(lab, cookies, |session| async move { report(&session) }).await
}

fn large(subject: &str, bytes: usize) -> Principal {
    Principal::builder(subject)
        .claim("filler", "x".repeat(bytes))
        .build()
}

// What is shown and what is waited for.

/// The future holds the jar, whose own `Debug` shows the cookies.
#[tokio::test]
async fn the_debug_output_of_a_response_future_shows_no_cookie() {
    struct Spy<S>(S, Arc<Mutex<String>>);

    impl<S> Service<Request<Body>> for Spy<S>
    where
        S: Service<Request<Body>>,
        S::Future: Debug,
    {
        type Response = S::Response;
        type Error = S::Error;
        type Future = S::Future;

        fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
            self.0.poll_ready(cx)
        }

        fn call(&mut self, request: Request<Body>) -> S::Future {
            let future = self.0.call(request);
            *self.1.lock().unwrap() = format!("{future:?} {future:#?}");
            future
        }
    }

    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    let inner = service_fn(|_: Request<Body>| ready(Ok::<_, Infallible>(Response::new(()))));
    let shown = Arc::new(Mutex::new(String::new()));
    let service = Spy(
        UserSessionLayer::new(lab.config.clone()).layer(inner),
        Arc::clone(&shown),
    );
    let request = Request::get("/").header("cookie", lab.browser.cookie_header("/"));
    CookieManagerLayer::new()
        .layer(service)
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap();
    let shown = shown.lock().unwrap();
    assert!(shown.contains("ResponseFuture"), "{shown}");
    for name in [AUTH, SID] {
        assert!(!shown.contains(lab.browser.cookie(name).unwrap()), "{name}");
    }
}

#[tokio::test]
async fn no_request_waits_for_a_key_change_that_waits_for_another_process() {
    let directory = tempfile::tempdir().unwrap();
    let ring = KeyRing::open_file(directory.path().join("keys.json")).unwrap();
    let mut lab = Lab::with_ring(ring.clone(), |config| config);
    lab.sign_in("alice").await;
    // As another process that was stopped in the middle of a change.
    let lock = directory.path().join("keys.json.lock");
    let lock = std::fs::OpenOptions::new().write(true).open(lock).unwrap();
    lock.lock().unwrap();

    let (started, has_started) = mpsc::channel();
    let change = thread::spawn(move || {
        started.send(()).unwrap();
        ring.add()
    });
    has_started.recv().unwrap();
    let (done, is_done) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        // Many requests, each of which looks at the file, so that some of them meet the change.
        for _ in 0..200 {
            lab.clock.advance(MINUTE);
            let seen = runtime.block_on(lab.seen());
            assert_eq!(seen, "alice []");
            thread::yield_now();
        }
        done.send(()).unwrap();
    });
    let outcome = is_done.recv_timeout(Duration::from_secs(60));
    assert!(!change.is_finished(), "it was not held up");
    lock.unlock().unwrap();
    change.join().unwrap().unwrap();
    outcome.expect("requests go on");
}

#[tokio::test]
async fn a_transformation_runs_once_although_the_first_caller_gave_up() {
    struct Slow {
        begun: Arc<AtomicUsize>,
        go_on: Arc<tokio::sync::Notify>,
    }

    impl ClaimsTransformation for Slow {
        async fn transform(&self, principal: Principal) -> Result<Principal, BoxError> {
            self.begun.fetch_add(1, Ordering::Relaxed);
            self.go_on.notified().await;
            Ok(principal)
        }
    }

    let begun = Arc::new(AtomicUsize::new(0));
    let go_on = Arc::new(tokio::sync::Notify::new());
    let slow = Slow {
        begun: Arc::clone(&begun),
        go_on: Arc::clone(&go_on),
    };
    let mut lab = Lab::with(|config| config.claims_transformation(slow));
    lab.sign_in("alice").await;
    lab.visit(move |session| async move {
        tokio::select! {
            biased;
            _ = session.authenticate() => panic!("nothing has let it go on"),
            () = ready(()) => {}
        }
        go_on.notify_one();
        session.authenticate().await.unwrap();
    })
    .await;
    assert_eq!(begun.load(Ordering::Relaxed), 1);
}

// Planted and left-over cookies.

/// Nobody can be told from the request, so nobody's cookie is touched.
#[tokio::test]
async fn ensuring_the_session_id_cookie_removes_none_when_the_session_is_not_known() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    let alice = lab.browser.cookie(AUTH).unwrap().to_owned();
    lab.browser.forget(AUTH);
    lab.sign_in("bob").await;
    let bob = lab.browser.cookie(AUTH).unwrap().to_owned();
    let mut elsewhere = Lab::new();
    elsewhere.sign_in("alice").await;
    for (name, cookies) in [
        (
            "two sessions",
            format!("{AUTH}={alice}; {AUTH}={bob}; {SID}=x"),
        ),
        ("an unknown key", elsewhere.browser.cookie_header("/")),
    ] {
        let page = visit_with(&mut lab, &cookies, |session| async move {
            session.ensure_session_id_cookie().await.unwrap();
            report(&session)
        });
        let page = page.await;
        assert_eq!(page.body, "nobody", "{name}");
        assert_eq!(page.set_cookies(), [""; 0], "{name}");
    }
}

#[tokio::test]
async fn ensuring_the_session_id_cookie_removes_none_in_a_frame_of_another_site() {
    let mut lab = Lab::new();
    lab.browser.plant(SID, "0123456789ABCDEF0123456789ABCDEF");
    lab.browser.set_header("sec-fetch-site", "cross-site");
    lab.browser.set_header("sec-fetch-dest", "iframe");
    let page = lab.visit(|session| async move {
        session.ensure_session_id_cookie().await.unwrap();
    });
    assert_eq!(page.await.set_cookies(), [""; 0]);
}

/// It would be issued anew with every response, as that does not drive the planted ones out.
#[tokio::test]
async fn a_session_id_cookie_behind_planted_ones_is_not_issued_again() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    let ours = lab.browser.cookie_header("/");
    for planted in [
        "idsrv.session=x; idsrv.session=y",
        "idsrv.session=1; idsrv.session=2; idsrv.session=3; idsrv.session=4; idsrv.session=5",
    ] {
        let page = look_with(&mut lab, &format!("{planted}; {ours}")).await;
        assert_eq!(page.body, "alice []", "{planted}");
        assert_eq!(page.set_cookies(), [""; 0], "{planted}");
    }
}

#[tokio::test]
async fn four_planted_cookies_do_not_expire_the_valid_one_behind_them() {
    let mut lab = Lab::with(|config| config.cookie_name("auth"));
    lab.sign_in("alice").await;
    let good = lab.browser.cookie("auth").unwrap().to_owned();
    let cookies = format!("auth=a; auth=b; auth=c; auth=d; auth={good}");
    let page = look_with(&mut lab, &cookies).await;
    assert!(!is_expired(&page, "auth"), "{:?}", page.set_cookies());
}

/// The text would open if it were joined: only the length of its second piece is wrong.
#[tokio::test]
async fn a_chunk_longer_than_any_cookie_is_not_joined() {
    let mut lab = Lab::with(|config| config.cookie_budget(32 * 1024));
    lab.visit(|session| async move {
        session.sign_in(large("alice", 5000)).await.unwrap();
    })
    .await;
    let pieces = [AUTH, "__Host-idsrv.1"].map(|name| lab.browser.cookie(name).unwrap());
    let text = pieces.concat();
    let text = text.strip_prefix("2.").unwrap();
    for (at, seen) in [
        (text.len() - 4096, "alice []"),
        (text.len() - 4097, "nobody"),
    ] {
        assert!(at < 4096 - "2.".len(), "the first piece is short enough");
        let (head, tail) = text.split_at(at);
        let cookies = format!("{AUTH}=2.{head}; {AUTH}.1={tail}");
        assert_eq!(look_with(&mut lab, &cookies).await.body, seen, "{at}");
    }
}

// Legacy scopes and cookies of the application's own.

/// Browsers ignore the dot (RFC 6265bis section 5.6.3), so this is the present scope.
#[tokio::test]
async fn a_legacy_domain_with_a_leading_dot_does_not_remove_the_new_cookie() {
    let mut lab = Lab::with(|config| {
        config
            .cookie_name("auth")
            .cookie_domain("example.com")
            .session_id_cookie_domain("example.com")
            .legacy_scopes([LegacyScope::new("/").with_domain(".example.com")])
    });
    assert_eq!(names(&lab.sign_in("alice").await), ["auth", SID]);
}

#[tokio::test]
async fn a_legacy_scope_listed_twice_is_expired_once() {
    let mut lab = Lab::with(|config| {
        config.legacy_scopes([LegacyScope::new("/old"), LegacyScope::new("/old")])
    });
    assert_eq!(names(&lab.sign_in("alice").await), [AUTH, SID, SID]);
}

#[tokio::test]
async fn the_applications_cookie_in_a_legacy_scope_gives_way_to_the_removal() {
    let mut lab = Lab::with(|config| config.legacy_scopes([LegacyScope::new("/old")]));
    let page = lab.visit(|session| async move {
        session.sign_in(user("alice")).await.unwrap();
        [("set-cookie", "idsrv.session=mine; Path=/old")]
    });
    let page = page.await;
    assert_eq!(names(&page), [AUTH, SID, SID]);
    let all = page.set_cookies();
    assert!(all.iter().all(|cookie| !cookie.contains("mine")), "{all:?}");
}

#[tokio::test]
async fn the_applications_cookie_of_another_path_stays_in_its_jar() {
    async fn sign_in(session: UserSession, cookies: Cookies) {
        cookies.add(Cookie::build((SID, "mine")).path("/elsewhere").build());
        session.sign_in(user("alice")).await.unwrap();
    }
    let app = Router::new()
        .route("/", get(sign_in))
        .layer(UserSessionLayer::new(Lab::new().config))
        .layer(CookieManagerLayer::new());
    let page = Browser::new(app).get("/").await;
    assert_eq!(names(&page), [AUTH, SID, SID]);
}

// Items of a form.

/// Both took a time that grew with the square of their number.
#[test]
fn items_and_clients_by_the_ten_thousands_are_counted_right() {
    let ids: Vec<_> = (0..20_000).map(|index| format!("{index:x}")).collect();
    let clients = BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(&ids).unwrap());
    let items = ids.iter().map(|id| (id.clone(), String::new()));
    let list = (AuthenticationProperties::CLIENT_LIST_ITEM.into(), clients);
    let properties = AuthenticationProperties::from_items(items.chain([list]));
    assert_eq!(properties.client_list().len(), 20_000);
    assert_eq!(properties.items().len(), 20_001);
}

#[tokio::test]
async fn a_client_list_from_a_form_is_not_believed() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    lab.visit(|session| async move {
        let clients = BASE64_URL_SAFE_NO_PAD.encode(r#"["client1","client2"]"#);
        let items = [(AuthenticationProperties::CLIENT_LIST_ITEM, &*clients)];
        let properties = AuthenticationProperties::from_items(items);
        session
            .sign_in_with(user("alice"), properties)
            .await
            .unwrap();
    })
    .await;
    assert_eq!(lab.seen().await, "alice []");
}

#[tokio::test]
async fn a_client_list_that_can_not_be_decoded_leaves_the_sessions_own() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    lab.add_client("c1").await;
    let page = lab.visit(|session| async move {
        let mut items = session.properties().unwrap().items();
        let name = AuthenticationProperties::CLIENT_LIST_ITEM.to_owned();
        items.insert(name, "not a list".to_owned());
        let properties = AuthenticationProperties::from_items(items);
        session
            .sign_in_with(user("alice"), properties)
            .await
            .unwrap();
        report(&session)
    });
    assert_eq!(page.await.body, "alice [c1]");
    assert_eq!(lab.seen().await, "alice [c1]");
}

// Where a request came from.

/// Over plain HTTP somebody on the way may have written the page.
#[tokio::test]
async fn an_origin_of_the_same_host_does_not_outweigh_that_the_browser_says_cross_site() {
    let app = Router::new()
        .route("/", post(|| async { "in" }))
        .layer(SameOriginLayer::new());
    let request = Request::post("/")
        .header("host", "a.example")
        .header("origin", "http://a.example")
        .header("sec-fetch-site", "cross-site")
        .body(Body::empty())
        .unwrap();
    let response = app.oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
}

// Keys.

#[tokio::test]
async fn a_key_from_a_secret_is_not_retired_while_its_sessions_may_be_alive() {
    let mut before = Lab::with_ring(KeyRing::from_secrets([[2; 32]]).unwrap(), |config| config);
    before.sign_in("alice").await;
    let ring = KeyRing::from_secrets([[1; 32], [2; 32]]).unwrap();
    let mut after = Lab::with_ring(ring.clone(), |config| config);
    after
        .browser
        .plant(AUTH, before.browser.cookie(AUTH).unwrap());
    assert_eq!(after.seen().await, "alice []");
    ring.retire(ring.keys()[1].id()).unwrap_err();
    assert_eq!(after.seen().await, "alice []");
}

/// A process learns of a promotion when it next looks at the file, and seals under the old key until then.
#[tokio::test]
async fn a_key_is_not_retired_before_what_others_sealed_meanwhile_has_ended() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.json");
    let mut here = Lab::with_ring(KeyRing::open_file(&path).unwrap(), |config| {
        config.lifetime(24 * HOUR)
    });
    here.seen().await;
    here.sign_in("bob").await;
    here.sign_out().await;
    let elsewhere = KeyRing::open_file(&path).unwrap();
    let old = elsewhere.keys()[0].id();
    let new = elsewhere.add().unwrap();
    elsewhere.promote_at(new, start()).unwrap();
    let second = Duration::from_secs(1);
    here.clock.advance(4 * second);
    here.sign_in("alice").await;

    let late = start() + 24 * HOUR + 2 * second;
    here.clock.set(late);
    let refused = elsewhere.retire_at(old, late);
    assert!(
        matches!(refused, Err(KeyRingError::TooEarly { .. })),
        "{refused:?}"
    );
    assert_eq!(here.seen().await, "alice []");
    let later = start() + 24 * HOUR + MINUTE;
    elsewhere.retire_at(old, later).unwrap();
    here.clock.set(later);
    assert_eq!(here.seen().await, "nobody", "it has expired");
}

/// Somebody who sends unknown keys all the time must not make each request read the file.
#[tokio::test]
async fn an_unknown_key_is_looked_for_in_the_file_once_a_second() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.json");
    let mut here = Lab::with_ring(KeyRing::open_file(&path).unwrap(), |config| config);
    let mut there = Lab::with_ring(KeyRing::open_file(&path).unwrap(), |config| config);
    let mut stranger = Lab::new();
    stranger.sign_in("mallory").await;
    here.browser
        .plant(AUTH, stranger.browser.cookie(AUTH).unwrap());
    assert_eq!(here.seen().await, "nobody", "this second's look is spent");
    there.ring.promote(there.ring.add().unwrap()).unwrap();
    there.sign_in("alice").await;
    here.browser
        .plant(AUTH, there.browser.cookie(AUTH).unwrap());
    here.clock.advance(Duration::from_millis(900));
    assert_eq!(here.seen().await, "nobody");
    here.clock.advance(Duration::from_secs(1));
    assert_eq!(here.seen().await, "alice []");
}

#[cfg(unix)]
#[test]
fn a_key_file_behind_a_symbolic_link_stays_one_file() {
    let directory = tempfile::tempdir().unwrap();
    let real = directory.path().join("real.json");
    let link = directory.path().join("link.json");
    let through_real = KeyRing::open_file(&real).unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    KeyRing::open_file(&link).unwrap().add().unwrap();
    through_real.reload().unwrap();
    assert_eq!(through_real.keys().len(), 2);
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
}

/// The server could not read it any more.
#[cfg(unix)]
#[test]
fn a_key_change_by_root_leaves_the_file_to_its_owner() {
    use std::{
        io::ErrorKind,
        os::unix::fs::{MetadataExt, chown},
    };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.json");
    KeyRing::open_file(&path).unwrap();
    let owned = match chown(&path, Some(12345), Some(12345)) {
        Ok(()) => true,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            eprintln!("not root: the owner is not checked, only the mode");
            false
        }
        Err(error) => panic!("{error}"),
    };
    KeyRing::open_file(&path).unwrap().add().unwrap();
    let metadata = std::fs::metadata(&path).unwrap();
    assert_eq!(metadata.mode() & 0o777, 0o600);
    if owned {
        assert_eq!((metadata.uid(), metadata.gid()), (12345, 12345));
    }
}

// What the handle says, and what the browser gets.

#[tokio::test]
async fn a_sign_in_that_fails_leaves_the_user_although_an_id_was_created_for_another() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    let page = lab.visit(|session| async move {
        let bob = large("bob", 9000);
        let mut properties = AuthenticationProperties::new();
        session
            .create_session_id(&bob, &mut properties)
            .await
            .unwrap();
        let error = session.sign_in_with(bob, properties).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        report(&session)
    });
    assert_eq!(page.await.body, "alice []");
    assert_eq!(lab.seen().await, "alice []");
}

/// The last second that an HTTP date can name is in the year 9999.
#[tokio::test]
async fn a_clock_after_the_year_9999_does_not_panic() {
    struct Far;

    impl Clock for Far {
        fn now(&self) -> SystemTime {
            UNIX_EPOCH + Duration::from_secs(253_402_300_800)
        }
    }

    async fn sign_in(session: UserSession) {
        let properties = AuthenticationProperties::new().with_persistent(true);
        session
            .sign_in_with(user("alice"), properties)
            .await
            .unwrap();
    }

    let lab = Lab::with(|config| config.clock(Far));
    let app = Router::new()
        .route("/", get(sign_in))
        .layer(UserSessionLayer::new(lab.config));
    for (name, app) in [
        ("headers", app.clone()),
        ("a jar", app.layer(CookieManagerLayer::new())),
    ] {
        let page = Browser::new(app).get("/").await;
        let cookie = header(&page, AUTH);
        assert!(
            cookie.contains("; Expires=Fri, 31 Dec 9999 23:59:59 GMT"),
            "{name}: {cookie}"
        );
    }
}

#[tokio::test]
async fn a_renewal_that_fails_is_not_reported_as_done() {
    let ring = KeyRing::ephemeral();
    let mut before = Lab::with_ring(ring.clone(), |config| {
        config.sliding(true).cookie_budget(32 * 1024)
    });
    before
        .visit(|session| async move {
            session.sign_in(large("alice", 9000)).await.unwrap();
        })
        .await;
    let mut after = Lab::with_ring(ring, |config| config.sliding(true));
    after.clock.advance(6 * HOUR);
    let cookies = before.browser.cookie_header("/");
    let page = visit_with(&mut after, &cookies, |session| async move {
        let expires = session.properties().unwrap().expires();
        assert_eq!(expires, Some(start() + 10 * HOUR));
        report(&session)
    });
    let page = page.await;
    assert_eq!(page.body, "alice []");
    assert_eq!(page.set_cookies(), [""; 0]);
}

#[test]
fn a_panic_in_the_inner_service_closes_the_session() {
    let kept = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&kept);
    let inner = service_fn(
        move |request: Request<()>| -> Ready<Result<Response<()>, Infallible>> {
            *keep.lock().unwrap() = UserSession::from_extensions(request.extensions()).ok();
            panic!("in call, before there is a future");
        },
    );
    let mut service = UserSessionLayer::new(Lab::new().config).layer(inner);
    catch_unwind(AssertUnwindSafe(|| drop(service.call(Request::new(()))))).unwrap_err();
    let session = kept.lock().unwrap().take().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let error = runtime.block_on(session.sign_in(user("alice")));
    assert_eq!(error.unwrap_err().kind(), ErrorKind::ResponseSent);
}

// Session ids that were created and not used.

#[tokio::test]
async fn an_id_of_the_host_is_taken_although_another_was_created_before() {
    let mut lab = Lab::new();
    let page = lab.visit(|session| async move {
        let mut unused = AuthenticationProperties::new();
        session
            .create_session_id(&user("alice"), &mut unused)
            .await
            .unwrap();
        let mut properties = AuthenticationProperties::new();
        properties.set_session_id(SessionId::parse("upstream-1").unwrap());
        let ticket = session
            .sign_in_with(user("alice"), properties)
            .await
            .unwrap();
        ticket.session_id().as_str().to_owned()
    });
    assert_eq!(page.await.body, "upstream-1");
    assert_eq!(lab.browser.cookie(SID), Some("upstream-1"));
}

#[tokio::test]
async fn an_id_created_for_another_user_does_not_end_the_session_of_this_one() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    lab.add_client("c1").await;
    let before = lab.browser.cookie(SID).unwrap().to_owned();
    lab.visit(|session| async move {
        let mine = session.properties().unwrap();
        let mut properties = AuthenticationProperties::new();
        session
            .create_session_id(&user("bob"), &mut properties)
            .await
            .unwrap();
        session.sign_in_with(user("alice"), mine).await.unwrap();
    })
    .await;
    assert_eq!(lab.browser.cookie(SID), Some(&*before));
    assert_eq!(lab.seen().await, "alice [c1]");
}

#[tokio::test]
async fn signing_in_again_with_an_old_authentication_does_not_outlive_its_absolute_end() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    lab.clock.advance(9 * HOUR);
    lab.visit(|session| async move {
        let signed_in_at = start().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let again = Principal::builder("alice")
            .claim("auth_time", signed_in_at)
            .build();
        let items = [(AuthenticationProperties::SESSION_ID_ITEM, "bogus")];
        let properties = AuthenticationProperties::from_items(items);
        session.sign_in_with(again, properties).await.unwrap();
        let end = session.properties().unwrap().absolute_expires();
        assert_eq!(end, Some(start() + 24 * HOUR));
    })
    .await;
}
