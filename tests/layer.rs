//! The layer and the extractors, in every place where an application may put them.

mod support;

use std::{
    convert::Infallible,
    future::{Future, poll_fn, ready},
    pin::pin,
    sync::{Arc, Mutex},
    task::Poll,
};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{Response, StatusCode, header::COOKIE},
    middleware::{Next, from_fn},
    routing::get,
};
use axum_user_session::{
    UserSession, UserSessionLayer, error::ErrorKind, extract::RequireUser, testing::Browser,
};
use support::*;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_cookies::{Cookie, CookieManagerLayer, Cookies};

async fn whoami(session: UserSession) -> String {
    report(&session)
}

async fn maybe(session: Option<UserSession>) -> String {
    session.map_or("no layer".to_owned(), |session| report(&session))
}

async fn login(session: UserSession) -> String {
    session.sign_in(user("alice")).await.unwrap();
    report(&session)
}

async fn logout(session: UserSession) {
    session.sign_out().await.unwrap();
}

fn routes() -> Router {
    Router::new()
        .route("/", get(whoami))
        .route("/login", get(login))
        .route("/logout", get(logout))
        .route("/maybe", get(maybe))
}

fn layer() -> UserSessionLayer {
    UserSessionLayer::new(Lab::new().config)
}

/// Signs in and out at a prefix, and looks in between.
async fn life(app: Router, prefix: &str) {
    let mut browser = Browser::with_clock(app, Lab::new().clock);
    let at = |path: &str| format!("{prefix}{path}");
    assert_eq!(browser.get(&at("/maybe")).await.body, "nobody");
    let page = browser.get(&at("/login")).await;
    assert_eq!(page.body, "alice []");
    assert_eq!(names(&page), [AUTH, SID]);
    assert_eq!(browser.get(&at("/maybe")).await.body, "alice []");
    let page = browser.get(&at("/logout")).await;
    assert_eq!(names(&page), [AUTH, "__Host-idsrv.1", ENDED, SID]);
    assert_eq!(browser.get(&at("/maybe")).await.body, "nobody");
}

#[tokio::test]
async fn layer_around_a_router() {
    life(routes().layer(layer()), "").await;
}

#[tokio::test]
async fn layer_around_a_nested_router() {
    life(Router::new().nest("/app", routes()).layer(layer()), "/app").await;
}

#[tokio::test]
async fn layer_on_the_nested_router_itself() {
    life(Router::new().nest("/app", routes().layer(layer())), "/app").await;
}

#[tokio::test]
async fn layer_on_a_merged_router() {
    let other = Router::new().route("/other", get(maybe));
    let app = other.merge(routes().layer(layer()));
    life(app.clone(), "").await;
    let mut browser = Browser::new(app);
    assert_eq!(browser.get("/other").await.body, "no layer");
}

#[tokio::test]
async fn layer_as_route_layer() {
    let app = routes().route_layer(layer()).fallback(maybe);
    life(app.clone(), "").await;
    assert_eq!(Browser::new(app).get("/nowhere").await.body, "no layer");
}

#[tokio::test]
async fn layer_through_a_service_builder() {
    life(routes().layer(ServiceBuilder::new().layer(layer())), "").await;
}

#[tokio::test]
async fn layer_applied_twice_the_inner_one_passes_through() {
    let lab = Lab::new();
    let same = UserSessionLayer::new(lab.config.clone());
    life(routes().layer(same.clone()).layer(same), "").await;
    // Even with another configuration.
    life(
        routes()
            .layer(layer())
            .layer(UserSessionLayer::new(lab.config)),
        "",
    )
    .await;
}

#[tokio::test]
async fn fallbacks_before_the_layer_have_a_session_and_later_routes_have_none() {
    let app = routes()
        .fallback(maybe)
        .layer(layer())
        .route("/late", get(whoami));
    let mut browser = Browser::new(app);
    assert_eq!(browser.get("/nowhere").await.body, "nobody");
    let page = browser.get("/late").await;
    assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(page.body.contains("UserSessionLayer"), "{}", page.body);
}

#[tokio::test]
async fn without_the_layer_only_option_extracts() {
    let app = routes().route("/user", get(|_: RequireUser| async {}));
    let mut browser = Browser::new(app);
    assert_eq!(browser.get("/maybe").await.body, "no layer");
    for path in ["/", "/user"] {
        let page = browser.get(path).await;
        assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(page.body.contains("UserSessionLayer"));
    }
}

#[tokio::test]
async fn require_user_answers_401_or_gives_the_user() {
    let app = routes()
        .route(
            "/user",
            get(|RequireUser(user): RequireUser| async move { user.subject().to_owned() }),
        )
        .layer(layer());
    let mut browser = Browser::with_clock(app, Lab::new().clock);
    assert_eq!(browser.get("/user").await.status, StatusCode::UNAUTHORIZED);
    browser.get("/login").await;
    assert_eq!(browser.get("/user").await.body, "alice");
}

#[tokio::test]
async fn skipped_requests_are_left_alone() {
    let skipping = layer().skip(|_, uri| uri.path() == "/maybe");
    let mut browser = Browser::with_clock(routes().layer(skipping), Lab::new().clock);
    browser.get("/login").await;
    browser.forget(SID);
    let page = browser.get("/maybe").await;
    assert_eq!(page.body, "no layer");
    assert!(page.set_cookies().is_empty());
    assert_eq!(browser.get("/").await.body, "alice []");
}

#[tokio::test]
async fn cookies_split_over_lines_as_http2_does() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    lab.script.set(|session| async move { report(&session) });
    let mut request = Request::get("/").header(COOKIE, "a=1");
    for pair in lab.browser.cookie_header("/").split("; ") {
        request = request.header(COOKIE, pair);
    }
    let request = request.header(COOKIE, "b=2").body(Body::empty()).unwrap();
    let page = lab.browser.send(request).await;
    assert_eq!(page.body, "alice []");
    assert!(page.set_cookies().is_empty());
}

#[tokio::test]
async fn with_a_cookie_manager_outside_the_jar_is_the_one_writer() {
    life(routes().layer(layer()).layer(CookieManagerLayer::new()), "").await;
}

#[tokio::test]
async fn with_a_cookie_manager_inside_there_are_two_writers_and_no_mix_up() {
    async fn own(cookies: Cookies, session: UserSession) {
        cookies.add(Cookie::new("own", "1"));
        session.sign_in(user("alice")).await.unwrap();
    }
    life(routes().layer(CookieManagerLayer::new()).layer(layer()), "").await;
    let app = Router::new()
        .route("/", get(own))
        .layer(CookieManagerLayer::new())
        .layer(layer());
    assert_eq!(names(&Browser::new(app).get("/").await), [AUTH, SID, "own"]);
}

#[tokio::test]
async fn with_cookie_managers_on_both_sides() {
    let app = routes()
        .layer(CookieManagerLayer::new())
        .layer(layer())
        .layer(CookieManagerLayer::new());
    life(app, "").await;
}

#[tokio::test]
async fn middleware_outside_sees_our_cookies_in_its_jar() {
    async fn look(cookies: Cookies, request: Request, next: Next) -> axum::response::Response {
        let before = cookies.get(AUTH).is_some();
        let mut response = next.run(request).await;
        let after = cookies.get(AUTH).is_some();
        let seen = format!("{before} {after}").parse().unwrap();
        response.headers_mut().insert("x-seen", seen);
        response
    }
    let app = routes()
        .layer(layer())
        .layer(from_fn(look))
        .layer(CookieManagerLayer::new());
    let mut browser = Browser::with_clock(app, Lab::new().clock);
    assert_eq!(
        browser.get("/login").await.header("x-seen"),
        Some("false true")
    );
    assert_eq!(browser.get("/").await.header("x-seen"), Some("true true"));
    assert_eq!(
        browser.get("/logout").await.header("x-seen"),
        Some("true false")
    );
}

/// A jar drops what it can't parse, and would then write no removal.
#[tokio::test]
async fn a_removal_reaches_the_browser_although_the_jar_did_not_take_the_cookie() {
    let app = routes().layer(layer()).layer(CookieManagerLayer::new());
    for cookies in [&b"\xFF=1; __Host-idsrv=forged"[..], b"__Host-idsrv=%FF"] {
        let request = Request::get("/")
            .header(COOKIE, cookies)
            .body(Body::empty())
            .unwrap();
        let page = Browser::new(app.clone()).send(request).await;
        assert_eq!(names(&page), [AUTH]);
        assert!(page.set_cookies()[0].contains("Max-Age=0"));
    }
}

#[tokio::test]
async fn an_outer_layer_and_a_spawned_task_see_a_sign_in() {
    async fn look(session: UserSession, request: Request, next: Next) -> axum::response::Response {
        let mut response = next.run(request).await;
        response
            .headers_mut()
            .insert("x-seen", report(&session).parse().unwrap());
        response
    }
    async fn login_elsewhere(session: UserSession) -> String {
        let theirs = session.clone();
        let task = tokio::spawn(async move {
            assert_eq!(report(&theirs), "nobody");
            theirs.sign_in(user("alice")).await.unwrap();
        });
        task.await.unwrap();
        report(&session)
    }
    let app = routes()
        .route("/spawned", get(login_elsewhere))
        .layer(from_fn(look))
        .layer(layer());
    for path in ["/login", "/spawned"] {
        let page = Browser::new(app.clone()).get(path).await;
        assert_eq!(page.body, "alice []", "{path}");
        assert_eq!(page.header("x-seen"), Some("alice []"), "{path}");
        assert_eq!(names(&page), [AUTH, SID], "{path}");
    }
}

#[tokio::test]
async fn on_a_service_that_is_not_axums() {
    let inner = service_fn(|request: Request<String>| async move {
        let session = UserSession::from_extensions(request.extensions()).unwrap();
        session.sign_in(user("alice")).await.unwrap();
        Ok::<_, Infallible>(Response::new(report(&session)))
    });
    let service = layer().layer(inner);
    let response = service.oneshot(Request::new(String::new())).await.unwrap();
    assert_eq!(response.headers().get_all("set-cookie").iter().count(), 2);
    assert_eq!(response.into_body(), "alice []");
}

#[tokio::test]
async fn an_inner_error_ends_the_session_that_the_request_created() {
    for (name, arrives, expected) in [
        ("nobody before", None, "nobody"),
        ("another user before", Some("bob"), "nobody"),
        ("the same session before", Some("alice"), "alice []"),
    ] {
        let mut lab = Lab::new();
        if let Some(subject) = arrives {
            lab.sign_in(subject).await;
        }
        let kept = Arc::new(Mutex::new(None));
        let keep = Arc::clone(&kept);
        let inner = service_fn(move |request: Request<()>| {
            let keep = Arc::clone(&keep);
            async move {
                let session = UserSession::from_extensions(request.extensions()).unwrap();
                session.sign_in(user("alice")).await.unwrap();
                *keep.lock().unwrap() = Some(session);
                Err::<Response<()>, _>("broken")
            }
        });
        let service = UserSessionLayer::new(lab.config.clone()).layer(inner);
        let request = Request::get("/").header(COOKIE, lab.browser.cookie_header("/"));
        service
            .oneshot(request.body(()).unwrap())
            .await
            .unwrap_err();
        let session = kept.lock().unwrap().take().unwrap();
        assert_eq!(report(&session), expected, "{name}");
        let error = session.sign_in(user("alice")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ResponseSent);
    }
}

#[tokio::test]
async fn a_request_that_is_dropped_closes_its_session() {
    let lab = Lab::new();
    let kept = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&kept);
    let inner = service_fn(move |request: Request<()>| {
        let keep = Arc::clone(&keep);
        async move {
            let session = UserSession::from_extensions(request.extensions()).unwrap();
            session.sign_in(user("alice")).await.unwrap();
            *keep.lock().unwrap() = Some(session);
            std::future::pending::<Result<Response<()>, Infallible>>().await
        }
    });
    let mut service = UserSessionLayer::new(lab.config).layer(inner);
    {
        let mut future = pin!(service.call(Request::new(())));
        let polled = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_pending())).await;
        assert!(polled);
    }
    let session = kept.lock().unwrap().take().unwrap();
    assert_eq!(report(&session), "nobody");
    assert_eq!(
        session.sign_out().await.unwrap_err().kind(),
        ErrorKind::ResponseSent
    );
}

#[tokio::test]
async fn an_anonymous_request_touches_no_clock_and_sets_no_cookie() {
    struct NoClock;
    impl axum_user_session::clock::Clock for NoClock {
        fn now(&self) -> std::time::SystemTime {
            panic!("nothing of ours, so nothing to date");
        }
    }
    let lab = Lab::with(|config| config.clock(NoClock));
    let app = routes().layer(UserSessionLayer::new(lab.config));
    let request = Request::get("/")
        .header(COOKIE, "a=1; b=2")
        .body(Body::empty())
        .unwrap();
    let page = Browser::new(app).send(request).await;
    assert_eq!(page.body, "nobody");
    assert_eq!(page.headers.get("cache-control"), None);
    assert!(page.set_cookies().is_empty());
}

#[tokio::test]
async fn the_response_of_a_clean_request_is_left_as_it_is() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    let page = lab.visit(|session| async move {
        assert!(session.user().is_some());
        [
            ("set-cookie", "__Host-idsrv=mine; Path=/; Secure"),
            ("cache-control", "private"),
        ]
    });
    let page = page.await;
    assert_eq!(page.set_cookies(), ["__Host-idsrv=mine; Path=/; Secure"]);
    assert_eq!(page.header("cache-control"), Some("private"));
}

#[tokio::test]
async fn poll_ready_is_the_inner_services() {
    #[derive(Clone)]
    struct NotReady;
    impl Service<Request<()>> for NotReady {
        type Response = Response<()>;
        type Error = &'static str;
        type Future = std::future::Ready<Result<Response<()>, &'static str>>;

        fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> Poll<Result<(), &'static str>> {
            Poll::Ready(Err("overloaded"))
        }

        fn call(&mut self, _: Request<()>) -> Self::Future {
            ready(Ok(Response::new(())))
        }
    }
    let mut service = layer().layer(NotReady);
    let outcome = poll_fn(|cx| service.poll_ready(cx)).await;
    assert_eq!(outcome, Err("overloaded"));
}
