//! The store in PostgreSQL, on a server of its own: held to the contract of all stores, and to what is its own.
#![cfg(all(unix, feature = "postgres"))]

mod admin;
mod conformance;
mod faults;
mod guarded;
mod migrations;
mod outbox;
mod plans;
mod races;
#[path = "../support/servers/mod.rs"]
mod servers;
mod support;
mod upkeep;
