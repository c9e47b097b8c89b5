//! What the crate tells of itself: one event for each thing that happens, logged and, with the feature `metrics`, counted.
//!
//! Events go to [`tracing`](https://docs.rs/tracing) under the target [`TARGET`], with the field `event` that names them. What is usual is on level debug, what somebody
//! should look at on a higher one. A request that reads a session has no event. Besides, a warning under the crate's own modules says what a failure leads to where nobody is told
//! of it by an error.
//!
//! With the feature `metrics` the same is counted through the facade [`metrics`](https://docs.rs/metrics), for whichever recorder the application has installed, such as that of
//! Prometheus. Install it before [`build`](crate::config::SessionConfigBuilder::build), which describes the metrics to it. Without one nothing is counted, and
//! reading a session costs no memory for it.
//!
//! # Events and metrics
//!
//! `-` in the first column is a metric without an event. Names and fields stay as they are between versions, up to a breaking one; the text of messages does not. Each metric's name
//! begins with `axum_user_session_`, which is left out here.
//!
#![doc = include_str!("table.md")]
//!
//! # What the labels are
//!
//! | label | values |
//! |---|---|
//! | `reason` | what [`EndReason::as_str`](crate::ended::EndReason::as_str) gives |
//! | `kind` of a cookie | `forged`, also truncated or never ours; `incomplete`, a part of it is missing; `expired`; `ended`, the session is over, or its reference was replaced; `no_record` in the store; `record_forged`, changed or moved there. And of those left alone: `unknown_key` or format, `record_unknown_key`, `too_many` cookies of our name, `conflict` of several valid ones |
//! | `kind` of a seal | `no_key` to seal with; `too_large` for the cookies or the store |
//! | `operation` | a method of [`SessionStore`](crate::store::SessionStore) |
//! | `outcome` of it | `ok`; `error`; `abandoned`, as the time limit was over or the client has gone away |
//!
//! No label has a value that a request could choose, so there is a bounded number of time series: fewer than a hundred, however many users there are.
//!
//! # What they are good for, and what not
//!
//! - **No event shows** a subject, a session id, a cookie or a token. An end has its [event id](crate::ended::Ended::event_id), and a logout notification its
//!   client's id. What your own hooks and stores say in their errors is shown as they say it.
//! - **Sessions started minus sessions ended is not the number of sessions.** Each node counts what it has done itself since it started, and without a store nobody notices that a
//!   session expires. Ask the store: [`CleanupTask::count_sessions`](crate::cleanup::CleanupTask::count_sessions) sets a gauge. All nodes report the same
//!   number there, so take the largest, not the sum.
//! - **An end is counted where it was made**, once. One whose answer from the store was lost is in the store's log of ends, and is not counted.
//! - **An event is no audit log.** Whoever must hear of every end has an [`EndedHook`](crate::hook::EndedHook).
//!
//! ```
//! use axum_user_session::events;
//! use tracing_subscriber::{EnvFilter, layer::SubscriberExt};
//!
//! // Warnings of everybody, and every event of sessions.
//! let filter = EnvFilter::new(format!("warn,{}=debug", events::TARGET));
//! let log = tracing_subscriber::registry().with(filter).with(tracing_subscriber::fmt::layer());
//! tracing::subscriber::set_global_default(log)?;
//! # Ok::<_, tracing::subscriber::SetGlobalDefaultError>(())
//! ```

#[cfg(feature = "metrics")]
mod count;
mod event;
mod log;
mod store_call;
#[cfg(test)]
#[cfg(all(feature = "back-channel", feature = "metrics"))]
mod tests;

pub use self::log::TARGET;

#[cfg(feature = "metrics")]
pub(crate) use self::count::describe;
pub(crate) use self::event::{Event, Refusal, SealFailure};
pub(crate) use self::store_call::{Operation, StoreCall, operation};
