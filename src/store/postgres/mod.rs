//! Sessions in PostgreSQL.

mod answers;
mod batches;
mod client_array;
mod connections;
mod error;
mod lanes;
mod lists;
mod migrate;
mod operations;
mod options;
#[cfg(feature = "back-channel")]
mod outbox;
#[cfg(feature = "back-channel")]
mod outbox_lists;
mod rows;
mod schema;
mod statements;
mod store;

pub use self::options::PostgresOptions;
pub use self::store::PostgresStore;
