//! Sessions in PostgreSQL.

mod answers;
mod batches;
mod connections;
mod error;
mod lanes;
mod lists;
mod migrate;
mod operations;
mod options;
mod rows;
mod schema;
mod statements;
mod store;

pub use self::options::PostgresOptions;
pub use self::store::PostgresStore;
