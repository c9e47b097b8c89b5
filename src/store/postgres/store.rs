use std::{fmt, sync::Arc};

use sqlx::{
    PgPool, Postgres,
    postgres::{PgArguments, PgRow},
    query::Query,
};

use super::{
    connections::Connections, migrate, options::PostgresOptions, schema::Schema,
    statements::Statements,
};
use crate::error::StoreError;
#[cfg(doc)]
use crate::store::SessionStore;

/// Keeps sessions in PostgreSQL (12 or later), for one node or many.
///
/// A cheap handle; clones are one store. [Migrate](Self::migrate) before it is used.
///
/// ```no_run
/// use axum_user_session::store::PostgresStore;
///
/// # async fn example() -> Result<(), axum_user_session::error::StoreError> {
/// let store = PostgresStore::connect("postgres://server@localhost/accounts").await?;
/// store.migrate().await?;
/// # Ok(())
/// # }
/// ```
///
/// # Connections
///
/// [`connect`](Self::connect) opens a few of its own, which it keeps. An operation is one round trip on one of them. When the server is
/// away, operations fail at once; when it is back, they work again, after one more error at most.
///
/// [`new`](Self::new) takes a pool of the host. The pool makes round trips of its own, waits while a server is away for as long as it is
/// set to, and must not change the isolation level READ COMMITTED. Set `test_before_acquire(false)`: the store itself tests what may be
/// broken, with a limit.
///
/// For TLS, enable one of the driver's features for it in your own manifest, such as `sqlx/tls-rustls-aws-lc-rs`. Own connections are
/// set up by startup options, and all statements are prepared; a pooler between must let both through, or the options be left to a pool of the host.
///
/// # Tables
///
/// All is in one schema, `axum_user_session` [by default](PostgresOptions::schema): the tables `sessions`, `ended` (the log of ends), `deliveries`
/// (the outbox of logout notifications) and `migrations`, and functions. Nothing else in the database is touched.
/// Subject, session id, display name, clients and device are in the clear; who is signed in is sealed.
///
/// A role that may create the schema has to [migrate](Self::migrate) once for each release. The role that serves needs no more than this,
/// and may then call it, too:
///
/// ```sql
/// GRANT USAGE ON SCHEMA axum_user_session TO server;
/// GRANT SELECT, INSERT, UPDATE, DELETE ON axum_user_session.sessions, axum_user_session.ended, axum_user_session.deliveries TO server;
/// GRANT SELECT ON axum_user_session.migrations TO server;
/// GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA axum_user_session TO server; -- which everybody may by default
/// ```
///
/// # What it promises
///
/// Every operation is one statement, and one transaction, that sees one moment. There are two that are a few of them:
/// [`take_expired`](SessionStore::take_expired), and [`delete_matching`](SessionStore::delete_matching) without a subject when others end some of the same sessions meanwhile.
///
/// What was answered is on the server's disk, as far as its settings say so (`fsync`, `synchronous_commit`), which they do by default: a crash of
/// this process, of the server or of its machine takes nothing back. Only signs of life do not wait for the disk. A crash of the server
/// may take back those of the last second, and a session that is not used again then expires as if it had been used a little less long. After a failover to a standby that was
/// behind, a session that had ended may be back; `synchronous_standby_names` prevents that.
///
/// # The outbox
///
/// With the feature `back-channel` it is an outbox of logout notifications too, for all nodes together, with the same promises. Takers pass by what another takes at that moment, and wait
/// for nobody. Taking looks at no delivery that is settled, however many these are, and reads those that are due for clients that are passed by. Lists by end, session, user, client and state
/// have an index each; with all of them, a delivery takes 0.15 kB in the table and 0.55 kB in its indexes, for as long as nobody forgets it. Counting reads an entry of an index for each delivery, about a tenth of a second for a million.
///
/// The table comes with version 2 of the schema, whatever the features are. Nodes of the release before run on while it is made and afterwards, as nothing of theirs is touched.
///
/// # Upkeep
///
/// None, with autovacuum, which is on by default. Signs of life and new clients write to the table but to no index. A transaction that is open
/// for hours, anywhere in the database, keeps the tables from being tidied.
///
/// A session takes about 0.9 kB in the table and 0.5 kB in the indexes, for a ticket of 450 bytes; `pg_total_relation_size('axum_user_session.sessions')` tells. What is asked
/// for by key, subject or session id, pages, and batches of clean-up take as long among a million sessions as among ten thousand.
/// A page by name looks at 4000 names at most, or at as many sessions as it takes to meet one page of more names than that. Counting reads all that it counts.
/// There is no searching within names.
#[derive(Clone)]
pub struct PostgresStore {
    inner: Arc<Inner>,
}

struct Inner {
    connections: Connections,
    schema: Schema,
    statements: Statements,
}

impl PostgresStore {
    /// Opens connections of its own, as [`PostgresOptions::connect`] does with what is set by default.
    ///
    /// # Errors
    ///
    /// When the URL can't be used, or the server does not let us in.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        PostgresOptions::new().connect(url).await
    }

    /// Takes its connections from a pool of the host, as [`PostgresOptions::pool`] does with what is set by default.
    pub fn new(pool: PgPool) -> Self {
        PostgresOptions::new().pool(pool)
    }

    /// Brings the tables up to what this release needs, if they are not.
    ///
    /// Any number of nodes may call it at once, at every start. One of them does the work, in one transaction. Nodes of the release before go on
    /// meanwhile and after.
    ///
    /// # Errors
    ///
    /// When the tables are from a newer release than this one knows, when the role may not make what is missing, when the database's encoding
    /// is not UTF-8, or when the server can't answer.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        migrate::migrate(&self.inner.connections, &self.inner.schema).await
    }

    pub(super) fn of(connections: Connections, schema: Schema) -> Self {
        let statements = Statements::new(&schema);
        Self {
            inner: Arc::new(Inner {
                connections,
                schema,
                statements,
            }),
        }
    }

    pub(super) fn schema(&self) -> &Schema {
        &self.inner.schema
    }

    pub(super) fn statements(&self) -> &Statements {
        &self.inner.statements
    }

    pub(super) async fn rows(
        &self,
        query: Query<'_, Postgres, PgArguments>,
    ) -> Result<Vec<PgRow>, StoreError> {
        self.inner.connections.rows(query).await
    }

    /// The row of a statement that always has one.
    pub(super) async fn row(
        &self,
        query: Query<'_, Postgres, PgArguments>,
    ) -> Result<PgRow, StoreError> {
        let mut rows = self.rows(query).await?;
        rows.pop()
            .ok_or_else(|| StoreError::new("PostgreSQL: a row is missing"))
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("schema", &self.schema().name())
            .finish_non_exhaustive()
    }
}
