//! The servers, and the stores on them as a careful host sets them up.

use std::{fs, path::PathBuf, time::Duration};

use axum::Router;
use axum_user_session::{
    KeyRing,
    store::{MemoryStore, PostgresOptions, RedisOptions, SqliteStore},
};
use tower_sessions_redis_store::fred::{
    prelude::{ClientLike, Config, ConnectionConfig, Pool},
    types::config::TcpConfig,
};
use tower_sessions_sqlx_store::sqlx::{
    ConnectOptions,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::{
    contestant::{Place, Who},
    ours,
    servers::{Cluster, Persistence, Postgres, Redis},
    theirs,
};

/// Connections to PostgreSQL, which is what both have by default.
pub(crate) const POSTGRES_CONNECTIONS: u32 = 10;
/// Connections to a SQLite file: this crate has one to write, one to list, and one to read for each of two cores.
const SQLITE_CONNECTIONS: u32 = 4;
/// Connections to a Redis server, each of which takes requests before others are answered.
const REDIS_CONNECTIONS: usize = 1;

/// Servers of this program's own. Both contestants are on the same ones.
pub(crate) struct Servers {
    postgres: Option<Postgres>,
    redis: Option<Redis>,
    cluster: Option<Cluster>,
    folder: tempfile::TempDir,
}

impl Servers {
    /// Starts what these places need, as it is run in production: PostgreSQL waits for the disk, Redis has an append-only file that reaches it once a second.
    pub(crate) fn start(places: &[Place]) -> Self {
        let is_wanted = |place| places.contains(&place);
        Self {
            postgres: is_wanted(Place::Postgres).then(Postgres::start_durable),
            redis: is_wanted(Place::Redis).then(|| Redis::start_with(Persistence::EverySecond)),
            cluster: is_wanted(Place::Cluster)
                .then(|| Cluster::start_with(Persistence::EverySecond)),
            folder: tempfile::tempdir().expect("there is a folder for temporary files"),
        }
    }

    /// The application on an empty store.
    pub(crate) async fn application(&self, place: Place, who: Who) -> Router {
        match who {
            Who::Ours => self.ours(place).await,
            Who::Theirs => self.theirs(place).await,
        }
    }

    async fn ours(&self, place: Place) -> Router {
        let keys = KeyRing::ephemeral();
        let config = match place {
            Place::Memory => ours::config(MemoryStore::new(1_000_000), &keys),
            Place::Sqlite => {
                let store = SqliteStore::open(self.file("ours")).expect("a new file");
                ours::config(store, &keys)
            }
            Place::Postgres => {
                let options = PostgresOptions::new().max_connections(POSTGRES_CONNECTIONS);
                let store = options.connect(&self.database()).await;
                let store = store.expect("PostgreSQL runs");
                store.migrate().await.expect("an empty database");
                ours::config(store, &keys)
            }
            Place::Redis => {
                let store = RedisOptions::new().connect(self.redis().url()).await;
                ours::config(store.expect("Redis runs"), &keys)
            }
            Place::Cluster => {
                let nodes = self.cluster().urls();
                let store = RedisOptions::new().connect_cluster(nodes).await;
                ours::config(store.expect("the cluster runs"), &keys)
            }
        };
        ours::router(config)
    }

    async fn theirs(&self, place: Place) -> Router {
        match place {
            Place::Memory => theirs::router(tower_sessions_0_14::MemoryStore::default()),
            Place::Sqlite => {
                // By default it would neither write ahead nor, with that, wait for the disk any less.
                let options = SqliteConnectOptions::new()
                    .filename(self.file("theirs"))
                    .create_if_missing(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Full)
                    .busy_timeout(Duration::from_secs(5))
                    .pragma("cache_size", "-16384")
                    .disable_statement_logging();
                let pool = SqlitePoolOptions::new()
                    .min_connections(SQLITE_CONNECTIONS)
                    .max_connections(SQLITE_CONNECTIONS)
                    .test_before_acquire(false);
                let pool = pool.connect_with(options).await.expect("a new file");
                let store = tower_sessions_sqlx_store::SqliteStore::new(pool);
                store.migrate().await.expect("an empty database");
                theirs::router(store)
            }
            Place::Postgres => {
                let options: PgConnectOptions = self.database().parse().expect("a URL");
                // By default a connection is tested, with a round trip, before each use.
                let pool = PgPoolOptions::new()
                    .min_connections(POSTGRES_CONNECTIONS)
                    .max_connections(POSTGRES_CONNECTIONS)
                    .test_before_acquire(false);
                let pool = pool.connect_with(options.disable_statement_logging()).await;
                let store =
                    tower_sessions_sqlx_store::PostgresStore::new(pool.expect("PostgreSQL runs"));
                store.migrate().await.expect("an empty database");
                theirs::router(store)
            }
            Place::Redis => on_redis(Config::from_url(&self.redis().url())).await,
            Place::Cluster => {
                let [first, others @ ..] = &self.cluster().urls()[..] else {
                    panic!("a cluster has nodes");
                };
                let first = first.replace("redis://", "redis-cluster://");
                let others = others.iter().map(|url| {
                    let url = url.trim_start_matches("redis://").trim_end_matches('/');
                    format!("node={url}")
                });
                let others: Vec<_> = others.collect();
                on_redis(Config::from_url(&format!("{first}?{}", others.join("&")))).await
            }
        }
    }

    pub(crate) fn file(&self, whose: &str) -> PathBuf {
        let folder = self.folder.path().join(whose);
        fs::create_dir_all(&folder).expect("a folder in a folder for temporary files");
        folder.join("sessions.db")
    }

    /// A database for one of them alone.
    fn database(&self) -> String {
        self.postgres().create_database().url
    }

    pub(crate) fn postgres(&self) -> &Postgres {
        self.postgres.as_ref().expect("it was asked for")
    }

    pub(crate) fn redis(&self) -> &Redis {
        self.redis.as_ref().expect("it was asked for")
    }

    pub(crate) fn cluster(&self) -> &Cluster {
        self.cluster.as_ref().expect("it was asked for")
    }
}

async fn on_redis(
    config: Result<Config, tower_sessions_redis_store::fred::error::Error>,
) -> Router {
    // By default small requests wait for each other's answers.
    let connection = ConnectionConfig {
        tcp: TcpConfig {
            nodelay: Some(true),
            ..TcpConfig::default()
        },
        ..ConnectionConfig::default()
    };
    let config = config.expect("a URL");
    let pool = Pool::new(config, None, Some(connection), None, REDIS_CONNECTIONS);
    let pool = pool.expect("a pool that is not empty");
    // The task of the connections goes on by itself.
    drop(pool.init().await.expect("Redis runs"));
    theirs::router(tower_sessions_redis_store::RedisStore::new(pool))
}
