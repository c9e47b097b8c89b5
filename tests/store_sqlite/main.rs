//! The SQLite store: everything that the contract asks of a store, and what only a file can suffer.

#![allow(unreachable_pub, reason = "no crate uses a test")]

mod child;
mod conformance;
mod crash;
mod damage;
mod disk_full;
mod files;
mod fixtures;
mod lifecycle;
mod outbox;
mod processes;
#[path = "../support/mod.rs"]
mod support;
mod together;
