//! Where sessions are kept, and what clients still have to be told.

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use axum_user_session::{
    config::SessionConfigBuilder,
    oidc::back_channel::{BackChannelLogout, BackChannelLogoutBuilder, JwtSigner},
    store::{PostgresStore, RedisStore, SqliteStore},
};

use crate::provider::Applications;

/// What `DATABASE_URL` names.
pub(crate) enum Database {
    /// None: sessions are in cookies alone.
    None,
    Sqlite(PathBuf),
    Postgres(String),
    /// A server, or a cluster by some of its nodes.
    Redis(Vec<String>),
}

impl Database {
    /// Reads the URL. An error does not repeat it, because it may hold a password.
    pub(crate) fn parse(url: &str) -> Result<Self, String> {
        if url == "none" {
            return Ok(Self::None);
        }
        let (scheme, rest) = url.split_once(':').unwrap_or_default();
        match scheme {
            "sqlite" => match rest.strip_prefix("//").unwrap_or(rest) {
                "" => Err("DATABASE_URL names no file, as sqlite:sessions.db does".to_owned()),
                path if path == ":memory:" || path.contains('?') => Err(
                    "DATABASE_URL may name a SQLite file, with no parameters, and no database in memory".to_owned(),
                ),
                path => Ok(Self::Sqlite(path.into())),
            },
            "postgres" | "postgresql" => Ok(Self::Postgres(url.to_owned())),
            "redis" | "rediss" => {
                let nodes = url.split(',').filter(|node| !node.is_empty());
                Ok(Self::Redis(nodes.map(str::to_owned).collect()))
            }
            _ => Err(
                "DATABASE_URL begins with sqlite:, postgres: or redis:, or is none".to_owned(),
            ),
        }
    }

    /// Opens the database. Without one for sessions, what is to be told still has to be kept somewhere: in a file of its own.
    pub(crate) async fn open(self, outbox: &Path) -> Result<Opened, Box<dyn Error>> {
        Ok(match self {
            Self::None => Opened::OutboxAlone(sqlite(outbox)?),
            Self::Sqlite(path) => Opened::Sqlite(sqlite(&path)?),
            Self::Postgres(url) => {
                let store = PostgresStore::connect(&url).await?;
                store.migrate().await?;
                Opened::Postgres(store)
            }
            Self::Redis(nodes) => Opened::Redis(match &nodes[..] {
                [server] => RedisStore::connect(server).await?,
                nodes => RedisStore::connect_cluster(nodes).await?,
            }),
        })
    }
}

/// A database that is open.
pub(crate) enum Opened {
    /// Sessions are in cookies alone.
    OutboxAlone(SqliteStore),
    Sqlite(SqliteStore),
    Postgres(PostgresStore),
    Redis(RedisStore),
}

impl Opened {
    /// Has it keep the sessions.
    pub(crate) fn keep(&self, sessions: SessionConfigBuilder) -> SessionConfigBuilder {
        match self {
            Self::OutboxAlone(_) => sessions,
            Self::Sqlite(store) => sessions.store(store.clone()),
            Self::Postgres(store) => sessions.store(store.clone()),
            Self::Redis(store) => sessions.store(store.clone()),
        }
    }

    /// Has it keep what clients are to be told.
    pub(crate) fn notify(
        &self,
        issuer: &str,
        clients: Applications,
        signer: JwtSigner,
    ) -> BackChannelLogoutBuilder {
        match self {
            Self::OutboxAlone(store) | Self::Sqlite(store) => {
                BackChannelLogout::builder(issuer, store.clone(), clients, signer)
            }
            Self::Postgres(store) => {
                BackChannelLogout::builder(issuer, store.clone(), clients, signer)
            }
            Self::Redis(store) => {
                BackChannelLogout::builder(issuer, store.clone(), clients, signer)
            }
        }
    }
}

fn sqlite(path: &Path) -> Result<SqliteStore, Box<dyn Error>> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok(SqliteStore::open(path)?)
}
