mod end_log;
mod operations;
mod places;
mod shard;
mod store;

pub use self::store::MemoryStore;
