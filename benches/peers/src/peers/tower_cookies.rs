//! tower-cookies: the principal as JSON in a private cookie.

use std::sync::LazyLock;

use axum::{
    Router,
    routing::{get, post},
};
use tower_cookies::{
    Cookie, CookieManagerLayer, Cookies, Key,
    cookie::{CookieBuilder, SameSite},
};

use crate::{
    contestant::{Contestant, PEER_ROWS, Role},
    principal::User,
};

/// tower-cookies with private cookies and `serde_json`.
pub const TOWER_COOKIES: Contestant = Contestant {
    name: "tower-cookies private",
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
        .layer(CookieManagerLayer::new())
        .with_state(())
}

async fn subject(cookies: Cookies) -> String {
    read(&cookies).map(|user| user.subject).unwrap_or_default()
}

async fn sign_in(cookies: Cookies) -> String {
    write(&cookies, User::at_sign_in())
}

async fn session(cookies: Cookies) -> String {
    write(&cookies, User::with_all_clients())
}

fn read(cookies: &Cookies) -> Option<User> {
    let cookie = cookies.private(&KEY).get(NAME)?;
    serde_json::from_str(cookie.value()).ok()
}

fn write(cookies: &Cookies, user: User) -> String {
    let json = serde_json::to_string(&user).expect("a user is JSON");
    cookies.private(&KEY).add(cookie(json).build());
    user.subject
}

fn cookie(value: String) -> CookieBuilder<'static> {
    Cookie::build((NAME, value))
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Lax)
}

const NAME: &str = "session";

static KEY: LazyLock<Key> = LazyLock::new(Key::generate);
