mod end_log;
mod operations;
mod shard;
mod store;

pub use self::store::MemoryStore;
