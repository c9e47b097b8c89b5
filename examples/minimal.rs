//! Sign in and out in one small file.
//!
//! ```text
//! cargo run --example minimal
//! ```
//!
//! Open the address that it prints. The keys are in memory, so a restart signs everybody out; and there is no password, so
//! anybody may be anyone. The example `identity_provider` does both better.

use std::{error::Error, net::Ipv4Addr};

use axum::{
    Form, Router,
    response::{Html, Redirect},
    routing::{get, post},
};
use axum_user_session::{
    KeyRing, Principal, SessionConfig, UserSession, UserSessionLayer, guard::SameOriginLayer,
};
use serde::Deserialize;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let config = SessionConfig::builder(KeyRing::ephemeral())
        .insecure_http_for_development()
        .build()?;
    let app = Router::new()
        .route("/", get(home))
        .route("/login", post(login))
        .route("/logout", post(logout))
        .layer(UserSessionLayer::new(config))
        .layer(SameOriginLayer::new());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 3000)).await?;
    println!("http://{}/", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}

async fn home(session: UserSession) -> Html<String> {
    Html(match session.session_id() {
        Some(id) => format!("Session {} {SIGN_OUT}", id.as_str()),
        None => SIGN_IN.to_owned(),
    })
}

const SIGN_IN: &str = r#"<form method="post" action="/login">
    <label>Name <input name="name" required></label> <button>Sign in</button></form>"#;
const SIGN_OUT: &str = r#"<form method="post" action="/logout"><button>Sign out</button></form>"#;

#[derive(Deserialize)]
struct Login {
    name: String,
}

async fn login(
    session: UserSession,
    Form(login): Form<Login>,
) -> Result<Redirect, axum_user_session::Error> {
    let user = Principal::builder(login.name).build();
    session.sign_in(user).await?;
    Ok(Redirect::to("/"))
}

async fn logout(session: UserSession) -> Result<Redirect, axum_user_session::Error> {
    session.sign_out().await?;
    Ok(Redirect::to("/"))
}
