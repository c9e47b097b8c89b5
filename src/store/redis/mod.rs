mod begin;
mod call;
mod change;
mod check;
mod cluster;
#[cfg(feature = "back-channel")]
mod delivery;
mod due;
mod ends;
mod entry;
mod failure;
mod finish;
mod hints;
mod index;
mod keys;
mod link;
mod list;
mod look_up;
mod operations;
mod options;
#[cfg(feature = "back-channel")]
mod outbox;
#[cfg(feature = "back-channel")]
mod outbox_list;
#[cfg(feature = "back-channel")]
mod outbox_take;
mod rename;
mod reply;
mod row;
mod script;
mod servers;
mod slots;
mod store;
mod walk;
mod way;

pub use self::options::RedisOptions;
pub use self::store::RedisStore;
