mod end_log;
mod operations;
#[cfg(feature = "back-channel")]
mod outbox;
#[cfg(feature = "back-channel")]
mod outbox_operations;
mod places;
mod shard;
mod store;

pub use self::store::MemoryStore;
