//! What runs beside the requests: the end of sessions that nobody comes back to, and the news of those that have ended.
//!
//! Run both on any node, or on all of them: the store hands each session, and each end, to one of them.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! use axum_user_session::{KeyRing, SessionConfig, cleanup::{CleanupTask, EndedTask}, store::MemoryStore};
//! # use axum_user_session::{ended::Ended, error::BoxError, hook::EndedHook};
//! # struct Notifier;
//! # impl EndedHook for Notifier { async fn ended(&self, _: &Ended) -> Result<(), BoxError> { Ok(()) } }
//!
//! let config = SessionConfig::builder(KeyRing::ephemeral())
//!     .store(MemoryStore::new(1000))
//!     .ended_hook(Notifier)
//!     .build()?;
//! let cleanup = CleanupTask::new(&config)?.spawn();
//! let news = EndedTask::new(&config)?.spawn();
//!
//! // ... serve, and when the server has stopped:
//! cleanup.stop().await;
//! news.stop().await;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

mod cleanup_task;
mod ended_task;
mod handle;

pub use self::cleanup_task::{CleanedUp, CleanupTask};
pub use self::ended_task::EndedTask;
pub use self::handle::TaskHandle;
