//! Another node of the same site: it has the same keys, sessions and settings, and a clock that the test sets.

use std::time::SystemTime;

use axum::{Router, routing::post};
use axum_user_session::{
    KeyRing, Principal, UserSession, UserSessionLayer,
    store::SqliteStore,
    testing::{Browser, ManualClock},
};

use crate::{server::Disk, sessions};

pub(crate) const COOKIE: &str = "idsrv";

/// Signs alice in there at a time, with one client, and gives her cookie.
pub(crate) async fn sign_in(disk: &Disk, at: SystemTime) -> String {
    let keys = KeyRing::open_file(disk.key_file()).expect("the server's key file");
    let config = sessions::configuration(keys)
        .insecure_http_for_development()
        .store(SqliteStore::open(disk.sessions_file()).expect("the server's sessions"))
        .clock(ManualClock::at(at))
        .build()
        .expect("the server's configuration");
    let node = Router::new()
        .route("/", post(alice))
        .layer(UserSessionLayer::new(config));
    let mut browser = Browser::new(node);
    browser.post("/", "").await;
    let cookie = browser.cookie(COOKIE).expect("she is signed in");
    cookie.to_owned()
}

async fn alice(session: UserSession) -> Result<(), axum_user_session::Error> {
    let alice = Principal::builder("alice")
        .claim("preferred_username", "alice")
        .build();
    session.sign_in(alice).await?;
    session.add_client_id("client1").await?;
    Ok(())
}
