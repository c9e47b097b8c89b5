//! A small identity provider: people sign in, their session remembers which client applications take part in it, they sign out.
//!
//! ```text
//! cargo run --example identity_provider
//! ```
//!
//! Open the address that it prints, and sign in as alice with the password alice, or as bob with the password bob. Settings are
//! environment variables:
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `LISTEN` | the address to listen on; port 0 takes a free one | `127.0.0.1:3000` |
//! | `KEY_FILE` | the keys that seal sessions, made at the first start; with the same keys a restart signs nobody out | `target/identity_provider/keys.json` |
//! | `RUST_LOG` | what to log, and how much of it | `info` |
//!
//! Begin reading at `app.rs`, which puts the layers around the routes.

mod accounts;
mod app;
mod clients;
mod failure;
mod headers;
mod moment;
mod pages;
mod session_json;
mod sessions;
mod settings;
mod shown;
mod sign_in;
mod stop;

use std::{error::Error, process::ExitCode};

use axum_user_session::KeyRing;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

use crate::settings::Settings;

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    // Standard output is for the address alone.
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = &*error, "the identity provider stops");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let settings = Settings::from_env()?;
    let mut sessions = sessions::configuration(KeyRing::open_file(settings.key_file)?);
    if settings.listen.ip().is_loopback() {
        sessions = sessions.insecure_http_for_development();
    } else {
        tracing::warn!(
            "browsers will keep the session only if TLS ends in front of this server; the proxy must pass the Host header on"
        );
    }
    let app = app::router(sessions.build()?);
    let listener = TcpListener::bind(settings.listen)
        .await
        .map_err(|error| format!("can't listen on {}: {error}", settings.listen))?;
    println!("http://{}/", listener.local_addr()?);
    axum::serve(listener, app)
        .with_graceful_shutdown(stop::requested())
        .await?;
    tracing::info!("all requests are answered");
    Ok(())
}
