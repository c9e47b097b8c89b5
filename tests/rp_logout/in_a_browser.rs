//! A client's form in Chromium: its post comes without the cookie, and the `GET` that follows has it.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use axum_user_session::{
    Error, KeyRing, SessionConfig, UserSession, UserSessionLayer,
    guard::SameOriginLayer,
    oidc::{
        Client, FixedClients,
        end_session::{EndSession, EndSessionRequest},
    },
    testing::ManualClock,
};
use serde_json::json;
use tokio::net::TcpListener;

use crate::{
    support::{report, start, user},
    tokens::{self, P256, verifier},
    web_driver::Browser,
};

/// Requests to the endpoint: the method, and whether they had the authentication cookie.
type Seen = Arc<Mutex<Vec<(String, bool)>>>;

/// The provider on `localhost`, and a client of another site, `127.0.0.1`, at one port.
struct Sites {
    port: u16,
    seen: Seen,
}

impl Sites {
    async fn serve() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Seen::default();
        let app = provider(port, seen.clone()).merge(client(port));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { port, seen }
    }

    fn provider(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.port)
    }

    fn client(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn seen(&self) -> Vec<(String, bool)> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

fn provider(port: u16, seen: Seen) -> Router {
    let config = SessionConfig::builder(KeyRing::ephemeral())
        .insecure_http_for_development()
        .clock(ManualClock::at(start()))
        .build()
        .unwrap();
    let client = Client::builder("client1")
        .post_logout_redirect_uri(format!("http://127.0.0.1:{port}/goodbye"))
        .build()
        .unwrap();
    let registry: FixedClients = [client].into_iter().collect();
    let endpoint = EndSession::new(&config, registry).hint_verifier(verifier());
    let endpoint = Router::new()
        .route("/endsession", get(end_session).post(end_session))
        .with_state(endpoint)
        .layer(from_fn_with_state(seen, note));
    Router::new()
        .route("/sign-in", get(sign_in))
        .route(
            "/who",
            get(|session: UserSession| async move { Html(report(&session)) }),
        )
        .route("/guarded", post(|| async {}))
        .layer(SameOriginLayer::new())
        .nest("/connect", endpoint)
        .layer(UserSessionLayer::new(config))
}

async fn note(State(seen): State<Seen>, request: Request, next: Next) -> Response {
    let cookies = request.headers().get_all("cookie").iter();
    let has_ours = cookies.filter_map(|line| line.to_str().ok()).any(|line| {
        let mut pairs = line.split("; ");
        pairs.any(|pair| pair.starts_with("idsrv="))
    });
    let method = request.method().to_string();
    seen.lock().unwrap().push((method, has_ours));
    next.run(request).await
}

/// Signs alice in, and gives her the client's ID token to carry.
async fn sign_in(session: UserSession) -> Result<Html<String>, Error> {
    let signed_in = session.sign_in(user("alice")).await?;
    let sid = signed_in.session_id();
    let token = P256.issue(&tokens::claims("alice", sid.as_str()));
    Ok(Html(format!(
        "<title>Signed in</title><p id=token>{token}</p>"
    )))
}

async fn end_session(request: EndSessionRequest) -> Result<Response, Error> {
    Ok(match request {
        EndSessionRequest::Resend(resend) => resend.into_response(),
        EndSessionRequest::Ask(question) => {
            let token = question.token();
            let page = format!(
                "<title>Sign out?</title><form method=post><input type=hidden name=confirmation value={token}>\
                 <button>Sign out</button><button name=decline value=1>Stay</button></form>"
            );
            Html(page).into_response()
        }
        EndSessionRequest::GoAhead(logout) => {
            let signed_out = logout.sign_out().await?;
            let redirect = signed_out.request().redirect().cloned();
            redirect.map_or_else(
                || Redirect::to("/who").into_response(),
                |to| to.into_response(),
            )
        }
        EndSessionRequest::Declined(_) => Redirect::to("/who").into_response(),
        EndSessionRequest::NobodySignedIn(_) => Html("nobody").into_response(),
    })
}

fn client(port: u16) -> Router {
    let form = format!(
        "<title>Client</title>\
         <form method=post action=http://localhost:{port}/connect/endsession>\
         <input id=hint name=id_token_hint><input name=client_id value=client1>\
         <input name=post_logout_redirect_uri value=http://127.0.0.1:{port}/goodbye>\
         <input name=state value='a&amp;b'><button>Leave</button></form>"
    );
    Router::new()
        .route("/client", get(|| async { Html(form) }))
        .route("/goodbye", get(|| async { Html("<title>Goodbye</title>") }))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: bash tests/run.sh"]
async fn o3_a_form_of_another_site_signs_out_in_a_browser() {
    let sites = Sites::serve().await;
    let browser = Browser::start_with(&[], json!({}));
    for (name, has_hint) in [("with a hint", true), ("without one", false)] {
        browser.open(&sites.provider("/sign-in"));
        let token = browser.find("//p[@id='token']").text();
        sites.seen();
        browser.open(&sites.client("/client"));
        if has_hint {
            browser.find("//input[@id='hint']").enter(&token);
        }
        browser.button("Leave").follow();
        let mut expected = vec![("POST", false), ("GET", true)];
        if !has_hint {
            assert_eq!(browser.title(), "Sign out?", "{name}");
            browser.button("Stay").follow();
            assert_eq!(browser.texts("//body"), ["alice []"], "{name}");
            browser.open(&sites.client("/client"));
            browser.button("Leave").follow();
            browser.button("Sign out").follow();
            expected.extend([
                ("POST", true),
                ("POST", false),
                ("GET", true),
                ("POST", true),
            ]);
        }
        assert_eq!(browser.title(), "Goodbye", "{name}");
        assert_eq!(browser.path(), "/goodbye?state=a%26b", "{name}");
        let seen = sites.seen();
        let seen: Vec<_> = seen
            .iter()
            .map(|(method, ours)| (&**method, *ours))
            .collect();
        assert_eq!(seen, expected, "{name}");
        browser.open(&sites.provider("/who"));
        assert_eq!(browser.texts("//body"), ["nobody"], "{name}");
    }
}
