//! Querying and ending sessions from outside of a request: for administrators, for the users themselves, and for endpoints that a session's clients call.
//!
//! All of it needs a [store](crate::store).
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! use axum_user_session::{KeyRing, SessionConfig, admin::{SessionAdmin, SessionQuery}, store::{Filter, MemoryStore}};
//!
//! let config = SessionConfig::builder(KeyRing::ephemeral()).store(MemoryStore::new(1000)).build()?;
//! let admin = SessionAdmin::new(&config)?;
//!
//! // The account is disabled: its sessions end everywhere.
//! let ended = admin.revoke(&Filter::subject("alice")?).await?;
//!
//! // A page of a list, newest first.
//! let page = admin.query(&SessionQuery::everyone().page_size(50)).await?;
//! # assert_eq!((ended, page.sessions.len()), (0, 0));
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

mod activity;
mod info;
mod page_token;
mod query;
mod self_service;
mod session_admin;

pub use self::activity::Extension;
pub use self::info::SessionInfo;
pub use self::query::{SessionPage, SessionQuery};
pub use self::self_service::MySession;
pub use self::session_admin::SessionAdmin;
