//! A provider and its clients, on one port: a browser takes `NAME.localhost` for this machine, so each name is a site of its own.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::{Request, State},
    http::HeaderMap,
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};
use axum_user_session::{
    ended::{EndReason, Ended, EventId},
    id::{ClientId, SessionId},
    oidc::{Client, FixedClients, front_channel::FrontChannelLogout},
    return_url::ReturnUrl,
};
use tokio::net::TcpListener;

use crate::support::start;

/// A client that is a part of the provider's own site.
pub(crate) const OWN: &str = "own";

#[derive(Clone)]
pub(crate) struct Site {
    port: u16,
    pages: Arc<Pages>,
    told: Arc<Mutex<Vec<Told>>>,
    arrived: Arc<Mutex<Option<Instant>>>,
}

struct Pages {
    front_channel: FrontChannelLogout,
    ended: Ended,
}

/// What a client heard.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Told {
    pub(crate) host: String,
    pub(crate) query: String,
    pub(crate) referer: Option<String>,
}

impl Site {
    /// Serves a session that has ended, with these clients: their names, and the paths that they are told at.
    pub(crate) async fn serve(clients: &[(String, &str)], time_limit: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let id = SessionId::parse("0123ABC").unwrap();
        let mut ended = Ended::new(
            EventId::new([1; 16]),
            "alice",
            id,
            EndReason::SignOut,
            start(),
        );
        ended.issuer = Some(format!("http://localhost:{port}"));
        let registry: FixedClients = clients
            .iter()
            .map(|(name, path)| {
                ended.clients.push(ClientId::parse(name).unwrap());
                let host = match &**name {
                    OWN => "localhost".to_owned(),
                    name => format!("{name}.localhost"),
                };
                let uri = format!("http://{host}:{port}{path}");
                Client::builder(name)
                    .front_channel_logout_uri(uri, true)
                    .build()
                    .unwrap()
            })
            .collect();
        let front_channel = FrontChannelLogout::new(registry).time_limit(time_limit);
        let site = Self {
            port,
            pages: Arc::new(Pages {
                front_channel,
                ended,
            }),
            told: Arc::default(),
            arrived: Arc::default(),
        };
        let app = Router::new()
            .route("/signed-out", get(signed_out))
            .route("/goodbye", get(goodbye))
            .route("/out", get(out))
            .route("/hanging", get(hanging))
            .route("/breaking-out", get(breaking_out))
            .route("/elsewhere", get(elsewhere))
            .route("/redirecting", get(redirecting))
            .with_state(site.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        site
    }

    pub(crate) fn address(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.port)
    }

    /// What was heard, in order of the hosts.
    pub(crate) fn told(&self) -> Vec<Told> {
        let mut told = self.told.lock().unwrap().clone();
        told.sort();
        told
    }

    /// Waits until the browser has come to the last page.
    pub(crate) async fn arrival(&self) -> Instant {
        let began = Instant::now();
        loop {
            let arrived = *self.arrived.lock().unwrap();
            if let Some(arrived) = arrived {
                return arrived;
            }
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "the page does not go on"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn note(&self, request: &Request) {
        let text = |name| header(request.headers(), name);
        self.told.lock().unwrap().push(Told {
            host: text("host")
                .unwrap_or_default()
                .split(':')
                .next()
                .unwrap_or_default()
                .to_owned(),
            query: request.uri().query().unwrap_or_default().to_owned(),
            referer: text("referer"),
        });
    }
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

async fn signed_out(State(site): State<Site>) -> Response {
    let Pages {
        front_channel,
        ended,
    } = &*site.pages;
    let page = front_channel.page(Some(ended)).await;
    let next = ReturnUrl::parse("/goodbye").unwrap();
    page.then_return(&next).into_response()
}

async fn goodbye(State(site): State<Site>) -> Html<&'static str> {
    *site.arrived.lock().unwrap() = Some(Instant::now());
    Html("<title>Goodbye</title>")
}

async fn out(State(site): State<Site>, request: Request) -> Html<&'static str> {
    site.note(&request);
    Html("out")
}

async fn hanging(State(site): State<Site>, request: Request) -> Html<&'static str> {
    site.note(&request);
    std::future::pending().await
}

/// A client that wants the whole window.
async fn breaking_out(State(site): State<Site>, request: Request) -> Html<&'static str> {
    site.note(&request);
    Html("<script>top.location.href = '/elsewhere';</script>")
}

async fn redirecting(State(site): State<Site>, request: Request) -> Redirect {
    site.note(&request);
    Redirect::to(&format!("http://unlisted.localhost:{}/out", site.port))
}

async fn elsewhere(State(site): State<Site>, request: Request) -> Html<&'static str> {
    site.note(&request);
    Html("<title>Elsewhere</title>")
}
