//! What the environment says.

use std::{
    env::{self, VarError},
    net::SocketAddr,
    path::PathBuf,
};

use axum_user_session::oidc::Origin;

use crate::database::Database;

/// The settings of a server.
pub(crate) struct Settings {
    pub(crate) listen: SocketAddr,
    pub(crate) key_file: PathBuf,
    /// None for the demonstration clients.
    pub(crate) clients_file: Option<PathBuf>,
    /// None for the address that it listens on.
    pub(crate) issuer: Option<String>,
    pub(crate) database: Database,
}

impl Settings {
    /// Reads them. A value that can't be understood is an error, because running with another one would surprise.
    pub(crate) fn from_env() -> Result<Self, String> {
        let listen = text("LISTEN", "127.0.0.1:3000")?;
        let listen = listen.parse().map_err(|error| {
            format!("LISTEN is {listen:?}, and not an address such as 127.0.0.1:3000: {error}")
        })?;
        let key_file = env::var_os("KEY_FILE")
            .unwrap_or_else(|| "target/identity_provider/keys.json".into())
            .into();
        let issuer = text("ISSUER", "")?;
        // The pages are at the root of the site, and clients compare the name character by character.
        if !issuer.is_empty() && issuer.parse::<Origin>().is_err() {
            return Err(format!(
                "ISSUER is {issuer:?}, and not an origin such as https://id.example, with no slash at its end"
            ));
        }
        let database = text(
            "DATABASE_URL",
            "sqlite:target/identity_provider/sessions.db",
        )?;
        Ok(Self {
            listen,
            key_file,
            clients_file: env::var_os("CLIENTS_FILE").map(PathBuf::from),
            issuer: Some(issuer).filter(|issuer| !issuer.is_empty()),
            database: Database::parse(&database)?,
        })
    }
}

fn text(name: &str, default: &str) -> Result<String, String> {
    match env::var(name) {
        Ok(text) => Ok(text),
        Err(VarError::NotPresent) => Ok(default.to_owned()),
        // What it is instead may be a secret.
        Err(VarError::NotUnicode(_)) => Err(format!("{name} is no Unicode text")),
    }
}
