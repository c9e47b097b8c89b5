mod changes;
mod connection;
mod end_log;
mod failure;
mod job;
mod list;
mod open_error;
mod operations;
mod options;
#[cfg(feature = "back-channel")]
mod outbox;
#[cfg(feature = "back-channel")]
mod outbox_list;
#[cfg(feature = "back-channel")]
mod outbox_operations;
mod queue;
mod reader;
mod records;
mod row;
mod schema;
mod sign_in;
mod store;
mod threads;
mod wal;
mod writer;

pub use self::options::{Durability, SqliteOptions};
pub use self::store::SqliteStore;
