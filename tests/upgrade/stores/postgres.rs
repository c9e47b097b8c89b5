use std::fmt::Write;

use axum_user_session::store::{PostgresOptions, PostgresStore};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

use super::Place;
use crate::{
    completeness::sha256,
    fixtures::crate_root,
    servers::{Database, Postgres},
};

/// A database of its own.
pub(crate) struct PostgresPlace {
    database: Database,
    store: PostgresStore,
}

impl PostgresPlace {
    async fn open(content: &str) -> Self {
        let database = Postgres::shared().create_database();
        let mut connection = PgConnection::connect(&database.url).await.unwrap();
        for statements in statements(content) {
            let run = sqlx::raw_sql(AssertSqlSafe(statements));
            run.execute(&mut connection).await.unwrap();
        }
        connection.close().await.unwrap();
        let options = PostgresOptions::new().max_connections(4);
        let store = options.connect(&database.url).await.unwrap();
        store.migrate().await.unwrap();
        Self { database, store }
    }
}

impl Place for PostgresPlace {
    type Store = PostgresStore;
    const NAME: &'static str = "postgres";
    const ENDING: &'static str = "sql";

    async fn empty() -> Self {
        Self::open("").await
    }

    async fn load(text: &str) -> Self {
        Self::open(text).await
    }

    fn store(&self) -> PostgresStore {
        self.store.clone()
    }

    /// Which migrations have made the tables, then their rows.
    async fn text(&self) -> String {
        let mut text = format!("create schema {SCHEMA};\n{BOOK}\n");
        for script in scripts() {
            let digest = sha256(script_text(&script).as_bytes());
            writeln!(text, "{RUN}{script} {digest}").unwrap();
        }
        let mut connection = PgConnection::connect(&self.database.url).await.unwrap();
        for sql in [
            // The driver's texts are bytes in hexadecimal digits, numbers, and arrays in braces, whatever is set elsewhere.
            "set bytea_output = 'hex'",
            "set search_path = pg_catalog",
        ] {
            sqlx::query(sql).execute(&mut connection).await.unwrap();
        }
        let tables = "select tablename::text from pg_tables where schemaname = 'axum_user_session' order by 1";
        for table in column(&mut connection, tables.to_owned()).await {
            let columns = format!(
                "select column_name::text from information_schema.columns \
                 where table_schema = '{SCHEMA}' and table_name = '{table}' \
                 and column_name <> 'applied' order by ordinal_position"
            );
            let columns = column(&mut connection, columns).await;
            let values: Vec<_> = columns
                .iter()
                .map(|name| format!("quote_nullable({name}::text)"))
                .collect();
            let rows = format!(
                "select {} from {SCHEMA}.{table} order by 1",
                values.join(" || ', ' || ")
            );
            let columns = columns.join(", ");
            for row in column(&mut connection, rows).await {
                writeln!(
                    text,
                    "insert into {SCHEMA}.{table} ({columns}) overriding system value\n  values ({row});"
                )
                .unwrap();
            }
        }
        let counted = format!(
            "select format('select setval(pg_get_serial_sequence(''{SCHEMA}.%s'', ''%s''), 1000);', table_name, column_name) \
             from information_schema.columns where table_schema = '{SCHEMA}' and is_identity = 'YES' order by 1"
        );
        for statement in column(&mut connection, counted).await {
            writeln!(text, "{statement}").unwrap();
        }
        text
    }
}

/// The statements of a text, and those of the scripts that it names.
///
/// A script that was released is never changed, or stores that were made by it would differ from those that are made now.
fn statements(content: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    for line in content.lines() {
        let Some(named) = line.strip_prefix(RUN) else {
            let last = all.last_mut().unwrap();
            last.push_str(line);
            last.push('\n');
            continue;
        };
        let (script, digest) = named.split_once(' ').unwrap();
        let text = script_text(script);
        assert_eq!(sha256(text.as_bytes()), digest, "{script} was changed");
        all.push(text.replace("{schema}", SCHEMA));
        all.push(String::new());
    }
    all
}

/// The migrations of this release, in their order.
fn scripts() -> Vec<String> {
    let source = std::fs::read_to_string(folder().join("migrate.rs")).unwrap();
    let named = source.split("include_str!(\"").skip(1);
    let scripts = named.map(|rest| rest.split('"').next().unwrap().to_owned());
    scripts.collect()
}

fn script_text(script: &str) -> String {
    std::fs::read_to_string(folder().join(script)).unwrap()
}

fn folder() -> std::path::PathBuf {
    crate_root().join("src/store/postgres")
}

async fn column(connection: &mut PgConnection, sql: String) -> Vec<String> {
    let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(connection);
    let rows = rows.await.unwrap();
    rows.iter().map(|row| row.try_get(0).unwrap()).collect()
}

const SCHEMA: &str = "axum_user_session";
const RUN: &str = "-- run ";
/// Made before the first migration.
const BOOK: &str = "create table axum_user_session.migrations (version integer primary key, applied timestamptz not null default now());";

super::upgrade_tests!(PostgresPlace, #[ignore = "needs PostgreSQL: bash tests/run.sh"]);
