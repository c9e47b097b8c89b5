//! tower-sessions: the principal in a session of its `MemoryStore`.

use axum::{
    Router,
    routing::{get, post},
};
use tower_sessions::{MemoryStore, Session, SessionManagerLayer};

use crate::{
    contestant::{Contestant, PEER_ROWS, Role},
    principal::User,
};

/// tower-sessions with its store in memory.
pub const TOWER_SESSIONS: Contestant = Contestant {
    name: "tower-sessions MemoryStore",
    role: Role::LayeredPeer,
    router,
    session: &["/session"],
    rows: PEER_ROWS,
    cookies_on_every_answer: false,
};

fn router() -> Router {
    Router::new()
        .route("/", get(subject))
        .route("/sign-in", post(sign_in))
        .route("/session", post(session))
        .layer(SessionManagerLayer::new(MemoryStore::default()))
        .with_state(())
}

async fn subject(session: Session) -> String {
    let user = session
        .get::<User>(KEY)
        .await
        .expect("the store is in memory");
    user.map(|user| user.subject).unwrap_or_default()
}

async fn sign_in(session: Session) -> String {
    write(session, User::at_sign_in()).await
}

async fn session(session: Session) -> String {
    write(session, User::with_all_clients()).await
}

// A new id at a sign-in, as its documentation asks for.
async fn write(session: Session, user: User) -> String {
    session.cycle_id().await.expect("the store is in memory");
    session.insert(KEY, &user).await.expect("a user is JSON");
    user.subject
}

const KEY: &str = "user";
