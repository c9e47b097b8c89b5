//! Where sessions are kept on the server: the contract for stores, and the stores of this crate.
//!
//! A configuration that is [given one](crate::config::SessionConfigBuilder::store) puts a sealed reference into the cookie, and the session, sealed too, into the
//! store. [`SessionStore`] is the contract; [`MemoryStore`] is for one process and for tests; the others have a feature each.
//!
//! # When something fails
//!
//! Limits are those of the configuration: [`load_limit`](crate::config::SessionConfigBuilder::load_limit) for all that it takes to load a request's session,
//! [`write_limit`](crate::config::SessionConfigBuilder::write_limit) for each change, and for each operation of administrators and of the tasks beside the requests. An operation that fails is asked for once more within its limit. "503" is what the
//! extractor answers, and what an error of kind [`Unavailable`](crate::error::ErrorKind::Unavailable) becomes as a response: with `Retry-After`, and
//! no cookie of ours.
//!
//! The log has one warning a second at most of sessions that could not be loaded, with the number of those that were left out.
//!
//! | fault | what requests see | what becomes of sessions |
//! |---|---|---|
//! | the server is stopped, and started again | 503, mostly at once, until it is back; then as before, with no restart of ours | they are as they were, as far as the server keeps its data |
//! | the server is killed | the same | what was answered is there, and what ended stays over, with a server that waits for its disk (PostgreSQL does by default, Redis with `appendfsync always`) |
//! | connections are cut | nothing, or one 503 | an operation that was under way is repeated; repeating does no harm |
//! | a reply is lost after the write took effect | nothing: the repetition finds the work done; 503 if its reply is lost as well | the change is there, once. After a 503 its outcome is unknown: a sign-in again may have replaced the reference, and the user signs in once more |
//! | a reply comes later than the limit | 503 when the limit is over | the same: the server may still do it |
//! | the connection hangs and nobody says so | 503 when the limit is over, until the store has left it for another | they are as they were |
//! | a master of a Redis Cluster is away | 503, for all sessions, as the cluster refuses commands without it | they are as they were when it is back |
//! | the disk of SQLite is full | reading goes on; sign-ins, new clients and sign-outs are 503 | nothing is lost; who is signed in stays so; writing goes on when there is room |
//! | the memory of Redis, or a `MemoryStore`, is full | sign-ins fail with [`StoreFull`](crate::error::ErrorKind::StoreFull) | no live session is evicted |

mod boxed;
#[cfg(feature = "back-channel")]
mod delivery;
mod key;
mod memory;
mod operation;
#[cfg(feature = "back-channel")]
mod outbox;
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

#[cfg(feature = "back-channel")]
pub use self::delivery::{
    Attempt, Deliveries, Delivery, DeliveryFilter, DeliveryState, Outcome, TakenDelivery,
};
pub use self::key::{RecordKey, bucket_of};
pub use self::memory::MemoryStore;
pub use self::operation::{
    ClientAdded, ClientRemoved, Continuity, Created, End, Limit, Loaded, Purged, Replaced,
    TOMBSTONE, TakenEnd, Touch, Touched, Update, Updated, WhenReached,
};
#[cfg(feature = "back-channel")]
pub use self::outbox::LogoutOutbox;
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
