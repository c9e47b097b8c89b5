//! This crate: the session in a sealed cookie, with the settings that a server has in production.

use std::{hint::black_box, time::Instant};

use axum::{
    Router,
    routing::{get, post},
};
use axum_user_session::{KeyRing, Principal, SessionConfig, UserSession, UserSessionLayer};
use serde_json::{Value, json};

use crate::{
    alloc::allocations,
    contestant::{Contestant, Role, Row},
    principal::{CLAIM, CLAIMS, CLIENTS, NEW_CLIENT, SUBJECT},
};

/// This crate without a store.
pub const OURS: Contestant = Contestant {
    name: "axum-user-session",
    role: Role::Ours,
    router,
    session: &["/session"],
    rows: &[
        Row::Anonymous,
        Row::Read,
        Row::ReadClaim,
        Row::ReadTwice,
        Row::SignIn,
        Row::AddClient,
    ],
    cookies_on_every_answer: false,
};

/// The same minutes after three clients were added, each by a request of its own: they are in cookies beside the ticket then.
pub const OURS_CLIENTS_BESIDE: Contestant = Contestant {
    name: "axum-user-session, three clients just added",
    role: Role::OursAtWorst,
    session: &["/sign-in", "/clients/0", "/clients/1", "/clients/2"],
    rows: &[Row::Read, Row::AddClient],
    ..OURS
};

/// Where [`OURS`] answers with what a second `user()` costs, as [`SecondUser`] reads it.
pub const SECOND_USER: &str = "/second-user";

/// What one more `user()` in a request costs.
#[derive(Clone, Copy, Debug)]
pub struct SecondUser {
    /// The time of the call and of the drop of what it returns.
    pub nanoseconds: f64,
    /// Its allocations; counted only where the counting allocator is installed.
    pub allocations: f64,
}

impl SecondUser {
    /// Reads the body of an answer.
    pub fn parse(body: &str) -> Option<Self> {
        let (nanoseconds, allocations) = body.split_once(' ')?;
        Some(Self {
            nanoseconds: nanoseconds.parse().ok()?,
            allocations: allocations.parse().ok()?,
        })
    }
}

fn router() -> Router {
    let config = SessionConfig::builder(KeyRing::ephemeral())
        .application_id("benchmark")
        .build()
        .expect("the settings do not contradict each other");
    Router::new()
        .route("/", get(subject))
        .route("/claim", get(claim))
        .route("/twice", get(twice))
        .route(SECOND_USER, get(second_user))
        .route("/clients", get(clients))
        .route("/sign-in", post(sign_in))
        .route("/session", post(whole_session))
        .route(
            "/clients/0",
            post(|session: UserSession| add_client(session, CLIENTS[0])),
        )
        .route(
            "/clients/1",
            post(|session: UserSession| add_client(session, CLIENTS[1])),
        )
        .route(
            "/clients/2",
            post(|session: UserSession| add_client(session, CLIENTS[2])),
        )
        .route(
            "/clients/new",
            post(|session: UserSession| add_client(session, NEW_CLIENT)),
        )
        .layer(UserSessionLayer::new(config))
        .with_state(())
}

async fn subject(session: UserSession) -> String {
    session
        .user()
        .map(|user| user.subject().to_owned())
        .unwrap_or_default()
}

async fn claim(session: UserSession) -> String {
    let user = session.user();
    user.as_ref()
        .and_then(|user| user.claim_str(CLAIM.0))
        .unwrap_or_default()
        .to_owned()
}

async fn twice(session: UserSession) -> String {
    black_box(session.user());
    subject(session).await
}

async fn sign_in(session: UserSession) -> String {
    session
        .sign_in(principal())
        .await
        .expect("the principal has a subject");
    SUBJECT.to_owned()
}

/// A session as it is when its clients have been there for a while: in one cookie.
async fn whole_session(session: UserSession) -> String {
    sign_in(session.clone()).await;
    for client in CLIENTS {
        add_client(session.clone(), client).await;
    }
    SUBJECT.to_owned()
}

async fn add_client(session: UserSession, client: &'static str) -> String {
    session
        .add_client_id(client)
        .await
        .expect("somebody is signed in");
    SUBJECT.to_owned()
}

async fn clients(session: UserSession) -> String {
    let clients = session.client_list();
    let clients: Vec<&str> = clients.iter().map(|client| client.as_str()).collect();
    clients.join(" ")
}

/// Calls `user()` once, as a handler before would, and then times as many more that reading the clock does not count.
async fn second_user(session: UserSession) -> String {
    const CALLS: u32 = 10_000;
    black_box(session.user());
    let before = allocations();
    let begun = Instant::now();
    for _ in 0..CALLS {
        black_box(session.user());
    }
    let nanoseconds = begun.elapsed().as_nanos() as f64 / f64::from(CALLS);
    let allocations = (allocations() - before) as f64 / f64::from(CALLS);
    format!("{nanoseconds} {allocations}")
}

/// The principal from its parts, each claim of the type that it has in a token.
fn principal() -> Principal {
    let principal = Principal::builder(SUBJECT);
    CLAIMS
        .iter()
        .fold(principal, |principal, &(name, value)| {
            match typed(name, value) {
                None => principal.claim_str(name, value),
                Some(value) => principal.claim(name, value),
            }
        })
        .build()
}

/// The claims that are no text.
fn typed(name: &str, value: &str) -> Option<Value> {
    match name {
        "amr" => Some(json!([value])),
        "auth_time" => Some(value.parse::<i64>().expect("a time in seconds").into()),
        _ => None,
    }
}
