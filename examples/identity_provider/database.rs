//! Where sessions are kept.

use std::{error::Error, fs, path::PathBuf};

use axum_user_session::{
    config::SessionConfigBuilder,
    store::{PostgresStore, RedisStore, SqliteStore},
};

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

    /// Opens the database, and has it keep the sessions.
    pub(crate) async fn keep(
        self,
        sessions: SessionConfigBuilder,
    ) -> Result<SessionConfigBuilder, Box<dyn Error>> {
        Ok(match self {
            Self::None => sessions,
            Self::Sqlite(path) => {
                if let Some(folder) = path.parent() {
                    fs::create_dir_all(folder)?;
                }
                sessions.store(SqliteStore::open(path)?)
            }
            Self::Postgres(url) => {
                let store = PostgresStore::connect(&url).await?;
                store.migrate().await?;
                sessions.store(store)
            }
            Self::Redis(nodes) => sessions.store(match &nodes[..] {
                [server] => RedisStore::connect(server).await?,
                nodes => RedisStore::connect_cluster(nodes).await?,
            }),
        })
    }
}
