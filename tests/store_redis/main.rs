//! The store in Redis, held to the contract of all stores, and to what is its own, on real servers.
#![cfg(all(unix, feature = "redis"))]

mod beginning;
mod conformance;
mod damage;
mod faults;
mod fixtures;
mod indexes;
mod layout;
mod log;
mod moving;
mod outbox;
mod replies;
mod scripts;
#[path = "../support/servers/mod.rs"]
mod servers;
mod slots;
