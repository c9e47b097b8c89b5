//! axum-extra: the principal as JSON in a `PrivateCookieJar`.

use axum::{
    Router,
    routing::{get, post},
};
use axum_extra::extract::{
    PrivateCookieJar,
    cookie::{Cookie, Key, SameSite},
};

use crate::{
    contestant::{Contestant, PEER_ROWS, Role},
    principal::User,
};

/// `PrivateCookieJar` with `serde_json`. It is an extractor without a layer.
pub const AXUM_EXTRA: Contestant = Contestant {
    name: "axum-extra PrivateCookieJar",
    role: Role::ExtractorPeer,
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
        .with_state(Key::generate())
}

async fn subject(jar: PrivateCookieJar) -> String {
    read(&jar).map(|user| user.subject).unwrap_or_default()
}

async fn sign_in(jar: PrivateCookieJar) -> (PrivateCookieJar, String) {
    write(jar, User::at_sign_in())
}

async fn session(jar: PrivateCookieJar) -> (PrivateCookieJar, String) {
    write(jar, User::with_all_clients())
}

fn read(jar: &PrivateCookieJar) -> Option<User> {
    let cookie = jar.get(NAME)?;
    serde_json::from_str(cookie.value()).ok()
}

fn write(jar: PrivateCookieJar, user: User) -> (PrivateCookieJar, String) {
    let json = serde_json::to_string(&user).expect("a user is JSON");
    let cookie = Cookie::build((NAME, json))
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Lax);
    (jar.add(cookie), user.subject)
}

const NAME: &str = "session";
