//! A small identity provider: people sign in, their session remembers which client applications take part in it, they sign out.
//!
//! ```text
//! cargo run --example identity_provider
//! ```
//!
//! Open the address that it prints, and sign in as alice with the password alice, or as bob with the password bob. The operator is
//! carol, with the password carol. Settings are environment variables:
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `LISTEN` | the address to listen on; port 0 takes a free one | `127.0.0.1:3000` |
//! | `KEY_FILE` | the keys that seal sessions, made at the first start; with the same keys a restart signs nobody out. `signing_key.pem`, for tokens, is put beside it, and `outbox.db` if sessions are in cookies alone | `target/identity_provider/keys.json` |
//! | `DATABASE_URL` | where sessions are kept: `sqlite:FILE`, `postgres://...`, `redis://...` (several nodes of a Redis Cluster with commas between them), or `none` for cookies alone | `sqlite:target/identity_provider/sessions.db` |
//! | `CLIENTS_FILE` | the client applications; `clients.toml` beside this file says how | those of `clients.toml` |
//! | `ISSUER` | the provider's name in tokens, and what its addresses begin with: an origin; with https, cookies are for TLS alone | the address that it listens on |
//! | `RUST_LOG` | what to log, and how much of it | `info` |
//!
//! Two of them with the same keys (both files) and one PostgreSQL, or one Redis, are one site for users. Codes and tokens are in each one's memory: a client
//! has to redeem them where they were made, and asks for new ones after a restart. A real provider keeps them in its database too.
//!
//! Begin reading at `app.rs`, which puts the layers around the routes.

mod accounts;
mod app;
mod clients;
mod database;
mod device;
mod devices;
mod failure;
mod headers;
mod listed;
mod login;
mod moment;
mod notifier;
mod operator;
mod pages;
mod provider;
mod search;
mod session_json;
mod sessions;
mod settings;
mod shown;
mod sign_in;
mod stop;
mod upkeep;
mod wanted;
mod way_back;

use std::{error::Error, net::SocketAddr, process::ExitCode, sync::Arc};

use axum_user_session::{KeyRing, oidc::LifetimeCoordination};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

use crate::{
    provider::{Applications, Grants, Provider, SigningKey},
    settings::Settings,
    upkeep::Upkeep,
};

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
    let applications = Applications::load(settings.clients_file.as_deref())?;
    let listener = TcpListener::bind(settings.listen)
        .await
        .map_err(|error| format!("can't listen on {}: {error}", settings.listen))?;
    let address = format!("http://{}", listener.local_addr()?);
    let issuer = settings.issuer.unwrap_or_else(|| address.clone());
    // Behind a proxy on the same machine it is no development.
    let local = settings.listen.ip().is_loopback() && !issuer.starts_with("https:");

    let key = settings.key_file.with_file_name("signing_key.pem");
    let key = Arc::new(SigningKey::open(&key)?);
    let outbox = settings.key_file.with_file_name("outbox.db");
    let database = settings.database.open(&outbox).await?;
    let back_channel =
        notifier::back_channel(&database, &issuer, applications.clone(), &key, local)?;

    let keys = KeyRing::open_file(settings.key_file)?;
    let mut sessions = sessions::configuration(keys).issuer(&issuer);
    if local {
        sessions = sessions.insecure_http_for_development();
    } else {
        tracing::warn!(
            "browsers will keep the session only if TLS ends in front of this server; the proxy must pass the Host header on"
        );
    }
    let coordination = LifetimeCoordination::new(applications.clone()).by_default(true);
    let grants = Grants::default();
    let hook = back_channel.clone();
    let sessions = notifier::listening(sessions, &coordination, grants.clone(), hook);
    let sessions = database.keep(sessions).build()?;
    let upkeep = Upkeep::start(&sessions, &back_channel)?;

    let provider = Provider::new(issuer, &sessions, applications, coordination, key, grants)?;
    let app = app::router(sessions, provider).into_make_service_with_connect_info::<SocketAddr>();
    println!("{address}/");
    axum::serve(listener, app)
        .with_graceful_shutdown(stop::requested())
        .await?;
    upkeep.stop().await;
    tracing::info!("all requests are answered");
    Ok(())
}
