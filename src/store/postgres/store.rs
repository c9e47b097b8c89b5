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

/// Keeps sessions in PostgreSQL, for one node or many.
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
    /// Any number of nodes may call it at once, at every start. One of them does the work, in one transaction.
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
