use std::time::Duration;

use sqlx::{ConnectOptions, PgPool, postgres::PgConnectOptions};

use super::{
    connections::Connections, error::store_error, lanes::Lanes, schema::Schema,
    store::PostgresStore,
};
use crate::error::StoreError;

/// How a [`PostgresStore`] is set up.
///
/// ```no_run
/// # async fn example() -> Result<(), axum_user_session::error::StoreError> {
/// use axum_user_session::store::PostgresOptions;
///
/// let store = PostgresOptions::new()
///     .schema("login_sessions")?
///     .max_connections(20)
///     .connect("postgres://login@db.internal/accounts?sslmode=verify-full")
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct PostgresOptions {
    schema: Schema,
    max_connections: u32,
    statement_timeout: Option<Duration>,
}

impl PostgresOptions {
    /// The schema `axum_user_session`, at most 10 connections, and 10 seconds for a statement.
    pub fn new() -> Self {
        Self {
            schema: Schema::default(),
            max_connections: 10,
            statement_timeout: Some(Duration::from_secs(10)),
        }
    }

    /// Which schema of the database the tables are in: any name of 1 to 63 bytes, in the case in which it is given. Stores in several schemas know
    /// nothing of each other.
    ///
    /// # Errors
    ///
    /// When the name is empty or too long, is reserved by PostgreSQL, or has a control character, a `$` or a brace.
    pub fn schema(mut self, name: &str) -> Result<Self, StoreError> {
        self.schema = Schema::parse(name)?;
        Ok(self)
    }

    /// The most connections that are open at once; operations queue for them. At least 1. No meaning with a [`pool`](Self::pool) of the host.
    ///
    /// An operation takes a connection for well under a millisecond, so a few more than the database has cores are enough. All
    /// nodes together must stay below the server's `max_connections`.
    pub fn max_connections(mut self, max: u32) -> Self {
        self.max_connections = max;
        self
    }

    /// How long the server works on one statement before it gives up, in whole milliseconds; none: as the server is configured. No meaning
    /// with a [`pool`](Self::pool) of the host, whose connections are its own matter.
    ///
    /// A request that has waited long enough gives up at its own limit; this is about the work that then goes on in the server for nobody.
    /// [`count`](crate::store::SessionStore::count) over very many sessions is what takes longest, and no operation takes more than 30 seconds.
    pub fn statement_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.statement_timeout = timeout.into();
        self
    }

    /// Opens a connection, to see that there is a server, and makes the store.
    ///
    /// The URL is the driver's: `postgres://user:password@host:port/database`, with `sslmode`, `sslrootcert` and others as parameters.
    ///
    /// # Errors
    ///
    /// When the URL can't be used, or the server does not let us in.
    pub async fn connect(self, url: &str) -> Result<PostgresStore, StoreError> {
        let options: PgConnectOptions = url.parse().map_err(store_error)?;
        let lanes = Lanes::new(self.connection_options(options), self.max_connections);
        let connections = Connections::own(lanes);
        connections.acquire().await.map_err(store_error)?.put_back();
        Ok(PostgresStore::of(connections, self.schema))
    }

    /// Makes a store that takes its connections from a pool of the host. [What to think of](PostgresStore#connections) is told there.
    pub fn pool(self, pool: PgPool) -> PostgresStore {
        PostgresStore::of(Connections::hosts(pool), self.schema)
    }

    /// What our own connections have, whatever the server's or the role's defaults are.
    fn connection_options(&self, options: PgConnectOptions) -> PgConnectOptions {
        let options = match options.get_application_name() {
            Some(_) => options,
            None => options.application_name(env!("CARGO_PKG_NAME")),
        };
        // Names are looked up where nobody else can put one. And no statement is worth being compiled, whatever the planner expects.
        let options = options
            .options([("search_path", "pg_catalog"), ("jit", "off")])
            .options([("default_transaction_isolation", "read committed")]);
        let options = match self.statement_timeout {
            None => options,
            Some(timeout) => {
                let millis = timeout.as_millis().clamp(1, i32::MAX as u128);
                options.options([("statement_timeout", millis)])
            }
        };
        options.disable_statement_logging()
    }
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self::new()
    }
}
