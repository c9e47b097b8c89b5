//! Brings the tables up.
//!
//! The driver's own migrations take fixed texts, and ours have the schema's name in them. They keep their book in a table that the host may have in use.

use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

use super::{connections::Connections, error::store_error, schema::Schema};
use crate::error::StoreError;

/// What leads from each version of the tables to the next, the first from nothing to version 1.
///
/// A script that was released is never changed. Nodes of the release before run on while it is applied, so it leaves them what they use.
const MIGRATIONS: [&[&str]; 2] = [
    &[
        include_str!("migrations/1_tables.sql"),
        include_str!("migrations/1_functions.sql"),
        include_str!("migrations/1_operations.sql"),
    ],
    &[include_str!("migrations/2_outbox.sql")],
];

pub(super) async fn migrate(connections: &Connections, schema: &Schema) -> Result<(), StoreError> {
    let mut lease = connections.acquire().await.map_err(store_error)?;
    let outcome = migrate_on(lease.connection(), schema).await;
    match outcome {
        Ok(()) => lease.put_back(),
        Err(_) => lease.close(),
    }
    outcome.map_err(|failure| match failure {
        Failure::Database(error) => store_error(error),
        Failure::Refused(text) => StoreError::new(text),
    })
}

enum Failure {
    Database(sqlx::Error),
    Refused(String),
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

async fn migrate_on(connection: &mut PgConnection, schema: &Schema) -> Result<(), Failure> {
    // Each statement has to see what was committed while we waited for the lock, whatever the host's default is.
    let begin = "begin isolation level read committed";
    let mut transaction = connection.begin_with(begin).await?;
    run(&mut transaction, schema, SETTINGS).await?;
    sqlx::query("select pg_advisory_xact_lock(hashtextextended($1, 4721183))")
        .bind(schema.name())
        .execute(&mut *transaction)
        .await?;

    let there = "select getdatabaseencoding()::text, \
        exists (select from pg_namespace where nspname = $1), \
        exists (select from pg_tables where schemaname = $1 and tablename = 'migrations')";
    let there = sqlx::query(there).bind(schema.name());
    let there = there.fetch_one(&mut *transaction).await?;
    let (encoding, has_schema, has_table): (String, bool, bool) =
        (there.try_get(0)?, there.try_get(1)?, there.try_get(2)?);
    if encoding != "UTF8" {
        let text = format!("the database's encoding is {encoding}, and UTF8 is needed");
        return Err(Failure::Refused(text));
    }
    if !has_schema {
        run(&mut transaction, schema, "create schema {schema}").await?;
    }
    if !has_table {
        run(&mut transaction, schema, BOOK).await?;
    }
    let version = schema.sql("select coalesce(max(version), 0) from {schema}.migrations");
    let version = sqlx::query_scalar(AssertSqlSafe(version));
    let version: i32 = version.fetch_one(&mut *transaction).await?;

    let version = usize::try_from(version).unwrap_or_default();
    let Some(missing) = MIGRATIONS.get(version..) else {
        let known = MIGRATIONS.len();
        let text = format!(
            "the tables have version {version}, from a newer release; this one knows version {known}"
        );
        return Err(Failure::Refused(text));
    };
    for scripts in missing {
        for script in *scripts {
            run(&mut transaction, schema, script).await?;
        }
        let note = "insert into {schema}.migrations select coalesce(max(version), 0) + 1 from {schema}.migrations";
        run(&mut transaction, schema, note).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Runs statements of our own, with no values in them.
async fn run(
    connection: &mut PgConnection,
    schema: &Schema,
    template: &str,
) -> Result<(), sqlx::Error> {
    let statements = sqlx::raw_sql(AssertSqlSafe(schema.sql(template)));
    statements.execute(connection).await?;
    Ok(())
}

/// It takes the time that it takes, the wait for another node included.
const SETTINGS: &str = "set local search_path = pg_catalog; set local statement_timeout = 0; set local lock_timeout = 0";

const BOOK: &str = "create table {schema}.migrations (version integer primary key, applied timestamptz not null default now())";
