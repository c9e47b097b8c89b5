//! What the tests of the stores stand on: servers of their own, which can be broken, and never outlive the tests.
#![cfg(unix)]

mod beginning;
mod cluster;
mod end;
mod postgres;
mod proxy;
mod redis;
#[path = "../support/servers/mod.rs"]
mod servers;
