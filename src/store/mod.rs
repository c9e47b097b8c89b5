//! Where sessions are kept on the server: the contract for stores, and the stores of this crate.

mod boxed;
mod key;
mod memory;
mod operation;
mod patience;
#[cfg(feature = "postgres")]
mod postgres;
mod query;
mod record;
#[cfg(feature = "redis")]
mod redis;
mod session_store;
#[cfg(feature = "sqlite")]
mod sqlite;

pub use self::key::{RecordKey, bucket_of};
pub use self::memory::MemoryStore;
pub use self::operation::{
    ClientAdded, ClientRemoved, Continuity, Created, End, Limit, Loaded, Purged, Replaced,
    TOMBSTONE, TakenEnd, Touch, Touched, Update, Updated, WhenReached,
};
#[cfg(feature = "postgres")]
pub use self::postgres::{PostgresOptions, PostgresStore};
pub use self::query::{Filter, NameMatch, Part, Position, Query, Selection, end_of_prefix, fold};
pub use self::record::{Record, event_of};
#[cfg(feature = "redis")]
pub use self::redis::{RedisOptions, RedisStore};
pub use self::session_store::SessionStore;
#[cfg(feature = "sqlite")]
pub use self::sqlite::{Durability, SqliteOptions, SqliteStore};
pub use crate::device::Device;

pub(crate) use self::boxed::BoxedStore;
#[cfg(feature = "testing")]
pub(crate) use self::boxed::every_operation;
pub(crate) use self::patience::ask;
pub(crate) use self::record::display_name;
