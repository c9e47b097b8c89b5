//! axum_session: the principal in a session of its memory store.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use axum::{
    Router,
    routing::{get, post},
};
use axum_session::{SessionConfig, SessionLayer, SessionNullSession, SessionNullSessionStore};

use crate::{
    contestant::{Contestant, PEER_ROWS, Role},
    principal::User,
};

/// axum_session without a database, its other settings left as they are: every visitor gets a session, and every
/// answer its cookies.
pub const AXUM_SESSION: Contestant = Contestant {
    name: "axum_session",
    role: Role::LayeredPeer,
    router,
    session: &["/session"],
    rows: PEER_ROWS,
    cookies_on_every_answer: true,
};

fn router() -> Router {
    let store = ready(SessionNullSessionStore::new(None, SessionConfig::default()))
        .expect("a store in memory");
    Router::new()
        .route("/", get(subject))
        .route("/sign-in", post(sign_in))
        .route("/session", post(session))
        .layer(SessionLayer::new(store))
        .with_state(())
}

async fn subject(session: SessionNullSession) -> String {
    session
        .get::<User>(KEY)
        .map(|user| user.subject)
        .unwrap_or_default()
}

async fn sign_in(session: SessionNullSession) -> String {
    write(session, User::at_sign_in())
}

async fn session(session: SessionNullSession) -> String {
    write(session, User::with_all_clients())
}

// A new id at a sign-in, as its documentation asks for.
fn write(session: SessionNullSession, user: User) -> String {
    session.renew();
    session.set(KEY, &user);
    user.subject
}

// Without a database there is nothing to wait for.
fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a store in memory is there at the first poll"),
    }
}

const KEY: &str = "user";
